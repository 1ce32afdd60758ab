//! Stories of faults played on real servers, with clients that write down what they were answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use redis::{Connection, RedisError, RedisResult};
use windlass_core::id::{OpId, Version};
use windlass_tests::linearizability::{History, State, What};
use windlass_tests::nemesis::{self, Budget, Fault, Link, Loss, Part, Scene, ServerFault, Step, Turn, act};
use windlass_tests::project::say;
use windlass_tests::proxy::Proxy;
use windlass_tests::redis::{Data, Options, Saved, Server};
use windlass_tests::seed::seed;

const SCENE: Scene = Scene {
    services: 3,
    lease_nodes: 1,
    replica: true,
    ttl: Duration::from_millis(600),
    pace: Duration::from_millis(300),
    budget: Budget { services: 0, lease_nodes: 1, store: 1, links: 2 },
};

const LENGTH: Duration = Duration::from_secs(6);

/// The servers of a scene and the links to them.
struct Bench {
    lease_node: Server,
    primary: Server,
    replica: Server,
    links: BTreeMap<Link, Proxy>,
    /// What each server had at the beginning.
    copy: Saved,
}

impl Bench {
    fn new() -> Self {
        let options = || Options::durable().clock();
        let (lease_node, primary) = (Server::start(options()), Server::start(options()));
        let address = |link: &Link| match link.to {
            nemesis::Server::LeaseNode(_) => lease_node.address(),
            nemesis::Server::Primary | nemesis::Server::Replica => primary.address(),
        };
        let links: BTreeMap<_, _> =
            SCENE.links().into_iter().map(|link| (link, Proxy::before(address(&link)))).collect();
        let replica = Server::start(options().replica_of(links[&REPLICATION].address()));
        let copy = primary.save();
        replica.catch_up_with(&primary);
        Self { lease_node, primary, replica, links, copy }
    }

    fn act(&mut self, step: &Step) {
        say(&step.to_string());
        match step.fault {
            Fault::Service(..) => {}
            Fault::Server(server, fault) => {
                let server = match server {
                    nemesis::Server::LeaseNode(_) => &mut self.lease_node,
                    nemesis::Server::Primary => &mut self.primary,
                    nemesis::Server::Replica => &mut self.replica,
                };
                act::on_server(fault, step.turn, server, &self.copy);
            }
            Fault::Link(link, fault) => {
                act::on_link(fault, step.turn, self.links.get_mut(&link).expect("of the scene"));
            }
            Fault::StaleFailOver { .. } => self.fail_over(step.turn),
        }
    }

    fn fail_over(&mut self, turn: Turn) {
        let replication = self.links.get_mut(&REPLICATION).expect("of the scene");
        match turn {
            Turn::Breaks => replication.cut(),
            Turn::Worsens => {
                self.primary.kill();
                self.replica.promote();
                std::mem::swap(&mut self.primary, &mut self.replica);
                let to = self.primary.address();
                self.links.iter_mut().filter(|(link, _)| link.to == nemesis::Server::Primary).for_each(
                    |(_, proxy)| {
                        proxy.lead_to(to);
                    },
                );
            }
            Turn::Heals => {
                replication.reset();
                replication.heal();
                let by = replication.address();
                self.replica.restart(Data::Kept);
                self.replica.follow(by);
            }
        }
    }
}

const REPLICATION: Link = Link { from: Part::Server(nemesis::Server::Replica), to: nemesis::Server::Primary };

/// How a client reaches the store.
fn link(client: u8) -> Link {
    Link { from: Part::Service(client), to: nemesis::Server::Primary }
}

/// A compare-and-set of a whole value: whether it was done, and what is there.
const SWAP: &str = "local there = redis.call('GET', KEYS[1]) or '-'
if there ~= ARGV[1] then return {0, there} end
redis.call('SET', KEYS[1], ARGV[2])
return {1, ARGV[2]}";

fn shown(state: State) -> String {
    state.map_or_else(|| "-".to_owned(), |Version { counter, op }| format!("{counter} {:x}", op.0))
}

fn read(text: &str) -> State {
    let (counter, op) = text.split_once(' ')?;
    Some(Version { counter: counter.parse().ok()?, op: OpId(u128::from_str_radix(op, 16).ok()?) })
}

/// A client that goes on writing down what it reads and writes until it is told to stop.
struct Client<'a> {
    name: String,
    open: redis::Client,
    history: &'a History,
    ops: &'a AtomicU64,
    connection: Option<Connection>,
    state: State,
}

