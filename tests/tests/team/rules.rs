//! Rules that live between replicas and their servers, switched off one at a time: each time a scenario breaks that
//! holds otherwise. `tests/tests/rules.rs` has those of clusters, of the embedded store, and of the lease.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use windlass_core::shard::Shard;
use windlass_core::state::Name;
use windlass_tests::Running;
use windlass_tests::clock::Clock;
use windlass_tests::project::{patiently, until};
use windlass_tests::proxy::{Proxy, Way};
use windlass_tests::redis::Data;
use windlass_tests::rules::{self, Scenario, Verdict};
use windlass_tests::scenario;
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS};

/// A place where a process waits until it is let go on.
pub(crate) struct Gate(PathBuf);

impl Gate {
    pub(crate) fn new(team: &Team, name: &str) -> Self {
        Self(team.project.file(name))
    }

    fn faults<'a>(&'a self, point: &'a str) -> [(&'static str, &'a str); 2] {
        let file = self.0.to_str().expect("a plain path");
        [("WINDLASS_FAULT_GATE", point), ("WINDLASS_FAULT_GATE_FILE", file)]
    }

    fn is_reached(&self) {
        until("somebody waits at the gate", || self.0.with_extension("waiting").exists());
    }

    pub(crate) fn open(&self) {
        fs::write(&self.0, "").expect("writable");
    }
}

/// A command that waits at a gate.
pub(crate) fn held(
    team: &Team,
    gate: &Gate,
    point: &str,
    variables: &[(&str, &str)],
    command: &[&str],
) -> Running {
    let running = team.begin_with(&[&gate.faults(point)[..], variables].concat(), command);
    gate.is_reached();
    running
}

fn commands(team: &Team, command: &str) -> usize {
    let wanted = format!("\"command\":\"{command}\"");
    let history = team.project.history().expect("readable");
    let of = |line: &&windlass::store::Line| {
        line.entry.subject == "north.follow" && line.entry.text.contains(&wanted)
    };
    history.iter().filter(of).count()
}

/// An owner whose record was slow, and whose lease has ended, writes nothing into a shard of its successor.
fn a_late_write_of_an_owner_that_was_replaced_is_refused(off: &'static str) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    let (first, second) = (Gate::new(&team, "first"), Gate::new(&team, "second"));
    team.serve_with(0, &first.faults("status.before-commit"));
    first.is_reached();
    // It owns every shard: whoever comes next has a higher epoch in each.
    team.is_shared(1);
    team.pause(0);
    // The successor has the shard, and has not written yet.
    team.serve_with(1, &second.faults("status.before-commit"));
    until("it has every shard", || team.owners().get(&1).is_some_and(|own| own.len() == Shard::all().len()));
    second.is_reached();
    first.open();
    team.resume(0);
    let written = || {
        team.project.history().unwrap_or_default().iter().any(|line| line.entry.text.contains("\"epoch\":1}"))
    };
    until("its write is answered", || team.said(0).contains("a newer owner has taken over") || written());
    let late = written();
    second.open();
    team.streams_run();
    if late { Err("an owner wrote under an epoch below the barrier".to_owned()) } else { Ok(()) }
}

/// A command whose answer was lost is done once: nobody restarts what was restarted just now.
fn a_command_whose_answer_is_lost_is_done_once(off: &'static str) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    team.serve(0);
    team.converges();
    let mut link = Proxy::before(team.primary.address());
    let url = team.primary.url_at(link.address());
    let gate = Gate::new(&team, "gate");
    let command = ["restart", "north.follow", "--no-wait"];
    let restart = held(&team, &gate, "command.before-commit", &[("WINDLASS_STORE", &url)], &command);
    link.hold(Way::Back);
    gate.open();
    until("it is recorded", || commands(&team, "restart") > 0);
    link.reset();
    link.heal();
    let restart = restart.end();
    assert_eq!(restart.code, Some(0), "{restart}");
    match commands(&team, "restart") {
        1 => Ok(()),
        times => Err(format!("one restart was recorded {times} times")),
    }
}

/// A writer that read before somebody else wrote does not undo what that one wrote.
fn a_stop_of_a_team_survives_a_slow_apply(off: &'static str) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    team.serve(0);
    team.converges();
    let gate = Gate::new(&team, "gate");
    let apply = held(&team, &gate, "apply.before-commit", &[], &["apply", "-y", "--no-wait", "--var=fee=2"]);
    team.ok(&["stop", "north.follow"]);
    gate.open();
    apply.end();
    team.run(&["wait", "--timeout=30s"]);
    match team.state("north.follow") {
        Some(Name::Stopped) => Ok(()),
        _ => Err("an acknowledged stop is lost".to_owned()),
    }
}

