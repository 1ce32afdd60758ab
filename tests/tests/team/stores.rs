//! The store forgets its scripts, is full, dies, and comes back.

use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::redis::{Data, Program, Server};
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS, each_started};

fn commands(team: &Team, command: &str) -> usize {
    let history = team.project.history().expect("readable");
    history.iter().filter(|line| line.entry.text.contains(&format!("\"command\":\"{command}\""))).count()
}

#[test]
fn scripts_that_are_forgotten_are_loaded_again() {
    let team = Team::at_work(BINARY, 2);
    for times in 2..5 {
        team.primary.flush_scripts();
        team.lease_nodes.iter().for_each(Server::flush_scripts);
        team.ok(&["restart", "*.follow"]);
        each_started(&team, times);
    }
    team.is_shared(2);
    team.converges();
}

/// Nothing is acknowledged while the store refuses to write, and all is as ever afterwards.
fn acknowledges_nothing(refuses: impl FnOnce(&Server), writes: impl FnOnce(&Server)) {
    let team = Team::at_work(BINARY, 2);
    let before = team.project.evidence();
    refuses(&team.primary);
    for command in ["stop", "restart"] {
        let refused = team.run(&[command, "*.follow", "--no-wait"]);
        assert!(refused.code.is_some_and(|code| code != 0), "{refused}");
        assert_eq!(commands(&team, command), 0, "{refused}");
    }
    assert_eq!(team.project.evidence(), before);
    writes(&team.primary);
    team.ok(&["restart", "*.follow"]);
    team.is_shared(2);
    team.converges();
    each_started(&team, 2);
}

#[test]
fn a_store_that_is_full_acknowledges_nothing() {
    acknowledges_nothing(|store| store.set("maxmemory", "1"), |store| store.set("maxmemory", "0"));
}

#[test]
fn a_store_that_cannot_save_acknowledges_nothing() {
    acknowledges_nothing(Server::cannot_save, Server::can_save);
}

#[test]
fn servers_that_are_upgraded_are_gone_on_with() {
    let mut team = Team::at_work(BINARY, 2);
    let before = team.owners();
    for node in 0..3 {
        team.lease_nodes[node].upgrade(Program::Valkey);
        team.is_shared(2);
    }
    assert_eq!(team.owners(), before);
    team.ok(&["restart", "*.follow", "--no-wait"]);
    team.primary.upgrade(Program::Valkey);
    team.ok(&["wait"]);
    each_started(&team, 2);
    team.ok(&["stop", "*.follow"]);
    team.ok(&["start", "*.follow"]);
    team.converges();
}

#[test]
fn a_store_that_comes_back_with_its_data_is_gone_on_with() {
    let mut team = Team::at_work(BINARY, 2);
    for times in 2..5 {
        let restart = team.begin(&["restart", "*.follow", "--no-wait"]);
        team.primary.kill();
        // Running jobs need no store.
        STREAMS.iter().for_each(|stream| assert!(team.starts(stream) >= times - 1));
        team.primary.restart(Data::Kept);
        let acknowledged = restart.end().code == Some(0);
        if !acknowledged && commands(&team, "restart") < (times - 1) * STREAMS.len() {
            team.ok(&["restart", "*.follow", "--no-wait"]);
        }
        team.ok(&["wait"]);
        each_started(&team, times);
    }
    team.is_shared(2);
    team.converges();
}

#[test]
fn while_the_store_is_away_nothing_is_acknowledged_and_jobs_go_on() {
    let mut team = Team::at_work(BINARY, 2);
    let before = team.project.evidence();
    team.primary.kill();
    for command in [&["stop", "*.follow"][..], &["apply", "-y", "--var=fee=2"], &["run", "north"]] {
        let refused = team.run(command);
        assert!(refused.code.is_some_and(|code| code != 0), "{refused}");
    }
    STREAMS.iter().for_each(|stream| assert!(!team.project.alive(stream).is_empty()));
    assert_eq!(team.project.evidence(), before);
    team.primary.restart(Data::Kept);
    team.ok(&["stop", "*.follow"]);
    STREAMS.iter().for_each(|stream| assert_eq!(team.state(stream), Some(Name::Stopped)));
    team.is_sound();
}

#[test]
fn a_service_that_starts_before_its_store_waits_for_it() {
    let mut team = Team::at_work(BINARY, 1);
    team.kill(0);
    team.primary.kill();
    team.serve(0);
    until("it says what it waits for", || {
        team.said(0).contains("the service begins when the store is there")
    });
    team.primary.restart(Data::Kept);
    team.is_shared(1);
    team.converges();
}
