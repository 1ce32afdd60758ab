//! A spec tree, compiled and planned: what a command that changes something starts from.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use windlass_compiler::model::{Lease, Model};
use windlass_compiler::plan::Plan;

use super::args::{SpecArgs, StoreArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::failure::Failure;
use super::opened::{Backing, absolute};
use crate::tree::{NotFound, ROOT, Tree};

/// A compiled and planned tree.
pub struct Prepared {
    /// The tree.
    pub tree: Tree,
    /// Its model.
    pub model: Model,
    /// Its plan.
    pub plan: Plan,
    /// Whether the compiler warned.
    pub warned: bool,
    files: usize,
}

/// Compiles and plans the tree at `path`. What is wrong with it is shown; an error ends the command.
pub fn prepare(path: Option<&Path>, spec: &SpecArgs, console: &Console) -> Result<Prepared, Failure> {
    planned(Compiled::one(path, spec)?, console)
}

/// Plans a compiled tree. What is wrong with it is shown; an error ends the command.
pub fn planned(compiled: Compiled, console: &Console) -> Result<Prepared, Failure> {
    let warned = compiled.findings().warnings() > 0;
    let files = compiled.compilation.sources.len();
    let (tree, mut model) = compiled.model(console)?;
    // The plan takes the jobs over: of thousands, a second copy is a tenth of the time of a plan.
    let jobs = std::mem::take(&mut model.jobs).into_values();
    let plan = Plan::new(model.project.clone(), model.environment.clone(), jobs)
        .map_err(|cycle| Failure::error("the jobs wait for each other").because(&cycle))?;
    Ok(Prepared { tree, model, plan, warned, files })
}

impl Prepared {
    /// What backs the project.
    pub fn backing(&self, args: &StoreArgs) -> Backing {
        let Model { store, acknowledge, lease, .. } = &self.model;
        Backing::new(args, Some(store), *acknowledge, lease.clone())
    }

    /// `14 specs, read 2026-11-22T20:42Z`.
    pub fn heading(&self) -> String {
        let noun = super::proposal::plural(self.files, "spec");
        format!("{} {noun}, read {}", self.files, Timestamp::now().strftime("%Y-%m-%dT%H:%MZ"))
    }
}

/// The folder of the project that the working folder is in, and what backs it. Reads no more of the spec than
/// that, so that jobs can be stopped while a spec is broken.
pub fn project_root(store: &StoreArgs) -> Result<(PathBuf, Backing), Failure> {
    let root = match Tree::at(None) {
        Ok(tree) => tree.root().to_owned(),
        Err(NotFound::Spec { .. }) => absolute(Path::new("."))?,
        Err(other) => return Err(other.into()),
    };
    let backing = named(&root.join(ROOT), store).unwrap_or_else(|| Backing::new(store, None, None, None));
    Ok((root, backing))
}

/// What backs a saved plan: the store that it was made against, unless another is named, and the lease of the specs.
pub fn saved_backing(root: &Path, store: &str, args: &StoreArgs) -> Backing {
    let spec = named(&root.join(ROOT), args);
    let lease = spec.as_ref().and_then(|spec| spec.lease.clone());
    Backing::new(args, Some(store), None, lease)
}

/// What `[store]` and `[lease]` say, as far as the file can be read.
fn named(path: &Path, args: &StoreArgs) -> Option<Backing> {
    let text = std::fs::read_to_string(path).ok()?;
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let table = |name: &str| table.get_ref().get(name)?.get_ref().as_table();
    let text = |name: &str, key: &str| table(name)?.get(key)?.get_ref().as_str();
    let replicas = text("store", "acknowledge").and_then(|text| text.strip_prefix("replicas:")?.parse().ok());
    let nodes = table("lease").and_then(|lease| lease.get("nodes")?.get_ref().as_array());
    let lease = nodes.map(|nodes| Lease {
        nodes: nodes.iter().filter_map(|node| node.get_ref().as_str()).map(str::to_owned).collect(),
        ttl: text("lease", "ttl").and_then(|ttl| ttl.parse().ok()).unwrap_or(Lease::TTL),
    });
    Some(Backing::new(args, text("store", "url"), replicas, lease))
}
