//! Lease nodes stand still, die, forget, or are told to let go.

use windlass_core::shard::Shard;
use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::redis::{Data, Options, Server};
use windlass_tests::seed::times;
use windlass_tests::team::{TTL, Team};

use crate::{BINARY, STREAMS, each_started};

fn restarted(team: &Team, times: usize) {
    team.ok(&["restart", "*.follow"]);
    each_started(team, times);
}

#[test]
fn a_lease_node_that_stands_still_changes_no_owner() {
    let team = Team::at_work(BINARY, 2);
    let before = team.owners();
    team.lease_nodes[0].pause();
    restarted(&team, 2);
    restarted(&team, 3);
    team.lease_nodes[0].resume();
    team.is_shared(2);
    assert_eq!(team.owners(), before);
    team.converges();
}

#[test]
fn a_lease_node_that_comes_back_with_its_data_changes_no_owner() {
    let mut team = Team::at_work(BINARY, 2);
    let before = team.owners();
    for (node, times) in [(0, 2), (1, 3), (2, 4)] {
        team.lease_nodes[node].kill();
        restarted(&team, times);
        team.lease_nodes[node].restart(Data::Kept);
        // The next one may go only when this one counts again.
        team.is_shared(2);
    }
    team.is_shared(2);
    assert_eq!(team.owners(), before);
    team.converges();
}

#[test]
fn a_lease_node_that_forgot_makes_nothing_start_twice() {
    let mut team = Team::at_work(BINARY, 2);
    let copy = team.lease_nodes[2].save();
    for (node, data) in [(0, Data::None), (1, Data::Cut(300)), (2, Data::Saved(&copy))] {
        team.lease_nodes[node].restart(data);
        restarted(&team, node + 2);
    }
    team.is_shared(2);
    team.converges();
}

#[test]
fn lease_nodes_that_all_forgot_at_once_are_believed_again_later() {
    let mut team = Team::at_work(BINARY, 2);
    for node in 0..3 {
        team.lease_nodes[node].restart(Data::None);
    }
    restarted(&team, 2);
    team.is_shared(2);
    team.converges();
}

/// Nothing begins and no stop is told to be done while two of the nodes are like this, and all is well afterwards.
fn nothing_begins_while(broken: impl FnMut(&mut Server), mended: impl FnMut(&mut Server)) {
    let mut team = Team::at_work(BINARY, 2);
    each_started(&team, 1);
    let before = team.project.evidence();
    team.lease_nodes[..2].iter_mut().for_each(broken);
    until("both have lost everything", || {
        let told =
            |number| team.said(number).lines().rfind(|line| line.contains("owned=")).map(str::to_owned);
        (0..2).all(|number| told(number).is_some_and(|line| line.contains("owned=0")))
    });
    let mut stop = team.begin(&["stop", "*.follow"]);
    until("the stop is recorded", || {
        let history = team.project.history().unwrap_or_default();
        history.iter().filter(|line| line.entry.text.contains("\"command\":\"stop\"")).count()
            == STREAMS.len()
    });
    // So long, whoever takes the stop for something to do has time to do it: the replicas, and a command that waits.
    let waited = team.run(&["wait", &format!("--timeout={}s", 2 * TTL.as_secs())]);
    assert_eq!(waited.code, Some(6), "{waited}\n{}", team.story());
    assert!(!stop.has_ended(), "{}", stop.said());
    assert_eq!(team.project.evidence(), before, "an effect began without a lease\n{}", team.story());
    team.lease_nodes[..2].iter_mut().for_each(mended);
    let stop = stop.end();
    assert_eq!(stop.code, Some(0), "{stop}\n{}", team.story());
    STREAMS.iter().for_each(|stream| assert_eq!(team.state(stream), Some(Name::Stopped)));
    team.ok(&["start", "*.follow"]);
    team.is_shared(2);
    team.converges();
}

#[test]
fn without_a_majority_no_effect_begins_and_no_stop_is_told_to_be_done() {
    nothing_begins_while(Server::kill, |node| node.restart(Data::Kept));
}

#[test]
fn lease_nodes_that_cannot_save_are_not_counted() {
    nothing_begins_while(|node| node.cannot_save(), |node| node.can_save());
}

#[test]
fn owners_whose_shards_are_given_away_under_them_start_nothing_twice() {
    let team = Team::at_work(BINARY, 3);
    let shards: Vec<_> = Shard::all().map(|shard| format!("--shard={shard}")).collect();
    let shards: Vec<_> = shards.iter().map(String::as_str).collect();
    let release = [&["lease", "release"], &*shards].concat();
    let gives_away = || until("a majority has let go", || team.run(&release).code == Some(0));
    for _ in 0..6 {
        let restart = team.begin(&["restart", "*.follow", "--no-wait"]);
        gives_away();
        restart.end();
        gives_away();
    }
    team.ok(&["wait"]);
    team.is_shared(3);
    team.converges();
}

/// Two replicas whose leases know nothing of each other: each owns every shard, takes it back whenever the other one has
/// taken it, and is right by all that it knows. Their epochs can be the same, too: versions alone are left then.
#[test]
fn two_replicas_that_both_own_everything_start_nothing_twice() {
    let mut team = Team::new(BINARY);
    team.apply();
    let others = Server::start(Options::durable());
    team.serve(0);
    team.serve_with(1, &[("WINDLASS_LEASE", &others.url())]);
    team.streams_run();
    let rounds = times("WINDLASS_TEST_ROUNDS", 3);
    for fee in (2..).take(rounds) {
        team.ok(&["restart", "*.follow"]);
        team.ok(&["stop", "north.follow"]);
        assert_eq!(team.state("north.follow"), Some(Name::Stopped), "{}", team.story());
        assert_eq!(team.project.alive("north.follow"), [], "{}", team.story());
        team.ok(&["start", "north.follow"]);
        team.ok(&["apply", "-y", &format!("--var=fee={fee}")]);
        team.is_sound();
    }
    for number in 0..2 {
        assert!(
            team.said(number).contains("took shards over"),
            "replica {number} owned nothing\n{}",
            team.story()
        );
    }
    team.kill(1);
    team.is_shared(1);
    team.converges();
}
