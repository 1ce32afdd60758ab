//! What the clusters have said last, attempt by attempt.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use windlass_compiler::name::Name;
use windlass_core::action::Outcome;
use windlass_core::fleet::Fleet;
use windlass_core::id::ExternalName;
use windlass_core::observed::{Observation, Sight};
use windlass_core::status::Status;

use super::calls::Done;
use super::clusters::Answer;

/// The last word of every cluster.
#[derive(Default)]
pub(super) struct Sights {
    clusters: BTreeMap<Name, BTreeMap<ExternalName, Sight>>,
    called: BTreeMap<ExternalName, Instant>,
}

const UNSEEN: &Sight = &Sight::Unseen;

impl Sights {
    /// What is known of the current attempt of a status.
    pub(super) fn of(&self, status: &Status) -> &Sight {
        let Some(attempt) = &status.attempt else { return UNSEEN };
        self.clusters.get(&attempt.cluster).and_then(|sights| sights.get(&attempt.name)).unwrap_or(UNSEEN)
    }

    /// Takes in a cluster's answer, or that there was none.
    pub(super) fn take(&mut self, cluster: &Name, answer: Answer, fleet: &Fleet) {
        let asked = fleet
            .statuses
            .values()
            .filter(|status| status.state.is_live())
            .filter_map(|status| status.attempt.as_ref())
            .filter(|attempt| attempt.cluster == *cluster)
            .map(|attempt| attempt.name.clone());
        let before = self.clusters.remove(cluster).unwrap_or_default();
        let mut now = match answer.words {
            Ok(observations) => good(&before, observations, asked),
            Err(silence) => silent(&before, &silence.reason, asked),
        };
        // What a call said after the question was asked is newer than the answer.
        self.called.retain(|_, returned| *returned > answer.asked);
        now.extend(before.into_iter().filter(|(name, _)| self.called.contains_key(name)));
        self.clusters.insert(cluster.clone(), now);
    }

    /// Takes in what came of a call.
    pub(super) fn fold(&mut self, done: &Done) {
        let sights = self.clusters.entry(done.cluster.clone()).or_default();
        let sight = match &done.outcome {
            Outcome::Done(observation) | Outcome::Foreign(observation) => Sight::Seen(observation.clone()),
            Outcome::Gone => missed(sights.get(&done.name)),
            Outcome::Refused { reason } => Sight::Refused { reason: reason.clone() },
            Outcome::Unknown { .. } => return,
        };
        sights.insert(done.name.clone(), sight);
        self.called.insert(done.name.clone(), Instant::now());
    }

    /// Everything that clusters show.
    pub(super) fn observations(&self) -> impl Iterator<Item = (&Name, &Observation)> {
        self.clusters.iter().flat_map(|(cluster, sights)| {
            sights.values().filter_map(move |sight| match sight {
                Sight::Seen(observation) => Some((cluster, observation)),
                _ => None,
            })
        })
    }

    /// Whether an attempt that should be there is missing.
    pub(super) fn is_anything_missing(&self) -> bool {
        self.clusters.values().flat_map(BTreeMap::values).any(|sight| matches!(sight, Sight::Absent { .. }))
    }
}

/// A good answer: what is in it is there, and what was asked for and is not in it is absent once more.
fn good(
    before: &BTreeMap<ExternalName, Sight>,
    observations: Vec<Observation>,
    asked: impl Iterator<Item = ExternalName>,
) -> BTreeMap<ExternalName, Sight> {
    let mut now: BTreeMap<_, _> =
        observations.into_iter().map(|seen| (seen.name.clone(), Sight::Seen(seen))).collect();
    for name in asked {
        let absent = missed(before.get(&name));
        now.entry(name).or_insert(absent);
    }
    now
}

fn missed(before: Option<&Sight>) -> Sight {
    match before {
        Some(Sight::Absent { times }) => Sight::Absent { times: times.saturating_add(1) },
        _ => Sight::Absent { times: 1 },
    }
}

/// No answer: nothing is known, and since when.
fn silent(
    before: &BTreeMap<ExternalName, Sight>,
    reason: &str,
    asked: impl Iterator<Item = ExternalName>,
) -> BTreeMap<ExternalName, Sight> {
    let now = Timestamp::now();
    asked
        .map(|name| {
            let since = match before.get(&name) {
                Some(Sight::Silent { since, .. }) => *since,
                _ => now,
            };
            (name, Sight::Silent { since, reason: reason.to_owned() })
        })
        .collect()
}
