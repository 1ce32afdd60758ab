//! Sees what was asked for to its end: drives the engine where the lease is free, follows its owner where not.

mod alarm;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use windlass_core::case::Moment;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::Instance;
use windlass_core::observed::Sight;

pub use alarm::OnError;

use crate::engine::{self, Engine, Flow};
use crate::glance::is_at_rest;
use crate::lease::{self, Acquired, Held, Holder};
use crate::ledger::{self, Ledger};
use crate::session::Session;
use alarm::Alarm;

/// How often a follower looks whether the lease has become free, and progress is shown anew.
const BEAT: Duration = Duration::from_millis(500);

/// What is to be seen to its end.
pub struct Aim<'a> {
    /// The command, for whoever finds the lease taken.
    pub command: &'a str,
    /// The instances that it is about, as the records are now.
    pub instances: &'a dyn Fn(&Fleet) -> Vec<Instance>,
    /// How long it may take; for ever without it.
    pub timeout: Option<Duration>,
    /// How long an owner of the lease may leave undone what is to be done before we say so and leave.
    pub lock_timeout: Duration,
    /// What to do when one of them fails for good.
    pub on_error: OnError,
}

/// Who is told what happens meanwhile.
pub trait Watch {
    /// The records have changed, or time has passed.
    fn show(&mut self, fleet: &Fleet, instances: &[Instance]);
    /// Another process owns the lease, and does the work.
    fn follow(&mut self, holder: Option<&Holder>);
    /// This instance has failed for good: if this process `drives`, nothing new is started because of that.
    fn halt(&mut self, cause: &Instance, drives: bool);
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing moves any more: every instance is what is wanted, or will not be unless somebody acts.
    Settled,
    /// Some still move, and the time is over.
    TimedOut,
    /// Interrupted: nothing new was started, what was under way is done.
    Interrupted,
    /// One has failed for good: nothing new was started, what was under way is done.
    Halted,
    /// Another process holds the lease, and leaves undone what is to be done.
    Busy(Option<Holder>),
}

/// Why it could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The lease could not be asked for.
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// The records could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// Interrupts by the user: the first asks for an orderly end, the second for an end at once.
#[derive(Clone, Default)]
pub struct Interrupts {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    count: AtomicU8,
    nudge: Notify,
}

impl Interrupts {
    /// Counts one.
    pub fn interrupt(&self) {
        self.inner.count.fetch_add(1, Ordering::SeqCst);
        self.inner.nudge.notify_waiters();
        self.inner.nudge.notify_one();
    }

    /// How many there were.
    pub fn count(&self) -> u8 {
        self.inner.count.load(Ordering::SeqCst)
    }
}

/// Sees an aim to its end. Returns how it ended, and the records as they are then.
pub async fn converge(
    session: &Session,
    mut ledger: Ledger,
    aim: &Aim<'_>,
    interrupts: &Interrupts,
    watch: &mut dyn Watch,
) -> Result<(End, Ledger), Error> {
    let mut course = Course::new(aim, interrupts, watch);
    let mut quiet = Quiet::new(aim.lock_timeout);
    let mut told = None;
    loop {
        ledger.refresh().await?;
        let instances = (aim.instances)(ledger.fleet());
        let recorded = course.look(ledger.fleet(), &instances, true);
        match &recorded {
            // What the records say may be old: nobody has looked while no owner was there.
            Some(End::Settled) if !is_at_rest(session, ledger.fleet(), &instances).await => {}
            Some(end) => return Ok((end.clone(), ledger)),
            None => {}
        }
        match session.lease.acquire(aim.command).await? {
            Acquired::Ours(lease) => return drive(session, ledger, lease, &mut course).await,
            // Its owner sees to what the records do not say yet.
            Acquired::Busy(_) if recorded.is_some() => return Ok((End::Settled, ledger)),
            Acquired::Busy(holder) => {
                if told.as_ref() != Some(&holder) {
                    course.watch.follow(holder.as_ref());
                    told = Some(holder.clone());
                }
                if quiet.is_too_long(&ledger, &instances) {
                    return Ok((End::Busy(holder), ledger));
                }
            }
        }
        // A hint or a beat; what it means is read at the top.
        let since = ledger.moment();
        let store = Arc::clone(ledger.store());
        tokio::select! {
            _ = store.changed(since) => {}
            () = tokio::time::sleep(BEAT) => {}
            () = interrupts.inner.nudge.notified() => {}
        }
    }
}

