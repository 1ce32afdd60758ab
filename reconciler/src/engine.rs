//! The loop: gather → fold → decide → persist → perform. Nothing else loops.
//!
//! Everything that is decided, is decided in `windlass-core`; this file only carries values to it and its answers
//! out. The engine decides in the shards that its lease gives it, while it does; what it may do is checked by the
//! store (epochs and versions) and by the clusters (names and uids), not by the lease.

mod calls;
mod clusters;
mod recovering;
mod shards;
mod sights;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use windlass_compiler::name::Name;
use windlass_core::action::Action;
use windlass_core::case::Moment;
use windlass_core::decide::Decision;
use windlass_core::fault::{Rule, is_off};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;
use windlass_core::id::{Epoch, Instance, Sequence};
use windlass_core::shard::{Fence, Shard};
use windlass_core::status::{Status, Transition};
use windlass_core::sweep::sweep;

use crate::fault;
use crate::lease::Held;
use crate::ledger::{self, Ledger, Written};

use calls::{Calls, Permit};
use clusters::Clusters;
pub use clusters::Connect;
use recovering::Recovering;
use shards::Shards;
use sights::Sights;

/// What was written is read again after so long, hints or not.
const RESYNC: Duration = Duration::from_secs(30);
/// The pause before the store is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// So many rounds of decisions on one instance without a wait would be a defect; the rest follows later.
const ROUNDS: usize = 16;

/// Brings what runs to what is wanted.
pub struct Engine {
    ledger: Ledger,
    shards: Shards,
    clusters: Clusters,
    sights: Sights,
    calls: Calls,
    hints: mpsc::UnboundedReceiver<Hint>,
    hold: Option<String>,
    recovering: Recovering,
    /// Whether the records may be older than what is stored.
    stale: bool,
    outage: Outage,
    /// Whether anything was recorded in this turn: what waits for it is decided at once.
    moved: bool,
    tell: Option<Tell>,
}

/// Is told of every transition, once it is durable.
pub type Tell = Box<dyn FnMut(&Instance, &Transition) + Send>;

/// Is told when the store fails, once until it is back.
pub type TellOutage = Box<dyn FnMut(&ledger::Error) + Send>;

/// What is done when the store fails.
#[derive(Default)]
struct Outage {
    tell: Option<TellOutage>,
    lasts: bool,
}

/// Something that may change a decision.
pub(crate) enum Hint {
    /// Something was written to the store.
    Store,
    /// A cluster answered, or did not.
    Cluster(Name, clusters::Answer),
    /// A call came back.
    Call(Box<calls::Done>),
}

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// Another owner has taken over.
    #[error("another owner has taken over (epoch {0})")]
    Fenced(Epoch),
}

/// What there is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Go,
    /// Finish what is under way, and start nothing new, for this reason.
    Finish(&'static str),
    /// Return.
    Done,
}

impl Engine {
    /// An engine on `ledger`, under a lease that is held.
    pub fn new(ledger: Ledger, lease: Box<dyn Held>, connect: Connect) -> Self {
        let (sender, hints) = mpsc::unbounded_channel();
        watch_store(&ledger, sender.clone());
        Self {
            ledger,
            shards: Shards::new(lease),
            clusters: Clusters::new(connect, sender.clone()),
            sights: Sights::default(),
            calls: Calls::new(sender),
            hints,
            hold: None,
            recovering: Recovering::default(),
            stale: false,
            outage: Outage::default(),
            moved: false,
            tell: None,
        }
    }

    /// The same engine, which tells somebody of every transition that it makes.
    #[must_use]
    pub fn telling(self, tell: Option<Tell>) -> Self {
        Self { tell, ..self }
    }

    /// The same engine, which goes on when the store fails, and tells somebody of it. It does nothing on any cluster until
    /// the store is back, and knows then what the store should contain.
    #[must_use]
    pub fn enduring(self, tell: TellOutage) -> Self {
        Self { outage: Outage { tell: Some(tell), lasts: false }, ..self }
    }

