//! Clusters fall silent, for one replica or for all, and answer again.

use std::fs;
use std::path::PathBuf;

use windlass_core::state::Name;
use windlass_tests::project::until;
use windlass_tests::team::{PIPELINES, Team};

use crate::{BINARY, STREAMS};

/// A way from replicas to their clusters that a test cuts.
struct Way(PathBuf);

impl Way {
    fn new(team: &Team, name: &str) -> Self {
        Self(team.project.file(name))
    }

    fn fault(&self) -> (&'static str, &str) {
        ("WINDLASS_FAULT_CUT", self.0.to_str().expect("a plain path"))
    }

    fn cut(&self) {
        fs::write(&self.0, "").expect("writable");
    }

    fn heal(&self) {
        fs::remove_file(&self.0).expect("it is cut");
    }
}

/// Replicas that work, each with a way of its own to the clusters.
fn at_work(services: u8) -> (Team, Vec<Way>) {
    let mut team = Team::new(BINARY);
    team.apply();
    let ways: Vec<_> = (0..services).map(|number| Way::new(&team, &format!("way-{number}"))).collect();
    (0..services).zip(&ways).for_each(|(number, way)| team.serve_with(number, &[way.fault()]));
    team.is_shared(services.into());
    team.converges();
    (team, ways)
}

/// A batch that ends when it is told to.
const BATCH: &str = "
[pipeline]
name = \"east\"

[job.settle]
mode = \"batch\"
cluster = \"here\"
process = { command = [\"sh\", \"job.sh\", \"told\", \"1\"], dir = \".\", files = [\"job.sh\"] }
retry = { attempts = 3, backoff = \"50ms..100ms\" }
";

#[test]
fn what_ends_while_its_cluster_is_silent_is_seen_later_and_not_started_again() {
    let (team, ways) = at_work(2);
    fs::write(team.project.file("of-east.toml"), BATCH).expect("writable");
    team.ok(&["apply", "-y", "--no-wait"]);
    let wrote = |what: &str| {
        let lines = team.project.evidence().lines;
        lines.iter().filter(|line| line.instance.starts_with("east.settle@") && line.what == what).count()
    };
    until("the batch has begun", || wrote("start") == 1);
    team.becomes("east.settle", Name::Running);
    ways.iter().for_each(Way::cut);
    for job in [STREAMS[0], STREAMS[1], STREAMS[2], "east.settle"] {
        team.becomes(job, Name::Unknown);
    }
    fs::write(team.project.file("told"), "").expect("writable");
    until("the batch has ended", || wrote("end") == 1);
    // Nobody is told that what nobody sees has stopped.
    let mut stop = team.begin(&["stop", "north.follow"]);
    until("the stop is recorded", || {
        let history = team.project.history().unwrap_or_default();
        history.iter().any(|line| line.entry.text.contains("\"command\":\"stop\""))
    });
    assert!(!stop.has_ended(), "{}", stop.said());
    assert!(!team.project.alive("north.follow").is_empty());
    ways.iter().for_each(Way::heal);
    let stop = stop.end();
    assert_eq!(stop.code, Some(0), "{stop}\n{}", team.story());
    assert_eq!(team.project.alive("north.follow"), [], "{}", team.story());
    team.becomes("east.settle", Name::Succeeded);
    assert_eq!(wrote("start"), 1, "{}", team.story());
    team.ok(&["start", "north.follow"]);
    team.converges();
    assert_eq!(STREAMS.map(|stream| team.starts(stream)), [2, 1, 1], "{}", team.story());
}

#[test]
fn a_replica_that_cannot_reach_a_cluster_is_followed_and_nothing_starts_again() {
    let (team, ways) = at_work(2);
    let lonely = team.owner("north").expect("somebody");
    ways[usize::from(lonely)].cut();
    // What needs no cluster may stay where it is.
    until("the other one owns all that is on it", || {
        PIPELINES.iter().all(|pipeline| team.owner(pipeline) == Some(1 - lonely))
    });
    team.streams_run();
    assert_eq!(STREAMS.map(|stream| team.starts(stream)), [1, 1, 1], "{}", team.story());
    team.ok(&["restart", "*.follow"]);
    ways[usize::from(lonely)].heal();
    team.is_shared(2);
    team.converges();
    assert_eq!(STREAMS.map(|stream| team.starts(stream)), [2, 2, 2], "{}", team.story());
}
