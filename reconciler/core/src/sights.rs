//! What one cluster has said last, attempt by attempt: answers to questions and outcomes of calls, the newer winning.
//!
//! `T` orders what happened for whoever asks: an instant of the engine, a tick of the simulator.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::action::Outcome;
use crate::fault::{Rule, is_off};
use crate::fleet::Fleet;
use crate::id::{ExternalName, Instance};
use crate::observed::{Observation, Sight};

/// The last word of one cluster.
#[derive(Debug, Clone)]
pub struct Sights<T> {
    sights: BTreeMap<ExternalName, Sight>,
    called: BTreeMap<ExternalName, T>,
    /// When an attempt was found missing that was made, as its record says: what was asked before does not count.
    missed: BTreeMap<ExternalName, T>,
    /// How many of the sights are absences.
    absent: usize,
}

/// When a question was asked, and when its answer is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Heard<T> {
    /// When it was asked.
    pub asked: T,
    /// When its answer is taken in: the records were read before.
    pub taken: T,
    /// The same by the wall clock.
    pub now: Timestamp,
}

impl<T> Default for Sights<T> {
    fn default() -> Self {
        let (sights, called) = (BTreeMap::new(), BTreeMap::new());
        Self { sights, called, missed: BTreeMap::new(), absent: 0 }
    }
}

impl<T: Copy + Ord> Sights<T> {
    /// What is known of an attempt.
    pub fn of(&self, name: &ExternalName) -> &Sight {
        self.sights.get(name).unwrap_or(&Sight::Unseen)
    }

    /// Everything that the cluster shows.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.sights.values().filter_map(observed)
    }

    /// What the cluster shows of the attempts of an instance.
    pub fn observations_of(&self, instance: &Instance) -> impl Iterator<Item = &Observation> {
        let stem = ExternalName::stem(instance);
        let named = self.sights.range(ExternalName::reported(stem.as_str())..);
        let named = named.take_while(move |(name, _)| name.as_str().starts_with(&stem));
        named.filter_map(|(_, sight)| observed(sight)).filter(|seen| seen.label.instance == *instance)
    }

    /// Whether an attempt that should be there is missing.
    pub fn is_anything_missing(&self) -> bool {
        self.absent > 0
    }

    /// Forgets how often what should be there was missing.
    pub fn forget_absences(&mut self) {
        self.sights.retain(|_, sight| !is_absent(sight));
        self.missed.clear();
        self.absent = 0;
    }

    /// Takes in the answer to a question about everything, or that there was none, and why. `live`: the attempts that
    /// should be there, or are about to be. Returns those of which something else is known than before.
    pub fn take(
        &mut self,
        heard: Heard<T>,
        answer: Result<Vec<Observation>, String>,
        live: impl Iterator<Item = Live>,
    ) -> BTreeSet<ExternalName> {
        let before = std::mem::take(&mut self.sights);
        let missed = std::mem::take(&mut self.missed);
        match answer {
            Ok(shown) => {
                self.sights = shown.into_iter().map(|seen| (seen.name.clone(), Sight::Seen(seen))).collect();
                for live in live {
                    if self.sights.contains_key(&live.name) {
                        continue;
                    }
                    let (before, since) = (before.get(&live.name), missed.get(&live.name));
                    self.miss(live, before, since.copied(), heard);
                }
            }
            Err(reason) => {
                for Live { name, .. } in live {
                    let sight = silent(before.get(&name), &reason, heard.now);
                    self.sights.insert(name, sight);
                }
            }
        }
        // What a call said after the question was asked is newer than the answer.
        self.called.retain(|_, returned| *returned > heard.asked);
        let kept = before.iter().filter(|(name, _)| self.called.contains_key(*name));
        self.sights.extend(kept.map(|(name, sight)| (name.clone(), sight.clone())));
        self.absent = self.sights.values().filter(|sight| is_absent(sight)).count();
        differing(&before, &self.sights)
    }

    /// Takes in a good answer without an attempt. It counts if the attempt was known to be made when it was asked for:
    /// another owner may have made it since then, or may make it now.
    fn miss(&mut self, live: Live, before: Option<&Sight>, since: Option<T>, heard: Heard<T>) {
        let was_made = match before {
            Some(Sight::Seen(_)) => true,
            _ => since.is_some_and(|since| heard.asked > since),
        };
        let counts = live.is_made && was_made || is_off(Rule::AskAnew);
        if live.is_made {
            self.missed.insert(live.name.clone(), since.unwrap_or(heard.taken));
        }
        let times = times(before).saturating_add(u32::from(counts));
        self.sights.insert(live.name, Sight::Absent { times });
    }

    /// Takes in what came of a call, which returned at `returned`.
    pub fn fold(&mut self, name: &ExternalName, outcome: &Outcome, returned: T) {
        let sight = match outcome {
            Outcome::Done(observation) | Outcome::Foreign(observation) => Sight::Seen(observation.clone()),
            Outcome::Gone => Sight::Absent { times: times(self.sights.get(name)).saturating_add(1) },
            Outcome::Refused { reason } => Sight::Refused { reason: reason.clone() },
            Outcome::Unknown { .. } => return,
        };
        self.absent += usize::from(is_absent(&sight));
        let before = self.sights.insert(name.clone(), sight);
        self.absent -= usize::from(before.is_some_and(|before| is_absent(&before)));
        self.called.insert(name.clone(), returned);
    }
}

fn observed(sight: &Sight) -> Option<&Observation> {
    match sight {
        Sight::Seen(observation) => Some(observation),
        _ => None,
    }
}

fn is_absent(sight: &Sight) -> bool {
    matches!(sight, Sight::Absent { .. })
}

