//! Calls to clusters that are under way, and pauses between repetitions of the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use windlass_compiler::name::Name;
use windlass_core::action::{Action, Outcome};
use windlass_core::fault::{Rule, is_off};
use windlass_core::id::{ExternalName, Instance};
use windlass_core::shard::Fence;

use crate::driver::Driver;
use crate::fault;
use crate::lease::Held;

use super::Hint;

/// The first pause before a call is repeated; it doubles with every repetition.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);
/// The longest pause.
const LONGEST: SignedDuration = SignedDuration::from_secs(10);

/// A call that came back.
pub(crate) struct Done {
    pub(super) instance: Instance,
    pub(super) cluster: Name,
    pub(super) name: ExternalName,
    pub(super) verb: &'static str,
    pub(super) outcome: Outcome,
}

/// What a call is made under.
pub(super) struct Permit {
    pub(super) lease: Arc<dyn Held>,
    pub(super) fence: Fence,
}

impl Permit {
    /// Whether it still holds. Asked immediately before the call, which may have waited for its turn.
    fn holds(self) -> bool {
        is_off(Rule::NoEffectAfterTheLease) || self.lease.epoch(self.fence.shard) == Some(self.fence.epoch)
    }
}

/// The calls.
pub(super) struct Calls {
    hints: mpsc::UnboundedSender<Hint>,
    busy: BTreeSet<Instance>,
    made: BTreeMap<ExternalName, Made>,
    /// How many were left when those that are over were forgotten last.
    kept: usize,
}

/// The last call for an attempt.
struct Made {
    verb: &'static str,
    times: u32,
    not_before: Timestamp,
}

impl Made {
    /// Whether it was not repeated when it could have been.
    fn is_over(&self, now: Timestamp) -> bool {
        self.not_before + LONGEST <= now
    }
}

impl Calls {
    pub(super) fn new(hints: mpsc::UnboundedSender<Hint>) -> Self {
        Self { hints, busy: BTreeSet::new(), made: BTreeMap::new(), kept: 0 }
    }

    /// Whether a call for the instance is under way: nothing is decided before it is back.
    pub(super) fn is_busy(&self, instance: &Instance) -> bool {
        self.busy.contains(instance)
    }

    /// Whether no call is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.is_empty()
    }

    /// Starts a call; or returns when it may be made, if the same one was made just now.
    pub(super) fn start(
        &mut self,
        instance: &Instance,
        permit: Permit,
        cluster: Name,
        driver: Arc<dyn Driver>,
        action: Action,
    ) -> Option<Timestamp> {
        let now = Timestamp::now();
        let times = match self.made.get(action.name()) {
            Some(made) if made.verb == action.verb() && now < made.not_before => {
                return Some(made.not_before);
            }
            Some(made) if made.verb == action.verb() && !made.is_over(now) => made.times + 1,
            _ => 0,
        };
        self.forget(now);
        let pause = PAUSE.saturating_mul(1 << times.min(8)).min(LONGEST);
        let made = Made { verb: action.verb(), times, not_before: now + pause };
        self.made.insert(action.name().clone(), made);
        self.busy.insert(instance.clone());
        tracing::info!(%instance, action = action.verb(), name = %action.name(), "call");
        let (hints, instance) = (self.hints.clone(), instance.clone());
        tokio::spawn(async move {
            fault::passing(before(&action)).await;
            let outcome = if permit.holds() {
                driver.perform(&action).await
            } else {
                Outcome::Unknown { reason: "its shard is no longer ours; nothing was asked".to_owned() }
            };
            fault::passing(after(&action)).await;
            let (name, verb) = (action.name().clone(), action.verb());
            // Nobody is left to tell when the engine is gone; the next owner will see for itself.
            let _ = hints.send(Hint::Call(Box::new(Done { instance, cluster, name, verb, outcome })));
        });
        None
    }

    /// Forgets what is over. Not at each call, of which there may be many.
    fn forget(&mut self, now: Timestamp) {
        if self.made.len() > 2 * self.kept {
            self.made.retain(|_, made| !made.is_over(now));
            self.kept = self.made.len();
        }
    }

    pub(super) fn returned(&mut self, done: &Done) {
        self.busy.remove(&done.instance);
    }
}

fn before(action: &Action) -> &'static str {
    match action {
        Action::Create(_) => "create.before",
        Action::Activate { .. } => "activate.before",
        Action::Stop { .. } => "stop.before",
    }
}

fn after(action: &Action) -> &'static str {
    match action {
        Action::Create(_) => "create.after",
        Action::Activate { .. } => "activate.after",
        Action::Stop { .. } => "stop.after",
    }
}
