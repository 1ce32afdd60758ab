//! Every code has a fixture that produces it and a page that explains it.
//!
//! `fixtures/diagnostics/CODE-NAME/` holds a tree, or one `input.toml`, and `expected.txt`. With `WINDLASS_UPDATE=1`
//! the expected texts are written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use windlass_compiler::diagnostic::{CODES, Diagnostic};
use windlass_compiler::{Environments, Options, Root, Variable, compile};

use crate::support::{Tree, render};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fixtures() -> BTreeMap<String, PathBuf> {
    let folder = repository().join("fixtures/diagnostics");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
}

/// Options of a fixture: `-e NAME` and `--var NAME=VALUE`, one a line, in `options`.
fn options(tree: &mut Tree) -> Options {
    let mut options = Options::default();
    if tree.0.contains_key("input.toml") {
        options.root = Root::File("input.toml".to_owned());
    }
    let lines = tree.0.remove("options").unwrap_or_default();
    for line in String::from_utf8(lines).unwrap().lines() {
        match line.split_once(' ').unwrap() {
            ("-e", name) => options.environments = Environments::One(name.to_owned()),
            (origin, variable) => {
                let (name, value) = variable.split_once('=').unwrap();
                let (name, value, origin) = (name.to_owned(), value.to_owned(), origin.to_owned());
                options.variables.push(Variable { name, value, origin });
            }
        }
    }
    options
}

#[test]
fn every_fixture_gives_its_expected_diagnostics() {
    let mut wrong = Vec::new();
    for (name, folder) in fixtures() {
        let mut tree = Tree::load(&folder);
        let expected = tree.0.remove("expected.txt").unwrap_or_default();
        let options = options(&mut tree);
        let actual = render(&compile(&tree, &options));
        let code = name.split('-').next().unwrap();
        if !actual.contains(&format!("[{code} ")) {
            wrong.push(format!("{name} does not produce {code}:\n{actual}"));
        }
        if std::env::var_os("WINDLASS_UPDATE").is_some() {
            std::fs::write(folder.join("expected.txt"), &actual).unwrap();
        } else if String::from_utf8_lossy(&expected) != actual {
            wrong.push(format!("{name}:\n{actual}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn message_label_and_help_say_three_different_things() {
    let mut repeated = BTreeSet::new();
    for folder in fixtures().values() {
        let mut tree = Tree::load(folder);
        tree.0.remove("expected.txt");
        let options = options(&mut tree);
        for report in compile(&tree, &options).diagnostics.iter().map(Diagnostic::report) {
            let help = report.help.as_deref().unwrap_or_default();
            let echoes = |text: &str| report.message.ends_with(text) || help == text;
            let labels = report.labels.iter().filter(|label| echoes(&label.text));
            repeated.extend(labels.map(|label| format!("{}: {}", report.code, label.text)));
        }
    }
    assert_eq!(repeated, BTreeSet::new());
}

#[test]
fn every_code_has_a_fixture_and_a_page_and_nothing_else_has() {
    let codes: BTreeSet<&str> = CODES.iter().map(|info| info.code).collect();
    assert_eq!(codes.len(), CODES.len(), "a code is used twice");
    let fixtures = fixtures();
    let with_fixture: BTreeSet<&str> = fixtures.keys().map(|name| name.split('-').next().unwrap()).collect();
    assert_eq!(with_fixture, codes);
    for name in fixtures.keys() {
        let known = CODES.iter().any(|info| {
            name.strip_prefix(info.code).is_some_and(|rest| rest.starts_with(&format!("-{}", info.name)))
        });
        assert!(known, "{name} is not CODE-NAME of a code");
    }
    let pages = std::fs::read_dir(repository().join("docs/diagnostics")).unwrap();
    let pages: BTreeSet<String> =
        pages.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let wanted: BTreeSet<String> = codes.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, wanted);
}

#[test]
fn every_page_starts_with_its_code_and_name() {
    for info in CODES {
        let page = repository().join(format!("docs/diagnostics/{}.md", info.code));
        let Ok(page) = std::fs::read_to_string(page) else { continue };
        assert!(page.starts_with(&format!("# {} {}\n", info.code, info.name)), "{}", info.code);
    }
}
