//! Any bytes give diagnostics or a model; many mistakes give as many diagnostics.

use proptest::prelude::*;
use windlass_compiler::diagnostic::Report;
use windlass_compiler::{Compilation, Options, Root, compile};

use crate::support::{Tree, render};

/// A spec with a bit of everything.
const VALID: &str = r#"
version = 1
project = "commerce"

[store]
url = "file:.windlass"

[param.region]
type = "string"
choices = ["eu", "us"]
default = 'eu'
[param.wait]
type = "duration"
default = "10m"

[cluster.here]
kind = "local"

[defaults.stream]
restart = { attempts = 10, within = "1h", backoff = "10s..5m" }
[template.etl]
mode = "stream"
process = { env = { REGION = "${param.region}" } }

[environment.prod.param.region]
default = "us"

[pipeline]
name = "orders" # a comment with ünïcödé
description = """
many
lines"""

[job.ingest]
use = "etl"
process.command = ["sh", "-c", "echo $${HOME} ${environment}"]

[job.settle]
mode = "batch"
after = [
  "ingest",
  { job = "probe", when = "failed" },
]
process.command = ["settle"]
timeout = "${param.wait}"
"+tags" = ["a"]

[job.probe]
mode = "batch"
process.command = ["probe"]
retry = { attempts = 0x3, backoff = "1s..1m" }
[environment.prod.job.settle]
timeout = { unset = true }
"#;

fn one_file(bytes: &[u8]) -> Compilation {
    let mut tree = Tree::default();
    tree.0.insert("-".to_owned(), bytes.to_vec());
    let options = Options { root: Root::File("-".to_owned()), ..Options::default() };
    compile(&tree, &options)
}

/// Whatever the bytes: a model or an error, with places that exist, in source order, and the same again.
fn check(bytes: &[u8]) -> Compilation {
    let compilation = one_file(bytes);
    let text = render(&compilation);
    assert!(
        compilation.models.is_empty() == text.contains("error["),
        "neither a model nor an error:\n{text}"
    );
    let reports: Vec<Report> = compilation.diagnostics.iter().map(|one| one.report()).collect();
    let places: Vec<_> = reports.iter().map(|report| report.labels.first().map(|label| label.span)).collect();
    assert!(places.is_sorted(), "{text}");
    for label in reports.iter().flat_map(|report| &report.labels) {
        let range = label.span.range();
        assert!(compilation.sources.text(label.span.file).get(range).is_some(), "{label:?}");
    }
    assert_eq!(render(&one_file(bytes)), text);
    compilation
}

#[test]
fn the_valid_spec_is_valid() {
    let compilation = check(VALID.as_bytes());
    assert_eq!(render(&compilation), "");
}

#[test]
fn every_prefix_gives_a_model_or_an_error() {
    for end in 0..VALID.len() {
        check(&VALID.as_bytes()[..end]);
    }
}

#[test]
fn other_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = VALID.replace('\n', "\r\n");
    assert_eq!(render(&check(windows.as_bytes())), "");
    let marked = format!("\u{feff}{VALID}");
    assert_eq!(render(&check(marked.as_bytes())), "");
}

#[test]
fn monsters_end_quickly() {
    let monsters = [
        "[".repeat(100_000),
        "a = ".to_owned() + &"[".repeat(100_000),
        "a = ".to_owned() + &"{a=".repeat(100_000),
        "a = ".to_owned() + &"[".repeat(100_000) + &"]".repeat(100_000),
        "a.".repeat(100_000) + "b = 1",
        format!("[{}]", vec!["a"; 100_000].join(".")),
        "a = [\n".repeat(20_000),
        "a = \"\"\"\n[b]\n".repeat(20_000),
        "a = '''\n[b]\nb = \"\"\"\n".repeat(20_000),
        "a = 1\n".repeat(50_000),
        "[[a]]\n".repeat(50_000),
        "[a]\n".repeat(50_000),
        "\0".repeat(100_000),
        "\"".repeat(100_000),
        "=".repeat(100_000),
        "=\n".repeat(50_000),
        "${".repeat(50_000),
        format!("project = \"{}\"", "${".repeat(50_000)),
        format!("a = {}", "9".repeat(100_000)),
    ];
    for monster in monsters {
        let compilation = one_file(monster.as_bytes());
        assert!(!compilation.diagnostics.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_give_a_model_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn random_toml_like_text_gives_a_model_or_an_error(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "[", "]", "{", "}", "=", ".", ",", "\n", " ", "\"", "'", "\"\"\"", "#", "job", "a", "pipeline", "1", "+",
                "${", "after", "mode", "process", "unset", "true", "\\", "version = 1\n", "[job.a]\n", "-", "2020-01-01",
            ]),
            0..60,
        ),
    ) {
        check(words.concat().as_bytes());
    }

    #[test]
    fn mutations_give_a_model_or_an_error(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12, any::<u8>()), 1..6),
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, remove, insert) in edits {
            let at = at.index(bytes.len());
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, [insert]);
            bytes.push(b'\n');
        }
        check(&bytes);
    }
}

