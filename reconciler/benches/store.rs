//! What the store in Redis costs beside the plain commands, in one run on one server that it starts itself.
//!
//! `tests/servers && cargo bench -p windlass --bench store`; with `-- sequence` only that part.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo, Script, Value};
use tempfile::TempDir;
use windlass::store::{self, Commit, Entry, Expect, Key, Store, Transaction, Write};
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::{Fence, Shard};

/// Jobs whose memory is measured.
const JOBS: usize = 10_000;
/// Jobs of one shard, as many as there are of 100,000.
const SHARE: usize = 1_563;
/// Calls of one kind before those of another have their turn.
const BLOCK: usize = 100;
const BLOCKS: usize = 40;
const FLIGHT: usize = 200;
/// Commits of a turn with so many in flight.
const FLIGHTS: usize = 40_000;
const TURNS: usize = 5;
/// Commits until a store remembers as much as it ever does.
const REMEMBERED: usize = 21_000;

/// The sizes of typical records: a job of one process, and its status after a few steps.
const DESIRED: usize = 330;
const STATUS: usize = 420;

fn main() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads can be started").block_on(async {
        if asked("memory") {
            memory(&server).await;
        }
        if asked("scan") {
            scan(&server).await;
        }
        if asked("sequence") {
            sequence(&server).await;
        }
        if asked("flight") {
            flight(&server).await;
        }
    });
}

/// Whether the command line names this part, or none.
fn asked(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|argument| argument == part)
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("somebody listens");
}

/// One compare-and-set after the other, as an owner records a status, beside one line of Lua: in turns, a block of each,
/// on a store that is as full of what it remembers as it gets.
async fn sequence(server: &Server) {
    let (store, mut bare) = (server.store("sequence").await, server.bare().await);
    store.raise().await.expect("it answers");
    fill(&store, 0, REMEMBERED).await;
    let (mut ours, mut told, mut plain) = (Blocks::default(), Blocks::default(), Blocks::default());
    let mut owned = Owned { store, expect: Expect::Absent, round: 0 };
    let (script, text) = (Script::new("return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])"), text(STATUS));
    let mut line_of_lua = script.key("{bench}:bare");
    line_of_lua.arg("status/orders.settle").arg(&text);
    for _ in 0..BLOCKS {
        ours.add(&mut bare, async |_| owned.write(Vec::new()).await).await;
        let called = async |bare: &mut MultiplexedConnection| {
            let began = Instant::now();
            line_of_lua.invoke_async::<Value>(bare).await.expect("done");
            began.elapsed()
        };
        plain.add(&mut bare, called).await;
        told.add(&mut bare, async |_| owned.write(vec![line("orders.settle")]).await).await;
    }
    let (wall, inside) = plain.middles();
    say(&format!("one line of Lua: {wall:.1} µs, of which in the server {inside:.2} µs"));
    ours.compare("compare-and-set", &plain, " (goal 1.5)");
    told.compare("the same with a line of history", &plain, "");
}

/// A record that is written again and again by its owner.
struct Owned {
    store: Arc<dyn Store>,
    expect: Expect,
    round: u128,
}

impl Owned {
    /// How long the write took.
    async fn write(&mut self, history: Vec<Entry>) -> Duration {
        self.round += 1;
        let mut change = change(self.round, "status/orders.settle", self.expect, STATUS);
        change.history = history;
        let began = Instant::now();
        self.expect = Expect::Version(done(&self.store, &change).await);
        began.elapsed()
    }
}

/// What blocks of calls of one kind took: the middle of each in µs, and the mean of each in the server.
#[derive(Default)]
struct Blocks {
    wall: Vec<f64>,
    inside: Vec<f64>,
}

impl Blocks {
    async fn add(
        &mut self,
        bare: &mut MultiplexedConnection,
        mut call: impl AsyncFnMut(&mut MultiplexedConnection) -> Duration,
    ) {
        let (calls_before, before) = evaluated(bare).await;
        let mut times = Vec::with_capacity(BLOCK);
        for _ in 0..BLOCK {
            times.push(call(bare).await);
        }
        let (calls, after) = evaluated(bare).await;
        assert!(calls >= calls_before + BLOCK as f64, "each is a call by digest, but for the first");
        self.wall.push(middle(times).as_secs_f64() * 1e6);
        self.inside.push((after - before) / (calls - calls_before));
    }

    fn middles(&self) -> (f64, f64) {
        (among(&self.wall, 0.5), among(&self.inside, 0.5))
    }

