//! What a ledger writes and reads back: each spec once, whoever is bound to it, and what newer builds have added.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use windlass::ledger::{self, Ledger, Written, new_op};
use windlass::store::memory::Memory;
use windlass::store::{Expect, Key, Store, Transaction, Write};
use windlass_compiler::diff::diff;
use windlass_compiler::model::{Backoff, Cluster, Engine, Job, Mode, OnLost, Process, Retry};
use windlass_compiler::plan::Plan;
use windlass_compiler::units::Duration;
use windlass_core::case::Moment;
use windlass_core::desired::Change;
use windlass_core::history::Note;
use windlass_core::id::{ApplyId, Epoch, RunId};
use windlass_core::mutation::Mutation;
use windlass_core::observed::Sight;
use windlass_core::operate::{Operation, Target, operate};
use windlass_core::propose::{Proposal, bind, propose};
use windlass_core::recovery::Finding;
use windlass_core::run::Run;
use windlass_core::shard::{Fence, Shard};

fn job(command: &str) -> Job {
    Job {
        id: "orders.settle".parse().unwrap(),
        mode: Mode::Batch,
        cluster: "here".parse().unwrap(),
        engine: Engine::Process(Process {
            command: vec![command.to_owned()],
            env: IndexMap::new(),
            dir: String::new(),
            stdin: None,
            files: IndexMap::new(),
            ready: Duration::default(),
            grace: Duration::from_secs(10),
        }),
        after: Vec::new(),
        retry: Retry {
            attempts: 0,
            within: None,
            backoff: Backoff { min: Duration::from_secs(1), max: Duration::from_secs(1) },
            on_lost: OnLost::Hold,
        },
        timeout: None,
        protect: false,
        tags: Vec::new(),
        description: None,
        origin: None,
    }
}

fn change() -> Change {
    let at = Timestamp::UNIX_EPOCH;
    Change { author: "test".to_owned(), at, command: "apply".to_owned(), apply: None, message: None }
}

/// What an apply of that one job writes.
fn proposed(ledger: &Ledger, command: &str) -> Mutation {
    proposed_of(ledger, Some(job(command)))
}

/// What an apply of a job writes, or of none.
fn proposed_of(ledger: &Ledger, job: Option<Job>) -> Mutation {
    let plan = Plan::new("test".parse().unwrap(), None, job).unwrap();
    let changes = diff(&ledger.fleet().recorded(), &plan);
    let clusters = IndexMap::from([("here".parse().unwrap(), Cluster::Local)]);
    let id = ApplyId(format!("{:04}", ledger.fleet().applies.len()));
    let (plan, changes, clusters) = (&plan, &changes, &clusters);
    let change = Change { apply: Some(id.clone()), ..change() };
    propose(ledger.fleet(), &Proposal { plan, changes, clusters, root: "/", id, change })
}

async fn apply(ledger: &mut Ledger, command: &str) {
    let mutation = proposed(ledger, command);
    assert_eq!(ledger.commit(&mutation, &[]).await.unwrap(), Written::Done);
}

async fn load(store: &Arc<dyn Store>) -> Ledger {
    Ledger::load(Arc::clone(store)).await.unwrap()
}

/// The commands that the runs are bound to, in order of their times.
fn bound(ledger: &Ledger) -> Vec<String> {
    let jobs = ledger.fleet().runs.values().flat_map(|run| run.jobs.values()).map(|bound| bound.spec.job());
    jobs.map(|job| match job.engine {
        Engine::Process(process) => process.command.concat(),
    })
    .collect()
}

/// Lines of the history, which rest on no record.
async fn note(ledger: &mut Ledger, lines: usize) {
    for _ in 0..lines {
        let written = ledger.note("project".to_owned(), &Note::Thawed).await.unwrap();
        assert_eq!(written, Written::Done);
    }
}

/// Whether a ledger reads that the project is frozen, with a command that is gone among what is named.
async fn is_told(ledger: &mut Ledger) -> bool {
    ledger.refresh().await.unwrap();
    let recovery = ledger.fleet().recovery.as_ref();
    recovery.is_some_and(|one| one.findings.iter().any(|found| matches!(found, Finding::Command { .. })))
}