/// The names of which one says something else than the other.
fn differing(
    before: &BTreeMap<ExternalName, Sight>,
    after: &BTreeMap<ExternalName, Sight>,
) -> BTreeSet<ExternalName> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let new = after.iter().filter(|(name, sight)| before.get(*name) != Some(*sight));
    gone.chain(new.map(|(name, _)| name)).cloned().collect()
}

/// An attempt that should be on a cluster, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Its name.
    pub name: ExternalName,
    /// Whether its record says that it was made.
    pub is_made: bool,
}

/// The attempts that should be on a cluster, or are about to be.
pub fn live<'a>(
    fleet: &'a Fleet,
    cluster: &'a windlass_compiler::name::Name,
) -> impl Iterator<Item = Live> + 'a {
    let statuses = fleet.statuses.values().filter(|status| status.state.is_live());
    let attempts = statuses.filter_map(|status| status.attempt.as_ref());
    attempts
        .filter(move |attempt| attempt.cluster == *cluster)
        .map(|attempt| Live { name: attempt.name.clone(), is_made: attempt.uid.is_some() })
}

/// How many good answers in a row have missed it so far.
fn times(before: Option<&Sight>) -> u32 {
    match before {
        Some(Sight::Absent { times }) => *times,
        _ => 0,
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
    use windlass_compiler::model::Mode;

    use super::*;
    use crate::observed::Phase;
    use crate::sample::{instance, job, observation};

    fn name() -> ExternalName {
        ExternalName::reported("a.b-1")
    }

    fn live(is_made: bool) -> impl Iterator<Item = Live> {
        std::iter::once(Live { name: name(), is_made })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Takes in an answer without any attempt, to a question that was asked at once.
    fn miss(sights: &mut Sights<u8>, asked: u8, is_made: bool) -> Sight {
        answered_late(sights, (asked, asked), is_made)
    }

    /// The same, with the times at which it was asked and is taken in.
    fn answered_late(sights: &mut Sights<u8>, (asked, taken): (u8, u8), is_made: bool) -> Sight {
        sights.take(Heard { asked, taken, now: at(7) }, Ok(Vec::new()), live(is_made));
        sights.of(&name()).clone()
    }

    #[test]
    fn good_answers_without_an_attempt_are_counted_and_silence_is_not_one() {
        let mut sights = Sights::<u8>::default();
        assert_eq!(miss(&mut sights, 1, true), Sight::Absent { times: 0 }, "it may have been made since");
        assert_eq!(miss(&mut sights, 2, true), Sight::Absent { times: 1 });
        assert_eq!(miss(&mut sights, 3, true), Sight::Absent { times: 2 });
        let heard = Heard { asked: 4, taken: 4, now: at(7) };
        sights.take(heard, Err("no answer".to_owned()), live(true));
        assert_eq!(*sights.of(&name()), Sight::Silent { since: at(7), reason: "no answer".to_owned() });
        assert_eq!(miss(&mut sights, 5, true), Sight::Absent { times: 0 });
    }

    #[test]
    fn what_was_seen_is_missed_from_the_first_answer_without_it() {
        let mut sights = Sights::<u8>::default();
        let job = job("a.b", Mode::Batch);
        let seen = Observation { name: name(), ..observation(&job, 1, "u1", Phase::Suspended) };
        sights.take(Heard { asked: 1, taken: 1, now: at(7) }, Ok(vec![seen]), live(true));
        assert_eq!(answered_late(&mut sights, (2, 9), true), Sight::Absent { times: 1 });
    }

    #[test]
    fn what_was_missed_before_it_was_made_does_not_count() {
        let mut sights = Sights::<u8>::default();
        for asked in 1..9 {
            assert_eq!(miss(&mut sights, asked, false), Sight::Absent { times: 0 });
        }
        // It was made between these questions and their answers, which waited for whoever takes them in.
        for asked in 9..19 {
            assert_eq!(answered_late(&mut sights, (asked, 20), true), Sight::Absent { times: 0 });
        }
        assert_eq!(miss(&mut sights, 21, true), Sight::Absent { times: 1 });
    }

    #[test]
    fn what_is_known_anew_is_told() {
        let job = job("a.b", Mode::Stream);
        let shown = |uid| vec![observation(&job, 1, uid, Phase::Suspended)];
        let mut sights = Sights::<u8>::default();
        let mut asked = 0;
        let mut check = |answer: Result<Vec<Observation>, &str>, is_news: bool, missing: bool| {
            asked += 1;
            let heard = Heard { asked, taken: asked, now: at(7) };
            let told = sights.take(heard, answer.map_err(str::to_owned), live(true));
            assert_eq!(told.into_iter().collect::<Vec<_>>(), if is_news { vec![name()] } else { Vec::new() });
            assert_eq!(sights.is_anything_missing(), missing);
            let of = sights.observations_of(&instance(&job)).count();
            assert_eq!(of, sights.observations().count());
        };
        check(Ok(shown("u1")), true, false);
        check(Ok(shown("u1")), false, false);
        check(Ok(shown("u2")), true, false);
        check(Ok(Vec::new()), true, true);
        check(Ok(Vec::new()), true, true);
        check(Err("no answer"), true, false);
        check(Err("no answer"), false, false);
        check(Err("a reset"), true, false);
    }

    #[test]
    fn an_answer_does_not_overrule_a_call_that_came_back_after_the_question() {
        let mut sights = Sights::<u8>::default();
        let refused = Outcome::Refused { reason: "no".to_owned() };
        sights.fold(&name(), &refused, 5);
        assert_eq!(miss(&mut sights, 4, true), Sight::Refused { reason: "no".to_owned() });
        assert!(matches!(miss(&mut sights, 6, true), Sight::Absent { .. }));
    }
}
