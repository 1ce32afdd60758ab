//! The clocks of one host: its wall clock, which goes too fast or too slow and jumps, and the one that leases are
//! counted on, which only drifts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::lease::Moment;
use crate::sim::agenda::Tick;

/// A clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// How far it is ahead, in milliseconds.
    pub ahead: i64,
    /// How much faster than the world it goes, in millionths.
    pub drift: i64,
}

/// One moment, as one host has it.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// The world's.
    pub tick: Tick,
    /// What the host's wall clock shows.
    pub time: Timestamp,
    /// What its leases are counted on.
    pub clock: Moment,
}

impl Clock {
    /// What it shows as a wall clock.
    pub fn show(self, now: Tick) -> Timestamp {
        now.time() + SignedDuration::from_millis(self.gained(now))
    }

    /// What it shows as a count of time that has passed. It began long before the world did.
    pub fn count(self, now: Tick) -> Moment {
        const BEFORE: i64 = 86_400_000;
        let passed = i64::try_from(now.0).unwrap_or(i64::MAX / 1_000_000);
        Moment(Duration::from_millis(u64::try_from(BEFORE + passed + self.gained(now)).unwrap_or(0)))
    }

    /// How long it takes until it shows `at`, in milliseconds; at least one.
    pub fn until(self, now: Tick, at: Timestamp) -> u64 {
        let left = at.duration_since(self.show(now)).as_millis();
        u64::try_from(left).unwrap_or(0).saturating_add(1)
    }

    fn gained(self, now: Tick) -> i64 {
        let passed = i64::try_from(now.0).unwrap_or(i64::MAX / 1_000_000);
        self.ahead + passed.saturating_mul(self.drift) / 1_000_000
    }
}
