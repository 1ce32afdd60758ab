//! Networks are cut, wholly and one way.

use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::proxy::{Proxy, Way};
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS, each_started};

/// Cuts the owner of the first pipeline off from this many lease nodes.
fn cut_off(nodes: usize) {
    let mut team = Team::at_work(BINARY, 2);
    let lonely = team.owner("north").expect("somebody");
    team.links_to_lease(lonely).take(nodes).for_each(Proxy::cut);
    team.is_shared(1);
    assert_eq!(team.owner("north"), Some(1 - lonely));
    team.ok(&["restart", "*.follow"]);
    team.links_to_lease(lonely).for_each(Proxy::heal);
    team.is_shared(2);
    team.converges();
    each_started(&team, 2);
}

#[test]
fn an_owner_that_sees_one_lease_node_of_three_is_followed() {
    cut_off(2);
}

#[test]
fn an_owner_that_sees_no_lease_node_is_followed() {
    cut_off(3);
}

#[test]
fn a_write_whose_answer_is_lost_is_done_once() {
    let mut team = Team::at_work(BINARY, 2);
    for times in 2..5 {
        let owner = team.owner("north").expect("somebody");
        let link = team.link_to_store(owner);
        link.hold(Way::Back);
        let before = link.passed(Way::There);
        team.ok(&["restart", "north.follow", "--no-wait"]);
        // Something is asked of which the answer never comes.
        until("something is asked", || team.link_to_store(owner).passed(Way::There) > before);
        let link = team.link_to_store(owner);
        link.reset();
        link.heal();
        team.ok(&["wait", "north.follow"]);
        team.becomes("north.follow", Name::Running);
        team.has_started("north.follow", times);
    }
    team.is_shared(2);
    team.converges();
}

#[test]
fn writes_that_come_late_are_done_once() {
    let mut team = Team::at_work(BINARY, 2);
    for times in 2..5 {
        let owner = team.owner("south").expect("somebody");
        let link = team.link_to_store(owner);
        link.hold(Way::There);
        let stop = team.begin(&["restart", "south.follow"]);
        until("it is recorded", || {
            let history = team.project.history().unwrap_or_default();
            let of = |line: &&windlass::store::Line| line.entry.text.contains("\"command\":\"restart\"");
            history.iter().filter(of).count() + 1 == times
        });
        team.link_to_store(owner).heal();
        let stop = stop.end();
        assert_eq!(stop.code, Some(0), "{stop}\n{}", team.story());
        team.has_started("south.follow", times);
    }
    team.converges();
}

#[test]
fn an_owner_that_cannot_reach_the_store_starts_nothing_and_goes_on_later() {
    let mut team = Team::at_work(BINARY, 2);
    let lonely = team.owner("west").expect("somebody");
    team.link_to_store(lonely).refuse();
    let restart = team.begin(&["restart", "*.follow"]);
    until("it is recorded", || {
        let history = team.project.history().unwrap_or_default();
        history.iter().filter(|line| line.entry.text.contains("\"command\":\"restart\"")).count()
            == STREAMS.len()
    });
    team.link_to_store(lonely).heal();
    let restart = restart.end();
    assert_eq!(restart.code, Some(0), "{restart}\n{}", team.story());
    team.is_shared(2);
    team.converges();
    each_started(&team, 2);
}

#[test]
fn an_owner_that_cannot_reach_the_store_for_long_is_followed() {
    let mut team = Team::at_work(BINARY, 2);
    let lonely = team.owner("west").expect("somebody");
    team.link_to_store(lonely).refuse();
    until("somebody else owns it", || team.owner("west").is_some_and(|owner| owner != lonely));
    let restart = team.begin(&["restart", "west.follow"]).end();
    assert_eq!(restart.code, Some(0), "{restart}\n{}", team.story());
    team.link_to_store(lonely).heal();
    team.is_shared(2);
    team.converges();
    team.has_started("west.follow", 2);
}
