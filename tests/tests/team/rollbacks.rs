//! The store goes back in time: it comes back with an older copy, with less than it acknowledged, or empty, or its
//! replica takes over without the last writes.

use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::redis::Data;
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS};

/// Waits until somebody has noticed; then gives the specs anew, after which everything runs, each attempt once.
fn recovers(team: &Team) {
    until("it is noticed", || team.project.try_fleet().is_ok_and(|fleet| fleet.recovery.is_some()));
    let apply = team.ok(&["apply", "-y"]);
    assert!(apply.err.contains("the store went back in time"), "{apply}");
    team.streams_run();
    team.is_sound();
    let history = team.ok(&["history"]).out;
    for turn in ["frozen: the store went back in time", "given anew from the specs", "recovered, and goes on"]
    {
        assert_eq!(history.matches(turn).count(), 1, "{turn}: {history}");
    }
    let before: Vec<_> = STREAMS.iter().map(|stream| team.starts(stream)).collect();
    team.ok(&["restart", "*.follow"]);
    let after: Vec<_> = STREAMS.iter().map(|stream| team.starts(stream) - 1).collect();
    assert_eq!(after, before, "{}", team.story());
    team.is_sound();
}

#[test]
fn a_store_with_an_older_copy_is_noticed_and_starts_nothing_twice() {
    let mut team = Team::at_work(BINARY, 2);
    let copy = team.primary.save();
    team.ok(&["restart", "*.follow"]);
    team.ok(&["restart", "*.follow"]);
    team.primary.restart(Data::Saved(&copy));
    recovers(&team);
}

/// Nobody remembers what it had; what runs does.
#[test]
fn a_store_that_went_back_while_no_service_ran_is_noticed_by_what_is_on_the_clusters() {
    let mut team = Team::at_work(BINARY, 2);
    let copy = team.primary.save();
    team.ok(&["restart", "*.follow"]);
    (0..2).for_each(|number| team.kill(number));
    team.primary.restart(Data::Saved(&copy));
    (0..2).for_each(|number| team.serve(number));
    recovers(&team);
}

#[test]
fn an_acknowledged_stop_that_is_gone_is_told() {
    let mut team = Team::at_work(BINARY, 2);
    let copy = team.primary.save();
    team.ok(&["stop", "north.follow"]);
    assert_eq!(team.state("north.follow"), Some(Name::Stopped));
    team.primary.restart(Data::Saved(&copy));
    until("it is noticed", || team.project.try_fleet().is_ok_and(|fleet| fleet.recovery.is_some()));
    // Nothing is started until somebody has said what is wanted.
    assert_eq!(team.project.alive("north.follow"), [], "{}", team.story());
    let apply = team.ok(&["apply", "-y"]);
    assert!(apply.err.contains("north.follow"), "the lost stop is not named: {apply}");
    team.streams_run();
    team.is_sound();
}

#[test]
fn a_store_without_its_last_writes_is_noticed_and_starts_nothing_twice() {
    let mut team = Team::at_work(BINARY, 2);
    team.ok(&["restart", "*.follow"]);
    team.primary.restart(Data::Cut(20_000));
    recovers(&team);
}

#[test]
fn an_emptied_store_is_refused_until_it_is_restored() {
    let mut team = Team::at_work(BINARY, 2);
    let copy = team.primary.save();
    team.ok(&["restart", "*.follow"]);
    let before = team.project.evidence();
    team.primary.restart(Data::None);
    for command in [&["apply", "-y"][..], &["stop", "*.follow"], &["status"]] {
        let refused = team.run(command);
        assert!(refused.code.is_some_and(|code| code != 0) && refused.err.contains("emptied"), "{refused}");
    }
    assert_eq!(team.project.evidence(), before, "{}", team.story());
    STREAMS.iter().for_each(|stream| assert!(!team.project.alive(stream).is_empty()));
    team.primary.restart(Data::Saved(&copy));
    recovers(&team);
}

#[test]
fn a_stale_replica_that_takes_over_is_noticed_and_starts_nothing_twice() {
    let mut team = Team::at_work(BINARY, 2);
    team.replica.catch_up_with(&team.primary);
    team.replication().cut();
    team.ok(&["restart", "*.follow"]);
    team.fails_over();
    recovers(&team);
}
