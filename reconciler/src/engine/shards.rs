//! The shards that this engine owns, and since when: what a cluster said before that does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_compiler::name::Name;
use windlass_core::fleet::Fleet;
use windlass_core::id::Epoch;
use windlass_core::shard::{Fence, Shard};
use windlass_core::sharing::{Needs, needs};

use crate::lease::Held;

/// The shards of an engine, as far as it has taken notice.
pub(super) struct Shards {
    lease: Arc<dyn Held>,
    owned: BTreeMap<Shard, Owned>,
    reported: Option<(Instant, (BTreeSet<Name>, Needs))>,
    /// Whether the shards may need something else than was reported.
    is_news: bool,
}

/// How often the lease is told what can be reached, at most.
const REPORT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Owned {
    epoch: Epoch,
    since: Instant,
}

impl Shards {
    pub(super) fn new(lease: Box<dyn Held>) -> Self {
        Self { lease: Arc::from(lease), owned: BTreeMap::new(), reported: None, is_news: true }
    }

    /// Takes notice of what was gained and lost. Returns whether anything was gained: then records and clusters have
    /// to be read anew before anything is decided there.
    pub(super) fn review(&mut self) -> bool {
        let since = Instant::now();
        let mut gained = false;
        for shard in Shard::all() {
            match self.lease.epoch(shard) {
                None => drop(self.owned.remove(&shard)),
                Some(epoch) => {
                    if self.owned.get(&shard).is_none_or(|owned| owned.epoch != epoch) {
                        self.owned.insert(shard, Owned { epoch, since });
                        gained = true;
                    }
                }
            }
        }
        gained
    }

    /// What is written under in a shard; none where it is not ours, or no longer.
    pub(super) fn fence(&self, shard: Shard) -> Option<Fence> {
        let epoch = self.lease.epoch(shard)?;
        let noticed = self.owned.get(&shard).is_some_and(|owned| owned.epoch == epoch);
        noticed.then_some(Fence { shard, epoch })
    }

    /// Since when a shard is ours, as far as was noticed.
    pub(super) fn since(&self, shard: Shard) -> Option<Instant> {
        self.owned.get(&shard).map(|owned| owned.since)
    }

    /// Takes notice that records have changed.
    pub(super) fn records_changed(&mut self) {
        self.is_news = true;
    }

    /// Tells the lease what cannot be reached from here, where that or what the shards need has changed. Not more often
    /// than once a second: it takes a look at every job.
    pub(super) fn report(&mut self, unreachable: BTreeSet<Name>, fleet: &Fleet) {
        let now = Instant::now();
        let is_due = |(at, (known, _)): &(Instant, (BTreeSet<Name>, Needs))| {
            now.duration_since(*at) >= REPORT && (self.is_news || *known != unreachable)
        };
        if !self.reported.as_ref().is_none_or(is_due) {
            return;
        }
        self.is_news = false;
        let reach = (unreachable, needs(fleet));
        if self.reported.as_ref().is_none_or(|(_, before)| *before != reach) {
            self.lease.reaches(reach.0.clone(), reach.1.clone());
        }
        self.reported = Some((now, reach));
    }

    /// The lease, for a look immediately before an effect.
    pub(super) fn lease(&self) -> &Arc<dyn Held> {
        &self.lease
    }

    /// Ends when something was gained or lost.
    pub(super) async fn changed(&self) {
        self.lease.changed().await;
    }
}
