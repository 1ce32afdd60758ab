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

#[test]
fn a_stale_plan_is_made_again_as_it_was_made() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    project.ok(&["plan", "--var=fee=2", "-x", "p.report", "--out", "plan.json"]);
    project.ok(&["stop", "p.follow"]);
    let done = project.ok(&["apply", "plan.json", "--on-stale", "replan"]);
    assert!(
        done.err.contains("stale") && done.err.contains("desired/p.follow"),
        "what changes is the same, and was looked at: {done}"
    );
    assert_eq!(project.state("p.follow"), Some(Name::Stopped));
    let left = project.ok(&["plan", "--var=fee=2", "--format", "concise"]).out;
    assert_eq!(left.lines().count(), 1, "values and selection are those of the plan: {left}");
    assert!(left.starts_with("~ p.report"), "{left}");
    project.ok(&["destroy", "-y"]);
}

#[test]
fn a_plan_that_is_not_the_one_that_was_saved_needs_a_new_yes() {
    let project = Project::new(BINARY, &apart());
    project.ok(&["apply"]);
    project.ok(&["plan", "--var=fee=2", "--out", "plan.json"]);
    project.ok(&["apply", "-y", "--var=fee=3"]);
    assert_eq!(project.run(&["apply", "plan.json", "-y"]).code, Some(4), "a yes is no replan");
    let before = project.dump();
    let unasked = project.run(&["apply", "plan.json", "--on-stale", "replan"]);
    assert_eq!(unasked.code, Some(1), "{unasked}");
    assert!(unasked.out.contains("~ p.follow") && unasked.err.contains("--yes"), "{unasked}");
    assert_eq!(project.dump(), before, "nothing is written before the answer");
    project.ok(&["apply", "plan.json", "--on-stale", "replan", "-y"]);
    project.assert_settled(&["--var=fee=2"]);
    project.ok(&["protect", "p.follow"]);
    project.write(&apart()[1..]);
    let refused = project.run(&["apply", "plan.json", "--on-stale=replan", "-y"]);
    assert_eq!(refused.code, Some(3), "a replan has the limits of every apply: {refused}");
    project.ok(&["unprotect", "p.follow"]);
    project.ok(&["destroy", "-y"]);
}

#[test]
fn an_apply_that_stops_at_an_error_starts_nothing_new_and_can_be_resumed() {
    let waits = ["sh", "-c", "until [ -e go ]; do sleep 0.02; done"];
    let project = Project::new(
        BINARY,
        &[
            Job::batch("bad", "fail"),
            Job::batch("slow", "batch").running(&waits),
            Job::batch("later", "batch").after("\"slow\""),
        ],
    );
    let stopped = project.run(&["apply", "--on-error", "stop"]);
    assert_eq!(stopped.code, Some(5), "{stopped}");
    for word in ["nothing new is started", "1 of 3 jobs did not reach the goal", "windlass applies resume "] {
        assert!(stopped.err.contains(word), "{word}: {stopped}");
    }
    assert_eq!(project.state("p.slow"), Some(Name::Running), "what runs goes on");
    std::fs::write(project.file("go"), "").unwrap();
    let resumed = project.run(&["applies", "resume"]);
    assert_eq!(resumed.code, Some(5), "{resumed}");
    assert_eq!(project.state("p.later"), Some(Name::Succeeded), "{}", project.story());
    project.assert_sound();
}

#[test]
fn what_had_failed_before_stops_no_apply() {
    let bad = Job::batch("bad", "fail");
    let project = Project::new(BINARY, std::slice::from_ref(&bad));
    assert_eq!(project.run(&["apply"]).code, Some(5));
    project.write(&[bad, Job::batch("first", "batch"), Job::batch("second", "batch").after("\"first\"")]);
    let done = project.run(&["apply", "--on-error", "stop"]);
    assert_eq!(done.code, Some(5), "{done}");
    assert_eq!(project.state("p.second"), Some(Name::Succeeded), "{done}");
}

#[test]
fn a_plan_says_what_an_apply_would_refuse() {
    let project = Project::new(BINARY, &[Job::stream("follow", "stream")]);
    project.ok(&["apply"]);
    project.write(&[Job::batch("follow", "batch")]);
    let plan = project.ok(&["plan"]);
    let refused = project.run(&["apply", "-y"]);
    assert_eq!(refused.code, Some(3), "{refused}");
    let reason = "p.follow cannot turn from stream to batch or back; give it a new name";
    assert!(plan.err.contains(reason) && refused.err.contains(reason), "{plan}{refused}");
    assert!(
        plan.out.lines().any(|line| line.starts_with("~ p.follow") && line.contains("refused")),
        "{plan}"
    );
    project.ok(&["destroy", "-y"]);
}

#[test]
fn what_failed_for_good_is_drift() {
    let project = Project::new(BINARY, &[Job::batch("bad", "fail"), Job::batch("good", "batch")]);
    project.run(&["apply"]);
    let drift = project.run(&["drift"]);
    assert_eq!(drift.code, Some(2), "{drift}");
    let lines: Vec<_> = drift.out.lines().filter(|line| line.starts_with("p.")).collect();
    assert!(
        matches!(&lines[..], [line] if line.starts_with("p.bad@") && line.contains("it has failed")),
        "{drift}"
    );
    project.ok(&["destroy", "-y"]);
    assert_eq!(project.run(&["drift"]).code, Some(0));
}

#[test]
fn a_store_that_was_emptied_takes_another_environment() {
    let project = Project::new(BINARY, &mixed());
    let file = project.file("windlass.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "\n[environment.dev]\n\n[environment.prod]\n").unwrap();
    project.ok(&["apply", "-e", "dev"]);
    let refused = project.run(&["apply", "-e", "prod", "-y"]);
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.err.contains("this store holds environment dev"), "{refused}");
    project.ok(&["destroy", "-y"]);
    project.ok(&["apply", "-e", "prod"]);
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
    project.assert_sound();
}