    /// Says how many times as long as `plain` it took: each block beside that of the same turn.
    fn compare(&self, what: &str, plain: &Self, goal: &str) {
        let ratios: Vec<f64> = self.wall.iter().zip(&plain.wall).map(|(ours, plain)| ours / plain).collect();
        let (wall, inside) = self.middles();
        say(&format!(
            "{what}: {wall:.1} µs, {:.2} times that{goal}, {:.2} to {:.2} in eight of ten blocks; \
             in the server {inside:.2} µs",
            among(&ratios, 0.5),
            among(&ratios, 0.1),
            among(&ratios, 0.9)
        ));
    }
}

/// How often the server ran a script by its digest, and for how many µs.
async fn evaluated(bare: &mut MultiplexedConnection) -> (f64, f64) {
    let text: String = redis::cmd("INFO").arg("commandstats").query_async(bare).await.expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:")).unwrap_or_default();
    let field = |name: &str| {
        let value = line.split(',').find_map(|field| field.strip_prefix(name));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    };
    (field("calls="), field("usec="))
}

/// So many commits of new records, 200 at once; how long they took.
async fn fill(store: &Arc<dyn Store>, from: usize, count: usize) -> Duration {
    let (began, each) = (Instant::now(), count / FLIGHT);
    let tasks = (0..FLIGHT).map(|task| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for n in 0..each {
                let number = from + task * each + n;
                let key = format!("status/p.{number:012}");
                done(&store, &change((1 << 64) + number as u128, &key, Expect::Absent, STATUS)).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
    began.elapsed()
}

/// 200 at once, beside `redis-benchmark` with the same script and arguments of the same size, in turns.
async fn flight(server: &Server) {
    let store = server.store("flight").await;
    fill(&store, 0, REMEMBERED).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        let took = fill(&store, turn * FLIGHTS, FLIGHTS).await;
        ours.push(FLIGHTS as f64 / took.as_secs_f64());
        let before = store.moment().await.expect("it answers").0;
        theirs.push(server.benchmark(store.lineage(), turn));
        let done = store.moment().await.expect("it answers").0 - before;
        // Two numbers of it may be one, and so two operations.
        assert!(done as usize > FLIGHTS * 99 / 100, "of {FLIGHTS} calls, {done} were commits");
    }
    let shares: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| 100.0 * ours / theirs).collect();
    say(&format!(
        "{FLIGHT} in flight: {:.0}/s, redis-benchmark {:.0}/s: {:.0} % (goal 60 %), {:.0} to {:.0} in {TURNS} turns",
        among(&ours, 0.5),
        among(&theirs, 0.5),
        among(&shares, 0.5),
        among(&shares, 0.0),
        among(&shares, 1.0)
    ));
}

/// All records of one shard, beside the bare answer.
async fn scan(server: &Server) {
    let (store, mut bare) = (server.store("scan").await, server.bare().await);
    let mut all = change(1, "run/orders@1", Expect::Absent, STATUS);
    for n in 0..SHARE {
        all.writes.extend(job("orders", n));
    }
    done(&store, &all).await;
    let shard = Shard::of_text("orders");
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let began = Instant::now();
        let found = store.scan_shard(shard).await.expect("it answers").len();
        ours.push(began.elapsed());
        assert_eq!(found, 2 * SHARE + 1);
        let began = Instant::now();
        let key = format!("{{scan}}:records:{shard}");
        redis::cmd("HGETALL").arg(key).query_async::<Value>(&mut bare).await.expect("it answers");
        plain.push(began.elapsed());
    }
    let (ours, plain) = (middle(ours), middle(plain));
    say(&format!(
        "a shard of {SHARE} jobs: {ours:?}, the bare answer {plain:?}: {:.2} times (goal 3)",
        ratio(ours, plain)
    ));
}

/// What one job takes, when each was written by itself and with its history.
async fn memory(server: &Server) {
    let (store, mut bare) = (server.store("memory").await, server.bare().await);
    let before = used(&mut bare).await;
    for from in (0..JOBS).step_by(1000) {
        let mut some = change(from as u128, &format!("apply/{from}"), Expect::Absent, STATUS);
        some.writes.extend((from..from + 1000).flat_map(|n| job(&format!("pipeline-{}", n % 200), n)));
        done(&store, &some).await;
    }
    let records = used(&mut bare).await - before;
    say(&format!(
        "memory: {} bytes a job, {JOBS} jobs with desired state and status (goal 1200)",
        records / JOBS
    ));
    let texts = DESIRED + STATUS;
    say(&format!("  of which their texts: {texts}"));
    for n in 0..2 * JOBS + 2000 {
        let mut step = change((1 << 64) + n as u128, "status/pipeline-0.busy", Expect::Absent, STATUS);
        step.writes.clear();
        step.history = vec![line(&format!("pipeline-{}.job-{:05}", n % 200, n % JOBS))];
        done(&store, &step).await;
    }
    let all = used(&mut bare).await - before;
    say(&format!("  with all remembered transactions and two lines of history: {} bytes a job", all / JOBS));
    for key in ["events", "meta", "history:3", "sequences:3", "records:3"] {
        let question = redis::cmd("MEMORY")
            .arg("USAGE")
            .arg(format!("{{memory}}:{key}"))
            .arg("SAMPLES")
            .arg(0)
            .to_owned();
        let bytes: Option<usize> = question.query_async(&mut bare).await.expect("it answers");
        say(&format!("  {key}: {} bytes", bytes.unwrap_or_default()));
    }
}

