//! Random faults of a team's service while commands are given: whatever goes wrong, no attempt starts twice, every
//! command that was acknowledged takes effect, what clients of the store are answered can have happened, and
//! everything comes to rest when nothing is broken any more.
//!
//! `WINDLASS_TEST_MINUTES` makes it longer (`tests/nemesis` does), `WINDLASS_TEST_SEED` repeats what is drawn.

mod clients;
mod commands;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tempfile::TempDir;
use windlass_tests::nemesis::{self, Fault, Loss, ServerFault, ServiceFault, Step, Turn, act};
use windlass_tests::project::{patiently, say};
use windlass_tests::redis::Saved;
use windlass_tests::seed::seed;
use windlass_tests::team::{SCENE, Team};

use clients::Clients;
use commands::Commands;

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
/// How long it takes without `WINDLASS_TEST_MINUTES`.
const SHORT: Duration = Duration::from_secs(30);
/// After so long everything is healed and judged, and it begins again.
const ROUND: Duration = Duration::from_secs(60);
/// Longer than everything takes to come to rest, a recovery too.
const PATIENCE: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(20);

#[test]
fn whatever_goes_wrong_nothing_starts_twice_and_nothing_is_lost() {
    play(Memory::Kept, 1.0);
}

#[test]
fn whatever_the_store_forgets_nothing_starts_twice_and_everything_comes_to_rest() {
    play(Memory::Lost, 0.5);
}

/// Whether the store may forget what it acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Kept,
    Lost,
}

/// Plays and judges one story after the other, for this share of the time.
fn play(memory: Memory, share: f64) {
    let (seed, length) = (seed(), length().mul_f64(share));
    say(&format!("{memory:?}: {length:?}; WINDLASS_TEST_MINUTES=N makes it N minutes"));
    let mut run = Run::new(memory);
    let mut left = length;
    for round in 0.. {
        run.round(seed.wrapping_add(round), left.min(ROUND));
        left = left.saturating_sub(ROUND);
        if left.is_zero() {
            break;
        }
    }
    let (kills, starts) = (run.kills, run.team.project.evidence().starts_in_all());
    say(&format!("{memory:?}: {}", run.commands.figures()));
    say(&format!(
        "{memory:?}: {kills} kills, {starts} starts of attempts; none twice, nothing lost, all at rest"
    ));
}

fn length() -> Duration {
    let asked = std::env::var("WINDLASS_TEST_MINUTES").ok().and_then(|text| text.parse::<f64>().ok());
    asked.map_or(SHORT, |minutes| Duration::from_secs_f64(minutes * 60.0))
}

/// What may go wrong. A store that has lost everything is refused until somebody restores it, which nobody does here.
fn may(memory: Memory, fault: Fault) -> bool {
    match fault {
        Fault::StaleFailOver { .. } => memory == Memory::Lost,
        Fault::Server(nemesis::Server::Primary, ServerFault::Kill(loss)) => match memory {
            Memory::Kept => loss == Loss::Nothing,
            Memory::Lost => loss != Loss::Everything,
        },
        Fault::Server(nemesis::Server::Replica, ServerFault::Kill(loss)) => {
            matches!(loss, Loss::Nothing | Loss::Everything)
        }
        Fault::Service(..) | Fault::Server(..) | Fault::Link(..) => true,
    }
}

/// A team at work, and whoever gives it commands.
struct Run {
    team: Team,
    commands: Commands,
    memory: Memory,
    /// What each lease node had at the beginning, and the store.
    copies: Vec<Saved>,
    told: Vec<String>,
    /// How many processes were killed: replicas of the service, and servers.
    kills: usize,
    _folder: TempDir,
}

impl Run {
    fn new(memory: Memory) -> Self {
        // A copy: a long run outlives the next build.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = folder.path().join("windlass");
        std::fs::copy(BINARY, &binary).expect("the product is built");
        let team = Team::at_work(binary.to_str().expect("a plain path"), SCENE.services);
        let servers = team.lease_nodes.iter().chain([&team.primary]);
        let copies = servers.map(windlass_tests::redis::Server::save).collect();
        Self {
            team,
            commands: Commands::default(),
            memory,
            copies,
            told: Vec::new(),
            kills: 0,
            _folder: folder,
        }
    }

