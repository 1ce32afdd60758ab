//! What happens to attempts whose supervisor, host, folder or command is gone, and to commands that resist: a clear
//! state and reason, and only policy decides what follows.

use std::fs;

use rustix::process::Signal;
use windlass_core::id::Instance;
use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::project::until;
use windlass_tests::spec::Job;

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

fn stream() -> Job {
    Job::stream("follow", "stream")
}

fn project(jobs: &[Job]) -> Project {
    Project::new(BINARY, jobs)
}

/// A project with one batch that runs until it is killed, and whose apply has left.
fn endless() -> Project {
    let project = project(&[Job::batch("settle", "endless")]);
    let done = project.run(&["apply", "--timeout=1s"]);
    assert_eq!(done.code, Some(6), "{done}");
    until("it has started", || project.evidence().lines.len() == 1);
    project
}

fn kill_supervisors(project: &Project) {
    project.supervisors().iter().for_each(|found| found.signal(Signal::KILL));
    until("they are dead", || project.supervisors().is_empty());
}

fn reason(project: &Project, job: &str) -> String {
    let fleet = project.fleet();
    let latest: Instance = fleet.latest(&job.parse().expect("a good name")).expect("it was applied");
    fleet.statuses[&latest].state.reason().unwrap_or_default().to_owned()
}

