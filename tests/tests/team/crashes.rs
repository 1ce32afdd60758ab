//! An owner is killed between two durable steps of a start.

use windlass_core::state::Name;
use windlass_tests::team::{PIPELINES, Team};

use crate::{BINARY, STREAMS};

/// Three replicas, of which the first that comes to `point` is killed there. Returns when all is as it was asked.
fn one_is_killed_at(point: &str) -> Team {
    let mut team = Team::new(BINARY);
    team.apply();
    let once = team.project.file("once");
    let once = once.to_str().expect("a plain path");
    for number in 0..3 {
        let faults = [("WINDLASS_FAULT_CRASH", point), ("WINDLASS_FAULT_ONCE", once)];
        team.serve_with(number, &faults);
    }
    team.one_dies();
    team.converges();
    team
}

fn everything_started_once(team: &Team) {
    for pipeline in PIPELINES {
        for job in ["follow", "settle"] {
            let job = format!("{pipeline}.{job}");
            team.has_started(&job, 1);
        }
    }
}

#[test]
fn an_owner_that_dies_between_intent_and_create_is_followed_by_one_start() {
    everything_started_once(&one_is_killed_at("create.before"));
}

#[test]
fn an_owner_that_dies_between_create_and_its_record_is_followed_by_one_start() {
    everything_started_once(&one_is_killed_at("create.after"));
}

#[test]
fn an_owner_that_dies_between_record_and_activation_is_followed_by_one_start() {
    everything_started_once(&one_is_killed_at("activate.before"));
}

#[test]
fn an_owner_that_dies_after_an_activation_is_followed_by_no_other_start() {
    everything_started_once(&one_is_killed_at("activate.after"));
}

#[test]
fn an_owner_that_dies_while_it_stops_is_followed_by_one_that_stops() {
    let mut team = Team::new(BINARY);
    team.apply();
    let once = team.project.file("once");
    let once = once.to_str().expect("a plain path");
    for number in 0..2 {
        let faults = [("WINDLASS_FAULT_CRASH", "stop.before-request"), ("WINDLASS_FAULT_ONCE", once)];
        team.serve_with(number, &faults);
    }
    team.converges();
    let stop = team.begin(&["stop", "*.follow"]);
    team.one_dies();
    let stop = stop.end();
    assert_eq!(stop.code, Some(0), "{stop}\n{}", team.story());
    for stream in STREAMS {
        assert_eq!(team.state(stream), Some(Name::Stopped));
        assert_eq!(team.project.alive(stream), []);
    }
    team.is_sound();
}
