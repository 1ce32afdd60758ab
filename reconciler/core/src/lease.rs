//! A lease over 1, 3 or 5 independent nodes (Redlock, in two rounds): what to conclude from their answers.
//!
//! It shares work out and makes somebody take over; safety does not rest on it. Each part is a state machine that takes
//! answers and times as values, so that the live rim and a simulator drive the same one. It knows no network, no
//! Redis, no clock and no random numbers.
//!
//! Why tokens rise: on one node two tenures never overlap (a lock is set only where there is none, and a seal checks
//! that the lock is still ours), and within a tenure the node's counter does not move. A seal counts only where that
//! counter is not above the token, and leaves it at the token or higher; whoever has the lock there next gets more. Two
//! sealed majorities share a node, so no two completed acquisitions share a token, and one that starts after
//! another was completed has a higher one. No clock is needed for that.

pub mod acquisition;
pub mod memory;
pub mod node;
pub mod renewal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crate::id::Epoch;

/// A point of time on one clock that goes on while the host sleeps, since an origin that means nothing elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub Duration);

impl Moment {
    /// The moment `later` than this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// How long it is from this moment until `end`; nothing if that is past.
    pub fn until(self, end: Self) -> Duration {
        end.0.saturating_sub(self.0)
    }
}

/// Names one try to acquire one resource; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub u128);

impl Nonce {
    /// How long its text is: fixed, so that it can be told from what follows it.
    pub const LENGTH: usize = 32;
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a lease is on, such as `shard-17`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(pub String);

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The lowest token that an acquisition may get: one above what the store that it guards has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint(Epoch);

/// A hint that would bring the counters near the end of what Redis can count exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an epoch of {0} is absurd: no store has seen so many owners")]
pub struct AbsurdHint(pub Epoch);

impl Hint {
    /// The hint of a store that has seen nobody.
    pub const LOWEST: Self = Self(Epoch(0));
    /// The highest hint. Redis counts exactly to 2^53; this leaves 2^52 acquisitions above it.
    pub const HIGHEST: Epoch = Epoch(1 << 52);

    /// A hint, if it is a sane one.
    pub fn new(lowest: Epoch) -> Result<Self, AbsurdHint> {
        if lowest > Self::HIGHEST { Err(AbsurdHint(lowest)) } else { Ok(Self(lowest)) }
    }

    /// The lowest token.
    pub fn lowest(self) -> Epoch {
        self.0
    }
}

/// How many nodes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nodes {
    /// One: a lease without redundancy.
    One,
    /// Three: one may be away.
    Three,
    /// Five: two may be away.
    Five,
}

impl Nodes {
    /// `count` nodes; none for another number: an even one tolerates no more than the odd one below it.
    pub fn new(count: usize) -> Option<Self> {
        match count {
            1 => Some(Self::One),
            3 => Some(Self::Three),
            5 => Some(Self::Five),
            _ => None,
        }
    }

    /// How many.
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
            Self::Five => 5,
        }
    }

    /// The smallest majority.
    pub fn majority(self) -> usize {
        self.count() / 2 + 1
    }
}

/// What all holders of a lease have agreed on. Every replica has to use the same: a node that forgot a lock is
/// not counted for one TTL, and that must be the TTL of whoever had the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many nodes.
    pub nodes: Nodes,
    /// How long a node keeps a lock that is not extended.
    pub ttl: Duration,
    /// The least validity that is worth having.
    pub guard: Duration,
}

impl Terms {
    /// Terms with a guard of a tenth of the TTL.
    pub fn new(nodes: Nodes, ttl: Duration) -> Self {
        Self { nodes, ttl, guard: ttl / 10 }
    }

    /// Until when a lock is ours that was asked for at `asked`: the TTL, less what clocks may drift apart in it.
    pub fn until(&self, asked: Moment) -> Moment {
        let drift = self.ttl / 100 + Duration::from_millis(2);
        asked.after(self.ttl.saturating_sub(drift))
    }

    /// Whether a validity that ends at `until` is worth having at `now`.
    pub fn worthwhile(&self, until: Moment, now: Moment) -> bool {
        now.until(until) > self.guard
    }

    /// How long a node may take to answer, before it counts as silent.
    pub fn patience(&self) -> Duration {
        (self.ttl / 20).min(Duration::from_millis(250))
    }

    /// How long a holder waits between two renewals.
    pub fn renewal(&self) -> Duration {
        self.ttl / 3
    }

    /// How long to wait after `failures` failed tries in a row: between one half of and a whole patience, doubled
    /// each time, at most a TTL. `random` is drawn anew each time, so that contenders part.
    pub fn pause(&self, failures: u32, random: u32) -> Duration {
        let jitter = 0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0;
        let doubled = self.patience().saturating_mul(1 << failures.min(16));
        doubled.min(self.ttl).mul_f64(jitter)
    }
}

/// A resource that is ours until a moment. Not released by dropping it: that takes asking nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// What it is on.
    pub resource: Resource,
    /// The try that got it.
    pub nonce: Nonce,
    /// Higher than that of every tenure that was completed before this one was asked for.
    pub token: Epoch,
    /// When it ends, unless it is renewed.
    pub until: Moment,
}

impl Tenure {
    /// Whether it is ours at `now`. Nothing is begun under a tenure that has ended.
    pub fn holds(&self, now: Moment) -> bool {
        now < self.until
    }
}
