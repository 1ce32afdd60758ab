//! One of three replicas dies over as many jobs as a fleet has. It measures, and asserts nothing of time: `tests/large`
//! runs it in a release build, and its figures stand in `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use windlass::ledger::{Ledger, new_op};
use windlass::store::{self, Commit, Expect, Key, Store, Transaction, Write};
use windlass_compiler::model::Lease;
use windlass_compiler::units;
use windlass_core::desired::Desired;
use windlass_core::document;
use windlass_core::id::Instance;
use windlass_core::shard::Shard;
use windlass_core::state::State;
use windlass_core::status::Status;
use windlass_tests::project::{say, until};
use windlass_tests::redis::{Options, Server};
use windlass_tests::seed::times;
use windlass_tests::{Project, Running, records};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
const PIPELINES: usize = 1000;
const TTL: u64 = 15;
/// Streams that run before and after the death, one in each of so many pipelines.
const RUNNING: usize = 64;

/// Three lease nodes, a store, and a project of so many jobs that are stopped.
struct Fleet {
    project: Project,
    nodes: Vec<Server>,
    store: Server,
}

impl Fleet {
    fn new(jobs: usize) -> Self {
        let nodes: Vec<_> = (0..3).map(|_| Server::start(Options::durable())).collect();
        let store = Server::start(Options::durable());
        let project = Project::new(BINARY, &[]).in_store(&store.url());
        let urls: Vec<_> = nodes.iter().map(Server::url).collect();
        let root = format!(
            "version = 1\nproject = \"large\"\ninclude = [\"of-*.toml\"]\n\n[store]\nurl = {:?}\n\n\
             [lease]\nnodes = {urls:?}\nttl = \"{TTL}s\"\n\n[cluster.here]\nkind = \"local\"\n\n{TEMPLATE}",
            store.url(),
        );
        fs::write(project.file("windlass.toml"), root).expect("writable");
        for pipeline in 0..PIPELINES {
            let mut text = format!("[pipeline]\nname = \"p{pipeline}\"\n");
            for job in 0..jobs / PIPELINES {
                write!(text, "\n[job.j{job}]\nuse = \"one\"\n").expect("a string takes everything");
            }
            fs::write(project.file(&format!("of-{pipeline}.toml")), text).expect("writable");
        }
        Self { project, nodes, store }
    }

    fn serve(&self) -> Running {
        self.project.spawn(&[("WINDLASS_LOG", "warn")], &["reconcile", "-q"])
    }

    /// How many shards have an owner among these.
    fn owned(&self, services: &[&Running]) -> usize {
        let lease = Lease {
            nodes: self.nodes.iter().map(Server::url).collect(),
            ttl: units::Duration::from_secs(TTL),
        };
        let owners = records::owners_in(&self.store.url(), self.project.place(), &lease).unwrap_or_default();
        let ours = |pid| services.iter().any(|service| service.id() == pid);
        owners.iter().filter(|owner| ours(owner.holder.pid)).map(|owner| owner.shards.len()).sum()
    }

    fn are_owned(&self, services: &[&Running]) {
        until("every shard has an owner", || self.owned(services) == Shard::all().len());
    }

    /// Whoever joins late has nothing yet that could be taken over.
    fn are_shared(&self, services: &[&Running]) {
        until("every replica has a share", || services.iter().all(|service| self.owned(&[service]) > 0));
        self.are_owned(services);
    }

    fn tell_sizes(&self, services: &[&Running]) {
        let bytes = self.store.info("used_memory").and_then(|text| text.parse::<u64>().ok());
        let store = bytes.expect("it tells") / 1_000_000;
        let services: Vec<u64> = services.iter().map(|service| resident(service)).collect();
        say(&format!("MB of the replicas: {services:?}; of the store: {store}"));
    }

    /// What a client of the same store measures until every shard has an owner among these.
    fn commits_until_owned(&self, services: &[&Running]) -> Vec<Duration> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let commits = scope.spawn(|| block_on(commits(&self.store.url(), &over)));
            self.are_owned(services);
            over.store(true, Ordering::Relaxed);
            commits.join().expect("nobody else writes there")
        })
    }
}

