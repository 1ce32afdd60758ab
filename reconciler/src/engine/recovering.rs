//! What an owner does in a shard that is frozen, because the store went back in time: asks every cluster, and brings
//! status up to what is there. What that means is decided in [`windlass_core::recovery`].

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use windlass_core::case::Moment;
use windlass_core::id::Instance;
use windlass_core::recovery::{Rebuilt, Stage, ahead, rebuild};
use windlass_core::shard::{Fence, Shard};

use super::{Engine, Error};
use crate::ledger::Written;

/// Since when each shard of ours is at its stage: what a cluster said before does not count.
#[derive(Default)]
pub(super) struct Recovering {
    since: BTreeMap<Shard, (Stage, Instant)>,
}

impl Recovering {
    /// Since when a shard is at this stage, and whether that is news.
    fn at(&mut self, shard: Shard, stage: Stage) -> (Instant, bool) {
        match self.since.get(&shard) {
            Some((known, since)) if *known == stage => (*since, false),
            _ => {
                let now = Instant::now();
                self.since.insert(shard, (stage, now));
                (now, true)
            }
        }
    }
}

impl Engine {
    /// Freezes the project where a cluster knows what the store has forgotten: by what it has said since this was asked
    /// last, and what it shows of these instances, or of all.
    pub(super) async fn believe_clusters(
        &mut self,
        everything: bool,
        some: &[Instance],
    ) -> Result<(), Error> {
        let is_new = ahead(self.ledger.fleet(), self.sights.take_fresh()).is_some();
        if !is_new && ahead(self.ledger.fleet(), self.shown(everything, some)).is_none() {
            return Ok(());
        }
        // Another owner may have recorded it since we read.
        self.ledger.refresh().await?;
        if let Some(found) = ahead(self.ledger.fleet(), self.sights.observations()) {
            self.ledger.freeze_for(found.to_string()).await?;
        }
        Ok(())
    }

    /// Takes every frozen shard of ours as far as it can go now.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        if self.ledger.fleet().recovery.as_ref().is_none_or(|recovery| recovery.is_over()) {
            self.recovering.since.clear();
            return Ok(());
        }
        for shard in Shard::all() {
            let stage = self.ledger.fleet().frozen(shard);
            let (Some(fence), Some(stage)) = (self.shards.fence(shard), stage) else {
                self.recovering.since.remove(&shard);
                continue;
            };
            let (since, is_new) = self.recovering.at(shard, stage);
            if is_new {
                self.clusters.ask_all();
            }
            let due = matches!(stage, Stage::Look | Stage::LookAgain);
            if due && self.clusters.have_all_answered_since(since) {
                self.look(fence, stage).await?;
            }
        }
        Ok(())
    }

    /// Records what the clusters show of a shard, and that it has been looked at.
    async fn look(&mut self, fence: Fence, stage: Stage) -> Result<(), Error> {
        let shown: Vec<_> = self.sights.observations().collect();
        let moment = Moment { now: Timestamp::now(), epoch: fence.epoch };
        let confirmed = stage == Stage::LookAgain;
        let rebuilt = rebuild(self.ledger.fleet(), fence.shard, &shown, confirmed, moment);
        let Rebuilt { runs, statuses, findings } = match rebuilt {
            Ok(rebuilt) => rebuilt,
            Err(illegal) => {
                tracing::error!(shard = %fence.shard, %illegal, "a recovery broke the transition table; nothing is done");
                return Ok(());
            }
        };
        let Some(mut recovery) = self.ledger.fleet().recovery.clone() else { return Ok(()) };
        recovery.advance(fence.shard, findings);
        match self.ledger.rebuild(&runs, &statuses, &recovery, fence).await? {
            // After a conflict the next turn looks again, at what is there then.
            Written::Done | Written::Conflict(_) => Ok(()),
            Written::Fenced(barrier) => self.step_down(fence.shard, barrier),
        }
    }
}
