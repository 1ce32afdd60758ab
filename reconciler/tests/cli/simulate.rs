//! `windlass simulate`: scripts, their mistakes, and runs from seeds.

use insta::assert_snapshot;

use super::invocation::Place;

const ROOT: &str = r#"version = 1
project = "shop"

[cluster.tokyo]
kind = "local"

[cluster.osaka]
kind = "local"
"#;

const PIPELINE: &str = r#"[pipeline]
name = "orders"

[job.totals]
mode = "stream"
cluster = "tokyo"
process = { command = ["totals"] }

[job.settle]
mode = "batch"
cluster = "osaka"
after = ["totals"]
retry = { attempts = 1, backoff = "5s..5s" }
process = { command = ["settle"] }
"#;

fn shop(script: &str) -> Place {
    Place::with(&[("windlass.toml", ROOT), ("pipelines/orders.toml", PIPELINE), ("script.toml", script)])
}

fn told(script: &str, more: &[&str]) -> super::invocation::Ended {
    shop(script).run(&[&["simulate", "--script", "script.toml"], more].concat())
}

#[test]
fn a_cluster_that_is_away_makes_unknown_and_starts_nothing_twice() {
    let script = r#"
        begin = "01:59"
        end = "02:20"
        [job."orders.settle"]
        takes = "3m"
        fails = 1
        [[event]]
        at = "02:00"
        cluster = "osaka"
        fault = "unreachable"
        for = "10m"
        [[event]]
        at = "02:05"
        do = "stop orders.totals"
    "#;
    assert_snapshot!(told(script, &[]).story());
}

#[test]
fn every_mistake_of_a_script_is_told_with_what_is_allowed() {
    let script = r#"begn = "01:59"
[cluster.tokio]
kind = "ids"
[cluster.osaka]
kind = "kubernetes"
[job."orders.setle"]
[[event]]
at = "2 o'clock"
do = "stop orders.totals"
[[event]]
at = "02:00"
cluster = "osaka"
fault = "unreachable"
[[event]]
at = "02:00"
job = "orders.totals"
fault = "failure"
for = "10m"
[[event]]
at = "02:00"
owner = 3
fault = "crash"
[[event]]
at = "02:00"
do = "halt orders.totals"
"#;
    assert_snapshot!(told(script, &[]).story());
}

#[test]
fn a_story_is_json_as_well() {
    let ended = told("[[event]]\nat = \"00:10\"\nowner = 1\nfault = \"crash\"\n", &["--json"]);
    let document: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(document["verdict"]["held"], true);
    let end = document["end"].as_array().expect("a list");
    let states: Vec<_> = end.iter().map(|one| (one["state"].as_str(), one["starts"].as_u64())).collect();
    assert_eq!(states, [(Some("succeeded"), Some(1)), (Some("running"), Some(1))]);
    let faults = document["story"].as_array().expect("a list").iter().filter(|line| line["kind"] == "fault");
    let said: Vec<_> = faults.filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(said, ["takes over, in epoch 1", "dies", "takes over, in epoch 2"]);
    assert_eq!(ended.code, 0);
}

#[test]
fn runs_from_seeds_hold_every_promise_and_repeat() {
    let place = shop("");
    let once = place.run(&["simulate", "--seed", "7", "--runs", "20"]);
    assert_eq!(once.code, 0, "{}", once.story());
    assert!(once.out.starts_with("20 runs, seeds 7 to 26: "), "{}", once.out);
    assert!(once.out.ends_with("every promise held\n"), "{}", once.out);
    assert_eq!(place.run(&["simulate", "--seed", "7", "--runs", "20"]).out, once.out);
}

#[test]
fn a_script_that_cannot_be_read_is_said_to_be() {
    assert_snapshot!(shop("").run(&["simulate", "--script", "other.toml"]).story(), @"
    --- stderr
    error: the script `other.toml` cannot be read
      because: No such file or directory (os error 2)
    --- exit 1
    ");
}

#[test]
fn the_example_of_the_quickstart_is_a_script() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/quickstart");
    let ended = Place::new().run(&["-C", folder, "simulate", "--script", "outage.toml"]);
    assert_eq!(ended.code, 0, "{}", ended.story());
}
