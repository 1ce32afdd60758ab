//! Commands from several places at once, beside replicas of the service.

use std::thread;
use std::time::Duration;

use windlass_core::state::Name;
use windlass_tests::Running;
use windlass_tests::seed::{Random, seed};
use windlass_tests::team::Team;

use crate::{BINARY, STREAMS};

#[test]
fn of_commands_at_once_the_last_one_wins_and_none_is_lost() {
    let team = Team::at_work(BINARY, 3);
    for fee in 2..5 {
        let fee = format!("--var=fee={fee}");
        let commands: [&[&str]; 3] = [
            &["apply", "-y", &fee],
            &["stop", "*.follow", "--no-wait"],
            &["restart", "*.follow", "--no-wait"],
        ];
        let running: Vec<Running> = commands.iter().map(|command| team.begin(command)).collect();
        for done in running.into_iter().map(Running::end) {
            assert!(matches!(done.code, Some(0 | 1 | 4 | 5)), "{done}\n{}", team.story());
        }
        team.is_sound();
        team.ok(&["stop", "*.follow"]);
        for stream in STREAMS {
            assert_eq!(team.state(stream), Some(Name::Stopped), "{}", team.story());
            assert_eq!(team.project.alive(stream), [], "{}", team.story());
        }
    }
    team.ok(&["start", "*.follow"]);
    team.ok(&["apply", "-y", "--var=fee=9"]);
    team.converges();
}

#[test]
fn a_stop_during_a_start_always_ends_stopped() {
    let team = Team::at_work(BINARY, 2);
    let mut random = Random::new(seed());
    for _ in 0..8 {
        team.ok(&["restart", "*.follow", "--no-wait"]);
        thread::sleep(random.pause(Duration::from_millis(600)));
        team.ok(&["stop", "*.follow"]);
        for stream in STREAMS {
            assert_eq!(team.state(stream), Some(Name::Stopped), "{}", team.story());
            assert_eq!(team.project.alive(stream), [], "{}", team.story());
        }
    }
    team.ok(&["start", "*.follow"]);
    team.converges();
}
