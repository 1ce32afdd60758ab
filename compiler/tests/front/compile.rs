//! Whole trees become models.

use crate::support::{Tree, render};
use windlass_compiler::model::{Engine, Mode, When};
use windlass_compiler::{Environments, Options, Variable, compile, render as render_spec};

const ROOT: &str = r#"
version = 1
project = "commerce"

[store]
url = "file:.state"

[param.region]
type = "string"
default = "eu"
[param.tries]
type = "int"
min = 1
max = 9
default = 2

[cluster.here]
kind = "local"

[defaults.batch]
retry = { backoff = "2s..1m" }

[template.base]
process.env = { REGION = "${param.region}", EMPTY = "" }
tags = ["base"]
[template.etl]
use = "base"
mode = "stream"
process.dir = "work"

[environment.dev]
[environment.prod.param.region]
default = "us"
"#;

const ORDERS: &str = r#"
[pipeline]
name = "orders"
owner = "data"

[job.ingest]
use = "etl"
process = { command = ["sh", "ingest.sh", "${environment}"], env.EXTRA = "$${x}" }
"+tags" = ["hot"]

[job.settle]
use = "base"
mode = "batch"
after = ["ingest", { job = "audit.check", when = "failed" }]
process.command = ["sh", "-c", "echo ${pipeline}.${job} on ${cluster.name}"]
retry.attempts = "${param.tries}"
timeout = "2h"
only_in = ["prod"]

[environment.prod.job.settle]
timeout = "4h"
process.env.EMPTY = { unset = true }
"#;

const AUDIT: &str = r#"
[pipeline]
name = "audit"
[job.check]
mode = "batch"
process = { command = ["true"], files = ["check.sh"], stdin = "../orders.csv" }
"#;

fn tree() -> Tree {
    Tree::of([
        ("windlass.toml", ROOT),
        ("pipelines/orders.toml", ORDERS),
        ("pipelines/eu/audit.toml", AUDIT),
        ("pipelines/eu/check.sh", "exit 0"),
    ])
}

#[test]
fn a_whole_tree_becomes_a_model_for_each_environment() {
    let compilation = tree().compile();
    assert_eq!(render(&compilation), "");
    let names: Vec<String> =
        compilation.models.iter().map(|model| model.environment.clone().unwrap().to_string()).collect();
    assert_eq!(names, ["dev", "prod"]);
    let prod = &compilation.models[1];
    assert_eq!(prod.store, "file:.state");
    let ids: Vec<String> = prod.jobs.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["audit.check", "orders.ingest", "orders.settle"]);

    let ingest = &prod.jobs[1];
    let Engine::Process(process) = &ingest.engine;
    assert_eq!(ingest.mode, Mode::Stream);
    assert_eq!(process.command, ["sh", "ingest.sh", "prod"]);
    assert_eq!(process.env["REGION"], "us");
    assert_eq!(process.env["EXTRA"], "${x}");
    assert_eq!(process.dir, "work");
    assert_eq!(process.ready.to_string(), "1s");
    assert_eq!(ingest.tags, ["base", "hot"]);
    assert_eq!(ingest.retry.attempts, 10);
    assert_eq!(ingest.origin.as_ref().unwrap().line, 6);

    let settle = &prod.jobs[2];
    let Engine::Process(process) = &settle.engine;
    assert_eq!(process.command[2], "echo orders.settle on here");
    assert!(!process.env.contains_key("EMPTY"));
    assert_eq!(process.dir, "pipelines");
    assert_eq!(settle.timeout.unwrap().to_string(), "4h");
    assert_eq!(settle.retry.attempts, 2);
    assert_eq!(settle.retry.backoff.min.to_string(), "2s");
    let edges: Vec<(String, When)> =
        settle.after.iter().map(|edge| (edge.job.to_string(), edge.when)).collect();
    assert_eq!(edges, [("orders.ingest".to_owned(), When::Met), ("audit.check".to_owned(), When::Failed)]);

    let Engine::Process(process) = &prod.jobs[0].engine;
    assert_eq!(process.stdin.as_deref(), Some("pipelines/orders.csv"));
    assert_eq!(process.files.keys().collect::<Vec<_>>(), ["pipelines/eu/check.sh"]);
    assert_eq!(compilation.models[0].jobs.len(), 2, "settle is in prod only");
}

#[test]
fn a_variable_wins_over_an_environment() {
    let variable =
        |value: &str| Variable { name: "region".into(), value: value.into(), origin: "--var".into() };
    let options = Options {
        environments: Environments::One("prod".into()),
        variables: vec![variable("ap"), variable("sa")],
        ..Options::default()
    };
    let compilation = compile(&tree(), &options);
    assert_eq!(render(&compilation), "");
    let Engine::Process(process) = &compilation.models[0].jobs[1].engine;
    assert_eq!(process.env["REGION"], "sa");
}

#[test]
fn the_resolved_spec_names_where_each_value_came_from() {
    let compilation = tree().compile();
    let text = render_spec(&compilation, Some("prod"), true).unwrap();
    for line in [
        "default = \"us\"  # windlass.toml:33 environment `prod`, over windlass.toml:10 default",
        "[job.\"orders.settle\"]",
        "timeout = \"4h\"  # pipelines/orders.toml:21 environment `prod`, over pipelines/orders.toml:17 the job",
        "process.env.\"REGION\" = \"us\"  # windlass.toml:24 template `base`",
        "process.grace = \"10s\"  # built in",
        "retry.backoff = \"2s..1m\"  # windlass.toml:21 `defaults.batch`",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n\n{text}");
    }
    let plain = render_spec(&compilation, Some("prod"), false).unwrap();
    assert!(!plain.contains("windlass.toml"));
    assert!(toml::de::DeTable::parse(&text).is_ok() && toml::de::DeTable::parse(&plain).is_ok());
    assert_eq!(render_spec(&compilation, None, false), None);
}

#[test]
fn a_tree_of_which_only_circles_are_wrong_can_be_drawn() {
    let job = |name: &str, after: &str| {
        format!("[job.{name}]\nmode = \"batch\"\ncluster = \"here\"\nprocess.command = [\"true\"]\n{after}\n")
    };
    let circle = job("a", "after = [\"b\"]") + &job("b", "after = [\"a\"]");
    for (pipeline, models, cyclic) in
        [(job("a", ""), 1, 0), (circle.clone(), 0, 1), (circle + &job("c", "nonsense = 1"), 0, 0)]
    {
        let root = "version = 1\nproject = \"p\"\n[cluster.here]\nkind = \"local\"\n";
        let text = format!("{root}[pipeline]\nname = \"p\"\n{pipeline}");
        let compiled = Tree::of([("windlass.toml", &text)]).compile();
        let found = (compiled.models.len(), compiled.cyclic.len());
        assert_eq!(found, (models, cyclic), "{pipeline}\n{}", render(&compiled));
        assert!(compiled.cyclic.iter().all(|model| model.jobs.values().all(|job| job.after.len() == 1)));
    }
}
