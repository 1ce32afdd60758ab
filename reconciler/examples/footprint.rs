//! What records cost: the bytes a job in a store, and those of a ledger that has read it: what lives in it, and what is
//! resident, which reading has a part in.
//!
//! `footprint fill FOLDER JOBS` makes a store in FOLDER that holds a generated project, each of whose jobs has come to
//! its goal; `footprint read FOLDER` reads it and measures. They are two processes, so that filling leaves nothing
//! behind in the memory that is measured.

#[path = "../../compiler/benches/generate/mod.rs"]
mod generate;

use std::alloc::System;
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use windlass::ledger::{Ledger, new_op};
use windlass::store::{self, Key, Transaction};
use windlass_compiler::diff::diff;
use windlass_compiler::model::Mode;
use windlass_compiler::plan::Plan;
use windlass_compiler::world::Unreadable;
use windlass_compiler::{Environments, Options, World, compile};
use windlass_core::desired::Change;
use windlass_core::document;
use windlass_core::fleet::Fleet;
use windlass_core::id::{ApplyId, AttemptNumber, Epoch, ExternalName, Generation, Instance, Sequence, Uid};
use windlass_core::propose::{Proposal, propose};
use windlass_core::state::{Name, State};
use windlass_core::status::{Attempt, Status, Transition};

/// About what a store needs for a record beside its key and its text: the version, and the tables around it.
const OVERHEAD: usize = 100;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Done<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", folder, jobs] => fill(Path::new(folder), jobs.parse()?).await,
        ["read", folder] => read(Path::new(folder)).await,
        _ => Err("footprint fill FOLDER JOBS | footprint read FOLDER".into()),
    }
}

async fn fill(folder: &Path, jobs: usize) -> Done {
    let store = store::open("file:store", folder, true, None).await?.store;
    let mut ledger = Ledger::load(Arc::clone(&store)).await?;
    apply(&mut ledger, plan(jobs)?).await?;
    let instances = ledger.fleet().present();
    let writes = instances.iter().map(|instance| {
        let text = document::encode(&settled(ledger.fleet(), instance).stored(), None);
        store::Write { key: Key::status(instance), expect: store::Expect::Absent, text }
    });
    let writes = writes.collect();
    let (guards, history) = (Vec::new(), Vec::new());
    store.commit(&Transaction { op: new_op(), fence: None, guards, writes, history }).await?;
    Ok(())
}

async fn read(folder: &Path) -> Done {
    let store = store::open("file:store", folder, false, None).await?.store;
    let (before, heap) = (resident()?, Region::new(HEAP));
    let ledger = Ledger::load(Arc::clone(&store)).await?;
    let (after, live) = (resident()?, live(&heap));
    let mut stored = Vec::new();
    for prefix in Key::KINDS {
        let records = store.scan(prefix).await?;
        let bytes: usize = records.iter().map(|one| one.key.as_str().len() + one.text.len() + OVERHEAD).sum();
        stored.push((prefix, bytes));
    }
    let jobs = ledger.fleet().desired.len().max(1);
    let mut out = std::io::stdout().lock();
    for (prefix, bytes) in &stored {
        writeln!(out, "{prefix:<10} {:6} bytes a job in the store", bytes / jobs)?;
    }
    writeln!(
        out,
        "{:<10} {:6} bytes a job in the store",
        "all",
        stored.iter().map(|one| one.1).sum::<usize>() / jobs
    )?;
    for (part, bytes) in parts(ledger.fleet()) {
        writeln!(out, "{part:<10} {:6} bytes a job alive", bytes / jobs)?;
    }
    writeln!(out, "{:<10} {:6} bytes a job alive, of {jobs} jobs", "ledger", live / jobs)?;
    writeln!(out, "{:<10} {:6} bytes a job resident", "ledger", (after - before) / jobs)?;
    Ok(())
}

