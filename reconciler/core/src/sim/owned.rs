//! What an owner owns, as far as it knows, and what it may do there: the simulated part of `engine/shards.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fault::{Rule, is_off};
use crate::id::Epoch;
use crate::lease::{Moment, Nonce};
use crate::shard::{Fence, Shard};
use crate::sim::agenda::Tick;

/// What an owner owns.
#[derive(Debug, Clone)]
pub enum Owned {
    /// Everything, until it hears otherwise: its lease has no end.
    Everything(Epoch),
    /// What lease nodes gave it, until that ends.
    Shards(Shares),
}

/// The shards of an owner.
#[derive(Debug, Clone)]
pub struct Shares {
    /// All shards in which there is a lease.
    leased: Arc<[Shard]>,
    own: BTreeMap<Shard, Own>,
}

/// A shard that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The epoch under which it is.
    pub epoch: Epoch,
    /// The try that got it.
    pub nonce: Nonce,
    /// When that ends.
    pub until: Moment,
    /// Since when it is ours.
    pub since: Tick,
    /// Whether the records were read since then.
    pub is_read: bool,
}

impl Default for Owned {
    fn default() -> Self {
        Self::Everything(Epoch::default())
    }
}

impl Owned {
    /// Nothing yet, of these.
    pub fn nothing_of(leased: Arc<[Shard]>) -> Self {
        Self::Shards(Shares { leased, own: BTreeMap::new() })
    }

    /// What is written under in a shard; none where it is not ours, or its records were not read since it is.
    pub fn fence(&self, shard: Shard, clock: Moment) -> Option<Fence> {
        match self {
            Self::Everything(epoch) => Some(Fence { shard, epoch: *epoch }),
            Self::Shards(shares) => {
                let shard = shares.of(shard)?;
                let own = self.own(shard, clock)?;
                (own.is_read || is_off(Rule::AskAnew)).then_some(Fence { shard, epoch: own.epoch })
            }
        }
    }

    /// A shard that lease nodes gave, while it is ours.
    pub fn own(&self, shard: Shard, clock: Moment) -> Option<&Own> {
        match self {
            Self::Everything(_) => None,
            Self::Shards(shares) => shares.own.get(&shard).filter(|own| clock < own.until),
        }
    }

    /// Whether what is written under still holds.
    pub fn holds(&self, fence: Fence, clock: Moment) -> bool {
        match self {
            Self::Everything(_) => true,
            Self::Shards(_) => self.own(fence.shard, clock).is_some_and(|own| own.epoch == fence.epoch),
        }
    }

    /// Since when the shard is ours; the beginning of time where that makes no difference.
    pub fn since(&self, shard: Shard) -> Tick {
        match self {
            Self::Everything(_) => Tick::default(),
            Self::Shards(shares) => {
                let own = shares.of(shard).and_then(|shard| shares.own.get(&shard));
                own.map_or(Tick(u64::MAX), |own| own.since)
            }
        }
    }

    /// The highest epoch.
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::Everything(epoch) => *epoch,
            Self::Shards(shares) => shares.own.values().map(|own| own.epoch).max().unwrap_or_default(),
        }
    }

    /// A shard is ours, or is so for longer. Says whether it is new.
    pub fn keep(&mut self, shard: Shard, mut own: Own) -> bool {
        let Self::Shards(shares) = self else { return false };
        let before = shares.own.get(&shard).filter(|before| before.epoch == own.epoch);
        if let Some(before) = before {
            (own.since, own.is_read) = (before.since, before.is_read);
        }
        let is_new = before.is_none();
        shares.own.insert(shard, own);
        is_new
    }

    /// A shard is no longer ours.
    pub fn lose(&mut self, shard: Shard) {
        if let Self::Shards(shares) = self {
            shares.own.remove(&shard);
        }
    }

    /// The records were read.
    pub fn read(&mut self) {
        if let Self::Shards(shares) = self {
            shares.own.values_mut().for_each(|own| own.is_read = true);
        }
    }
}

impl Shares {
    /// The shard whose lease a shard goes by. Those in which there is nothing have none of their own.
    fn of(&self, shard: Shard) -> Option<Shard> {
        if self.leased.contains(&shard) { Some(shard) } else { self.leased.first().copied() }
    }
}
