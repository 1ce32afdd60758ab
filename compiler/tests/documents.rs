//! Every spec that a document shows compiles, without a warning.
//!
//! A fenced `toml` block starts with `# file: PATH`; `windlass.toml` begins a new tree, any other file joins it.

#![expect(clippy::disallowed_methods, reason = "a test reads the documents that it is about")]

use std::collections::BTreeMap;
use std::path::Path;

use windlass_compiler::diagnostic::Report;
use windlass_compiler::world::Unreadable;
use windlass_compiler::{Options, World, compile};

/// The files of one tree. Whatever is no spec exists and is empty: scripts are not shown.
#[derive(Debug, Default)]
struct Tree(BTreeMap<String, String>);

impl World for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        match self.0.get(path) {
            Some(text) => Ok(text.clone().into_bytes()),
            None if path.ends_with(".toml") => Err(Unreadable::Missing),
            None => Ok(Vec::new()),
        }
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// The trees that a document shows.
fn trees(text: &str) -> Vec<Tree> {
    let mut trees: Vec<Tree> = Vec::new();
    for block in text.split("```toml\n").skip(1) {
        let (block, _) = block.split_once("\n```").expect("a block is closed");
        let first = block.lines().next().unwrap_or_default();
        let path = first.strip_prefix("# file: ").unwrap_or_else(|| panic!("no `# file:` in `{first}`"));
        if path == "windlass.toml" {
            trees.push(Tree::default());
        }
        let tree = trees.last_mut().expect("the root file comes first");
        tree.0.insert(path.to_owned(), block.to_owned());
    }
    trees
}

fn check(document: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let trees = trees(&std::fs::read_to_string(path).unwrap());
    assert!(!trees.is_empty(), "{document} shows no spec");
    for tree in trees {
        let found = compile(&tree, &Options::default()).diagnostics;
        let found: Vec<Report> =
            found.iter().map(windlass_compiler::diagnostic::Diagnostic::report).collect();
        assert!(found.is_empty(), "{document}: {found:#?}\nin {:#?}", tree.0);
    }
}

#[test]
fn the_specs_of_the_language_page_compile() {
    check("docs/specs.md");
}

#[test]
fn the_specs_of_the_readme_compile() {
    check("README.md");
}
