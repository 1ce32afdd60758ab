//! The promises, as far as a small world can break them.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Intent;
use crate::id::{AttemptNumber, Generation, Uid};
use crate::observed::Phase;
use crate::sim::cluster::Effect;
use crate::sim::witness::Violation;
use crate::state::State as S;

use super::state::State;

/// What a bystander remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    starts: BTreeMap<AttemptNumber, u8>,
    uids: BTreeSet<(AttemptNumber, Uid)>,
    intended: AttemptNumber,
    asked: Generation,
}

type Check = Result<(), Violation>;

fn broken(invariant: &'static str, detail: impl Into<String>) -> Check {
    Err(Violation { invariant, detail: detail.into() })
}

impl State {
    /// Judges what the last move did.
    pub(super) fn judge(&mut self) -> Check {
        if let Some(attempt) = &self.status.attempt {
            if attempt.number < self.seen.intended {
                return broken("I1 one lineage", "the record went back to an earlier attempt");
            }
            self.seen.intended = attempt.number;
            if let Some(uid) = &attempt.uid {
                self.seen.uids.insert((attempt.number, uid.clone()));
            }
        }
        for effect in self.cluster.take_effects() {
            self.effect(&effect)?;
        }
        self.nothing_twice()?;
        if self.goal.generation < self.seen.asked {
            return broken("I8 acknowledged commands stay", "a command has disappeared");
        }
        Ok(())
    }

    /// Notes that a command was acknowledged.
    pub(super) fn acknowledge(&mut self) {
        self.seen.asked = self.goal.generation;
    }

    fn effect(&mut self, effect: &Effect) -> Check {
        match effect {
            Effect::Created(_, label) | Effect::Accepted(_, label) | Effect::Stopping(_, label) => {
                if label.attempt > self.seen.intended {
                    return broken("I10 intent before effect", format!("{effect:?}"));
                }
            }
            Effect::Started(_, uid, label) => {
                if !self.seen.uids.contains(&(label.attempt, uid.clone())) {
                    return broken("I10 intent before effect", format!("{effect:?}"));
                }
                let starts = self.seen.starts.entry(label.attempt).or_default();
                *starts += 1;
                if *starts > 1 {
                    return broken("I4 one start per attempt", format!("attempt {}", label.attempt));
                }
            }
        }
        Ok(())
    }

    fn nothing_twice(&self) -> Check {
        let alive = || self.cluster.objects().filter(|object| object.observation.phase.is_alive());
        if alive().count() > 1 {
            return broken("I5 one active instance", "two attempts are active");
        }
        let over = matches!(self.status.state, S::Stopped | S::Suspended | S::Succeeded);
        match alive().next() {
            Some(object) if over && object.observation.label.attempt <= self.status.attempt_number() => {
                broken(
                    "I6 nothing runs after its stop",
                    format!("attempt {} is active", object.observation.label.attempt),
                )
            }
            _ => Ok(()),
        }
    }

    /// Whether everything is as it should be, as far as the records and the cluster go.
    pub(super) fn is_as_wanted(&self) -> bool {
        let live = |phase: &Phase| phase.is_alive() || *phase == Phase::Suspended;
        let alive: Vec<_> = self
            .cluster
            .objects()
            .filter(|object| live(&object.observation.phase))
            .map(|object| object.observation.label.attempt)
            .collect();
        let taken_in = self.status.observed_generation == self.goal.generation;
        let running = matches!(self.status.state, S::Running { .. });
        match self.goal.intent {
            Intent::Run if running => taken_in && alive == [self.status.attempt_number()],
            _ => taken_in && self.status.state.is_final() && alive.is_empty(),
        }
    }
}
