//! The loop: gather → fold → decide → persist → perform. Nothing else loops.
//!
//! Everything that is decided, is decided in `windlass-core`; this file only carries values to it and its answers
//! out. The engine decides in the shards that its lease gives it, while it does; what it may do is checked by the
//! store (epochs and versions) and by the clusters (names and uids), not by the lease.

mod calls;
mod clusters;
mod due;
mod recovering;
mod shards;
mod sights;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use windlass_compiler::name::Name;
use windlass_core::action::Action;
use windlass_core::case::Moment;
use windlass_core::decide::Decision;
use windlass_core::fault::{Rule, is_off};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;
use windlass_core::id::{Epoch, Instance, Sequence};
use windlass_core::observed::Observation;
use windlass_core::shard::{Fence, Shard};
use windlass_core::status::{Status, Transition};
use windlass_core::sweep::sweep;

use crate::fault;
use crate::lease::Held;
use crate::ledger::{self, Ledger, Written};

use calls::{Calls, Permit};
use clusters::Clusters;
pub use clusters::Connect;
use due::Due;
use recovering::Recovering;
use shards::Shards;
use sights::Sights;

/// What was written is read again after so long, hints or not, and everything is decided again.
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
    due: Due,
    /// How many decisions were taken.
    decided: u64,
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
    pub fn new(mut ledger: Ledger, lease: Box<dyn Held>, connect: Connect) -> Self {
        let (sender, hints) = mpsc::unbounded_channel();
        watch_store(&ledger, sender.clone());
        // Everything is due: whatever was read so far is no news.
        ledger.take_fresh();
        let due = Due::of(ledger.fleet());
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
            due,
            decided: 0,
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
        let mut resync = tokio::time::interval_at(tokio::time::Instant::now() + RESYNC, RESYNC);
        resync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = match self.turn().await {
                Ok(wake) => wake,
                Err(error) => self.endure(error).await?,
            };
            let heard = self.clusters.are_all_heard() && !self.sights.is_anything_missing();
            // While the store is away, nothing can be done of what is due.
            let idle = self.calls.is_idle() && heard && (self.due.is_idle() || self.outage.lasts);
            let hold = match steer(self.ledger.fleet(), idle) {
                Flow::Done => return Ok(()),
                Flow::Finish(why) => Some(why),
                Flow::Go => None,
            };
            self.hold(hold);
            let ready = self.due.is_ready();
            tokio::select! {
                biased;
                // First: in a busy fleet there is always a hint.
                _ = resync.tick() => self.resync(),
                hint = self.hints.recv() => self.gather(hint),
                () = self.shards.changed() => {}
                () = nudge.notified() => {}
                () = tokio::task::yield_now(), if ready => {}
                () = sleep_until(wake), if !ready => {}
            }
        }
    }

    /// Holds new attempts back for a reason, or no longer.
    fn hold(&mut self, hold: Option<&str>) {
        if self.hold.as_deref() != hold {
            self.hold = hold.map(str::to_owned);
            self.due.touch_all();
        }
    }

    fn resync(&mut self) {
        self.stale = true;
        self.due.touch_all();
    }

    /// Takes in a failure of the store, if that was asked for. Returns when to try again.
    async fn endure(&mut self, error: Error) -> Result<Option<Timestamp>, Error> {
        // Some of what was due may be neither done nor due any more.
        self.due.touch_all();
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
                    let touched = self.sights.take(&name, answer, self.ledger.fleet());
                    self.due.touch_each(touched);
                    self.due.touch_unheard();
                }
                Hint::Call(done) => self.returned(&done),
            }
            next = self.hints.try_recv().ok();
        }
    }

    fn returned(&mut self, done: &calls::Done) {
        tracing::debug!(instance = %done.instance, action = done.verb, outcome = ?done.outcome, "call returned");
        let touched = self.sights.fold(done);
        self.due.touch_each(touched);
        self.clusters.look_again(&done.cluster);
        self.calls.returned(done);
    }

    /// One turn: decides what is due, records what changes, starts the calls. Returns when to turn again.
    async fn turn(&mut self) -> Result<Option<Timestamp>, Error> {
        if self.shards.review() {
            self.due.touch_all();
            if !is_off(Rule::AskAnew) {
                // What the last owners wrote and did may be newer than what was read before the shards were ours.
                self.stale = true;
                self.sights.forget_absences();
                self.clusters.ask_all();
            }
        }
        if self.stale {
            self.ledger.refresh().await?;
            (self.stale, self.outage.lasts) = (false, false);
        }
        // Whatever has read the records since the last turn may have found another cluster in them.
        self.clusters.connect(self.ledger.fleet());
        self.take_fresh();
        let everything = self.due.take_all(self.ledger.fleet());
        let instances = self.due.next(Timestamp::now());
        self.believe_clusters(everything, &instances).await?;
        self.recover().await?;
        self.settle(&instances).await?;
        self.take_fresh();
        self.end_runs().await?;
        self.sweep(everything, &instances).await?;
        self.take_fresh();
        self.clusters.hurry(self.due.is_anything_moving() || self.sights.is_anything_missing());
        self.shards.report(self.clusters.unreachable(), self.ledger.fleet());
        tracing::trace!(everything, instances = instances.len(), decided = self.decided, "turned");
        Ok(self.due.wake())
    }

    /// Takes in which records have changed.
    fn take_fresh(&mut self) {
        let fresh = self.ledger.take_fresh();
        if !fresh.is_empty() {
            self.shards.records_changed();
            self.due.touch_by(fresh, self.ledger.fleet());
        }
    }

    /// Decides instances until there is nothing to record, then starts the calls that follow.
    async fn settle(&mut self, instances: &[Instance]) -> Result<(), Error> {
        let mut open = instances.to_vec();
        for _ in 0..ROUNDS {
            let mut statuses: Vec<_> = open.iter().filter_map(|instance| self.consider(instance)).collect();
            if statuses.is_empty() {
                self.due.note(instances, self.ledger.fleet());
                return Ok(());
            }
            open = statuses.iter().map(|(status, _)| status.instance.clone()).collect();
            // What follows from the state of another is decided again once that is on record. Nothing waits in a circle.
            let changing: BTreeSet<_> = open.iter().cloned().collect();
            statuses.retain(|(status, _)| !self.ledger.fleet().rests_on(status, &changing));
            self.persist(&statuses).await?;
        }
        self.due.touch_each(open);
        Ok(())
    }

    /// Decides an instance. Returns what is to be recorded; where that is nothing, it has started the call that follows.
    fn consider(&mut self, instance: &Instance) -> Option<(Status, Fence)> {
        // A call that is under way makes it due when it comes back.
        if self.calls.is_busy(instance) || !self.ledger.fleet().is_active(instance) {
            return None;
        }
        let fence = self.ready(instance)?;
        self.decided += 1;
        let Decision { status, action, wake, .. } = self.decision(instance, fence)?;
        if is_off(Rule::IntentFirst)
            && let Some(action) = action.clone()
        {
            self.perform(instance, fence, action);
        }
        if let Some(status) = status {
            return Some((*status, fence));
        }
        let again = action.and_then(|action| self.perform(instance, fence, action));
        self.due.touch_at(instance, earlier(wake, again));
        None
    }

    /// What is written under for an instance, if something may be done for it now. If not, it is due again as soon as
    /// that may have changed.
    fn ready(&mut self, instance: &Instance) -> Option<Fence> {
        let shard = Shard::of_instance(instance);
        // A shard that is gained, or goes on, makes everything due.
        let since = self.shards.since(shard).filter(|_| self.ledger.fleet().frozen(shard).is_none())?;
        if !self.is_heard(instance, since) {
            self.due.await_word(instance);
            return None;
        }
        let fence = self.fence(shard);
        if fence.is_none() {
            // Its lease has ended since the last look at it, and may yet be renewed.
            self.due.touch_at(instance, Some(soon()));
        }
        fence
    }

    /// What is written under in a shard; none where it is not ours, or frozen.
    fn fence(&self, shard: Shard) -> Option<Fence> {
        self.shards.fence(shard).filter(|_| self.ledger.fleet().frozen(shard).is_none())
    }

    /// Whether the cluster of an instance has answered, or failed to, since its shard is ours. A slow one delays no
    /// other.
    fn is_heard(&self, instance: &Instance, since: Instant) -> bool {
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

    fn decision(&self, instance: &Instance, fence: Fence) -> Option<Decision> {
        let moment = Moment { now: Timestamp::now(), epoch: fence.epoch };
        let sight = |status: &Status| self.sights.of(status).clone();
        let decided = self.ledger.fleet().decide(instance, sight, self.hold.as_deref(), moment);
        decided.unwrap_or_else(|illegal| {
            tracing::error!(%instance, %illegal, "a decision broke the transition table; nothing is done");
            None
        })
    }

    /// Records statuses. A conflict is no error: the ledger has read what is there, and deciding goes on from it.
    async fn persist(&mut self, statuses: &[(Status, Fence)]) -> Result<(), Error> {
        let fleet = self.ledger.fleet();
        let sequence = |status: &Status| fleet.statuses.get(&status.instance).map(Status::sequence);
        let before: Vec<_> =
            statuses.iter().map(|(status, _)| sequence(status).unwrap_or_default()).collect();
        statuses.iter().for_each(|_| fault::point("status.before-commit"));
        let written = self.ledger.record(statuses).await;
        let mut all = Ok(());
        for (((status, fence), before), written) in statuses.iter().zip(before).zip(written) {
            fault::point("status.after-commit");
            let conclude = |written| self.conclude(status, *fence, before, written);
            all = all.and(written.map_err(Error::from).and_then(conclude));
        }
        all
    }

    /// Takes in what came of a status that was to be recorded.
    fn conclude(
        &mut self,
        status: &Status,
        fence: Fence,
        before: Sequence,
        written: Written,
    ) -> Result<(), Error> {
        match written {
            Written::Done => {
                let (state, sequence) = (status.state.name(), status.sequence());
                tracing::info!(instance = %status.instance, %state, %sequence, "recorded");
                self.report(status, before);
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
        for id in self.due.take_runs() {
            let fleet = self.ledger.fleet();
            let run = fleet.runs.get(&id).filter(|run| run.ended.is_none() && fleet.is_over(run));
            let Some(mut run) = run.cloned() else { continue };
            let shard = Shard::of(&id.pipeline);
            let Some(fence) = self.fence(shard) else {
                if self.shards.since(shard).is_some() {
                    self.due.touch_run(id);
                }
                continue;
            };
            run.ended = Some(Timestamp::now());
            fault::point("run.before-end");
            if let Written::Fenced(barrier) = self.ledger.end(&run, fence).await? {
                self.step_down(fence.shard, barrier)?;
            }
            fault::point("run.after-end");
        }
        Ok(())
    }

    /// Ends what is on a cluster and maps to nothing that is under way: of these instances, or of all.
    async fn sweep(&mut self, everything: bool, instances: &[Instance]) -> Result<(), Error> {
        let to_sweep = |(cluster, seen): (&Name, &Observation)| {
            let (action, reason) = sweep(self.ledger.fleet(), seen)?;
            Some((cluster.clone(), seen.label.instance.clone(), action, reason))
        };
        let found: Vec<_> = self.shown(everything, instances).filter_map(to_sweep).collect();
        for (cluster, instance, action, reason) in found {
            if self.calls.is_busy(&instance) {
                continue;
            }
            let Some(fence) = self.ready(&instance) else { continue };
            let Some(driver) = self.clusters.driver(&cluster) else { continue };
            let name = action.name().clone();
            match self.calls.start(&instance, self.permit(fence), cluster, driver, action) {
                None => drop(self.ledger.note(instance.to_string(), &Note::Swept { name, reason }).await?),
                again => self.due.touch_at(&instance, again),
            }
        }
        Ok(())
    }

    /// What the clusters show of these instances, or of all.
    fn shown<'a>(
        &'a self,
        everything: bool,
        instances: &'a [Instance],
    ) -> impl Iterator<Item = (&'a Name, &'a Observation)> {
        let all = everything.then(|| self.sights.observations()).into_iter().flatten();
        let some = if everything { &[] } else { instances };
        all.chain(some.iter().flat_map(|instance| self.sights.observations_of(instance)))
    }
}

/// When to try again what cannot be done just now.
fn soon() -> Timestamp {
    Timestamp::now() + RETRY
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
