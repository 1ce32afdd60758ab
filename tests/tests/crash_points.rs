//! The process is killed at every named point, during an apply, a change, a stop and a removal, and then run again:
//! per attempt at most one start, every command that was recorded takes effect, and the end is what was asked.

use std::collections::BTreeSet;

use windlass_core::id::Instance;
use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::project::{Done, for_each_at_once, until};
use windlass_tests::records::moment;
use windlass_tests::spec::{Job, batches, mixed};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
/// Points that are passed often are tried at so many passings.
const PASSINGS: usize = 4;
const THREADS: usize = 4;

/// What is done while the process is killed.
struct Scenario {
    jobs: fn() -> Vec<Job>,
    /// The commands that come before, unharmed.
    before: &'static [&'static [&'static str]],
    command: &'static [&'static str],
    /// Whether the command, given twice, asks for no more than given once.
    repeatable: bool,
    /// What an apply needs to be one without changes afterwards; none where everything is removed.
    again: Option<&'static [&'static str]>,
    /// The state of the stream in the end, and how often it starts on the way if no supervisor is killed.
    stream: Option<(Name, usize)>,
    /// What the last start of every job was given.
    given: &'static str,
}

/// What every command passes that sees something to its end.
const CONVERGING: [&[&str]; 3] = [
    &["lease.after-lock", "lease.after-raise", "cluster.before-question"],
    &["store.before-commit", "store.after-commit"],
    &["status.before-commit", "status.after-commit"],
];
const STARTING: &[&str] = &[
    "create.before",
    "create.before-publish",
    "create.after-publish",
    "create.after",
    "activate.before",
    "activate.after-launch",
    "activate.after",
    "supervisor.before-started",
    "supervisor.after-started",
    "supervisor.after-spawn",
    "supervisor.after-running",
    "supervisor.before-ended",
    "supervisor.after-ended",
    "run.before-end",
    "run.after-end",
];
const STOPPING: &[&str] = &["stop.before", "stop.before-request", "stop.after-request", "stop.after"];
const APPLYING: &[&str] =
    &["apply.before-commit", "apply.after-commit", "apply.before-end", "apply.after-end"];
const INITIALISING: &[&str] = &["store.before-initialise", "store.after-initialise", "store.after-marker"];
const OPERATING: &[&str] = &["command.before-commit", "command.after-commit"];

const APPLY: Scenario = Scenario {
    jobs: mixed,
    before: &[],
    command: &["apply"],
    repeatable: true,
    again: Some(&[]),
    stream: Some((Name::Running, 1)),
    given: "1",
};
const CHANGE: Scenario = Scenario {
    before: &[&["apply"]],
    command: &["apply", "-y", "--var=fee=2"],
    again: Some(&["--var=fee=2"]),
    stream: Some((Name::Running, 2)),
    given: "2",
    ..APPLY
};
const STOP: Scenario = Scenario {
    before: &[&["apply"]],
    command: &["stop", "p.follow"],
    stream: Some((Name::Stopped, 1)),
    ..APPLY
};
const DESTROY: Scenario = Scenario {
    before: &[&["apply"]],
    command: &["destroy", "-y"],
    again: None,
    stream: Some((Name::Stopped, 1)),
    ..APPLY
};
const RESTART: Scenario = Scenario {
    before: &[&["apply"]],
    command: &["restart", "p.follow"],
    repeatable: false,
    stream: Some((Name::Running, 2)),
    ..APPLY
};
const RUN: Scenario = Scenario {
    before: &[&["apply"]],
    command: &["run", "p", "--at=2030-01-01T00:00Z"],
    repeatable: false,
    ..APPLY
};
/// Here it is a batch whose supervisor comes first to the points of supervisors.
const BATCHES: Scenario = Scenario { jobs: batches, stream: None, ..APPLY };

fn points(of: &[&[&'static str]]) -> Vec<&'static str> {
    [&CONVERGING, of].concat().concat()
}

fn apply() -> Vec<&'static str> {
    points(&[INITIALISING, APPLYING, STARTING])
}

fn change() -> Vec<&'static str> {
    points(&[APPLYING, STARTING, STOPPING])
}

fn stop() -> Vec<&'static str> {
    points(&[OPERATING, STOPPING])
}

fn restart() -> Vec<&'static str> {
    let streams = STARTING.iter().filter(|point| !point.contains("end"));
    points(&[OPERATING, STOPPING, &streams.copied().collect::<Vec<_>>()])
}

fn run() -> Vec<&'static str> {
    points(&[OPERATING, STARTING])
}

fn destroy() -> Vec<&'static str> {
    points(&[APPLYING, STOPPING])
}

#[test]
fn killed_during_an_apply() {
    check(&APPLY, &apply());
}

#[test]
fn killed_during_an_apply_of_batches() {
    let supervisors = apply().into_iter().filter(|point| point.starts_with("supervisor"));
    check(&BATCHES, &supervisors.collect::<Vec<_>>());
}

#[test]
fn killed_during_a_change() {
    check(&CHANGE, &change());
}

