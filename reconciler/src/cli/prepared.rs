//! A spec tree, compiled and planned: what a command that changes something starts from.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use windlass_compiler::model::Model;
use windlass_compiler::plan::Plan;

use super::args::{SpecArgs, StoreArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::failure::Failure;
use super::opened::{absolute, store_url};
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
    /// `14 specs, read 2026-11-22T20:42Z`.
    pub fn heading(&self) -> String {
        let noun = super::proposal::plural(self.files, "spec");
        format!("{} {noun}, read {}", self.files, Timestamp::now().strftime("%Y-%m-%dT%H:%MZ"))
    }
}

/// The folder of the project that the working folder is in, and the URL of its store. Reads no more of the spec than
/// that, so that jobs can be stopped while a spec is broken.
pub fn project_root(store: &StoreArgs) -> Result<(PathBuf, String), Failure> {
    let root = match Tree::at(None) {
        Ok(tree) => tree.root().to_owned(),
        Err(NotFound::Spec { .. }) => absolute(Path::new("."))?,
        Err(other) => return Err(other.into()),
    };
    let (named, acknowledge) = named_store(&root.join(ROOT)).unwrap_or_default();
    Ok((root, store_url(store, named.as_deref(), acknowledge)))
}

/// What `[store]` says, if the file can be read that far: the URL, and how many replicas acknowledge.
fn named_store(path: &Path) -> Option<(Option<String>, Option<u8>)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let store = table.get_ref().get("store")?.get_ref().as_table()?;
    let text = |key: &str| store.get(key)?.get_ref().as_str();
    let replicas = text("acknowledge").and_then(|text| text.strip_prefix("replicas:")?.parse().ok());
    Some((text("url").map(str::to_owned), replicas))
}
