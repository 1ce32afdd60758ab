//! An engine, a store, a cluster and a lease in memory, with somebody who changes what is wanted, and all that goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use jiff::Timestamp;
use windlass_compiler::diff::diff;
use windlass_compiler::model::{Backoff, Cluster, Edge, Job, Mode, OnLost, Retry, When};
use windlass_compiler::plan::Plan;
use windlass_compiler::{sample, units};
use windlass_core::desired::Change;
use windlass_core::id::{ApplyId, Epoch, ExternalName, Instance};
use windlass_core::observed::{End, Phase};
use windlass_core::operate::{Operation, Target, operate};
use windlass_core::propose::{Proposal, propose};
use windlass_core::recovery::ahead;
use windlass_core::shard::{Fence, Shard};
use windlass_core::sim::random::Random;
use windlass_core::state::State;
use windlass_core::sweep::sweep;

use super::super::{Connect, Engine};
use crate::driver::Driver;
use crate::driver::memory::Memory;
use crate::lease::Held;
use crate::ledger::Ledger;
use crate::store::{self, Store};
use crate::thaw;

/// What a test changes, and its engine works with.
pub(super) struct World {
    pub(super) engine: Engine,
    user: Ledger,
    cluster: Arc<Memory>,
    lease: Arc<Leases>,
}

/// Which shards are the engine's.
#[derive(Default)]
struct Leases {
    owned: Mutex<BTreeMap<Shard, Epoch>>,
    /// One that lapses when it is asked for twice, and whether it was asked for.
    lapsing: Mutex<Option<(Shard, bool)>>,
}

impl Leases {
    fn owned(&self) -> MutexGuard<'_, BTreeMap<Shard, Epoch>> {
        self.owned.lock().expect("nobody panics")
    }

    fn lapse(&self, shard: Option<Shard>) {
        *self.lapsing.lock().expect("nobody panics") = shard.map(|shard| (shard, false));
    }

    fn has_lapsed(&self, shard: Shard) -> bool {
        match &mut *self.lapsing.lock().expect("nobody panics") {
            Some((lapsing, asked)) if *lapsing == shard => std::mem::replace(asked, true),
            _ => false,
        }
    }
}

#[async_trait]
impl Held for Arc<Leases> {
    fn epoch(&self, shard: Shard) -> Option<Epoch> {
        self.owned().get(&shard).copied().filter(|_| !self.has_lapsed(shard))
    }

    fn title(&self) -> String {
        "a test's".to_owned()
    }

    fn fenced(&self, shard: Shard, _: Epoch) -> bool {
        self.owned().remove(&shard);
        true
    }
}

/// A job that is tried again once, and at once.
pub(super) fn job(id: &str, mode: Mode, after: &[(&str, When)]) -> Job {
    let mut job = sample::job(id, mode);
    sample::process(&mut job).ready = units::Duration::from_millis(0);
    let pause = units::Duration::from_millis(1);
    let backoff = Backoff { min: pause, max: pause };
    job.retry = Retry { attempts: 1, within: None, backoff, on_lost: OnLost::Hold };
    let edge = |(id, when): &(&str, When)| Edge { job: id.parse().expect("a name"), when: *when };
    job.after = after.iter().map(edge).collect();
    job
}

/// Some of a few jobs in two pipelines that wait for each other.
pub(super) fn jobs(random: &mut Random) -> Vec<Job> {
    let all = [
        job("p.a", Mode::Stream, &[]),
        job("p.b", Mode::Stream, &[("p.a", When::Met)]),
        job("p.c", Mode::Batch, &[("p.b", When::Running)]),
        job("p.d", Mode::Batch, &[("p.c", When::Met), ("p.a", When::Met)]),
        job("p.e", Mode::Batch, &[("p.c", When::Failed)]),
        job("q.a", Mode::Batch, &[("p.c", When::Finished)]),
        job("q.b", Mode::Stream, &[("p.d", When::Met), ("q.a", When::Finished)]),
        job("r.a", Mode::Stream, &[]),
    ];
    let mut jobs: Vec<Job> = all.into_iter().filter(|_| random.chance(800)).collect();
    let names: BTreeSet<_> = jobs.iter().map(|job| job.id.clone()).collect();
    for job in &mut jobs {
        job.after.retain(|edge| names.contains(&edge.job) && random.chance(800));
        sample::process(job).command.push(format!("{}", random.below(3)));
    }
    jobs
}

