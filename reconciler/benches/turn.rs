//! What the engine's turns cost in processor time, on a store and a cluster in memory, for fleets of several sizes.
//!
//! `cargo bench -p windlass --bench turn`; with `-- 1000 5000` for fleets of these sizes. Chains have a fifth of it: each
//! of their links waits for the one before, whatever the processor does meanwhile.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;
use windlass::driver::Driver;
use windlass::driver::memory::Memory;
use windlass::engine::{Connect, Engine, Flow};
use windlass::lease::Held;
use windlass::ledger::Ledger;
use windlass::store;
use windlass_compiler::diff::diff;
use windlass_compiler::model::{Cluster, Edge, Job, Mode, When};
use windlass_compiler::plan::Plan;
use windlass_compiler::sample;
use windlass_compiler::units;
use windlass_core::desired::Change;
use windlass_core::id::{ApplyId, Epoch, Instance};
use windlass_core::operate::{Operation, Target, operate};
use windlass_core::propose::{Proposal, propose};
use windlass_core::shard::Shard;
use windlass_core::state::Name as State;
use windlass_core::status::Transition;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let asked = std::env::args().filter_map(|argument| argument.parse().ok()).collect::<Vec<usize>>();
    let sizes = if asked.is_empty() { vec![1_000, 5_000, 20_000] } else { asked };
    for jobs in sizes {
        runtime.block_on(streams(jobs));
        runtime.block_on(chain(jobs / 5));
    }
}

/// Streams that know nothing of each other.
async fn streams(jobs: usize) {
    let id = |number: usize| format!("p{}.j{number}", number % 100);
    let mut ledger = ledger((0..jobs).map(|number| job(&id(number), Mode::Stream, None)).collect()).await;
    let cluster = Arc::new(Memory::default());
    ledger = until(ledger, &cluster, State::Running, jobs, &format!("{jobs} streams start")).await;
    let all = |count: usize| (0..count).map(|number| target(&id(number))).collect::<Vec<_>>();
    command(&mut ledger, Operation::Restart, &all(10)).await;
    ledger = until(ledger, &cluster, State::Running, 10, "10 of them are restarted").await;
    command(&mut ledger, Operation::Stop, &all(jobs)).await;
    until(ledger, &cluster, State::Stopped, jobs, "all of them stop").await;
}

/// Batches that wait for each other, one after the other.
async fn chain(jobs: usize) {
    let id = |number: usize| format!("p.j{number:06}");
    let link = |number: usize| job(&id(number), Mode::Batch, number.checked_sub(1).map(id));
    let ledger = ledger((0..jobs).map(link).collect()).await;
    let what = format!("a chain of {jobs} batches");
    until(ledger, &Arc::new(Memory::default()), State::Succeeded, jobs, &what).await;
}

fn job(id: &str, mode: Mode, after: Option<String>) -> Job {
    let mut job = sample::job(id, mode);
    sample::process(&mut job).ready = units::Duration::from_millis(0);
    let edge = |job: String| Edge { job: job.parse().expect("a name"), when: When::Met };
    job.after = after.map(edge).into_iter().collect();
    job
}

fn target(job: &str) -> Target {
    Target { job: job.parse().expect("a name"), instance: None }
}

fn change(command: &str) -> Change {
    let (author, command) = ("bench@here".to_owned(), command.to_owned());
    Change { author, at: Timestamp::now(), command, apply: None, message: None }
}

/// A store in memory to which these jobs were applied.
async fn ledger(jobs: Vec<Job>) -> Ledger {
    let mut ledger = Ledger::load(Arc::new(store::memory::Memory::new())).await.expect("it is empty");
    let plan = Plan::new("bench".parse().expect("a name"), None, jobs).expect("no circle");
    let changes = diff(&ledger.fleet().recorded(), &plan);
    let clusters = IndexMap::from([("laptop".parse().expect("a name"), Cluster::Local)]);
    let (id, change) = (ApplyId("1".to_owned()), change("apply"));
    let proposal = Proposal { plan: &plan, changes: &changes, clusters: &clusters, root: "/", id, change };
    let mutation = propose(ledger.fleet(), &proposal);
    ledger.commit(&mutation, &[]).await.expect("nobody else writes");
    ledger
}

async fn command(ledger: &mut Ledger, operation: Operation, targets: &[Target]) {
    let (mutation, _) = operate(ledger.fleet(), operation, targets, &change("command"));
    ledger.commit(&mutation, &[]).await.expect("nobody else writes");
}

/// Lets an engine work until so many instances have come to a state, and says what that took of this process.
async fn until(ledger: Ledger, cluster: &Arc<Memory>, state: State, count: usize, what: &str) -> Ledger {
    let cluster = Arc::clone(cluster);
    let connect: Connect = Arc::new(move |_, _| Arc::clone(&cluster) as Arc<dyn Driver>);
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let tell = move |_: &Instance, step: &Transition| {
        counted.fetch_add(usize::from(step.to == state), Ordering::Relaxed);
    };
    let epoch = ledger.store().raise().await.expect("it answers");
    let mut engine = Engine::new(ledger, Box::new(All(epoch)), connect).telling(Some(Box::new(tell)));
    let steer = |_: &_, _| if reached.load(Ordering::Relaxed) >= count { Flow::Done } else { Flow::Go };
    let began = processor();
    engine.run(&Notify::new(), steer).await.expect("nobody takes over");
    let took = processor() - began;
    let each = took.as_secs_f64() * 1e6 / count as f64;
    let line = format!("{what}: {:.2} s, {each:.0} µs each", took.as_secs_f64());
    writeln!(std::io::stdout(), "{line}").expect("somebody listens");
    engine.leave().await
}

fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

/// A lease on everything.
struct All(Epoch);

#[async_trait]
impl Held for All {
    fn epoch(&self, _: Shard) -> Option<Epoch> {
        Some(self.0)
    }

    fn title(&self) -> String {
        format!("epoch {}", self.0)
    }
}
