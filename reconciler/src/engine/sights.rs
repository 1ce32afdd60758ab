//! What the clusters have said last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use windlass_compiler::name::Name;
use windlass_core::fleet::Fleet;
use windlass_core::id::{ExternalName, Instance};
use windlass_core::observed::{Observation, Sight};
use windlass_core::sights::{self, Heard, live};
use windlass_core::status::Status;

use super::calls::Done;
use super::clusters::Answer;

/// The last word of every cluster.
#[derive(Default)]
pub(super) struct Sights {
    clusters: BTreeMap<Name, sights::Sights<Instant>>,
    /// What was said anew, and nobody has looked at yet.
    fresh: BTreeSet<(Name, ExternalName)>,
}

impl Sights {
    /// What is known of the current attempt of a status.
    pub(super) fn of(&self, status: &Status) -> &Sight {
        let of = |attempt: &windlass_core::status::Attempt| {
            Some(self.clusters.get(&attempt.cluster)?.of(&attempt.name))
        };
        status.attempt.as_ref().and_then(of).unwrap_or(&Sight::Unseen)
    }

    /// Takes in a cluster's answer, or that there was none. Returns of which instances it says something new.
    pub(super) fn take(&mut self, cluster: &Name, answer: Answer, fleet: &Fleet) -> BTreeSet<Instance> {
        let words = answer.words.map_err(|silence| silence.reason);
        let sights = self.clusters.entry(cluster.clone()).or_default();
        let heard = Heard { asked: answer.asked, taken: Instant::now(), now: Timestamp::now() };
        let news = sights.take(heard, words, live(fleet, cluster));
        if news.is_empty() {
            return BTreeSet::new();
        }
        let shown = news.iter().filter_map(|name| label(sights.of(name)));
        let is_news = |status: &&Status| {
            let attempt = status.attempt.as_ref();
            attempt.is_some_and(|attempt| attempt.cluster == *cluster && news.contains(&attempt.name))
        };
        let recorded = fleet.statuses.values().filter(is_news).map(|status| &status.instance);
        let touched = shown.chain(recorded).cloned().collect();
        self.fresh.extend(news.into_iter().map(|name| (cluster.clone(), name)));
        touched
    }

    /// Takes in what came of a call. Returns of which instances it says something.
    pub(super) fn fold(&mut self, done: &Done) -> BTreeSet<Instance> {
        let sights = self.clusters.entry(done.cluster.clone()).or_default();
        sights.fold(&done.name, &done.outcome, Instant::now());
        self.fresh.insert((done.cluster.clone(), done.name.clone()));
        let shown = label(sights.of(&done.name));
        shown.into_iter().chain([&done.instance]).cloned().collect()
    }

    /// What was said anew since this was asked last, as far as something is shown.
    pub(super) fn take_fresh(&mut self) -> impl Iterator<Item = (&Name, &Observation)> {
        let clusters = &self.clusters;
        let seen = move |(cluster, name): (Name, ExternalName)| {
            let (cluster, sights) = clusters.get_key_value(&cluster)?;
            Some((cluster, seen(sights.of(&name))?))
        };
        std::mem::take(&mut self.fresh).into_iter().filter_map(seen)
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

    /// What clusters show of an instance.
    pub(super) fn observations_of(&self, instance: &Instance) -> impl Iterator<Item = (&Name, &Observation)> {
        let clusters = self.clusters.iter();
        clusters.flat_map(|(name, sights)| sights.observations_of(instance).map(move |seen| (name, seen)))
    }

    /// Whether an attempt that should be there is missing.
    pub(super) fn is_anything_missing(&self) -> bool {
        self.clusters.values().any(sights::Sights::is_anything_missing)
    }
}

fn seen(sight: &Sight) -> Option<&Observation> {
    match sight {
        Sight::Seen(observation) => Some(observation),
        _ => None,
    }
}

fn label(sight: &Sight) -> Option<&Instance> {
    seen(sight).map(|seen| &seen.label.instance)
}
