//! What the service says about its own work.

use rustix::process::{Pid, Signal, kill_process};
use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::project::until;
use windlass_tests::spec::Job;

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// What the service has said when a stream runs that it started. `heard`: what is waited for besides.
fn said(arguments: &[&str], variables: &[(&str, &str)], heard: &str) -> String {
    let project = Project::new(BINARY, &[Job::stream("follow", "stream")]);
    project.ok(&["apply", "--no-wait"]);
    let service = project.spawn(variables, &[&["reconcile"], arguments].concat());
    until("it runs", || project.state("p.follow") == Some(Name::Running));
    until("it is said", || service.said().contains(heard));
    let id = Pid::from_raw(service.id().try_into().expect("a process id")).expect("not zero");
    kill_process(id, Signal::TERM).expect("it is ours");
    let done = service.end();
    assert_eq!(done.code, Some(143), "{done}");
    done.err
}

#[test]
fn every_transition_is_a_line_unless_nobody_wants_to_hear_it() {
    let plain = said(&[], &[], "submitting → running");
    let lines: Vec<_> = plain.lines().filter(|line| line.contains("Z p.follow ")).collect();
    assert!(lines[0].ends_with("waiting → submitting"), "{plain}");
    assert_eq!(plain.matches("submitting → running").count(), 1, "{plain}");
    assert!(!said(&["-q"], &[], "").contains('→'));
    assert!(!said(&[], &[("WINDLASS_LOG", "warn")], "").contains('→'));
}