impl Client<'_> {
    const PATIENCE: Duration = Duration::from_millis(300);

    fn work(&mut self, until: &AtomicBool) {
        while !until.load(Ordering::SeqCst) {
            let worked = self.connect().and_then(|()| self.look("r")).and_then(|()| self.swap("r"));
            if worked.is_err() {
                self.connection = None;
            }
            // The servers and the other clients need a processor too.
            thread::sleep(Duration::from_millis(4));
        }
    }

    fn connect(&mut self) -> RedisResult<()> {
        if self.connection.is_none() {
            let connection = self.open.get_connection_with_timeout(Self::PATIENCE)?;
            connection.set_read_timeout(Some(Self::PATIENCE))?;
            self.connection = Some(connection);
        }
        Ok(())
    }

    fn look(&mut self, key: &str) -> RedisResult<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let from = self.history.now();
        let found: Option<String> = redis::cmd("GET").arg(key).query(connection)?;
        self.state = found.as_deref().and_then(read);
        self.history.record(key, &self.name, from, What::Read(self.state));
        Ok(())
    }

    fn swap(&mut self, key: &str) -> RedisResult<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let (expect, op) = (self.state, OpId(self.ops.fetch_add(1, Ordering::SeqCst).into()));
        let made = Version { counter: expect.map_or(0, |version| version.counter) + 1, op };
        let mut swap = redis::cmd("EVAL");
        swap.arg(SWAP).arg(1).arg(key).arg(shown(expect)).arg(shown(Some(made)));
        let from = self.history.now();
        let answer: RedisResult<(u8, String)> = swap.query(connection);
        let what = match &answer {
            Ok((1, _)) => What::Done { expect, made },
            Ok((_, found)) => What::Conflict { expect, found: read(found) },
            Err(error) if refused(error) => return Err(answer.expect_err("just seen")),
            Err(_) => What::Unknown { expect, op },
        };
        self.history.record(key, &self.name, from, what);
        answer.map(drop)
    }
}

/// Whether a server said that it did not do what it was asked.
fn refused(error: &RedisError) -> bool {
    error.code().is_some()
}

/// Plays a story beside three clients, and fails unless all is well at its end.
fn play(may: impl Fn(Fault) -> bool) -> History {
    let story = SCENE.draw(seed(), LENGTH, may);
    let (mut bench, history) = (Bench::new(), History::default());
    let (done, ops) = (AtomicBool::new(false), AtomicU64::new(1));
    let opens: Vec<_> = (0..SCENE.services)
        .map(|client| {
            let address = bench.links[&link(client)].address();
            (client, bench.primary.client_at(address))
        })
        .collect();
    thread::scope(|scope| {
        for (client, open) in opens {
            let (name, history) = (format!("client {}", client + 1), &history);
            let mut client = Client { name, open, history, ops: &ops, connection: None, state: None };
            let done = &done;
            scope.spawn(move || client.work(done));
        }
        story.play_live(|step| bench.act(step));
        done.store(true, Ordering::SeqCst);
    });
    all_is_well(&bench);
    history
}

fn all_is_well(bench: &Bench) {
    for server in [&bench.lease_node, &bench.primary] {
        server.command::<()>(&["SET", "well", "yes"]);
    }
    bench.replica.catch_up_with(&bench.primary);
    for proxy in bench.links.values() {
        let mut connection = bench.primary.client_at(proxy.address()).get_connection().expect("open");
        assert_eq!(redis::cmd("PING").query::<String>(&mut connection).unwrap(), "PONG");
    }
}

#[test]
fn after_any_story_every_server_works_and_every_link_is_open() {
    let history = play(|_| true);
    assert!(!history.is_empty());
}

#[test]
fn a_store_that_loses_nothing_is_linearizable_whatever_else_happens() {
    let history = play(|fault| match fault {
        Fault::StaleFailOver { .. } => false,
        Fault::Server(_, ServerFault::Kill(loss)) => loss == Loss::Nothing,
        Fault::Service(..) | Fault::Server(..) | Fault::Link(..) => true,
    });
    say(&format!("{} operations", history.len()));
    assert!(history.len() > 100);
    assert_eq!(history.violations(), [""; 0]);
}

#[test]
fn a_store_that_went_back_in_time_is_seen_in_the_history() {
    let mut server = Server::start(Options::durable());
    let (history, ops) = (History::default(), AtomicU64::new(1));
    let (name, open) = ("client".to_owned(), server.client());
    let mut client = Client { name, open, history: &history, ops: &ops, connection: None, state: None };
    let work = |client: &mut Client<'_>| {
        client.connection = None;
        client.connect().and_then(|()| client.look("r")).and_then(|()| client.swap("r")).unwrap();
    };
    work(&mut client);
    let copy = server.save();
    work(&mut client);
    server.restart(Data::Saved(&copy));
    work(&mut client);
    let violations = history.violations();
    assert!(violations.len() == 1 && violations[0].contains("no order"), "{violations:#?}");
}
