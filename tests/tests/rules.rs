//! Each safety rule can be switched off in test builds, and each time something here breaks that holds otherwise: a
//! rule whose removal nobody notices would be a rule that nobody keeps.
//!
//! Every scenario runs twice, with the rule and without it, and says what broke.

use std::fs;
use std::path::Path;
use std::time::Duration;

use windlass_core::fault::Rule;
use windlass_core::state::Name;
use windlass_tests::project::{patiently, until};
use windlass_tests::rules::{self, Scenario, Verdict};
use windlass_tests::spec::Job;
use windlass_tests::tenures::{
    a_forgetful_node_gives_no_second_lease, a_late_acquisition_leaves_no_lock,
    losers_do_not_fence_out_the_holder, tokens_rise,
};
use windlass_tests::{Project, Running, scenario};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// A scenario's world: a project, and the rule that is off in all of its commands.
struct World {
    project: Project,
    off: &'static str,
}

impl World {
    fn new(jobs: &[Job], off: &'static str) -> Self {
        Self { project: Project::new(BINARY, jobs), off }
    }

    fn spawn(&self, faults: &[(&str, &str)], command: &[&str]) -> Running {
        let faults = [faults, &[("WINDLASS_FAULT_RULE_OFF", self.off)]].concat();
        self.project.spawn(&faults, command)
    }

    fn run(&self, command: &[&str]) -> windlass_tests::Done {
        self.spawn(&[], command).end()
    }

    /// Runs a command that is killed at a point.
    fn killed_at(&self, point: &str, command: &[&str]) {
        let done = self.spawn(&[("WINDLASS_FAULT_CRASH", point)], command).end();
        assert!(done.was_killed(), "{done}");
    }

    /// Starts a command that waits at a point until the gate is opened.
    fn held_at(&self, point: &str, command: &[&str]) -> Held<'_> {
        let gate = self.project.file("gate");
        let path = gate.to_str().expect("a plain path").to_owned();
        let faults = [("WINDLASS_FAULT_GATE", point), ("WINDLASS_FAULT_GATE_FILE", &path)];
        let running = self.spawn(&faults, command);
        until("it waits at the gate", || gate.with_extension("waiting").exists());
        Held { world: self, running }
    }

    /// What the evidence and the history say.
    fn sound(&self) -> Verdict {
        let mut violations = self.project.evidence().violations();
        violations.extend(windlass_tests::records::gaps(self.project.place()));
        if violations.is_empty() { Ok(()) } else { Err(violations.join("; ")) }
    }
}

/// A command that waits at a gate.
struct Held<'a> {
    world: &'a World,
    running: Running,
}

impl Held<'_> {
    fn go_on(self) -> windlass_tests::Done {
        fs::write(self.world.project.file("gate"), "").expect("writable");
        self.running.end()
    }
}

fn stream() -> Job {
    Job::stream("follow", "stream")
}

/// R2: a writer that read before somebody else wrote must not undo what that one wrote.
fn a_stop_survives_a_slow_apply(off: &'static str) -> Verdict {
    let world = World::new(&[stream()], off);
    world.run(&["apply"]);
    let slow = world.held_at("apply.before-commit", &["apply", "-y", "--var=fee=2"]);
    let stop = world.run(&["stop", "p.follow", "--no-wait"]);
    assert_eq!(stop.code, Some(0), "{stop}");
    slow.go_on();
    world.run(&["reconcile", "--once"]);
    world.sound()?;
    match world.project.state("p.follow") {
        Some(Name::Stopped) => Ok(()),
        _ => Err("an acknowledged stop is lost".to_owned()),
    }
}