#[test]
fn killed_during_a_stop() {
    check(&STOP, &stop());
}

#[test]
fn killed_during_a_restart() {
    check(&RESTART, &restart());
}

#[test]
fn killed_during_a_run_by_hand() {
    check(&RUN, &run());
}

#[test]
fn killed_during_a_removal() {
    check(&DESTROY, &destroy());
}

#[test]
fn every_point_is_passed_by_some_scenario() {
    let listed = Project::new(BINARY, &[]).ok(&["__crash-points"]);
    let listed: BTreeSet<&str> = listed.out.lines().collect();
    let passed: BTreeSet<&str> = [apply(), change(), stop(), destroy()].concat().into_iter().collect();
    assert_eq!(passed, listed);
}

/// Kills the scenario at each of these points, each of which it has to pass.
fn check(scenario: &Scenario, points: &[&str]) {
    for_each_at_once(points, THREADS, |point| {
        let often = point.starts_with("status") || point.starts_with("store.before-commit");
        let passings = if often { PASSINGS } else { 1 };
        let passed = (1..=passings).take_while(|passing| killed_at(scenario, point, *passing)).count();
        assert!(passed > 0, "{:?} does not pass {point}", scenario.command);
    });
}

/// Kills the scenario at the n-th passing of a point, and sees that nothing came of it. `false` if there is no such
/// passing.
fn killed_at(scenario: &Scenario, point: &str, passing: usize) -> bool {
    let project = Project::new(BINARY, &(scenario.jobs)());
    for command in scenario.before {
        project.ok(command);
    }
    let before = moment(project.place());
    let (crash, once) = (format!("{point}:{passing}"), project.file("once"));
    let once = once.to_str().expect("a plain path");
    let faults = [("WINDLASS_FAULT_CRASH", &*crash), ("WINDLASS_FAULT_ONCE", once)];
    let died = project.run_with(&faults, scenario.command);
    if !project.file("once").exists() {
        return false;
    }
    let supervisor = point.starts_with("supervisor");
    assert_eq!(died.was_killed(), !supervisor, "{died}");
    let recorded = moment(project.place()) > before;
    // What is recorded needs nobody to ask for it again.
    let again = if recorded && (passing % 2 == 1 || !scenario.repeatable) {
        &["reconcile", "--once"]
    } else {
        scenario.command
    };
    let done = project.run(again);
    if supervisor {
        bring_back(&project);
    } else {
        assert_eq!(done.code, Some(0), "{point}:{passing} {done}\n{}", project.story());
    }
    as_asked(scenario, &project, !supervisor, &format!("{point}:{passing}, then {done}"));
    true
}

/// Does what a person would do about an attempt whose supervisor was killed.
fn bring_back(project: &Project) {
    for job in ["p.follow", "p.settle", "p.report"] {
        let command = match latest(project, job).map(|(_, state)| state) {
            Some(Name::Lost) => "retry",
            Some(Name::Degraded) => "restart",
            _ => continue,
        };
        let done: Done = project.run(&[command, job]);
        assert_eq!(done.code, Some(0), "{done}\n{}", project.story());
    }
}

fn latest(project: &Project, job: &str) -> Option<(Instance, Name)> {
    let fleet = project.fleet();
    let latest = fleet.latest(&job.parse().expect("a good name"))?;
    let state = fleet.statuses.get(&latest)?.state.name();
    Some((latest, state))
}

/// Fails unless everything is as the scenario's command asked.
fn as_asked(scenario: &Scenario, project: &Project, exactly: bool, how: &str) {
    let tell = || format!("{how}\n{}", project.story());
    project.assert_sound();
    if let Some((state, starts)) = scenario.stream {
        assert_eq!(project.state("p.follow"), Some(state), "{}", tell());
        if exactly {
            // A process that runs writes that down a little later.
            until("its starts are written down", || project.evidence().starts("p.follow").len() >= starts);
            assert_eq!(project.evidence().starts("p.follow").len(), starts, "{}", tell());
        }
        if state == Name::Stopped {
            assert_eq!(project.alive("p.follow"), [], "{}", tell());
        }
    }
    let evidence = project.evidence();
    for job in ["p.settle", "p.report"] {
        let (instance, state) = latest(project, job).unwrap_or_else(|| panic!("no {job}: {}", tell()));
        assert_eq!(state, Name::Succeeded, "{job}: {}", tell());
        let starts = evidence.starts(&instance.to_string()).len();
        assert!(starts == 1 || !exactly, "{job}: {starts} starts: {}", tell());
    }
    for job in ["p.follow", "p.settle", "p.report"] {
        let of = |line: &&windlass_tests::evidence::Line| line.instance.split('@').next() == Some(job);
        if let Some(last) = evidence.lines.iter().rfind(of) {
            assert_eq!(last.given, scenario.given, "{job}: {}", tell());
        }
    }
    match scenario.again {
        Some(again) => project.assert_settled(again),
        None => project.nothing_is_left(),
    }
}
