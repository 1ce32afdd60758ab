//! The engine on a store in memory and real processes: the whole loop, without a command line.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::sync::Notify;
use windlass::driver::local::Local;
use windlass::engine::{Connect, Engine, Flow};
use windlass::lease::Held;
use windlass::ledger::Ledger;
use windlass::store::Store;
use windlass::store::memory::Memory;
use windlass_compiler::diff::diff;
use windlass_compiler::model::{
    Backoff, Cluster, Edge, Engine as Runs, Job, Mode, OnLost, Process, Retry, When,
};
use windlass_compiler::plan::Plan;
use windlass_core::desired::Change;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::{ApplyId, Epoch};
use windlass_core::operate::{Operation, Target, operate};
use windlass_core::propose::{Proposal, propose};
use windlass_core::shard::Shard;

struct Lease(Epoch);

#[async_trait]
impl Held for Lease {
    fn epoch(&self, _shard: Shard) -> Option<Epoch> {
        Some(self.0)
    }

    fn title(&self) -> String {
        format!("epoch {}", self.0)
    }
}

fn job(name: &str, mode: Mode, command: &[&str], after: &[(&str, When)]) -> Job {
    let backoff = Backoff {
        min: windlass_compiler::units::Duration::from_millis(10),
        max: windlass_compiler::units::Duration::from_secs(1),
    };
    Job {
        id: format!("p.{name}").parse().unwrap(),
        mode,
        cluster: "here".parse().unwrap(),
        engine: Runs::Process(Process {
            command: command.iter().map(ToString::to_string).collect(),
            env: IndexMap::new(),
            dir: String::new(),
            stdin: None,
            files: IndexMap::new(),
            ready: windlass_compiler::units::Duration::from_millis(0),
            grace: windlass_compiler::units::Duration::from_secs(5),
        }),
        after: after
            .iter()
            .map(|(job, when)| Edge { job: format!("p.{job}").parse().unwrap(), when: *when })
            .collect(),
        retry: Retry { attempts: 1, within: None, backoff, on_lost: OnLost::Hold },
        timeout: None,
        protect: false,
        tags: Vec::new(),
        description: None,
        origin: None,
    }
}

/// Applies `jobs` to what is recorded.
async fn apply(ledger: &mut Ledger, root: &Path, jobs: Vec<Job>) {
    let plan = Plan::new("test".parse().unwrap(), None, jobs).unwrap();
    let changes = diff(&ledger.fleet().recorded(), &plan);
    let mutation = propose(
        ledger.fleet(),
        &Proposal {
            plan: &plan,
            changes: &changes,
            clusters: &IndexMap::from([("here".parse().unwrap(), Cluster::Local)]),
            root: root.to_str().unwrap(),
            id: ApplyId("a".to_owned() + &ledger.fleet().applies.len().to_string()),
            change: change("apply"),
        },
    );
    ledger.commit(&mutation, &[]).await.unwrap();
}

fn change(command: &str) -> Change {
    Change {
        author: "test".to_owned(),
        at: Timestamp::now(),
        command: command.to_owned(),
        apply: None,
        message: None,
    }
}

fn settled(fleet: &Fleet) -> bool {
    fleet.active().iter().all(|instance| fleet.outlook(instance) != Outlook::Moving)
}

/// Runs the engine until nothing moves, and says where everything is.
async fn converge(ledger: Ledger, root: &Path) -> (Ledger, String) {
    let epoch = ledger.store().raise().await.unwrap();
    let top = root.join("local");
    let supervisor = vec![env!("CARGO_BIN_EXE_windlass").into(), "__supervise".into()];
    let connect: Connect = Arc::new(move |_, _| Arc::new(Local::new(top.clone(), supervisor.clone())));
    let mut engine = Engine::new(ledger, Box::new(Lease(epoch)), connect);
    let nudge = Notify::new();
    let run = engine.run(&nudge, |fleet, _| if settled(fleet) { Flow::Done } else { Flow::Go });
    tokio::time::timeout(Duration::from_secs(60), run).await.expect("it converges").unwrap();
    let fleet = engine.fleet();
    let states = fleet.statuses.values().map(|status| {
        format!("{} {} {}", status.instance.job.job, status.state.name(), status.attempt_number())
    });
    let states = states.collect::<Vec<_>>().join(", ");
    (engine.leave().await, states)
}

#[tokio::test]
async fn a_stream_and_batches_reach_their_goals_and_stop_again() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let mut ledger = Ledger::load(store).await.unwrap();
    let jobs = || {
        vec![
            job("follow", Mode::Stream, &["sleep", "600"], &[]),
            job("settle", Mode::Batch, &["sh", "-c", "echo settled >> out"], &[("follow", When::Met)]),
            job("clean", Mode::Batch, &["false"], &[("settle", When::Failed)]),
            job("broken", Mode::Batch, &["sh", "-c", "exit 3"], &[("settle", When::Met)]),
            job("rescue", Mode::Batch, &["true"], &[("broken", When::Failed)]),
        ]
    };
    apply(&mut ledger, root, jobs()).await;
    let (mut ledger, states) = converge(ledger, root).await;
    assert_eq!(
        states,
        "broken failed 2, clean skipped 0, follow running 1, rescue succeeded 1, settle succeeded 1"
    );
    assert_eq!(std::fs::read_to_string(root.join("out")).unwrap(), "settled\n");

    // Applying the same again changes nothing.
    ledger.refresh().await.unwrap();
    let before = ledger.moment();
    apply(&mut ledger, root, jobs()).await;
    assert!(!ledger.refresh().await.unwrap(), "an unchanged apply writes nothing");
    assert_eq!(before, ledger.moment());

    let follow = Target { job: "p.follow".parse().unwrap(), instance: None };
    let (mutation, _) =
        operate(ledger.fleet(), Operation::Restart, std::slice::from_ref(&follow), &change("restart"));
    ledger.commit(&mutation, &[]).await.unwrap();
    let (mut ledger, states) = converge(ledger, root).await;
    assert!(states.contains("follow running 2"), "{states}");

    apply(&mut ledger, root, Vec::new()).await;
    let (_, states) = converge(ledger, root).await;
    assert!(states.contains("follow stopped 2"), "{states}");
}