fn store() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

#[tokio::test]
async fn a_run_keeps_its_spec_when_its_job_has_another() {
    let store = store();
    let (mut writer, mut reader) = (load(&store).await, load(&store).await);
    for command in ["one", "two", "one", "three"] {
        apply(&mut writer, command).await;
        // This one reads every step, the next one every other, the last one only the end.
        reader.refresh().await.unwrap();
        assert_eq!(bound(&reader), bound(&writer));
    }
    let expected = ["one", "two", "one", "three"];
    assert_eq!(bound(&writer), expected);
    assert_eq!(bound(&load(&store).await), expected);
    assert_eq!(store.scan(Key::SPEC).await.unwrap().len(), 2, "each replaced spec stands once");
}

#[tokio::test]
async fn a_reader_that_missed_a_change_finds_the_spec_that_it_replaced() {
    let store = store();
    let mut writer = load(&store).await;
    apply(&mut writer, "one").await;
    let mut reader = load(&store).await;
    for command in ["two", "three", "four"] {
        apply(&mut writer, command).await;
    }
    reader.refresh().await.unwrap();
    assert_eq!(bound(&reader), ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn a_run_is_not_bound_to_a_spec_that_was_replaced_meanwhile() {
    let store = store();
    let mut writer = load(&store).await;
    apply(&mut writer, "one").await;
    let mut other = load(&store).await;
    apply(&mut writer, "two").await;
    let desired = &other.fleet().desired[&job("one").id];
    let id: RunId = "orders@2026-11-22T02:00Z".parse().unwrap();
    let jobs = IndexMap::from([(desired.job().job.clone(), bind(desired))]);
    let run = Run { id, root: "/".into(), jobs, change: change().into(), ended: None };
    let mutation = Mutation { runs: vec![run], ..Mutation::default() };
    let written = other.commit(&mutation, &[]).await.unwrap();
    assert_eq!(written, Written::Conflict(Key::desired(&job("one").id)));
}

/// Records what an owner decides of the one batch, which its cluster has not been asked about.
async fn decided(owner: &mut Ledger, hold: Option<&str>) -> Written {
    let instance = owner.fleet().latest(&job("one").id).expect("it has a run");
    let fence = Fence { shard: Shard::of_instance(&instance), epoch: Epoch(1) };
    let moment = Moment { now: Timestamp::UNIX_EPOCH, epoch: fence.epoch };
    let decision = owner.fleet().decide(&instance, |_| Sight::Unseen, hold, moment).unwrap();
    let status = decision.and_then(|decision| decision.status).expect("there is something to record");
    owner.record(&[(*status, fence)]).await.remove(0).unwrap()
}

#[tokio::test]
async fn nothing_begins_for_an_owner_that_has_not_read_what_is_wanted_now() {
    type Asks = fn(&Ledger) -> Mutation;
    fn target() -> Target {
        Target { job: job("one").id, instance: None }
    }
    let stop: Asks = |user| operate(user.fleet(), Operation::Stop, &[target()], &change()).0;
    let forget: Asks = |user| operate(user.fleet(), Operation::Forget, &[target()], &change()).0;
    let remove: Asks = |user| proposed_of(user, None);
    // What a removal writes where another run is made at the same time, whose goal it does not reach.
    let remove_the_job: Asks = |user| Mutation { runs: Vec::new(), ..proposed_of(user, None) };
    for asks in [stop, forget, remove, remove_the_job] {
        let store = store();
        let (mut user, mut owner) = (load(&store).await, load(&store).await);
        apply(&mut user, "one").await;
        owner.refresh().await.unwrap();
        assert_eq!(decided(&mut owner, Some("something else comes first")).await, Written::Done);
        user.refresh().await.unwrap();
        let asked = asks(&user);
        assert_eq!(user.commit(&asked, &[]).await.unwrap(), Written::Done);
        assert!(matches!(decided(&mut owner, None).await, Written::Conflict(_)));
        assert_eq!(owner.fleet().statuses.values().filter(|one| one.attempt.is_some()).count(), 0);
    }
}

#[tokio::test]
async fn a_run_whose_spec_is_missing_is_refused_by_name() {
    let store = store();
    apply(&mut load(&store).await, "one").await;
    let [run] = &store.scan(Key::RUN).await.unwrap()[..] else { panic!("one run") };
    let mark = run.text.split("\"spec\":\"").nth(1).unwrap()[..32].to_owned();
    let text = run.text.replace(&mark, &"0".repeat(32));
    rewrite(&store, &run.key, text).await;
    let error = Ledger::load(Arc::clone(&store)).await.err().expect("it is refused");
    assert!(matches!(error, ledger::Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains("spec/orders.settle:0000"), "{error}");
}

#[tokio::test]
async fn what_a_newer_build_has_added_survives_a_rewrite() {
    let store = store();
    apply(&mut load(&store).await, "one").await;
    for prefix in [Key::DESIRED, Key::RUN] {
        let [record] = &store.scan(prefix).await.unwrap()[..] else { panic!("one record") };
        let text = record.text.replacen('{', r#"{"later":{"a":1},"#, 1);
        let text = text.replacen(r#""spec":{"#, r#""spec":{"newer":2,"#, 1);
        rewrite(&store, &record.key, text).await;
    }
    let mut ledger = load(&store).await;
    let targets = [Target { job: job("one").id, instance: None }];
    for operation in [Operation::Stop, Operation::Protect] {
        let (mutation, _) = operate(ledger.fleet(), operation, &targets, &change());
        assert_eq!(ledger.commit(&mutation, &[]).await.unwrap(), Written::Done);
    }
    for (prefix, kept) in [(Key::DESIRED, 2), (Key::RUN, 1)] {
        let [record] = &store.scan(prefix).await.unwrap()[..] else { panic!("one record") };
        assert!(record.version.counter == 3, "it was rewritten: {}", record.version);
        let found = [r#""later":{"a":1}"#, r#""newer":2"#].iter().filter(|one| record.text.contains(**one));
        assert_eq!(found.count(), kept, "{}", record.text);
    }
}

async fn rewrite(store: &Arc<dyn Store>, key: &Key, text: String) {
    let expect = Expect::Version(store.read(key).await.unwrap().unwrap().version);
    let writes = vec![Write { key: key.clone(), expect, text }];
    let (guards, history) = (Vec::new(), Vec::new());
    let transaction = Transaction { op: new_op(), fence: None, guards, writes, history };
    assert!(matches!(store.commit(&transaction).await.unwrap(), windlass::store::Commit::Done(_)));
}

#[tokio::test]
async fn a_commit_of_ours_that_is_forgotten_at_once_is_missed() {
    let memory = Arc::new(Memory::new());
    let store: Arc<dyn Store> = memory.clone();
    let (mut ours, mut other) = (load(&store).await, load(&store).await);
    // What the store contains still is not all that there was: ours stands behind what nobody has read yet.
    note(&mut other, 2).await;
    let saved = memory.save();
    apply(&mut ours, "one").await;
    memory.restore(&saved);
    note(&mut other, 3).await;
    assert!(is_told(&mut ours).await);
}

#[tokio::test]
async fn a_commit_into_a_store_that_went_back_hides_nothing() {
    let memory = Arc::new(Memory::new());
    let store: Arc<dyn Store> = memory.clone();
    let (mut ours, mut other) = (load(&store).await, load(&store).await);
    let saved = memory.save();
    apply(&mut ours, "one").await;
    ours.refresh().await.unwrap();
    memory.restore(&saved);
    note(&mut other, 3).await;
    note(&mut ours, 1).await;
    assert!(is_told(&mut ours).await);
}

#[tokio::test]
async fn what_others_and_we_have_done_is_followed() {
    let store = store();
    let (mut ours, mut other) = (load(&store).await, load(&store).await);
    for command in ["one", "two", "three"] {
        note(&mut other, 300).await;
        apply(&mut ours, command).await;
        note(&mut ours, 300).await;
        assert!(!is_told(&mut ours).await);
    }
}
