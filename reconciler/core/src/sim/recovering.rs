//! What a simulated owner does in frozen shards, as `engine/recovering.rs` does it live: it waits until every cluster was
//! asked since a shard came to its stage and has answered well, records what they show, and that it was looked at.

use std::collections::{BTreeMap, BTreeSet};

use windlass_compiler::name::Name;

use crate::case::Moment;
use crate::fleet::Fleet;
use crate::observed::Observation;
use crate::recovery::{Rebuilt, Recovery, Stage, rebuild};
use crate::shard::{Fence, Shard};
use crate::sights::Sights;
use crate::sim::agenda::Tick;
use crate::sim::clock::Now;
use crate::sim::owned::Owned;
use crate::state::IllegalEvent;

/// What an owner knows of the recovery that is under way.
#[derive(Debug, Default)]
pub struct Recovering {
    since: BTreeMap<Shard, (Stage, Tick)>,
    /// When each cluster was asked for its last answer; none after silence.
    answered: BTreeMap<Name, Option<Tick>>,
}

impl Recovering {
    /// A cluster has answered a question that was asked at `asked`, or not.
    pub fn hear(&mut self, cluster: &Name, asked: Tick, well: bool) {
        self.answered.insert(cluster.clone(), well.then_some(asked));
    }

    /// What is rebuilt next, under what, and how far the recovery is with that. Shards in which nothing is to be recorded
    /// go on together: live, each is a write of its own.
    pub fn step(
        &mut self,
        fleet: &Fleet,
        sights: &BTreeMap<Name, Sights<Tick>>,
        owned: &Owned,
        at: Now,
    ) -> Result<Option<(Fence, Rebuilt, Recovery)>, IllegalEvent> {
        let Some(recovery) = fleet.recovery.as_ref().filter(|recovery| !recovery.is_over()) else {
            self.since.clear();
            return Ok(None);
        };
        let ours: BTreeMap<Shard, Fence> =
            Shard::all().filter_map(|shard| Some((shard, owned.fence(shard, at.clock)?))).collect();
        self.since.retain(|shard, _| ours.contains_key(shard));
        let due: BTreeMap<Shard, Fence> =
            ours.into_iter().filter(|(shard, _)| self.is_due(*shard, recovery, at.tick)).collect();
        let Some((_, first)) = due.first_key_value() else { return Ok(None) };
        let shown =
            sights.iter().flat_map(|(name, sights)| sights.observations().map(move |one| (name, one)));
        let shown: Vec<(&Name, &Observation)> = shown.collect();
        let work = with_work(fleet, &shown);
        let mut all = recovery.clone();
        for (shard, fence) in &due {
            let moment = Moment { now: at.time, epoch: fence.epoch };
            let confirmed = recovery.stage(*shard) == Stage::LookAgain;
            let mut rebuilt = if work.contains(shard) {
                rebuild(fleet, *shard, &shown, confirmed, moment)?
            } else {
                Rebuilt::default()
            };
            let findings = std::mem::take(&mut rebuilt.findings);
            if !rebuilt.runs.is_empty() || !rebuilt.statuses.is_empty() {
                let mut one = recovery.clone();
                one.advance(*shard, findings);
                return Ok(Some((*fence, rebuilt, one)));
            }
            all.advance(*shard, findings);
        }
        Ok(Some((*first, Rebuilt::default(), all)))
    }

    /// Whether a shard waits for a look, and all clusters have answered since.
    fn is_due(&mut self, shard: Shard, recovery: &Recovery, now: Tick) -> bool {
        let stage = recovery.stage(shard);
        let known = self.since.get(&shard).filter(|(known, _)| *known == stage);
        let since = known.map_or(now, |(_, since)| *since);
        self.since.insert(shard, (stage, since));
        matches!(stage, Stage::Look | Stage::LookAgain)
            && self.answered.values().all(|asked| *asked >= Some(since))
    }
}

/// The shards in which there may be something to record.
fn with_work(fleet: &Fleet, shown: &[(&Name, &Observation)]) -> BTreeSet<Shard> {
    let shown = shown.iter().map(|(_, found)| Shard::of_instance(&found.label.instance));
    let desired = fleet.desired.keys().map(|job| Shard::of(&job.pipeline));
    desired.chain(fleet.runs.keys().map(|run| Shard::of(&run.pipeline))).chain(shown).collect()
}
