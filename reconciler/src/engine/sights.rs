//! What the clusters have said last.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use windlass_compiler::name::Name;
use windlass_core::fleet::Fleet;
use windlass_core::observed::{Observation, Sight};
use windlass_core::sights::{self, Heard, live};
use windlass_core::status::Status;

use super::calls::Done;
use super::clusters::Answer;

/// The last word of every cluster.
#[derive(Default)]
pub(super) struct Sights {
    clusters: BTreeMap<Name, sights::Sights<Instant>>,
}

impl Sights {
    /// What is known of the current attempt of a status.
    pub(super) fn of(&self, status: &Status) -> &Sight {
        let of = |attempt: &windlass_core::status::Attempt| {
            Some(self.clusters.get(&attempt.cluster)?.of(&attempt.name))
        };
        status.attempt.as_ref().and_then(of).unwrap_or(&Sight::Unseen)
    }

    /// Takes in a cluster's answer, or that there was none.
    pub(super) fn take(&mut self, cluster: &Name, answer: Answer, fleet: &Fleet) {
        let words = answer.words.map_err(|silence| silence.reason);
        let sights = self.clusters.entry(cluster.clone()).or_default();
        let heard = Heard { asked: answer.asked, taken: Instant::now(), now: Timestamp::now() };
        sights.take(heard, words, live(fleet, cluster));
    }

    /// Takes in what came of a call.
    pub(super) fn fold(&mut self, done: &Done) {
        let sights = self.clusters.entry(done.cluster.clone()).or_default();
        sights.fold(&done.name, &done.outcome, Instant::now());
    }

    /// Forgets how often what should be there was missing: it may have come meanwhile.
    pub(super) fn forget_absences(&mut self) {
        self.clusters.values_mut().for_each(sights::Sights::forget_absences);
    }

    /// Everything that clusters show.
    pub(super) fn observations(&self) -> impl Iterator<Item = (&Name, &Observation)> {
        let clusters = self.clusters.iter();
        clusters.flat_map(|(cluster, sights)| sights.observations().map(move |seen| (cluster, seen)))
    }

    /// Whether an attempt that should be there is missing.
    pub(super) fn is_anything_missing(&self) -> bool {
        self.clusters.values().any(sights::Sights::is_anything_missing)
    }
}