    /// The records as the engine knows them.
    pub fn fleet(&self) -> &Fleet {
        self.ledger.fleet()
    }

    /// Gives everything that is held to whoever comes next, and the records back.
    pub async fn leave(self) -> Ledger {
        self.shards.lease().leave().await;
        self.ledger
    }

    /// Runs until `steer`, asked after every turn, says that it is done. `nudge` makes it ask again.
    pub async fn run(
        &mut self,
        nudge: &tokio::sync::Notify,
        mut steer: impl FnMut(&Fleet, bool) -> Flow,
    ) -> Result<(), Error> {
        let mut resync = tokio::time::interval(RESYNC);
        loop {
            let wake = match self.turn().await {
                Ok(wake) => wake,
                Err(error) => self.endure(error).await?,
            };
            let idle =
                self.calls.is_idle() && self.clusters.are_all_heard() && !self.sights.is_anything_missing();
            match steer(self.ledger.fleet(), idle) {
                Flow::Done => return Ok(()),
                Flow::Finish(why) => self.hold = Some(why.to_owned()),
                Flow::Go => self.hold = None,
            }
            tokio::select! {
                hint = self.hints.recv() => self.gather(hint),
                () = sleep_until(wake) => {}
                () = nudge.notified() => {}
                () = self.shards.changed() => {}
                _ = resync.tick() => self.stale = true,
            }
        }
    }

    /// Takes in a failure of the store, if that was asked for. Returns when to try again.
    async fn endure(&mut self, error: Error) -> Result<Option<Timestamp>, Error> {
        match (&mut self.outage, error) {
            (Outage { tell: Some(tell), lasts }, Error::Ledger(error)) => {
                if !std::mem::replace(lasts, true) {
                    tell(&error);
                }
                self.stale = true;
                tokio::time::sleep(RETRY).await;
                Ok(Some(Timestamp::now()))
            }
            (_, error) => Err(error),
        }
    }

    /// Takes in a hint, and all others that have come meanwhile.
    fn gather(&mut self, first: Option<Hint>) {
        let mut next = first;
        while let Some(hint) = next {
            match hint {
                Hint::Store => self.stale = true,
                Hint::Cluster(name, answer) => {
                    self.clusters.heard(&name, &answer);
                    self.sights.take(&name, answer, self.ledger.fleet());
                }
                Hint::Call(done) => self.returned(&done),
            }
            next = self.hints.try_recv().ok();
        }
    }

    fn returned(&mut self, done: &calls::Done) {
        tracing::debug!(instance = %done.instance, action = done.verb, outcome = ?done.outcome, "call returned");
        self.sights.fold(done);
        self.clusters.look_again(&done.cluster);
        self.calls.returned(done);
    }

    /// One turn: decides everything, records what changes, starts the calls. Returns when to turn again.
    async fn turn(&mut self) -> Result<Option<Timestamp>, Error> {
        if self.shards.review() && !is_off(Rule::AskAnew) {
            // What the last owners wrote and did may be newer than what was read before the shards were ours.
            self.stale = true;
            self.sights.forget_absences();
            self.clusters.ask_all();
        }
        if self.stale {
            self.ledger.refresh().await?;
            (self.stale, self.outage.lasts) = (false, false);
        }
        // Whatever has read the records since the last turn may have found another cluster in them.
        self.clusters.connect(self.ledger.fleet());
        self.believe_clusters().await?;
        self.recover().await?;
        let mut wake = None;
        for instance in self.ledger.fleet().active() {
            let at = self.settle(&instance).await?;
            wake = earlier(wake, at);
        }
        self.end_runs().await?;
        self.sweep().await?;
        self.clusters.hurry(self.is_anything_moving());
        self.shards.report(self.clusters.unreachable(), self.ledger.fleet());
        let at_once = std::mem::take(&mut self.moved).then(Timestamp::now);
        Ok(earlier(wake, at_once))
    }

