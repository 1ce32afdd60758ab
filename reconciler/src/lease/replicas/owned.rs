//! The shards that a replica has, as its engine reads them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use windlass_core::id::Epoch;
use windlass_core::lease::Moment;
use windlass_core::shard::Shard;

/// What is ours, and until when.
#[derive(Default)]
pub(super) struct Owned {
    shards: Mutex<BTreeMap<Shard, Own>>,
    changed: Notify,
}

#[derive(Clone, Copy)]
struct Own {
    epoch: Epoch,
    until: Moment,
}

impl Owned {
    /// The epoch under which a shard is ours at `now`.
    pub(super) fn epoch(&self, shard: Shard, now: Moment) -> Option<Epoch> {
        self.shards().get(&shard).filter(|own| now < own.until).map(|own| own.epoch)
    }

    /// A shard is ours, or is so for longer.
    pub(super) fn keep(&self, shard: Shard, epoch: Epoch, until: Moment) {
        let before = self.shards().insert(shard, Own { epoch, until });
        if before.is_none_or(|before| before.epoch != epoch) {
            self.changed.notify_one();
        }
    }

    /// A shard is no longer ours.
    pub(super) fn lose(&self, shard: Shard) {
        self.lose_if(shard, |_| true);
    }

    /// A shard is no longer ours under epochs below `barrier`.
    pub(super) fn lose_below(&self, shard: Shard, barrier: Epoch) {
        self.lose_if(shard, |epoch| epoch < barrier);
    }

    fn lose_if(&self, shard: Shard, is_lost: impl FnOnce(Epoch) -> bool) {
        let mut shards = self.shards();
        if shards.get(&shard).is_some_and(|own| is_lost(own.epoch)) {
            shards.remove(&shard);
            self.changed.notify_one();
        }
    }

    /// Ends when something was gained or lost.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Every change of it is whole, so a panic elsewhere leaves nothing half done.
    fn shards(&self) -> MutexGuard<'_, BTreeMap<Shard, Own>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
