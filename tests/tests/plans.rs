//! A saved plan does exactly what it showed or is refused; and what an apply refuses, whoever says yes.

use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::spec::{Job, mixed};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// A stream, and two batches that have nothing to do with it or with each other.
fn apart() -> Vec<Job> {
    vec![Job::stream("follow", "stream"), Job::batch("settle", "batch"), Job::batch("report", "batch")]
}

#[test]
fn a_saved_plan_does_what_it_showed_and_only_once() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    let shown = project.ok(&["plan", "--var=fee=2", "--out", "plan.json"]).out;
    let again = project.ok(&["show", "plan.json"]).out;
    let changes =
        |text: &str| text.lines().filter(|line| line.starts_with('~')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(changes(&shown), changes(&again));
    project.ok(&["apply", "plan.json"]);
    project.assert_settled(&["--var=fee=2"]);
    let second = project.run(&["apply", "plan.json"]);
    assert_eq!(second.code, Some(4), "it rests on what it has changed itself: {second}");
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
}

#[test]
fn a_saved_plan_is_stale_once_something_that_it_rests_on_has_moved() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    project.ok(&["plan", "--var=fee=2", "--out", "plan.json"]);
    // The batches wait for the stream: the plan rests on it.
    project.ok(&["stop", "p.follow", "-m", "at night"]);
    let before = project.dump();
    let stale = project.run(&["apply", "plan.json"]);
    assert_eq!(stale.code, Some(4), "{stale}");
    for word in ["desired/p.follow", "version 1-", "version 2-", "@", "windlass stop"] {
        assert!(stale.err.contains(word), "{word}: {stale}");
    }
    assert_eq!(project.dump(), before, "a refused plan writes nothing");
    project.ok(&["destroy", "-y"]);
}

#[test]
fn a_saved_plan_does_not_mind_what_it_does_not_rest_on() {
    let project = Project::new(BINARY, &apart());
    project.ok(&["apply"]);
    let mut jobs = apart();
    jobs[1] = Job::batch("settle", "batch").with("timeout = \"1h\"\n");
    project.write(&jobs);
    project.ok(&["plan", "--out", "plan.json"]);
    project.ok(&["stop", "p.follow"]);
    project.ok(&["apply", "plan.json"]);
    assert_eq!(project.state("p.follow"), Some(Name::Stopped), "an apply leaves a stop alone");
    project.ok(&["destroy", "-y"]);
}

#[test]
fn a_saved_plan_that_was_changed_by_hand_is_refused() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["plan", "--out", "plan.json"]);
    let text = std::fs::read_to_string(project.file("plan.json")).unwrap();
    for (from, to) in [
        ("job.sh", "other.sh"),
        ("\"effect\": \"create\"", "\"effect\": \"none\""),
        ("\"kind\": \"local\"", "\"kind\":  \"local\""),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(project.file("plan.json"), text.replace(from, to)).unwrap();
        let answer = project.run(&["show", "plan.json"]);
        // White space is no change.
        let same = from.replace(' ', "") == to.replace(' ', "");
        assert_eq!(answer.code, Some(if same { 0 } else { 1 }), "{answer}");
        assert_eq!(answer.err.contains("digest"), !same, "{answer}");
    }
}

#[test]
fn a_protected_job_is_not_removed_by_any_yes() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    project.ok(&["protect", "p.follow"]);
    for command in [&["destroy", "-y"][..], &["destroy", "-y", "--allow-destroy", "9"]] {
        let refused = project.run(command);
        assert_eq!(refused.code, Some(3), "{refused}");
        assert!(refused.err.contains("windlass unprotect p.follow"), "{refused}");
    }
    project.write(&[Job::batch("settle", "batch"), Job::batch("report", "batch")]);
    assert_eq!(project.run(&["apply", "-y"]).code, Some(3));
    assert_eq!(project.state("p.follow"), Some(Name::Running));
    project.ok(&["unprotect", "p.follow"]);
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
}

#[test]
fn many_removals_need_their_number() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let project = Project::new(BINARY, &names.map(|name| Job::batch(name, "batch")));
    project.ok(&["apply"]);
    project.write(&[Job::batch("a", "batch")]);
    let refused = project.run(&["apply", "-y"]);
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.err.contains("--allow-destroy 5"), "{refused}");
    assert_eq!(project.run(&["apply", "-y", "--allow-destroy", "4"]).code, Some(3));
    project.ok(&["apply", "-y", "--allow-destroy", "5"]);
    project.assert_settled(&[]);
}

#[test]
fn an_interruption_needs_a_yes_where_nobody_can_be_asked() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    let before = project.dump();
    let refused = project.run(&["apply", "--var=fee=2"]);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.err.contains("--yes"), "{refused}");
    assert_eq!(project.dump(), before, "nothing is written before the answer");
    project.ok(&["destroy", "-y"]);
}