/// R3: what a call has done to a cluster stands in the records, whenever the caller dies.
fn a_call_is_recorded_before_it_is_made(off: &'static str) -> Verdict {
    let world = World::new(&[stream()], off);
    world.run(&["apply"]);
    let gate = world.project.file("gate");
    let path = gate.to_str().expect("a plain path").to_owned();
    let mut restart = world.spawn(
        &[
            // The record is slow, and the caller dies as soon as its call has come back.
            ("WINDLASS_FAULT_GATE", "status.before-commit"),
            ("WINDLASS_FAULT_GATE_FILE", &path),
            ("WINDLASS_FAULT_CRASH", "stop.after"),
        ],
        &["restart", "p.follow"],
    );
    until("its record waits", || gate.with_extension("waiting").exists());
    patiently(Duration::from_secs(2), || restart.has_ended());
    fs::write(&gate, "").expect("writable");
    let done = restart.end();
    assert!(done.was_killed(), "{done}");
    match world.project.state("p.follow") {
        Some(Name::Stopping) => world.sound(),
        _ => Err("its cluster was asked to stop it, and its record says nothing of that".to_owned()),
    }
}

/// R4: an owner that was slow, and whose lease is gone, must not make anew what its successor has made.
fn a_late_create_changes_nothing(off: &'static str) -> Verdict {
    let world = World::new(&[Job::batch("settle", "slow")], off);
    let slow = world.held_at("create.before", &["apply"]);
    // The lease is broken: safety must not rest on it.
    fs::remove_file(world.project.file(".windlass/lease")).expect("it is held");
    let successor = world.spawn(&[], &["reconcile", "--once"]);
    until("it has started", || world.project.evidence().lines.len() == 1);
    slow.go_on();
    successor.end();
    world.run(&["reconcile", "--once"]);
    world.sound()?;
    match (world.project.state("p.settle"), world.project.evidence().lines.len()) {
        (Some(Name::Succeeded), 2) => Ok(()),
        _ => Err("what ran was disturbed, and did not succeed".to_owned()),
    }
}

/// R5: only the object whose uid was recorded is activated, not another of its name.
fn an_object_made_by_somebody_else_is_not_activated(off: &'static str) -> Verdict {
    let world = World::new(&[Job::batch("settle", "batch")], off);
    world.killed_at("activate.before", &["apply"]);
    let record = world.project.attempt("p.settle-").join("attempt.json");
    let text = fs::read_to_string(&record).expect("it was created");
    let mut attempt: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    attempt["uid"] = "0123456789abcdef0123456789abcdef".into();
    fs::write(&record, attempt.to_string()).expect("writable");
    world.run(&["reconcile", "--once"]);
    world.sound()?;
    match world.project.evidence().lines.len() {
        0 => Ok(()),
        _ => Err("an object of somebody else was activated".to_owned()),
    }
}

/// R7: a cluster that cannot be read says nothing about what runs there.
fn what_cannot_be_read_is_not_given_up(off: &'static str) -> Verdict {
    let world = World::new(&[stream()], off);
    world.run(&["apply"]);
    let record = world.project.attempt("p.follow-1").join("attempt.json");
    let text = fs::read_to_string(&record).expect("it was created");
    fs::write(&record, "{").expect("writable");
    world.run(&["reconcile", "--once", "--timeout=1s"]);
    fs::write(&record, text).expect("writable");
    let history = windlass_tests::records::history(world.project.place());
    world.run(&["reconcile", "--once"]);
    world.sound()?;
    match history.iter().find(|line| line.entry.text.contains("\"to\":\"lost\"")) {
        None if world.project.evidence().lines.len() == 1 => Ok(()),
        None => Err("it was started again".to_owned()),
        Some(_) => Err("it was given up as lost while it ran".to_owned()),
    }
}

/// R9: the last intent wins in every state, that between creation and start among them.
fn a_stop_before_the_start_prevents_it(off: &'static str) -> Verdict {
    let world = World::new(&[stream()], off);
    world.killed_at("activate.before", &["apply"]);
    let stop = world.run(&["stop", "p.follow"]);
    assert_eq!(stop.code, Some(0), "{stop}");
    world.sound()?;
    match world.project.evidence().lines.len() {
        0 => Ok(()),
        _ => Err("it was started after its stop was acknowledged".to_owned()),
    }
}