/// Every job is this one.
const TEMPLATE: &str = "[template.one]
mode = \"stream\"
cluster = \"here\"
process = { command = [\"sh\", \"job.sh\", \"stream\", \"1\"], dir = \".\", ready = \"0s\", grace = \"1s\", files = [\"job.sh\"] }
";

/// How long something took.
fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = act();
    say(&format!("{what}: {:.1} s", began.elapsed().as_secs_f64()));
    done
}

/// The megabytes of a process that are resident.
fn resident(service: &Running) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", service.id())).expect("it is alive");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1000
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(future)
}

/// Records that every job has stopped, as owners would do one by one.
async fn are_stopped(url: &str, place: &Path) {
    let store = store::open(url, place, false, None).await.expect("it is there").store;
    let ledger = Ledger::load(Arc::clone(&store)).await.expect("readable");
    let stopped = |desired: &Desired| {
        let status = Status::new(Instance::stream(desired.job().clone()));
        let observed_generation = desired.goal.generation;
        Status { state: State::Stopped, observed_generation, ..status }
    };
    let statuses: Vec<Status> = ledger.fleet().desired.values().map(stopped).collect();
    for some in statuses.chunks(10_000) {
        let write = |status: &Status| {
            let text = document::encode(&status.stored(), None);
            Write { key: Key::status(&status.instance), expect: Expect::Absent, text }
        };
        let (guards, history) = (Vec::new(), Vec::new());
        let writes = some.iter().map(write).collect();
        let change = Transaction { op: new_op(), fence: None, guards, writes, history };
        let done = store.commit(&change).await.expect("the store answers");
        assert!(matches!(done, Commit::Done(_)), "{done:?}");
    }
}

/// Compare-and-sets one after the other on the same server, in another database, until `over`: how long each took.
async fn commits(url: &str, over: &AtomicBool) -> Vec<Duration> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let opened = store::open(&format!("{url}/1"), folder.path(), true, None).await.expect("it can be made");
    let store: Arc<dyn Store> = opened.store;
    let (mut took, mut expect) = (Vec::new(), Expect::Absent);
    while !over.load(Ordering::Relaxed) {
        let write = Write { key: Key::stored("status/a.b".to_owned()), expect, text: "x".repeat(420) };
        let (guards, history) = (Vec::new(), Vec::new());
        let change = Transaction { op: new_op(), fence: None, guards, writes: vec![write], history };
        let began = Instant::now();
        let Ok(Commit::Done(versions)) = store.commit(&change).await else { panic!("nobody else writes it") };
        took.push(began.elapsed());
        expect = Expect::Version(versions[0]);
    }
    took.sort();
    took
}

#[test]
#[ignore = "it takes minutes, and wants a release build: tests/large"]
fn one_of_three_replicas_dies_over_a_hundred_thousand_jobs() {
    let jobs = times("WINDLASS_TEST_JOBS", 100_000);
    let fleet = Fleet::new(jobs);
    timed("apply", || fleet.project.ok(&["apply", "-y", "-q", "--no-wait"]));
    timed("stop", || fleet.project.ok(&["stop", "*.*", "-q", "--no-wait"]));
    timed("every stop is on record", || block_on(are_stopped(&fleet.store.url(), fleet.project.place())));
    let services = [fleet.serve(), fleet.serve(), fleet.serve()];
    let [dead, first, second] = services;
    timed("all shards are shared", || fleet.are_shared(&[&dead, &first, &second]));
    let running: Vec<String> = (0..RUNNING).map(|pipeline| format!("p{pipeline}.j0")).collect();
    let command =
        |word| [&[word, "-q"][..], &running.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    timed("64 streams start", || fleet.project.ok(&command("start")));
    fleet.tell_sizes(&[&dead, &first, &second]);
    let starts = || fleet.project.evidence().starts_in_all();
    assert_eq!(starts(), RUNNING);
    let left = fleet.owned(&[&dead]);
    dead.kill_after(Duration::ZERO);
    let restart = fleet.project.spawn(&[], &command("restart"));
    let took = timed(&format!("{left} shards are taken over, where a lease lasts {TTL} s"), || {
        fleet.commits_until_owned(&[&first, &second])
    });
    let [half, most, all] = [500, 990, 1000].map(|part| took[(took.len() - 1) * part / 1000]);
    say(&format!("{} commits meanwhile: p50 {half:?}, p99 {most:?}, longest {all:?}", took.len()));
    let done = timed("64 streams are restarted", || restart.end());
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(starts(), 2 * RUNNING);
    fleet.project.assert_sound();
    fleet.tell_sizes(&[&first, &second]);
    [first, second].into_iter().for_each(|service| drop(service.kill_after(Duration::ZERO)));
}
