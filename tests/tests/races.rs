//! Commands that race on one store: none starts anything twice, none loses a stop, none hangs.

use std::time::Duration;

use windlass_core::state::Name;
use windlass_tests::project::{for_each_at_once, until};
use windlass_tests::seed::{Random, seed, times};
use windlass_tests::spec::{Job, mixed};
use windlass_tests::{Done, Project};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
/// Rounds of each race without `WINDLASS_TEST_RACES`.
const ROUNDS: usize = 6;
const THREADS: usize = 2;

/// What may race, none of which may fail.
const RACERS: [&[&str]; 7] = [
    &["apply", "-y", "--var=fee=1"],
    &["apply", "-y", "--var=fee=2"],
    &["stop", "p.follow"],
    &["start", "p.follow"],
    &["restart", "p.follow"],
    &["run", "p"],
    &["reconcile", "--once"],
];

fn race(project: &Project, commands: &[&[&str]]) -> Vec<Done> {
    let running: Vec<_> = commands.iter().map(|command| project.spawn(&[], command)).collect();
    running.into_iter().map(windlass_tests::Running::end).collect()
}

/// Fails unless a command ended in a way that a race explains: done, stale, or overtaken by somebody else's wish.
fn sensible(done: &Done, project: &Project) {
    assert!(matches!(done.code, Some(0 | 4)), "{done}\n{}", project.story());
}

#[test]
fn commands_at_once_start_nothing_twice_and_lose_no_stop() {
    let seed = seed();
    let rounds: Vec<u64> = (0..times("WINDLASS_TEST_RACES", ROUNDS) as u64).collect();
    for_each_at_once(&rounds, THREADS, |round| {
        let mut random = Random::new(seed.wrapping_add(*round));
        let project = Project::new(BINARY, &mixed());
        race(&project, &[&["apply"], &["apply"], &["apply"]])
            .iter()
            .for_each(|done| sensible(done, &project));
        for _ in 0..4 {
            let commands: Vec<_> = (0..4).map(|_| *random.pick(&RACERS)).collect();
            race(&project, &commands).iter().for_each(|done| sensible(done, &project));
            project.assert_sound();
            project.ok(&["stop", "p.follow"]);
            assert_eq!(project.state("p.follow"), Some(Name::Stopped), "{}", project.story());
            assert_eq!(project.alive("p.follow"), [], "{}", project.story());
        }
        race(&project, &[&["destroy", "-y"], &["reconcile", "--once"]]);
        project.nothing_is_left();
        project.assert_sound();
    });
}

#[test]
fn a_stop_wins_over_everything_that_was_asked_before() {
    let rounds: Vec<u64> = (0..times("WINDLASS_TEST_RACES", ROUNDS) as u64).collect();
    for_each_at_once(&rounds, THREADS, |round| {
        let project = Project::new(BINARY, &mixed());
        let apply = project.spawn(&[], &["apply"]);
        // The stop comes at another moment of the apply each time.
        until("there are records", || project.file(".windlass/store.id").exists());
        std::thread::sleep(Duration::from_millis(40 * round));
        let stop = project.run(&["stop", "p.follow"]);
        let applied = apply.end();
        // Before the first commit there is nothing to stop.
        if stop.code == Some(0) {
            assert_eq!(project.state("p.follow"), Some(Name::Stopped), "{applied}{}", project.story());
            assert_eq!(project.alive("p.follow"), []);
        }
        assert!(matches!(applied.code, Some(0 | 5)), "{applied}");
        project.assert_sound();
    });
}

#[test]
fn a_command_beside_the_service_follows_it() {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply", "--no-wait"]);
    let service = project.spawn(&[], &["reconcile"]);
    until("the service has done it", || project.state("p.report") == Some(Name::Succeeded));
    for (command, state) in [("stop", Name::Stopped), ("start", Name::Running), ("restart", Name::Running)] {
        let done = project.ok(&[command, "p.follow"]);
        assert!(done.err.contains("following `windlass reconcile`"), "{done}");
        assert_eq!(project.state("p.follow"), Some(state), "{done}");
    }
    let changed = project.ok(&["apply", "-y", "--var=fee=2"]);
    assert!(changed.err.contains("following `windlass reconcile`"), "{changed}");
    project.assert_settled(&["--var=fee=2"]);
    project.ok(&["destroy", "-y"]);
    let ended = service.kill_after(Duration::ZERO);
    assert!(ended.was_killed(), "{ended}");
    project.nothing_is_left();
    project.assert_sound();
}

#[test]
fn the_service_is_replaced_by_whoever_is_there_when_it_dies() {
    let project = Project::new(BINARY, &[Job::stream("follow", "stream"), Job::batch("slow", "slow")]);
    project.ok(&["apply", "--no-wait"]);
    let service = project.spawn(&[], &["reconcile"]);
    until("the batch is under way", || project.state("p.slow") == Some(Name::Running));
    let mut wait = project.spawn(&[], &["wait"]);
    until("it follows", || wait.said().contains("following") || wait.has_ended());
    service.kill_after(Duration::ZERO);
    let done = wait.end();
    assert_eq!(done.code, Some(0), "{done}\n{}", project.story());
    project.assert_sound();
    assert_eq!(project.state("p.slow"), Some(Name::Succeeded));
}

#[test]
fn a_service_with_a_slow_job_is_no_service_that_hangs() {
    let slow = Job::batch("slow", "batch").running(&["sleep", "4"]);
    let project = Project::new(BINARY, &[Job::batch("first", "batch")]);
    project.ok(&["apply"]);
    let mut service = project.spawn(&[], &["reconcile"]);
    until("the service reconciles", || service.said().contains("reconciling"));
    project.write(&[Job::batch("first", "batch"), slow]);
    project.ok(&["apply", "--lock-timeout", "1s"]);
    assert!(!service.has_ended());
    service.kill_after(Duration::ZERO);
}
