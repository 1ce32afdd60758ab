//! After every convergence a second apply shows no change, decides nothing and writes nothing.

use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::spec::{Job, batches, mixed};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

fn check(jobs: &[Job], commands: &[&[&str]]) {
    let project = Project::new(BINARY, jobs);
    project.ok(&["apply"]);
    project.assert_settled(&[]);
    for command in commands {
        project.ok(command);
        project.assert_settled(&[]);
    }
    project.assert_sound();
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
}

#[test]
fn after_a_first_apply() {
    check(&mixed(), &[]);
    check(&batches(), &[]);
}

#[test]
fn after_operations() {
    check(
        &mixed(),
        &[
            &["restart", "p.follow"],
            &["stop", "p.follow"],
            &["start", "p.follow"],
            &["suspend", "p.follow"],
            &["resume", "p.follow"],
            &["run", "p"],
            &["protect", "p.settle"],
            &["unprotect", "p.settle"],
            &["reconcile", "--once"],
        ],
    );
}

#[test]
fn after_a_change() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    for fee in ["--var=fee=2", "--var=fee=1"] {
        project.ok(&["apply", "-y", fee]);
        project.assert_settled(&[fee]);
    }
    project.write(&batches());
    project.ok(&["apply", "-y"]);
    project.assert_settled(&[]);
    project.assert_sound();
    project.nothing_is_left();
}

#[test]
fn after_a_failure() {
    let jobs = [
        Job::batch("settle", "fail"),
        Job::batch("report", "batch").after("\"settle\""),
        Job::batch("clean-up", "batch").after("{ job = \"settle\", when = \"failed\" }"),
    ];
    let project = Project::new(BINARY, &jobs);
    let first = project.run(&["apply"]);
    assert_eq!(first.code, Some(5), "{first}");
    let states = ["p.settle", "p.report", "p.clean-up"].map(|job| project.state(job));
    assert_eq!(states, [Some(Name::Failed), Some(Name::Skipped), Some(Name::Succeeded)]);
    let before = project.dump();
    let second = project.run(&["apply"]);
    assert_eq!(second.code, Some(1), "{second}");
    assert_eq!(project.dump(), before, "{second}");
    project.assert_sound();
}

#[test]
fn a_selection_reaches_what_it_removes_and_nothing_else() {
    let jobs = ["a", "b", "c"].map(|name| Job::batch(name, "batch"));
    let project = Project::new(BINARY, &jobs);
    project.ok(&["apply"]);
    project.write(&jobs[..1]);
    let done = project.ok(&["apply", "-y", "-s", "p.b"]);
    assert!(done.out.contains("1 to stop"), "{done}");
    let fleet = project.fleet();
    let belonging = fleet.desired.values().filter(|desired| desired.goal.intent.belongs());
    let left: Vec<_> = belonging.map(|desired| desired.job().to_string()).collect();
    assert_eq!(left, ["p.a", "p.c"]);
    let before = project.dump();
    project.ok(&["apply", "-s", "p.a"]);
    assert_eq!(project.dump(), before);
}
