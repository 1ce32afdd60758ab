//! Random numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014). The same seed gives the same numbers on every
//! host and in every build.

/// A source of random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The source that `seed` stands for.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds are stirred apart, so that their first numbers have nothing in common.
        let mut random = Self(seed ^ 0x5851_F42D_4C95_7F2D);
        random.0 = random.next();
        random
    }

    /// The source that belongs to one place of one seed: what is drawn elsewhere, or not drawn there any more, does
    /// not change it. That is what lets a run be repeated with a part of its faults left out.
    pub fn at(seed: u64, place: u64, nth: u64) -> Self {
        let mut random = Self::new(seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.0 ^= nth.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        random.0 = random.next();
        random
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "an endless source is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(usize::try_from(self.below(choices.len() as u64)).unwrap_or(0))
    }
}