fn change(command: &str) -> Change {
    let (author, command) = ("ada@host".to_owned(), command.to_owned());
    Change { author, at: Timestamp::now(), command, apply: None, message: None }
}

impl World {
    /// A world in which these jobs were applied, and nothing has happened since.
    pub(super) async fn new(jobs: &[Job]) -> Self {
        Self::on(Arc::new(store::memory::Memory::new()), jobs).await
    }

    /// The same on a store.
    pub(super) async fn on(store: Arc<dyn Store>, jobs: &[Job]) -> Self {
        let mut user = Ledger::load(Arc::clone(&store)).await.expect("it is empty");
        apply(&mut user, jobs).await;
        let (lease, cluster) = (Arc::<Leases>::default(), Arc::<Memory>::default());
        let ledger = Ledger::load(store).await.expect("readable");
        let engine = engine(ledger, &lease, &cluster);
        let mut world = Self { engine, user, cluster, lease };
        world.gain(&Shard::all().collect::<Vec<_>>()).await;
        world
    }

    /// The same with another engine, on the records as the first one has left them.
    pub(super) async fn with_another_engine(self) -> Self {
        let Self { engine: first, user, cluster, lease } = self;
        let engine = engine(first.leave().await, &lease, &cluster);
        Self { engine, user, cluster, lease }
    }

    /// Gives the engine shards, under a new epoch.
    async fn gain(&mut self, shards: &[Shard]) {
        let store = Arc::clone(self.user.store());
        for shard in shards {
            let epoch = store.barrier(*shard).await.expect("it answers").next();
            store.fence(Fence { shard: *shard, epoch }).await.expect("it answers");
            self.lease.owned().insert(*shard, epoch);
        }
    }

    /// One turn, on what has been heard so far.
    pub(super) async fn turn(&mut self) {
        tokio::task::yield_now().await;
        if let Ok(hint) = self.engine.hints.try_recv() {
            self.engine.gather(Some(hint));
        }
        if let Err(error) = self.engine.turn().await {
            panic!("the store in memory does not fail: {error}");
        }
    }