#[test]
fn a_batch_that_is_lost_is_held_until_somebody_retries_it() {
    let project = endless();
    project.kill_everything();
    let done = project.run(&["reconcile", "--once"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert_eq!(project.state("p.settle"), Some(Name::Lost));
    assert_eq!(reason(&project, "p.settle"), "its supervisor was killed, and nothing of the command is left");
    let again = project.run(&["apply"]);
    assert_eq!(again.code, Some(1), "{again}");
    assert_eq!(project.evidence().lines.len(), 1);
    // Now it does something that ends.
    let script = windlass_tests::spec::SCRIPT.replace("endless) sleep 1000;", "endless)");
    fs::write(project.file("job.sh"), script).expect("writable");
    project.ok(&["retry", "p.settle"]);
    assert_eq!(project.state("p.settle"), Some(Name::Succeeded));
    project.assert_sound();
}

#[test]
fn a_batch_whose_supervisor_was_killed_is_lost_when_it_ends() {
    let project = project(&[Job::batch("slow", "slow")]);
    // Long enough for its cluster to be asked several times while it runs on its own.
    let script = windlass_tests::spec::SCRIPT.replace("slow) sleep 1;", "slow) sleep 8;");
    fs::write(project.file("job.sh"), script).expect("writable");
    let apply = project.spawn(&[], &["apply"]);
    until("it has started", || project.evidence().lines.len() == 1);
    kill_supervisors(&project);
    let done = apply.end();
    assert_eq!(done.code, Some(5), "{done}");
    assert!(done.err.contains("degraded: its supervisor was killed; the command still runs"), "{done}");
    assert_eq!(project.state("p.slow"), Some(Name::Lost));
    assert_eq!(project.evidence().lines.len(), 2, "it ran to its end");
    project.assert_sound();
}

#[test]
fn a_stream_is_restarted_only_when_nothing_of_it_is_alive() {
    let project = project(&[stream()]);
    project.ok(&["apply"]);
    kill_supervisors(&project);
    let degraded = project.run(&["apply"]);
    assert_eq!(degraded.code, Some(1), "{degraded}");
    assert_eq!(project.state("p.follow"), Some(Name::Degraded));
    assert_eq!(project.evidence().lines.len(), 1);
    project.kill_everything();
    project.ok(&["reconcile", "--once"]);
    assert_eq!(project.state("p.follow"), Some(Name::Running));
    assert_eq!(project.evidence().starts("p.follow").len(), 2);
    project.assert_sound();
}

#[test]
fn an_apply_without_changes_looks_whether_everything_still_runs() {
    let project = project(&[stream()]);
    for (attempt, command) in ["apply", "wait", "apply"].into_iter().enumerate() {
        project.ok(&["apply"]);
        assert_eq!(project.evidence().starts("p.follow").len(), attempt + 1);
        project.kill_everything();
        project.ok(&[command]);
        assert_eq!(project.state("p.follow"), Some(Name::Running));
        assert_eq!(project.evidence().starts("p.follow").len(), attempt + 2);
        project.assert_sound();
    }
    project.assert_settled(&[]);
}

#[test]
fn a_stream_without_its_supervisor_can_be_restarted_and_stopped() {
    for (command, state) in [("restart", Name::Running), ("stop", Name::Stopped)] {
        let project = project(&[stream()]);
        project.ok(&["apply"]);
        kill_supervisors(&project);
        project.ok(&[command, "p.follow"]);
        assert_eq!(project.state("p.follow"), Some(state));
        project.assert_sound();
        project.ok(&["destroy", "-y"]);
        project.nothing_is_left();
    }
}

#[test]
fn after_a_reboot_batches_are_held_and_streams_run_again() {
    let project = project(&[stream(), Job::batch("settle", "endless")]);
    let first_boot = [("WINDLASS_FAULT_BOOT_ID", "first")];
    let done = project.run_with(&first_boot, &["apply", "--timeout=1s"]);
    assert_eq!(done.code, Some(6), "{done}");
    until("both run", || project.evidence().lines.len() == 2);
    project.kill_everything();
    let second_boot = [("WINDLASS_FAULT_BOOT_ID", "second")];
    let done = project.run_with(&second_boot, &["reconcile", "--once"]);
    assert_eq!(done.code, Some(1), "{done}");
    assert_eq!(project.state("p.settle"), Some(Name::Lost));
    assert_eq!(reason(&project, "p.settle"), "the host was rebooted while it ran");
    assert_eq!(project.state("p.follow"), Some(Name::Running));
    assert_eq!(project.evidence().lines.len(), 3);
    project.assert_sound();
}

#[test]
fn policy_may_retry_a_batch_that_is_lost() {
    let retry = "retry = { attempts = 2, backoff = \"50ms..100ms\", on_lost = \"retry\" }\n";
    let project = project(&[Job::batch("slow", "slow").with(retry)]);
    let apply = project.spawn(&[], &["apply"]);
    until("it has started", || project.evidence().lines.len() == 1);
    let all = project.processes();
    all.iter().filter(|found| found.is_supervisor()).for_each(|found| found.signal(Signal::KILL));
    all.iter().filter(|found| found.instance.is_some()).for_each(|found| found.signal(Signal::KILL));
    let done = apply.end();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(project.evidence().lines.iter().map(|line| line.attempt).collect::<Vec<_>>(), [1, 2, 2]);
    project.assert_sound();
}

#[test]
fn nothing_replaces_an_attempt_whose_folder_was_deleted_while_it_runs() {
    for kind in ["stream", "stubborn"] {
        let project = project(&[Job::stream("follow", kind)]);
        project.ok(&["apply"]);
        fs::remove_dir_all(project.attempt("p.follow-1")).expect("ours");
        let done = project.ok(&["reconcile", "--once"]);
        assert_eq!(project.state("p.follow"), Some(Name::Running));
        assert_eq!(project.evidence().starts("p.follow").len(), 2, "{done}");
        assert_eq!(project.supervisors().len(), 1);
        project.assert_sound();
        project.ok(&["destroy", "-y"]);
        project.nothing_is_left();
    }
}

#[test]
fn a_job_that_ignores_term_is_killed_after_its_grace() {
    let project = project(&[Job::stream("follow", "stubborn")]);
    project.ok(&["apply"]);
    project.ok(&["stop", "p.follow"]);
    assert_eq!(project.state("p.follow"), Some(Name::Stopped));
    project.nothing_is_left();
    project.assert_sound();
}

#[test]
fn a_command_that_is_missing_or_killed_is_told() {
    let missing = Job::batch("settle", "batch").running(&["no-such-command"]);
    for (job, expected) in [
        (missing, "command `no-such-command` not found"),
        (Job::batch("settle", "die"), "killed by SIGKILL"),
        (Job::batch("settle", "fail"), "exit status 3"),
    ] {
        let project = project(&[job]);
        let done = project.run(&["apply"]);
        assert_eq!(done.code, Some(5), "{done}");
        assert!(done.err.contains(expected), "{done}");
        assert_eq!(reason(&project, "p.settle"), expected);
        project.assert_sound();
    }
}
