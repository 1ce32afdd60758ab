//! What one cluster has said last, attempt by attempt: answers to questions and outcomes of calls, the newer winning.
//!
//! `T` orders what happened for whoever asks: an instant of the engine, a tick of the simulator.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::action::Outcome;
use crate::fleet::Fleet;
use crate::id::ExternalName;
use crate::observed::{Observation, Sight};

/// The last word of one cluster.
#[derive(Debug, Clone)]
pub struct Sights<T> {
    sights: BTreeMap<ExternalName, Sight>,
    called: BTreeMap<ExternalName, T>,
}

impl<T> Default for Sights<T> {
    fn default() -> Self {
        Self { sights: BTreeMap::new(), called: BTreeMap::new() }
    }
}

impl<T: Copy + Ord> Sights<T> {
    /// What is known of an attempt.
    pub fn of(&self, name: &ExternalName) -> &Sight {
        self.sights.get(name).unwrap_or(&Sight::Unseen)
    }

    /// Everything that the cluster shows.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.sights.values().filter_map(|sight| match sight {
            Sight::Seen(observation) => Some(observation),
            _ => None,
        })
    }

    /// Whether an attempt that should be there is missing.
    pub fn is_anything_missing(&self) -> bool {
        self.sights.values().any(|sight| matches!(sight, Sight::Absent { .. }))
    }

    /// Forgets how often what should be there was missing.
    pub fn forget_absences(&mut self) {
        self.sights.retain(|_, sight| !matches!(sight, Sight::Absent { .. }));
    }

    /// Takes in the answer to a question about everything, which was asked at `asked`, or that there was none, and
    /// why. `live`: the attempts that should be there.
    pub fn take(
        &mut self,
        asked: T,
        answer: Result<Vec<Observation>, String>,
        live: impl Iterator<Item = ExternalName>,
        now: Timestamp,
    ) {
        let before = std::mem::take(&mut self.sights);
        match answer {
            Ok(shown) => {
                self.sights = shown.into_iter().map(|seen| (seen.name.clone(), Sight::Seen(seen))).collect();
                for name in live {
                    let sight = missed(before.get(&name));
                    self.sights.entry(name).or_insert(sight);
                }
            }
            Err(reason) => {
                self.sights =
                    live.map(|name| (name.clone(), silent(before.get(&name), &reason, now))).collect();
            }
        }
        // What a call said after the question was asked is newer than the answer.
        self.called.retain(|_, returned| *returned > asked);
        self.sights.extend(before.into_iter().filter(|(name, _)| self.called.contains_key(name)));
    }

    /// Takes in what came of a call, which returned at `returned`.
    pub fn fold(&mut self, name: &ExternalName, outcome: &Outcome, returned: T) {
        let sight = match outcome {
            Outcome::Done(observation) | Outcome::Foreign(observation) => Sight::Seen(observation.clone()),
            Outcome::Gone => missed(self.sights.get(name)),
            Outcome::Refused { reason } => Sight::Refused { reason: reason.clone() },
            Outcome::Unknown { .. } => return,
        };
        self.sights.insert(name.clone(), sight);
        self.called.insert(name.clone(), returned);
    }
}

/// The names of the attempts that should be on a cluster.
pub fn live<'a>(
    fleet: &'a Fleet,
    cluster: &'a windlass_compiler::name::Name,
) -> impl Iterator<Item = ExternalName> + 'a {
    let statuses = fleet.statuses.values().filter(|status| status.state.is_live());
    let attempts = statuses.filter_map(|status| status.attempt.as_ref());
    attempts.filter(move |attempt| attempt.cluster == *cluster).map(|attempt| attempt.name.clone())
}

/// A good answer without the attempt: absent once more.
fn missed(before: Option<&Sight>) -> Sight {
    match before {
        Some(Sight::Absent { times }) => Sight::Absent { times: times.saturating_add(1) },
        _ => Sight::Absent { times: 1 },
    }
}

/// No answer: nothing is known, and since when.
fn silent(before: Option<&Sight>, reason: &str, now: Timestamp) -> Sight {
    let since = match before {
        Some(Sight::Silent { since, .. }) => *since,
        _ => now,
    };
    Sight::Silent { since, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ExternalName {
        ExternalName::reported("a.b-1")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn good_answers_without_an_attempt_are_counted_and_silence_is_not_one() {
        let mut sights = Sights::<u8>::default();
        let ask = |sights: &mut Sights<u8>, asked, answer| {
            sights.take(asked, answer, std::iter::once(name()), at(7))
        };
        ask(&mut sights, 1, Ok(Vec::new()));
        ask(&mut sights, 2, Ok(Vec::new()));
        assert_eq!(*sights.of(&name()), Sight::Absent { times: 2 });
        ask(&mut sights, 3, Err("no answer".to_owned()));
        assert_eq!(*sights.of(&name()), Sight::Silent { since: at(7), reason: "no answer".to_owned() });
        ask(&mut sights, 4, Ok(Vec::new()));
        assert_eq!(*sights.of(&name()), Sight::Absent { times: 1 });
    }

    #[test]
    fn an_answer_does_not_overrule_a_call_that_came_back_after_the_question() {
        let mut sights = Sights::<u8>::default();
        let refused = Outcome::Refused { reason: "no".to_owned() };
        sights.fold(&name(), &refused, 5);
        sights.take(4, Ok(Vec::new()), std::iter::once(name()), at(7));
        assert_eq!(*sights.of(&name()), Sight::Refused { reason: "no".to_owned() });
        sights.take(6, Ok(Vec::new()), std::iter::once(name()), at(7));
        assert_eq!(*sights.of(&name()), Sight::Absent { times: 1 });
    }
}
