//! The rules of the tree: who may depend on whom, and that what is shown to users is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use windlass_core::fault::Rule;
use windlass_tests::{rules, table};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// All files below `folder` with this ending, relative to the root of the tree, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            match (path.is_dir(), hidden) {
                (true, false) if !path.ends_with("target") => folders.push(path),
                (false, _) if path.extension().is_some_and(|extension| extension == ending) => {
                    found.push(path)
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages that a manifest depends on, tests aside.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = text(&root().join(manifest));
    let section = text.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap_or_default();
    let names = section.lines().skip(1).filter_map(|line| line.split(['.', '=', ' ']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

/// Fails if a source file below `folder` says any of `words`. `except`: files that may.
fn refuse(folder: &str, words: &[&str], except: &[&str]) {
    for path in files(folder, "rs") {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        if except.iter().any(|allowed| shown.ends_with(allowed)) {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let said = words.iter().find(|word| code.contains(*word));
            assert_eq!(said, None, "{shown}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn the_compiler_depends_on_no_other_package_of_ours() {
    let names = dependencies("compiler/Cargo.toml");
    assert!(names.iter().all(|name| !name.starts_with("windlass")), "{names:?}");
}

#[test]
fn the_core_depends_on_the_compiler_alone_and_on_no_runtime() {
    let names = dependencies("reconciler/core/Cargo.toml");
    let ours: Vec<_> = names.iter().filter(|name| name.starts_with("windlass")).collect();
    assert_eq!(ours, ["windlass-compiler"]);
    for refused in ["tokio", "kube", "redis", "reqwest", "rusqlite", "rustix"] {
        assert!(!names.contains(refused), "the core must not depend on {refused}");
    }
}

#[test]
fn the_pure_packages_ask_no_clock_no_environment_and_no_files() {
    let world = ["SystemTime", "Instant::now", "Timestamp::now", "std::env::var", "std::fs", "std::process"];
    refuse("compiler/src", &world, &["tests.rs"]);
    refuse("reconciler/core/src", &world, &["tests.rs"]);
}

#[test]
fn stores_leases_and_drivers_know_neither_each_other_nor_the_engine() {
    // A lease takes its epochs from the store that it guards, and a store's URL names its lease.
    refuse("reconciler/src/store", &["crate::driver", "crate::engine", "crate::ledger", "crate::cli"], &[]);
    refuse("reconciler/src/lease", &["crate::driver", "crate::engine", "crate::ledger", "crate::cli"], &[]);
    refuse(
        "reconciler/src/driver",
        &["crate::store", "crate::lease", "crate::engine", "crate::ledger", "crate::cli"],
        &[],
    );
}

#[test]
fn the_engine_knows_no_store_no_cluster_and_no_command_by_name() {
    for file in ["reconciler/src/engine.rs", "reconciler/src/converge.rs", "reconciler/src/ledger.rs"] {
        let code = text(&root().join(file));
        for word in ["sqlite", "Sqlite", "driver::local", "crate::cli"] {
            assert!(!code.contains(word), "{file} says {word}");
        }
    }
}

#[test]
fn every_spec_that_users_copy_compiles_without_a_warning() {
    let trees: Vec<PathBuf> =
        files("specs", "toml").into_iter().filter(|path| path.ends_with("windlass.toml")).collect();
    assert!(!trees.is_empty());
    for tree in trees {
        let folder = tree.parent().expect("a file lies in a folder");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_windlass-under-test"))
            .args(["validate", "--deny", "warnings"])
            .arg(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn documents_link_to_what_exists() {
    let mut documents: Vec<PathBuf> = files("docs", "md");
    documents.extend(
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "specs/README.md"].map(|name| root().join(name)),
    );
    for document in documents {
        let text = text(&document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = link.split('#').next().unwrap_or_default();
            let target = document.parent().expect("a file lies in a folder").join(path);
            assert!(target.exists(), "{} links to {link}, which does not exist", document.display());
        }
    }
}

#[test]
fn every_rule_is_needed_by_a_scenario_that_exists() {
    for path in files("fixtures/scenarios", "json") {
        let kept: serde_json::Value = serde_json::from_str(&text(&path)).expect("a scenario");
        let said = |key: &str| kept[key].as_str().map(str::to_owned);
        let (Some(rule), Some(promise), Some(how)) = (said("without"), said("breaks"), said("how")) else {
            continue;
        };
        let name = path.file_stem().expect("it has a name").to_string_lossy();
        rules::row(&rule, &name, &format!("{promise}: {how}"));
    }
    let rows = rules::rows();
    for (_, rule) in Rule::ALL {
        assert!(rows.iter().any(|row| row[0] == rule), "no scenario needs {rule}");
    }
    let tests: String = files("tests", "rs").iter().map(|path| text(path)).collect();
    for row in rows {
        let exists = match row[1].strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
            Some(function) => tests.contains(&format!("fn {function}(")),
            None => root().join(format!("fixtures/scenarios/{}.json", row[1])).exists(),
        };
        assert!(exists, "there is no scenario {}", row[1]);
    }
}

/// The functions of a file that are tests, or scenarios of a rule.
fn tests_of(text: &str) -> BTreeSet<&str> {
    let (mut found, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if !line.starts_with('#') {
            let function = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            found.extend(function.filter(|_| is_test));
            is_test = false;
        }
    }
    let scenarios = text.split("scenario!(").skip(1).filter_map(|rest| rest.split(')').next());
    found.extend(scenarios);
    found
}

/// Where each test stands: in which files of functions, or in the folder of what the simulator plays.
fn places_of_tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut stands = |test: &str, place: &Path| {
        let place = place.strip_prefix(root()).unwrap_or(place).display();
        places.entry(test.to_owned()).or_default().insert(format!("`{place}`"));
    };
    for path in ["tests", "reconciler"].into_iter().flat_map(|folder| files(folder, "rs")) {
        tests_of(&text(&path)).into_iter().for_each(|test| stands(test, &path));
    }
    for path in files("fixtures/scenarios", "json") {
        let (name, folder) = (path.file_stem(), path.parent());
        stands(&name.expect("it has a name").to_string_lossy(), folder.expect("it lies in a folder"));
    }
    places
}

#[test]
fn every_fault_has_tests_that_exist() {
    const HEAD: [&str; 4] = ["what goes wrong", "what has to come of it", "tests", "where"];
    let places = places_of_tests();
    let mut rows = table::rows("docs/safety.md", "faults");
    for row in &mut rows {
        let mut found = BTreeSet::new();
        for test in row[2].split('`').skip(1).step_by(2) {
            found.extend(places.get(test).unwrap_or_else(|| panic!("there is no test {test}")));
        }
        assert!(!found.is_empty() || row[2].starts_with("not here: "), "{} has no test", row[0]);
        row[3] = found.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    }
    table::check("docs/safety.md", "faults", &HEAD, &rows);
}
