//! Replicas of the service come and go.

use windlass_tests::redis::Data;
use windlass_tests::team::Team;

use crate::{BINARY, each_started};

#[test]
fn a_rolling_restart_of_all_replicas_is_unnoticed_by_the_jobs() {
    let mut team = Team::at_work(BINARY, 3);
    let before = team.project.evidence();
    for number in 0..3 {
        let ended = team.end(number);
        assert_eq!(ended.code, Some(143), "{ended}");
        team.serve(number);
        team.is_shared(3);
    }
    assert_eq!(team.project.evidence(), before, "{}", team.story());
    team.converges();
}

#[test]
fn a_rolling_restart_of_everything_loses_no_command() {
    let mut team = Team::at_work(BINARY, 3);
    for number in 0..3_u8 {
        let restart = team.begin(&["restart", "*.follow"]);
        team.end(number);
        team.lease_nodes[usize::from(number)].restart(Data::Kept);
        team.serve(number);
        let restart = restart.end();
        assert_eq!(restart.code, Some(0), "{restart}\n{}", team.story());
        team.is_shared(3);
    }
    each_started(&team, 4);
    team.converges();
}

#[test]
fn replicas_that_start_at_once_share_everything() {
    let mut team = Team::at_work(BINARY, 3);
    for _ in 0..3 {
        (0..3).for_each(|number| team.kill(number));
        (0..3).for_each(|number| team.serve(number));
        team.is_shared(3);
    }
    each_started(&team, 1);
    team.converges();
}
