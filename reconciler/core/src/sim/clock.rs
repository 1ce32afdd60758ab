//! The wall clock of one host: it goes too fast or too slow, and jumps.

use jiff::{SignedDuration, Timestamp};

use crate::sim::agenda::Tick;

/// A wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// How far it is ahead, in milliseconds.
    pub ahead: i64,
    /// How much faster than the world it goes, in millionths.
    pub drift: i64,
}

impl Clock {
    /// What it shows.
    pub fn show(self, now: Tick) -> Timestamp {
        let passed = i64::try_from(now.0).unwrap_or(i64::MAX / 1_000_000);
        now.time() + SignedDuration::from_millis(self.ahead + passed.saturating_mul(self.drift) / 1_000_000)
    }

    /// How long it takes until it shows `at`, in milliseconds; at least one.
    pub fn until(self, now: Tick, at: Timestamp) -> u64 {
        let left = at.duration_since(self.show(now)).as_millis();
        u64::try_from(left).unwrap_or(0).saturating_add(1)
    }
}