/// Whether a job was ever given up as lost.
fn is_given_up(team: &Team) -> bool {
    team.project.history().unwrap_or_default().iter().any(|line| line.entry.text.contains("\"to\":\"lost\""))
}

/// A replica that takes over decides on nothing that it saw before: it had seen that an attempt is missing, and its
/// cluster is slow to say that it was made meanwhile.
fn whoever_takes_over_asks_anew(off: &'static str) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    let (create, question) = (Gate::new(&team, "create"), Gate::new(&team, "question"));
    team.serve_with(0, &create.faults("create.before"));
    create.is_reached();
    // The next owner looks on, and asks often enough to miss the attempt several times.
    team.links_to_lease(1).for_each(Proxy::refuse);
    team.serve_with(1, &question.faults("cluster.before-question:20"));
    question.is_reached();
    create.open();
    team.streams_run();
    team.kill(0);
    team.links_to_lease(1).for_each(Proxy::heal);
    team.is_shared(1);
    let given_up = patiently(Duration::from_secs(10), || is_given_up(&team));
    question.open();
    team.streams_run();
    if given_up { Err("what ran was given up as lost by its new owner".to_owned()) } else { Ok(()) }
}

/// A call that waited for longer than its owner's lease is not made.
fn an_owner_whose_lease_has_ended_makes_no_call(off: &'static str) -> Verdict {
    let folder = tempfile::tempdir().expect("a temporary folder");
    late_call(off, &Clock::new(folder.path()), |_| {})
}

/// An owner that goes by `clock` is held up before a call for longer than its lease, and goes on. `wakes`: what comes
/// before that, told for how long it was held up.
pub(crate) fn late_call(off: &'static str, clock: &Clock, wakes: impl FnOnce(Duration)) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    let gate = Gate::new(&team, "gate");
    let debug = [("WINDLASS_LOG", "debug")];
    team.serve_by(0, clock, &[&gate.faults("create.before")[..], &debug].concat());
    gate.is_reached();
    let waiting = || STREAMS.into_iter().filter(|stream| team.starts(stream) == 0);
    until("the others have started", || waiting().count() == 1);
    let late = format!("{}-1", waiting().next().expect("just seen"));
    let held_up = Instant::now();
    team.pause(0);
    team.ok(&["stop", "*.follow", "--no-wait"]);
    team.serve(1);
    team.is_shared(1);
    STREAMS.iter().for_each(|stream| team.becomes(stream, Name::Stopped));
    gate.open();
    wakes(held_up.elapsed());
    team.resume(0);
    let made = || team.project.has_attempt(&late);
    until("its call is back", || team.said(0).contains("nothing was asked") || made());
    if made() { Err("an attempt was made by an owner whose lease had ended".to_owned()) } else { Ok(()) }
}

/// A store that was replaced by an older copy while replicas live is noticed by them, whatever the clusters show.
fn a_stop_that_the_store_forgot_is_told(off: &'static str) -> Verdict {
    let mut team = Team::without(BINARY, off);
    team.apply();
    team.serve(0);
    team.converges();
    let copy = team.primary.save();
    team.ok(&["stop", "north.follow"]);
    team.primary.restart(Data::Saved(&copy));
    let is_told = || team.project.try_fleet().is_ok_and(|fleet| fleet.recovery.is_some());
    until("it is told, or starts again", || is_told() || team.starts("north.follow") > 1);
    if is_told() {
        Ok(())
    } else {
        Err("a stop that was acknowledged is gone, and nobody was told".to_owned())
    }
}

/// The rules, and the scenarios that need them.
const SCENARIOS: [(&str, Scenario); 6] = [
    ("ask-anew", scenario!(whoever_takes_over_asks_anew)),
    ("no-effect-after-the-lease", scenario!(an_owner_whose_lease_has_ended_makes_no_call)),
    ("store-is-followed", scenario!(a_stop_that_the_store_forgot_is_told)),
    ("epochs", scenario!(a_late_write_of_an_owner_that_was_replaced_is_refused)),
    ("op-ids", scenario!(a_command_whose_answer_is_lost_is_done_once)),
    ("compare-and-set", scenario!(a_stop_of_a_team_survives_a_slow_apply)),
];

#[test]
fn with_all_rules_every_scenario_holds() {
    rules::hold(&SCENARIOS, 2);
}

#[test]
fn without_a_rule_its_scenario_breaks() {
    rules::break_without(&SCENARIOS, 2);
}
