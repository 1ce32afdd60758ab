//! What is left of an apply that was not seen to its end, and what becomes of its journal.

use std::time::Duration;

use windlass_core::apply::Progress;
use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::project::until;
use windlass_tests::spec::{Job, batches};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// A batch that is under way although no command drives it, and a removal of it that nobody has begun.
fn removal() -> Project {
    let project = Project::new(BINARY, &[Job::batch("long", "endless")]);
    let apply = project.spawn(&[], &["apply"]);
    until("it has started", || !project.evidence().lines.is_empty());
    until("it is under way", || project.state("p.long") == Some(Name::Running));
    apply.kill_after(Duration::ZERO);
    project.ok(&["destroy", "-y", "--no-wait"]);
    project
}

fn progress(project: &Project) -> Progress {
    let last = project.fleet().applies.into_values().max_by_key(|apply| apply.change.at);
    last.expect("something was applied").progress
}

fn belongs(project: &Project) -> bool {
    project.fleet().desired.values().any(|desired| desired.goal.intent.belongs())
}

#[test]
fn a_removal_that_is_resumed_sees_its_batches_to_their_end() {
    let project = removal();
    project.ok(&["applies", "resume"]);
    assert_eq!(project.state("p.long"), Some(Name::Stopped), "{}", project.story());
    assert!(!belongs(&project));
    assert!(matches!(progress(&project), Progress::Converged(_)));
    project.nothing_is_left();
    project.assert_sound();
}

#[test]
fn a_removal_that_is_given_up_keeps_its_batches_and_stops_them() {
    let project = removal();
    project.ok(&["applies", "abort"]);
    assert_eq!(project.state("p.long"), Some(Name::Stopped), "{}", project.story());
    assert!(belongs(&project), "{}", project.story());
    assert!(matches!(progress(&project), Progress::Aborted(_)));
    project.nothing_is_left();
    project.assert_settled(&[]);
    project.assert_sound();
}

#[test]
fn a_failure_of_what_an_apply_did_not_touch_is_not_its_failure() {
    let mut jobs = vec![Job::batch("bad", "fail")];
    let project = Project::new(BINARY, &jobs);
    assert_eq!(project.run(&["apply"]).code, Some(5));
    assert!(matches!(progress(&project), Progress::Failed(_)));
    jobs.extend(batches());
    project.write(&jobs);
    let done = project.run(&["apply"]);
    assert_eq!(done.code, Some(5), "the project is not as it should be: {done}");
    assert!(matches!(progress(&project), Progress::Converged(_)), "{}", project.story());
    project.assert_sound();
}
