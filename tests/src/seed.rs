//! Random numbers that a printed seed repeats.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of random numbers (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

/// The seed of this run: `WINDLASS_TEST_SEED`, or else one by the clock. Printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let asked = std::env::var("WINDLASS_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.subsec_nanos().into());
    let seed = asked.unwrap_or_else(clock);
    crate::project::say(&format!("seed {seed}: WINDLASS_TEST_SEED={seed} repeats it"));
    seed
}

/// How often something is repeated: the number in an environment variable, or else `otherwise`.
pub fn times(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

impl Random {
    /// The source of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        &of[index]
    }

    /// A pause shorter than `longest`; short ones are more frequent.
    pub fn pause(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let end = self.below(micros);
        Duration::from_micros(self.below(end))
    }
}