    /// Plays a story to its end, and judges what came of it.
    fn round(&mut self, seed: u64, length: Duration) {
        let story = SCENE.draw(seed, length, |fault| may(self.memory, fault));
        say(&format!("seed {seed}: {} steps", story.steps.len()));
        self.told = vec![story.to_string()];
        let clients = (self.memory == Memory::Kept).then(|| Clients::begin(&self.team));
        let began = Instant::now();
        self.commands.begin(seed);
        for step in &story.steps {
            while began.elapsed() < step.at {
                self.commands.tick(&self.team);
                thread::sleep(TICK);
            }
            self.act(step);
            self.team.revive();
        }
        self.commands.finish();
        let history = clients.map(Clients::end).unwrap_or_default();
        say(&format!("{} operations of clients", history.len()));
        self.judge(&history.violations());
    }

    fn act(&mut self, step: &Step) {
        self.told.push(format!("{} {step}", Timestamp::now()));
        self.kills += usize::from(step.kills());
        match step.fault {
            Fault::Service(number, fault) => self.on_service(number, fault, step.turn),
            Fault::Server(server, fault) => {
                let copy = &self.copies[match server {
                    nemesis::Server::LeaseNode(number) => usize::from(number),
                    nemesis::Server::Primary | nemesis::Server::Replica => self.copies.len() - 1,
                }];
                let server = match server {
                    nemesis::Server::LeaseNode(number) => &mut self.team.lease_nodes[usize::from(number)],
                    nemesis::Server::Primary => &mut self.team.primary,
                    nemesis::Server::Replica => &mut self.team.replica,
                };
                act::on_server(fault, step.turn, server, copy);
            }
            Fault::Link(link, fault) => {
                act::on_link(fault, step.turn, self.team.links.get_mut(&link).expect("of the scene"));
            }
            Fault::StaleFailOver { .. } => match step.turn {
                Turn::Breaks => self.team.replication().cut(),
                Turn::Worsens => self.team.fails_over(),
                Turn::Heals => self.team.is_replicated_again(),
            },
        }
    }

    /// Gives the specs anew where the store has gone back in time. Somebody may notice that later than others.
    fn give_specs_anew(&self) {
        let fleet = self.team.project.try_fleet();
        if fleet.is_ok_and(|fleet| fleet.recovery.is_some_and(|recovery| !recovery.is_over())) {
            self.team.run(&["apply", "-y", "--no-wait"]);
        }
    }

    fn on_service(&mut self, number: u8, fault: ServiceFault, turn: Turn) {
        match (fault, turn) {
            (ServiceFault::Kill, Turn::Breaks) => self.team.kill(number),
            (ServiceFault::Kill, Turn::Heals) => self.team.serve(number),
            (ServiceFault::Pause, Turn::Breaks) => self.team.pause(number),
            (ServiceFault::Pause, Turn::Heals) => self.team.resume(number),
            (_, Turn::Worsens) => {}
        }
    }

    /// Everything is healed: it comes to rest, and nothing is wrong.
    #[track_caller]
    fn judge(&mut self, of_clients: &[String]) {
        assert!(of_clients.is_empty(), "{}\n{}", of_clients.join("\n"), self.told.join("\n"));
        self.team.revive();
        self.team.is_shared(SCENE.services.into());
        let mut restless = Vec::new();
        patiently(PATIENCE, || {
            self.give_specs_anew();
            restless = self.commands.restless(&self.team);
            restless.is_empty()
        });
        let lost = match self.memory {
            Memory::Kept => self.commands.lost(&self.team),
            // What was acknowledged in a time that is gone, is gone with it.
            Memory::Lost => Vec::new(),
        };
        let wrong = [restless, self.team.violations(), lost].concat();
        assert!(
            wrong.is_empty(),
            "{wrong:#?}\n{}\n{}\n{}",
            self.told.join("\n"),
            self.commands.told(),
            self.team.story()
        );
        let states: BTreeMap<_, _> =
            commands::streams().map(|job| (job.clone(), self.team.state(&job))).collect();
        say(&format!("{states:?}"));
    }
}