/// Mistakes that are independent of each other, each one line or so in a job of its own, with its code.
const MISTAKES: &[(&str, &str)] = &[
    ("WL0101", "timeout = 10m"),
    ("WL0101", "timeout ="),
    ("WL0101", "tags = [\"a\" \"b\"]"),
    ("WL0101", "tags = [\"a\""),
    ("WL0101", "description = \"open"),
    ("WL0102", "protect = true\nprotect = false"),
    ("WL0201", "time_out = \"1h\""),
    ("WL0201", "retry = { attempts = 1, bakoff = \"1s..2s\" }"),
    ("WL0202", "protect = \"yes\""),
    ("WL0202", "tags = 1"),
    ("WL0302", "timeout = \"10 min\""),
    ("WL0305", "retry = { attempts = 1, on_lost = \"panic\" }"),
    ("WL0306", "retry = { attempts = -1 }"),
    ("WL0307", "retry = { attempts = 1, backoff = \"1s\" }"),
    ("WL0401", "description = \"${enviroment}\""),
    ("WL0402", "description = \"${param\""),
    ("WL0403", "description = \"${param.nothing}\""),
    ("WL0410", "cluster = \"nowhere\""),
    ("WL0501", "use = \"nothing\""),
    ("WL0502", "only_in = [\"nowhere\", \"prod\"]"),
    ("WL0505", "\"+timeout\" = \"1h\""),
    ("WL0506", "timeout = { unset = true }"),
    ("WL0601", "after = [\"nothing-of-the-kind\"]"),
    ("WL0603", "after = [\"steady\", \"steady\"]"),
    ("WL0604", "after = [{ job = \"steady\", when = \"failed\" }]"),
    ("WL0702", "restart = { attempts = 1 }"),
    ("WL0703", "retry = { attempts = 1, backoff = \"5m..1s\" }"),
    ("WL0708", "timeout = \"0s\""),
    ("WL0801", "process.files = [\"missing.sh\"]"),
    ("WL0803", "process.stdin = \"../../x\""),
    ("WL0901", "matrix = { a = [\"b\"] }"),
    ("WL0903", "description = \"${run.date}\""),
];

#[test]
fn two_hundred_mistakes_give_two_hundred_diagnostics_in_source_order() {
    let root = "version = 1\nproject = \"many\"\n[cluster.here]\nkind = \"local\"\n[environment.prod]\n[environment.dev]\n";
    let mut tree = Tree::of([("windlass.toml", root)]);
    let mut expected = Vec::new();
    // Ten files of twenty mistakes; the seed is the order in which the mistakes are dealt out.
    for file in 0..10 {
        let mut text = format!(
            "[pipeline]\nname = \"p{file}\"\n[job.steady]\nmode = \"stream\"\nprocess.command = [\"sleep\"]\n"
        );
        for job in 0..20 {
            let (code, mistake) = MISTAKES[(file * 20 + job) * 7 % MISTAKES.len()];
            text += &format!("[job.j{job}]\nmode = \"batch\"\nprocess.command = [\"true\"]\n{mistake}\n");
            expected.push(code);
        }
        tree.0.insert(format!("pipelines/{file}.toml"), text.into_bytes());
    }
    let compilation = tree.compile();
    let found: Vec<&str> = compilation.diagnostics.iter().map(|one| one.fault.code()).collect();
    assert_eq!(found, expected, "{}", render(&compilation));
    assert_eq!(found.len(), 200);
    assert!(compilation.models.is_empty());
}
