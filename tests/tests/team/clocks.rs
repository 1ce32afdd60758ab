//! Wall clocks jump.

use std::time::Duration;

use windlass_core::state::Name;
use windlass_tests::clock::Clock;
use windlass_tests::team::{PIPELINES, Team};

use crate::rules::late_call;
use crate::{BINARY, STREAMS, each_started};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Moves the clocks of the first `nodes` lease nodes by a minute again and again while commands are given.
fn forward(nodes: usize) {
    let team = Team::at_work(BINARY, 2);
    for times in 2..5 {
        team.lease_nodes[..nodes].iter().for_each(|node| node.clock().forward(MINUTE));
        team.ok(&["restart", "*.follow"]);
        each_started(&team, times);
    }
    team.lease_nodes.iter().for_each(|node| node.clock().show_true_time());
    team.ok(&["restart", "*.follow"]);
    team.is_shared(2);
    team.converges();
    each_started(&team, 5);
}

#[test]
fn a_lease_node_ahead_of_its_time_starts_nothing_twice() {
    forward(1);
}

#[test]
fn two_lease_nodes_ahead_of_their_time_start_nothing_twice() {
    forward(2);
}

#[test]
fn a_lease_node_that_is_behind_delays_no_take_over() {
    let mut team = Team::at_work(BINARY, 2);
    team.lease_nodes[0].clock().back(HOUR);
    team.kill(0);
    team.is_shared(1);
    team.ok(&["restart", "*.follow"]);
    each_started(&team, 2);
    team.converges();
}

#[test]
fn two_lease_nodes_that_are_behind_delay_a_take_over_and_nothing_else() {
    let mut team = Team::at_work(BINARY, 2);
    let left = PIPELINES.iter().find(|pipeline| team.owner(pipeline) == Some(1));
    // From here on these nodes tell nobody new who owns what: their locks end too late to be believed.
    team.lease_nodes[..2].iter().for_each(|node| node.clock().back(HOUR));
    // Whoever lives goes on with what it has.
    team.ok(&["restart", "*.follow"]);
    each_started(&team, 2);
    team.kill(0);
    if let Some(pipeline) = left {
        team.ok(&["restart", &format!("{pipeline}.follow")]);
        team.ok(&["stop", &format!("{pipeline}.follow")]);
        team.ok(&["start", &format!("{pipeline}.follow")]);
    }
    team.lease_nodes[..2].iter().for_each(|node| node.clock().show_true_time());
    team.is_shared(1);
    team.ok(&["restart", "*.follow"]);
    team.converges();
}

#[test]
fn a_replica_whose_wall_clock_jumps_works_on() {
    let mut team = Team::new(BINARY);
    team.apply();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Clock::new(folder.path());
    team.serve_by(0, &clock, &[]);
    team.serve(1);
    team.is_shared(2);
    team.converges();
    clock.forward(HOUR);
    team.ok(&["restart", "*.follow"]);
    clock.back(HOUR * 2);
    team.ok(&["restart", "*.follow"]);
    team.ok(&["stop", "*.follow"]);
    STREAMS.iter().for_each(|stream| assert_eq!(team.state(stream), Some(Name::Stopped)));
    each_started(&team, 3);
    team.is_sound();
}

#[test]
fn an_owner_whose_host_slept_makes_no_call_when_it_wakes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Clock::new(folder.path());
    let woken = late_call("none", &clock, |slept| clock.slept(slept));
    assert_eq!(woken, Ok(()));
}
