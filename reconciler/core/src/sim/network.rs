//! How messages travel: late, twice, or not at all.

use crate::sim::odds::Odds;
use crate::sim::random::Random;

/// The latest that a message arrives.
pub const LATEST: u64 = 30_000;

/// How long a message takes.
pub fn delay(random: &mut Random, odds: &Odds) -> u64 {
    if random.chance(odds.late) {
        let at_most = *random.pick(&[300, 4000, LATEST]).unwrap_or(&LATEST);
        return random.between(30, at_most);
    }
    random.between(1, 30)
}

/// How long the second copy of a message takes, if there is one.
pub fn repeated(random: &mut Random, odds: &Odds) -> Option<u64> {
    random.chance(odds.repeated).then(|| random.between(30, LATEST))
}

/// How long an answer takes, if it arrives.
pub fn answer(random: &mut Random, odds: &Odds) -> Option<u64> {
    (!random.chance(odds.unanswered)).then(|| delay(random, odds))
}
