//! Commands from several places at once, beside replicas of the service.

use std::fs;

use windlass_core::state::Name;
use windlass_tests::Running;
use windlass_tests::project::{say, until};
use windlass_tests::seed::{Random, seed, times};
use windlass_tests::team::Team;

use crate::rules::{Gate, held};
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

/// A pipeline of streams, each of which a stop meets at another step of its start.
fn many() -> (String, Vec<String>) {
    let names: Vec<String> = (0..24).map(|number| format!("s{number}")).collect();
    let mut text = "[pipeline]\nname = \"many\"\n".to_owned();
    for name in &names {
        text.push_str(&format!(
            "\n[job.{name}]\nmode = \"stream\"\ncluster = \"here\"\nprocess = {{ command = [\"sh\", \"job.sh\", \
             \"stream\", \"1\"], dir = \".\", ready = \"0s\", grace = \"1s\", files = [\"job.sh\"] }}\n"
        ));
    }
    (text, names.iter().map(|name| format!("many.{name}")).collect())
}

#[test]
fn a_stop_during_a_start_always_ends_stopped() {
    let team = Team::at_work(BINARY, 2);
    let (text, streams) = many();
    fs::write(team.project.file("of-many.toml"), text).expect("writable");
    team.ok(&["apply", "-y", "--no-wait"]);
    team.ok(&["stop", "many.*"]);
    let started = || team.project.evidence().starts_in_all();
    let mut random = Random::new(seed());
    for round in 0..times("WINDLASS_TEST_RACES", 8) {
        // Nobody starts anything until a stop is about to be recorded, which it is when some have started and others are
        // at some step on the way there.
        (0..2).for_each(|number| team.pause(number));
        team.ok(&["start", "many.*", "--no-wait"]);
        let gate = Gate::new(&team, &format!("gate-{round}"));
        let stop = held(&team, &gate, "command.before-commit", &[], &["stop", "many.*"]);
        let (before, some) = (started(), random.below(streams.len() as u64 / 2) as usize);
        (0..2).for_each(|number| team.resume(number));
        until("some have started", || started() >= before + some);
        gate.open();
        let stop = stop.end();
        assert_eq!(stop.code, Some(0), "{stop}\n{}", team.story());
        let fleet = team.project.fleet();
        for stream in &streams {
            let state = fleet.statuses[&stream.parse().expect("a good name")].state.name();
            assert_eq!(state, Name::Stopped, "{stream}\n{}", team.story());
        }
        let left = team.project.processes().into_iter().filter_map(|found| found.instance);
        let left: Vec<_> = left.filter(|instance| instance.starts_with("many.")).collect();
        assert!(left.is_empty(), "{left:?}\n{}", team.story());
        team.is_sound();
        say(&format!("{} of {} started before their stop", started() - before, streams.len()));
    }
    team.converges();
}