/// A batch of which nobody knows how it ended is not run again unless its spec says so.
fn a_batch_that_is_lost_is_held(off: &'static str) -> Verdict {
    let retry = "retry = { attempts = 2, backoff = \"50ms..100ms\" }\n";
    let world = World::new(&[Job::batch("settle", "endless").with(retry)], off);
    world.run(&["apply", "--timeout=1s"]);
    until("it has started", || world.project.evidence().lines.len() == 1);
    world.project.kill_everything();
    let mut service = world.spawn(&[], &["reconcile", "--once"]);
    let is_again = || world.project.evidence().starts_in_all() > 1;
    until("it is held, or runs again", || service.has_ended() || is_again());
    let again = is_again();
    world.project.kill_everything();
    world.sound()?;
    match (again, world.project.state("p.settle")) {
        (false, Some(Name::Lost)) => Ok(()),
        _ => Err("it runs again, and nobody knows what it had done".to_owned()),
    }
}

/// A store that was replaced by an older copy of itself while nothing ran is noticed by what it has forgotten.
fn a_forgotten_attempt_freezes_the_project(off: &'static str) -> Verdict {
    let world = World::new(&[stream()], off);
    world.run(&["apply"]);
    let copy = world.project.file("copy");
    replace_store(&world.project.file(".windlass"), &copy);
    world.run(&["restart", "p.follow"]);
    replace_store(&copy, &world.project.file(".windlass"));
    world.run(&["reconcile", "--once", "--timeout=2s"]);
    world.project.evidence().violations().first().map_or(Ok(()), |violation| Err(violation.clone()))?;
    match windlass_tests::records::fleet(world.project.place()).recovery {
        Some(_) => Ok(()),
        None => Err("nobody noticed that the store had forgotten a restart".to_owned()),
    }
}

/// Makes the store in one folder what it is in the other.
fn replace_store(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).expect("writable");
        }
    }
}

/// The scenario that needs a rule; none for a rule that the embedded store and the local cluster have no use for:
/// a team's service has it (`team/rules.rs`), or the simulator, under `fixtures/scenarios`.
fn scenario(rule: Rule) -> Option<Scenario> {
    Some(match rule {
        Rule::CompareAndSet => scenario!(a_stop_survives_a_slow_apply),
        Rule::IntentFirst => scenario!(a_call_is_recorded_before_it_is_made),
        Rule::CreateOnly => scenario!(a_late_create_changes_nothing),
        Rule::RecordedUid => scenario!(an_object_made_by_somebody_else_is_not_activated),
        Rule::SilenceIsNotAbsence => scenario!(what_cannot_be_read_is_not_given_up),
        Rule::LastIntentWins => scenario!(a_stop_before_the_start_prevents_it),
        Rule::SealingRound => scenario!(tokens_rise),
        Rule::ReleaseOnLateAcquisition => scenario!(a_late_acquisition_leaves_no_lock),
        Rule::TwoKeys => scenario!(losers_do_not_fence_out_the_holder),
        Rule::AmnesiaWaitsATtl => scenario!(a_forgetful_node_gives_no_second_lease),
        Rule::ClustersAreBelieved => scenario!(a_forgotten_attempt_freezes_the_project),
        Rule::LostIsNotFailed => scenario!(a_batch_that_is_lost_is_held),
        Rule::Epochs | Rule::OpIds | Rule::AskAnew | Rule::NoEffectAfterTheLease | Rule::StoreIsFollowed => {
            return None;
        }
        Rule::IdsBeforeCalls | Rule::BurnOnStop | Rule::GuardAtStart | Rule::IdsAreKept => return None,
    })
}

fn scenarios() -> Vec<(&'static str, Scenario)> {
    Rule::ALL.into_iter().filter_map(|(rule, name)| Some((name, scenario(rule)?))).collect()
}

#[test]
fn with_all_rules_every_scenario_holds() {
    rules::hold(&scenarios(), 3);
}

#[test]
fn without_a_rule_its_scenario_breaks() {
    rules::break_without(&scenarios(), 3);
}
