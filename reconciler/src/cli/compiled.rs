//! A spec, found and compiled as the command line asks for it: what every command that reads specs starts with.

use std::mem;
use std::path::{Component, Path};

use windlass_compiler::diagnostic::{Diagnostic, Report};
use windlass_compiler::model::Model;
use windlass_compiler::name::Name;
use windlass_compiler::report::{self, Findings};
use windlass_compiler::source::FileId;
use windlass_compiler::{Compilation, Environments, Options, Root, Variable, World, compile, validate};

use super::args::SpecArgs;
use super::console::Console;
use super::failure::Failure;
use super::vars;
use crate::tree::{NotFound, Tree};

/// A compiled spec tree. Its texts are named as seen from the working directory, so that whoever reads a path in
/// a message can open it.
pub struct Compiled {
    /// The tree.
    pub tree: Tree,
    /// Its texts and models.
    pub compilation: Compilation,
    /// What is wrong, in source order.
    pub reports: Vec<Report>,
    /// What the names of its texts start with.
    prefix: String,
}

impl Compiled {
    /// Looks for mistakes in every environment, or in the one that was named, and keeps no model.
    pub fn checked(path: Option<&Path>, args: &SpecArgs) -> Result<Self, Failure> {
        let environments =
            args.environment().map_or(Environments::Every, |name| Environments::One(name.to_owned()));
        Self::of(path, args, environments, validate)
    }

    /// Compiles the environment that was named, or the spec without overlays.
    pub fn one(path: Option<&Path>, args: &SpecArgs) -> Result<Self, Failure> {
        let environments =
            args.environment().map_or(Environments::Base, |name| Environments::One(name.to_owned()));
        Self::of(path, args, environments, compile)
    }

    /// Compiles the same spec as another world has it: `tree` says where it starts, `prefix` what its texts are
    /// named by.
    pub fn elsewhere(tree: Tree, world: &dyn World, prefix: &str, args: &SpecArgs) -> Result<Self, Failure> {
        let environments =
            args.environment().map_or(Environments::Base, |name| Environments::One(name.to_owned()));
        let compilation = compile(world, &options(&tree, environments, vars::gather(args)?));
        Ok(Self::new(tree, compilation, prefix.to_owned()))
    }

    /// Compiles a tree with exactly these values.
    pub fn with(tree: Tree, environment: Option<&Name>, variables: Vec<Variable>) -> Self {
        let environments = environment.map_or(Environments::Base, |name| Environments::One(name.to_string()));
        let compilation = compile(&tree, &options(&tree, environments, variables));
        let prefix = prefix(&tree);
        Self::new(tree, compilation, prefix)
    }

    fn of(
        path: Option<&Path>,
        args: &SpecArgs,
        environments: Environments,
        compile: fn(&dyn World, &Options) -> Compilation,
    ) -> Result<Self, Failure> {
        let tree = Tree::at(path)?;
        let compilation = compile(&tree, &options(&tree, environments, vars::gather(args)?));
        let prefix = prefix(&tree);
        Ok(Self::new(tree, compilation, prefix))
    }

    fn new(tree: Tree, mut compilation: Compilation, prefix: String) -> Self {
        let reports = compilation.diagnostics.iter().map(Diagnostic::report).collect();
        compilation.sources = mem::take(&mut compilation.sources).below(&prefix);
        Self { tree, compilation, reports, prefix }
    }

    /// The path of a file, relative to the root of the tree.
    pub fn in_tree(&self, file: FileId) -> &str {
        let path = self.compilation.sources.path(file);
        path.strip_prefix(&self.prefix).unwrap_or(path)
    }

    /// What is wrong, for writing it out.
    pub fn findings(&self) -> Findings<'_> {
        Findings::new(&self.compilation.sources, &self.reports)
    }

    /// The model of the one environment that was compiled. What is wrong goes to the console, and errors are a
    /// failure.
    pub fn model(self, console: &Console) -> Result<(Tree, Model), Failure> {
        self.check(console)?;
        let model = self.compilation.models.into_iter().next().ok_or_else(not_valid)?;
        Ok((self.tree, model))
    }

    /// Writes what is wrong to the console; errors are a failure.
    pub fn check(&self, console: &Console) -> Result<(), Failure> {
        let findings = self.findings();
        if findings.errors() > 0 || findings.warnings() > 0 && console.warns() {
            console.notes().write(&findings.write(report::Format::Text, console.note_style()));
        }
        if findings.errors() > 0 { Err(not_valid()) } else { Ok(()) }
    }
}

fn options(tree: &Tree, environments: Environments, variables: Vec<Variable>) -> Options {
    let root = if tree.is_whole() { Root::Tree } else { Root::File(tree.start().to_owned()) };
    Options { root, environments, variables }
}

fn not_valid() -> Failure {
    Failure::error("the spec is not valid").hint("nothing was done; `windlass validate` checks it")
}

/// What stands before a path of the tree when it is seen from the working directory.
fn prefix(tree: &Tree) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    match here {
        Ok(here) if tree.start() != crate::tree::STDIN => relative(&here, tree.root()),
        _ => String::new(),
    }
}

/// The way from one folder to another, with a slash at its end; empty where they are the same. A folder that has
/// nothing in common with `from` is named in full.
fn relative(from: &Path, to: &Path) -> String {
    let normal = |component: &Component<'_>| matches!(component, Component::Normal(_));
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    if !from.components().take(shared).any(|component| normal(&component)) && from != to {
        return format!("{}/", to.display());
    }
    let up = from.components().skip(shared).map(|_| "../".to_owned());
    let down = to.components().skip(shared).map(|part| format!("{}/", part.as_os_str().to_string_lossy()));
    up.chain(down).collect()
}

impl From<NotFound> for Failure {
    fn from(error: NotFound) -> Self {
        let failure = Self::error(&error);
        match &error {
            NotFound::Spec { .. } => failure.hint("`windlass init` writes a spec to start from"),
            NotFound::Nothing { .. } => failure,
            NotFound::Unreadable { reason, .. } => failure.because(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_from_where_the_user_stands() {
        for (from, to, way) in [
            ("/a/b", "/a/b", ""),
            ("/a", "/a/specs/x", "specs/x/"),
            ("/a/b/pipelines", "/a/b", "../"),
            ("/a/b", "/a/c", "../c/"),
            ("/home/me", "/srv/specs", "/srv/specs/"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), way, "{from} {to}");
        }
    }
}