    /// Decides one instance until there is nothing to record, then starts the call that follows.
    async fn settle(&mut self, instance: &Instance) -> Result<Option<Timestamp>, Error> {
        if self.calls.is_busy(instance) || !self.is_heard(instance) {
            return Ok(None);
        }
        for _ in 0..ROUNDS {
            let Some(fence) = self.fence(Shard::of_instance(instance)) else { return Ok(None) };
            let Some(decision) = self.decide(instance, fence) else { return Ok(None) };
            let Decision { status, action, wake, .. } = decision;
            if is_off(Rule::IntentFirst)
                && let Some(action) = action.clone()
            {
                self.perform(instance, fence, action);
            }
            let Some(status) = status else {
                let again = action.and_then(|action| self.perform(instance, fence, action));
                return Ok(earlier(wake, again));
            };
            self.persist(&status, fence).await?;
        }
        Ok(Some(Timestamp::now()))
    }

    /// What is written under in a shard; none where it is not ours, or frozen.
    fn fence(&self, shard: Shard) -> Option<Fence> {
        self.shards.fence(shard).filter(|_| self.ledger.fleet().frozen(shard).is_none())
    }

    /// Whether the cluster of an instance has answered, or failed to, since its shard is ours. A slow one delays no
    /// other.
    fn is_heard(&self, instance: &Instance) -> bool {
        let Some(since) = self.shards.since(instance) else { return false };
        let is_heard = |cluster| self.clusters.is_heard_since(cluster, since) || is_off(Rule::AskAnew);
        self.cluster_of(instance).is_none_or(is_heard)
    }

    /// Where the attempt of an instance is, or the next one will be.
    fn cluster_of(&self, instance: &Instance) -> Option<&Name> {
        let fleet = self.ledger.fleet();
        let attempt = fleet.statuses.get(instance).and_then(|status| status.attempt.as_ref());
        attempt
            .map(|attempt| &attempt.cluster)
            .or_else(|| fleet.wanted(instance).map(|wanted| &wanted.spec.cluster))
    }

    fn decide(&self, instance: &Instance, fence: Fence) -> Option<Decision> {
        let moment = Moment { now: Timestamp::now(), epoch: fence.epoch };
        let sight = |status: &Status| self.sights.of(status).clone();
        let decided = self.ledger.fleet().decide(instance, sight, self.hold.as_deref(), moment);
        decided.unwrap_or_else(|illegal| {
            tracing::error!(%instance, %illegal, "a decision broke the transition table; nothing is done");
            None
        })
    }

    /// Records a status. A conflict is no error: the ledger has read what is there, and deciding goes on from it.
    async fn persist(&mut self, status: &Status, fence: Fence) -> Result<(), Error> {
        fault::point("status.before-commit");
        let before = self.ledger.fleet().statuses.get(&status.instance).map(Status::sequence);
        let written = self.ledger.record(status, fence).await?;
        fault::point("status.after-commit");
        self.moved = true;
        match written {
            Written::Done => {
                let (state, sequence) = (status.state.name(), status.sequence());
                tracing::info!(instance = %status.instance, %state, %sequence, "recorded");
                self.report(status, before.unwrap_or_default());
            }
            Written::Conflict(key) => {
                tracing::info!(instance = %status.instance, %key, "somebody else wrote first");
            }
            Written::Fenced(barrier) => return self.step_down(fence.shard, barrier),
        }
        Ok(())
    }

    /// Tells of the transitions after `before`.
    fn report(&mut self, status: &Status, before: Sequence) {
        let Some(tell) = &mut self.tell else { return };
        let fresh = status.transitions.iter().filter(|step| step.sequence > before);
        fresh.for_each(|step| tell(&status.instance, step));
    }