/// The bytes that were allocated in a region and are not yet freed, without what the allocator adds.
fn live(heap: &Region<'_, System>) -> usize {
    let change = heap.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

/// What the parts of a fleet hold: what a copy of each takes, which shares names and specs with it, and the specs' texts.
fn parts(fleet: &Fleet) -> [(&'static str, usize); 5] {
    fn copy<T: Clone>(of: &T) -> usize {
        let heap = Region::new(HEAP);
        let _copy = of.clone();
        live(&heap)
    }
    let texts = fleet.desired.values().map(|desired| desired.spec.stored().get().len()).sum();
    [
        ("statuses", copy(&fleet.statuses)),
        ("desired", copy(&fleet.desired)),
        ("runs", copy(&fleet.runs)),
        ("applies", copy(&fleet.applies)),
        ("texts", texts),
    ]
}

/// The plan of a generated project.
fn plan(
    jobs: usize,
) -> Done<(Plan, IndexMap<windlass_compiler::name::Name, windlass_compiler::model::Cluster>)> {
    struct Memory(generate::Files);
    impl World for Memory {
        fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
            self.0.get(path).map(|text| text.clone().into_bytes()).ok_or(Unreadable::Missing)
        }

        fn specs(&self) -> Result<Vec<String>, Unreadable> {
            Ok(self.0.keys().cloned().collect())
        }
    }
    let world = Memory(generate::tree(jobs, (jobs / 50).max(2)));
    let options = Options { environments: Environments::One("prod".to_owned()), ..Options::default() };
    let model = compile(&world, &options).models.pop().ok_or("the tree does not compile")?;
    Ok((Plan::of(&model)?, model.clusters))
}

async fn apply(
    ledger: &mut Ledger,
    (plan, clusters): (Plan, IndexMap<windlass_compiler::name::Name, windlass_compiler::model::Cluster>),
) -> Done {
    let changes = diff(&ledger.fleet().recorded(), &plan);
    let id = ApplyId("20261122T020000Z-0001".to_owned());
    let change = Change {
        author: "ada@workstation".to_owned(),
        at: Timestamp::now(),
        command: "apply".to_owned(),
        apply: Some(id.clone()),
        message: None,
    };
    let root = "/srv/pipelines/commerce";
    let proposal = Proposal { plan: &plan, changes: &changes, clusters: &clusters, root, id, change };
    ledger.commit(&propose(ledger.fleet(), &proposal), &[]).await?;
    Ok(())
}

/// The status of an instance that came to its goal at the first attempt.
fn settled(fleet: &Fleet, instance: &Instance) -> Status {
    // Times as clocks tell them, to the nanosecond: a second to start, some to end, and a moment until it is seen.
    let now = Timestamp::now();
    let after = |seconds, nanoseconds| now + SignedDuration::new(seconds, nanoseconds);
    let (started, over) = (after(1, 204_563_211), after(95, 730_112_487));
    let seen = SignedDuration::new(0, 51_236_849);
    let spec = &fleet.desired[&instance.job].spec;
    let (state, to, ended) = match spec.mode {
        Mode::Stream => (State::Running { since: started }, Name::Running, None),
        Mode::Batch => (State::Succeeded, Name::Succeeded, Some(over)),
    };
    let (number, generation, epoch) = (AttemptNumber(1), Generation(1), Epoch(7));
    let attempt = Attempt {
        number,
        generation,
        cluster: spec.cluster.clone(),
        name: ExternalName::of(instance, number),
        uid: Some(Uid(new_op().to_string())),
        submitted: now,
        started: Some(started),
        ended,
    };
    let step = Transition {
        sequence: Sequence(4),
        at: ended.unwrap_or(started) + seen,
        from: if ended.is_some() { Name::Running } else { Name::Submitting },
        to,
        event: if ended.is_some() { "succeeded" } else { "started" }.into(),
        reason: None,
        attempt: number,
        generation,
        epoch,
    };
    let fresh = Status::new(instance.clone());
    let attempt = Some(attempt);
    Status { epoch, state, observed_generation: generation, attempt, transitions: vec![step], ..fresh }
}

/// The resident memory of this process, in bytes.
fn resident() -> Done<usize> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<usize>()? * 1024)
}