    /// Turns until nothing is due, no call is under way, and nothing is heard that is new.
    pub(super) async fn rest(&mut self) {
        for _ in 0..10_000 {
            self.turn().await;
            let is_quiet = self.engine.hints.is_empty() && self.engine.calls.is_idle();
            if is_quiet && self.engine.due.is_idle() && self.is_passed() {
                self.looks().await;
                if self.engine.calls.is_idle() && self.engine.due.is_idle() && self.is_passed() {
                    return;
                }
            }
            // Calls and questions are tasks of their own.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("it never rests: {:?}", self.left());
    }

    /// Whether no time has come at which something is due. The world's clock does not stand still.
    fn is_passed(&self) -> bool {
        self.engine.due.wake().is_none_or(|at| Timestamp::now() < at)
    }

    /// Lets the cluster be asked a few times, and takes in its answers.
    pub(super) async fn looks(&mut self) {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(3)).await;
            self.turn().await;
        }
    }

    pub(super) async fn apply(&mut self, jobs: &[Job]) {
        self.user.refresh().await.expect("readable");
        apply(&mut self.user, jobs).await;
    }

    /// An attempt fails.
    pub(super) fn fail(&self, name: &str) {
        let (now, end) = (Timestamp::now(), End::Failed("a test".to_owned()));
        let mut objects = self.cluster.objects();
        let object = objects.get_mut(&ExternalName::reported(name)).expect("it is there");
        object.phase = Phase::Ended { at: now, started: Some(now), end };
    }

    pub(super) async fn operate(&mut self, operation: Operation, jobs: &[&str]) {
        self.user.refresh().await.expect("readable");
        let target = |job: &&str| Target { job: job.parse().expect("a name"), instance: None };
        let targets: Vec<_> = jobs.iter().map(target).collect();
        let (mutation, _) = operate(self.user.fleet(), operation, &targets, &change("command"));
        self.user.commit(&mutation, &[]).await.expect("the store answers");
    }

    /// Something happens, and is named.
    pub(super) async fn happen(&mut self, random: &mut Random) -> String {
        match random.below(12) {
            0 | 1 => {
                self.apply(&jobs(random)).await;
                "an apply".to_owned()
            }
            2..=4 => self.command(random).await,
            5..=7 => self.harm(random),
            8 => {
                let is_silent = random.chance(500);
                self.cluster.silence(is_silent);
                format!("a cluster that is silent: {is_silent}")
            }
            9 => self.lose(random).await,
            10 => {
                let hold = random.chance(300).then_some("a test");
                self.engine.hold(hold);
                format!("a hold: {hold:?}")
            }
            _ => self.recover(random).await,
        }
    }

    async fn command(&mut self, random: &mut Random) -> String {
        use Operation::{Forget, Restart, Retry, Start, Stop, Suspend};
        let all = [Stop, Stop, Suspend, Start, Start, Restart, Retry, Retry, Forget];
        let operation = *random.pick(&all).expect("there are some");
        let jobs: Vec<_> = self.user.fleet().desired.keys().map(ToString::to_string).collect();
        let Some(job) = random.pick(&jobs) else { return "nothing".to_owned() };
        self.operate(operation, &[job]).await;
        format!("{operation:?} of {job}")
    }

    /// Something happens to an object on the cluster.
    fn harm(&self, random: &mut Random) -> String {
        let mut objects = self.cluster.objects();
        let names: Vec<_> = objects.keys().cloned().collect();
        let Some(name) = random.pick(&names) else { return "nothing".to_owned() };
        let now = Timestamp::now();
        let phase = match random.below(6) {
            0 => Phase::Running { since: now },
            1 => Phase::Impaired { reason: "a test".to_owned() },
            2 => Phase::Vanished { reason: "a test".to_owned() },
            3 => Phase::Ended { at: now, started: Some(now), end: End::Failed("a test".to_owned()) },
            4 => Phase::Ended { at: now, started: Some(now), end: End::Succeeded },
            _ => {
                objects.remove(name);
                return format!("{name} is gone");
            }
        };
        let what = format!("{name} is {phase:?}");
        objects.get_mut(name).expect("it is there").phase = phase;
        what
    }

    /// A shard is lost, or gained.
    async fn lose(&mut self, random: &mut Random) -> String {
        let all: Vec<_> = ["p", "q", "r"].map(Shard::of_text).into();
        let shard = *random.pick(&all).expect("there are some");
        if random.chance(400) {
            // It ends in the middle of a turn in which something is to be done, and is renewed before the next one.
            let command = self.command(random).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.lease.lapse(Some(shard));
            self.turn().await;
            self.lease.lapse(None);
            return format!("{command}, and shard {shard} that has lapsed");
        }
        if self.lease.owned().remove(&shard).is_some() {
            return format!("shard {shard} is lost");
        }
        self.gain(&[shard]).await;
        format!("shard {shard} is gained")
    }

    /// The store has gone back, by somebody's word, or desired state was given anew.
    async fn recover(&mut self, random: &mut Random) -> String {
        self.user.refresh().await.expect("readable");
        match &self.user.fleet().recovery {
            Some(recovery) if recovery.is_over() => "nothing".to_owned(),
            Some(recovery) if recovery.may_confirm() => {
                thaw::confirm(&mut self.user, &change("apply")).await.expect("the store answers");
                "a confirmation".to_owned()
            }
            Some(_) => "nothing".to_owned(),
            None if random.chance(300) => {
                self.user.freeze_for("a test".to_owned()).await.expect("the store answers");
                "a store that went back".to_owned()
            }
            None => "nothing".to_owned(),
        }
    }

    /// Everything is as it should be from here on, and comes to rest.
    pub(super) async fn heal(&mut self) {
        self.cluster.silence(false);
        self.engine.hold(None);
        let lost: Vec<_> = Shard::all().filter(|shard| self.lease.epoch(*shard).is_none()).collect();
        self.gain(&lost).await;
        self.rest().await;
        self.user.refresh().await.expect("readable");
        if thaw::is_frozen(self.user.fleet()) {
            thaw::confirm(&mut self.user, &change("apply")).await.expect("the store answers");
        }
        self.rest().await;
    }

    /// What is between two states although nothing will make it due: a call that was not made, or an answer that was not
    /// taken in.
    pub(super) fn stuck(&self) -> Vec<String> {
        let fleet = self.engine.fleet();
        let state = |one: &Instance| fleet.statuses.get(one).map(|status| &status.state);
        let is_unknown = |one: &Instance| matches!(state(one), Some(State::Unknown { .. }));
        let stuck = |one: &Instance| {
            (fleet.is_between(one) || is_unknown(one)) && self.engine.due.until(one).is_none()
        };
        let stuck = fleet.active().into_iter().filter(stuck);
        stuck.map(|one| format!("{one} is {:?}", state(&one))).collect()
    }

    /// What a turn that decides everything would do now, and nothing makes due.
    pub(super) fn left(&self) -> Vec<String> {
        let engine = &self.engine;
        let fleet = engine.fleet();
        let mut left: Vec<String> = fleet.active().iter().filter_map(|one| self.undecided(one)).collect();
        for (_, seen) in engine.sights.observations() {
            let instance = &seen.label.instance;
            if let Some((_, reason)) = sweep(fleet, seen)
                && self.may(instance).is_some()
                && engine.due.until(instance).is_none()
            {
                left.push(format!("{} is not swept: {reason}", seen.name));
            }
        }
        let over = fleet.runs.values().filter(|run| run.ended.is_none() && fleet.is_over(run));
        let over = over.filter(|run| engine.fence(Shard::of(&run.id.pipeline)).is_some());
        left.extend(over.map(|run| format!("{} has not ended", run.id)));
        left.extend(ahead(fleet, engine.sights.observations()).map(|ahead| format!("{ahead}")));
        let is_between = fleet.active().iter().any(|instance| fleet.is_between(instance));
        if is_between != engine.due.is_anything_moving() {
            left.push("clusters are not asked as often as they should be".to_owned());
        }
        left
    }

    /// What an instance is decided under, if it may be decided now, and no call of it is under way.
    fn may(&self, instance: &Instance) -> Option<Fence> {
        let engine = &self.engine;
        let shard = Shard::of_instance(instance);
        let since = engine.shards.since(shard)?;
        let is_free = !engine.calls.is_busy(instance) && engine.is_heard(instance, since);
        engine.fence(shard).filter(|_| is_free)
    }

    fn undecided(&self, instance: &Instance) -> Option<String> {
        let decision = self.engine.decision(instance, self.may(instance)?)?;
        let until = self.engine.due.until(instance);
        let is_late = |until: Timestamp| decision.wake.is_some_and(|wake| wake < until);
        let is_left = match until {
            Some(until) => is_late(until) && Timestamp::now() < until,
            None => !decision.is_nothing() || decision.wake.is_some(),
        };
        is_left.then(|| format!("{instance}: {decision:?}, and it is due: {until:?}"))
    }
}

fn engine(ledger: Ledger, lease: &Arc<Leases>, cluster: &Arc<Memory>) -> Engine {
    let cluster = Arc::clone(cluster);
    let connect: Connect = Arc::new(move |_, _| Arc::clone(&cluster) as Arc<dyn Driver>);
    Engine::new(ledger, Box::new(Arc::clone(lease)), connect)
}

/// Applies jobs to what is recorded.
async fn apply(ledger: &mut Ledger, jobs: &[Job]) {
    let plan = Plan::new("commerce".parse().expect("a name"), None, jobs.to_vec()).expect("no circle");
    let changes = diff(&ledger.fleet().recorded(), &plan);
    let clusters = IndexMap::from([("laptop".parse().expect("a name"), Cluster::Local)]);
    let id = ApplyId(format!("{:04}", ledger.fleet().applies.len()));
    let (plan, changes, clusters) = (&plan, &changes, &clusters);
    let proposal = Proposal { plan, changes, clusters, root: "/", id, change: change("apply") };
    let mutation = propose(ledger.fleet(), &proposal);
    ledger.commit(&mutation, &[]).await.expect("the store answers");
}