    /// Leaves a shard to its newer owner.
    fn step_down(&self, shard: Shard, barrier: Epoch) -> Result<(), Error> {
        tracing::warn!(%shard, epoch = %barrier, "a newer owner has taken over");
        if self.shards.lease().fenced(shard, barrier) { Ok(()) } else { Err(Error::Fenced(barrier)) }
    }

    /// Starts a call, unless the same one was made just now. Returns when it may be made again.
    fn perform(&mut self, instance: &Instance, fence: Fence, action: Action) -> Option<Timestamp> {
        let cluster = self.cluster_of(instance)?.clone();
        let driver = self.clusters.driver(&cluster)?;
        self.calls.start(instance, self.permit(fence), cluster, driver, action)
    }

    fn permit(&self, fence: Fence) -> Permit {
        Permit { lease: Arc::clone(self.shards.lease()), fence }
    }

    /// Marks runs of which every instance has ended.
    async fn end_runs(&mut self) -> Result<(), Error> {
        let fleet = self.ledger.fleet();
        let over = fleet.runs.values().filter(|run| run.ended.is_none() && fleet.is_over(run));
        for mut run in over.cloned().collect::<Vec<_>>() {
            let Some(fence) = self.fence(Shard::of(&run.id.pipeline)) else { continue };
            run.ended = Some(Timestamp::now());
            fault::point("run.before-end");
            if let Written::Fenced(barrier) = self.ledger.end(&run, fence).await? {
                self.step_down(fence.shard, barrier)?;
            }
            fault::point("run.after-end");
        }
        Ok(())
    }

    /// Ends what is on a cluster and maps to nothing that is under way.
    async fn sweep(&mut self) -> Result<(), Error> {
        let found: Vec<_> = self
            .sights
            .observations()
            .filter(|(_, seen)| self.is_heard(&seen.label.instance))
            .filter_map(|(cluster, seen)| {
                let (action, reason) = sweep(self.ledger.fleet(), seen)?;
                Some((cluster.clone(), seen.label.instance.clone(), action, reason))
            })
            .collect();
        for (cluster, instance, action, reason) in found {
            let Some(fence) = self.fence(Shard::of_instance(&instance)) else { continue };
            let Some(driver) = self.clusters.driver(&cluster) else { continue };
            let permit = self.permit(fence);
            let name = action.name().clone();
            if !self.calls.is_busy(&instance)
                && self.calls.start(&instance, permit, cluster, driver, action).is_none()
            {
                self.ledger.note(instance.to_string(), &Note::Swept { name, reason }).await?;
            }
        }
        Ok(())
    }

    /// Whether anything is between two states, so that clusters are worth asking often.
    fn is_anything_moving(&self) -> bool {
        use windlass_core::state::State;
        let fleet = self.ledger.fleet();
        let is_moving = |instance: &Instance| {
            let state = fleet.statuses.get(instance).map(|status| &status.state);
            matches!(state, Some(State::Submitting(_) | State::Stopping { .. }))
        };
        fleet.active().iter().any(is_moving) || self.sights.is_anything_missing()
    }
}

/// Tells of every commit to the store, by whichever process, until the engine is gone.
fn watch_store(ledger: &Ledger, hints: mpsc::UnboundedSender<Hint>) {
    let (store, mut since) = (Arc::clone(ledger.store()), ledger.moment());
    tokio::spawn(async move {
        while !hints.is_closed() {
            let waited = store.changed(since).await;
            match store.moment().await {
                Ok(moment) if waited.is_ok() => since = moment,
                // The resync finds what is missed meanwhile.
                _ => tokio::time::sleep(Duration::from_secs(1)).await,
            }
            if hints.send(Hint::Store).is_err() {
                return;
            }
        }
    });
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Sleeps until a time by the wall clock; for ever without one.
async fn sleep_until(wake: Option<Timestamp>) {
    match wake {
        None => std::future::pending().await,
        Some(at) => {
            let pause = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
            tokio::time::sleep(pause.max(Duration::from_millis(5))).await;
        }
    }
}