async fn used(bare: &mut MultiplexedConnection) -> usize {
    let text: String = redis::cmd("INFO").arg("memory").query_async(bare).await.expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|bytes| bytes.parse().ok()).expect("every server says it")
}

fn job(pipeline: &str, n: usize) -> [Write; 2] {
    let write = |kind: &str, size| Write {
        key: Key::stored(format!("{kind}/{pipeline}.job-{n:05}")),
        expect: Expect::Absent,
        text: text(size),
    };
    [write("desired", DESIRED), write("status", STATUS)]
}

fn change(op: u128, key: &str, expect: Expect, size: usize) -> Transaction {
    let write = Write { key: Key::stored(key), expect, text: text(size) };
    let fence = Some(Fence { shard: Shard::of_text("orders"), epoch: Epoch(1) });
    // Ids are drawn by chance, and so are all of one length.
    let op = OpId(op | 1 << 127);
    Transaction { op, fence, guards: Vec::new(), writes: vec![write], history: Vec::new() }
}

fn line(subject: &str) -> Entry {
    Entry { subject: subject.to_owned(), sequence: None, at: 1_795_000_000_000, text: text(150) }
}

fn text(size: usize) -> String {
    "{\"state\":\"running\"}".chars().cycle().take(size).collect()
}

async fn done(store: &Arc<dyn Store>, change: &Transaction) -> Version {
    match store.commit(change).await {
        Ok(Commit::Done(versions)) => {
            versions.first().copied().unwrap_or(Version { counter: 0, op: change.op })
        }
        other => panic!("{other:?}"),
    }
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The value below which this share of them are.
fn among(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

/// A server of its own.
struct Server {
    port: u16,
    process: Child,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let mut command = Command::new(installed("redis-server"));
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--loglevel",
            "warning",
        ]);
        command.arg("--dir").arg(folder.path()).stdout(Stdio::null());
        let process = command.spawn().expect("a server can be started");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, process, folder }
    }

    async fn store(&self, prefix: &str) -> Arc<dyn Store> {
        let url = format!("redis://127.0.0.1:{}/0?prefix={prefix}", self.port);
        store::open(&url, self.folder.path(), true, None).await.expect("a new store").store
    }

    async fn bare(&self) -> MultiplexedConnection {
        let address = format!("redis://127.0.0.1:{}", self.port).into_connection_info().expect("a URL");
        let address = address.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let client = Client::open(address).expect("an address");
        client.get_multiplexed_async_connection_with_config(&config).await.expect("it answers")
    }

    /// Calls a second of the commit script by `redis-benchmark`, as [`flight`] does.
    fn benchmark(&self, lineage: &str, turn: usize) -> f64 {
        let script = Script::new(include_str!("../src/store/redis/commit.lua"));
        let records = "{flight}:records:".to_owned() + &Shard::of_text("p").to_string();
        let keys = ["{flight}:meta", "{flight}:refused", "{flight}:events", &records];
        // Two runs of it may draw the same numbers: it begins from the second and the process.
        let op = format!("8000000000000002{turn:04}__rand_int__");
        let record = format!("status/q{turn}.__rand_int__");
        let barrier = format!("barrier:{}", Shard::of_text("orders"));
        let fixed = [lineage, &op, &barrier, "1", "0123456789abcdef 1795000000000000 20000 20000"];
        let value = format!("1 {op} {}", text(STATUS));
        let write = [&record, "", &value];
        let mut command = Command::new(installed("redis-benchmark"));
        command.args([
            "-p",
            &self.port.to_string(),
            "-c",
            &FLIGHT.to_string(),
            "-n",
            &FLIGHTS.to_string(),
            "-r",
            // Above 2^31 all its numbers are one, and every call but the first is answered from memory.
            "1000000000",
        ]);
        command.args(["--csv", "EVALSHA", script.get_hash(), "4"]).args(keys).args(fixed).args(write);
        let output = command.output().expect("redis-benchmark runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = text.lines().last().and_then(|line| line.rsplit("\",\"").nth(6)).unwrap_or_default();
        last.trim_matches('"').parse().unwrap_or_else(|_| panic!("redis-benchmark said {text}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn installed(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/servers/redis/bin").join(name);
    assert!(path.exists(), "{} is missing: tests/servers gets it", path.display());
    path
}