/// Drives the engine until the aim's end.
async fn drive(
    session: &Session,
    ledger: Ledger,
    lease: Box<dyn Held>,
    course: &mut Course<'_>,
) -> Result<(End, Ledger), Error> {
    let mut engine = Engine::new(ledger, lease, session.connect());
    course.drives = true;
    let mut end = End::Settled;
    let inner = Arc::clone(&course.interrupts.inner);
    let nudge = Arc::clone(&inner);
    let beat = tokio::spawn(async move {
        loop {
            tokio::time::sleep(BEAT).await;
            nudge.nudge.notify_one();
        }
    });
    let result = engine
        .run(&inner.nudge, |fleet, idle| {
            let instances = (course.aim.instances)(fleet);
            match course.look(fleet, &instances, idle) {
                Some(how) => {
                    end = how;
                    Flow::Done
                }
                None => course.flow(),
            }
        })
        .await;
    beat.abort();
    result?;
    Ok((end, engine.leave().await))
}

/// An aim on the way to its end.
struct Course<'a> {
    aim: &'a Aim<'a>,
    deadline: Option<Instant>,
    interrupts: &'a Interrupts,
    alarm: Alarm,
    /// Whether the lease is ours.
    drives: bool,
    watch: &'a mut dyn Watch,
}

impl<'a> Course<'a> {
    fn new(aim: &'a Aim<'a>, interrupts: &'a Interrupts, watch: &'a mut dyn Watch) -> Self {
        let deadline = aim.timeout.map(|timeout| Instant::now() + timeout);
        Self { aim, deadline, interrupts, alarm: Alarm::new(aim.on_error), drives: false, watch }
    }

    /// Shows where it is, and whether it has come to an end. `idle`: no call of ours is under way, no attempt is
    /// being looked for, and nothing is due.
    fn look(&mut self, fleet: &Fleet, instances: &[Instance], idle: bool) -> Option<End> {
        self.watch.show(fleet, instances);
        if let Some(cause) = self.alarm.look(fleet, instances) {
            self.watch.halt(cause, self.drives);
        }
        self.ended(fleet, instances, idle)
    }

    /// How the engine goes on.
    fn flow(&self) -> Flow {
        match self.interrupts.count() {
            0 if self.alarm.rings() => Flow::Finish("another job has failed"),
            0 => Flow::Go,
            _ => Flow::Finish("the command was interrupted"),
        }
    }

    fn ended(&self, fleet: &Fleet, instances: &[Instance], idle: bool) -> Option<End> {
        let moving = || {
            let mut outlooks = fleet.outlooks();
            instances.iter().any(|instance| outlooks.of(instance) == Outlook::Moving)
        };
        let between = || instances.iter().any(|instance| fleet.is_between(instance));
        match self.interrupts.count() {
            0 if idle && !moving() => Some(End::Settled),
            0 if self.alarm.rings() && idle && !between() => Some(End::Halted),
            // A call that is under way may never come back; its intent is recorded, and the next owner looks for it.
            0 => self.deadline.is_some_and(|at| Instant::now() >= at).then_some(End::TimedOut),
            1 => (idle && !between()).then_some(End::Interrupted),
            _ => Some(End::Interrupted),
        }
    }
}

/// Measures how long an owner has written nothing although something was to be done. A job that takes its time is
/// no sign that its owner hangs.
struct Quiet {
    limit: Duration,
    last: (crate::store::Moment, Instant),
}

impl Quiet {
    fn new(limit: Duration) -> Self {
        Self { limit, last: (crate::store::Moment::default(), Instant::now()) }
    }

    fn is_too_long(&mut self, ledger: &Ledger, instances: &[Instance]) -> bool {
        let is_due = instances.iter().any(|instance| is_due(ledger.fleet(), instance));
        if !is_due || ledger.moment() != self.last.0 {
            self.last = (ledger.moment(), Instant::now());
        }
        self.last.1.elapsed() >= self.limit
    }
}

/// Whether an owner has something to record or to do for an instance, as far as the records tell.
fn is_due(fleet: &Fleet, instance: &Instance) -> bool {
    if fleet.is_between(instance) {
        return true;
    }
    let epoch = fleet.statuses.get(instance).map(|status| status.epoch).unwrap_or_default();
    let decision = fleet.decide(instance, |_| Sight::Unseen, None, Moment { now: Timestamp::now(), epoch });
    decision.is_ok_and(|decision| decision.is_some_and(|one| !one.is_nothing()))
}
