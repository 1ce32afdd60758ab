//! An owner is held up for longer than its lease, at the worst moments, and then goes on.

use std::fs;

use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS, each_started};

/// A team of which the first replica stands still at `point`, with its lease over, while the second has everything.
struct Held {
    team: Team,
}

impl Held {
    fn at(point: &str, meanwhile: impl FnOnce(&Team)) -> Self {
        let mut team = Team::new(BINARY);
        team.apply();
        let gate = team.project.file("gate");
        let path = gate.to_str().expect("a plain path").to_owned();
        team.serve_with(0, &[("WINDLASS_FAULT_GATE", point), ("WINDLASS_FAULT_GATE_FILE", &path)]);
        until("the first owner is at the point", || gate.with_extension("waiting").exists());
        team.pause(0);
        meanwhile(&team);
        team.serve(1);
        team.is_shared(1);
        Self { team }
    }

    /// Lets the first replica do what it was about to do, until it is one of two again.
    fn goes_on(self) -> Team {
        fs::write(self.team.project.file("gate"), "").expect("writable");
        self.team.resume(0);
        self.team.is_shared(2);
        self.team
    }
}

fn are_stopped(team: &Team) {
    for stream in STREAMS {
        team.becomes(stream, Name::Stopped);
        assert_eq!(team.project.alive(stream), [], "{}", team.story());
    }
}

fn starts(team: &Team) -> [usize; 3] {
    STREAMS.map(|stream| team.starts(stream))
}

/// Everything is wanted again, and each stream starts once more than before.
fn start_again(team: &Team, before: [usize; 3]) {
    team.ok(&["start", "*.follow"]);
    assert_eq!(starts(team), before.map(|times| times + 1), "{}", team.story());
    team.streams_run();
    team.is_sound();
}

#[test]
fn a_create_that_comes_after_the_stop_starts_nothing() {
    let held = Held::at("create.before-publish", |team| {
        team.ok(&["stop", "*.follow", "--no-wait"]);
    });
    are_stopped(&held.team);
    // Others than the one that is held may have started before the stop.
    let before = starts(&held.team);
    let team = held.goes_on();
    until("what came late is swept", || {
        team.project.history().unwrap_or_default().iter().any(|line| line.entry.text.contains("swept"))
    });
    are_stopped(&team);
    assert_eq!(starts(&team), before, "{}", team.story());
    start_again(&team, before);
}

#[test]
fn a_create_that_comes_after_that_of_the_successor_starts_nothing() {
    let held = Held::at("create.before-publish", |_| {});
    held.team.converges();
    let team = held.goes_on();
    team.converges();
    each_started(&team, 1);
}

#[test]
fn an_activation_that_comes_after_the_stop_starts_nothing() {
    let held = Held::at("activate.before", |team| {
        team.ok(&["stop", "*.follow", "--no-wait"]);
    });
    are_stopped(&held.team);
    let before = starts(&held.team);
    let team = held.goes_on();
    are_stopped(&team);
    assert_eq!(starts(&team), before, "{}", team.story());
    start_again(&team, before);
}

#[test]
fn a_status_of_an_owner_that_was_replaced_is_refused() {
    let held = Held::at("status.before-commit", |_| {});
    held.team.converges();
    let team = held.goes_on();
    until("it is told that it was replaced", || team.said(0).contains("a newer owner has taken over"));
    team.converges();
    each_started(&team, 1);
}

#[test]
fn an_owner_that_sleeps_while_commands_are_given_does_nothing_when_it_wakes() {
    let mut team = Team::at_work(BINARY, 2);
    let sleeper = team.owner("north").expect("somebody");
    team.pause(sleeper);
    team.ok(&["restart", "*.follow"]);
    team.ok(&["stop", "north.follow"]);
    team.resume(sleeper);
    team.is_shared(2);
    assert_eq!(team.state("north.follow"), Some(Name::Stopped));
    team.ok(&["start", "north.follow"]);
    team.converges();
    assert_eq!(starts(&team), [3, 2, 2], "{}", team.story());
    team.end(sleeper);
}
