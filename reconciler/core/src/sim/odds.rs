//! How often what goes wrong. Each seed draws its own odds, so that some runs are quiet, some see one kind of
//! fault often, and some see everything at once.

use crate::sim::random::Random;

/// How often things go wrong, in a thousand.
#[derive(Debug, Clone, Copy)]
pub struct Odds {
    /// A message arrives much later than it should.
    pub late: u64,
    /// A call or a write arrives a second time, later.
    pub repeated: u64,
    /// A message does not arrive.
    pub lost: u64,
    /// A call is done and answered with an error.
    pub error: u64,
    /// An owner dies between two steps.
    pub crash: u64,
    /// An owner stands still for a while between two steps.
    pub pause: u64,
    /// An owner decides without reading what is new.
    pub stale: u64,
    /// A user's command comes between what an owner has read and what it decides.
    pub command: u64,
    /// How many faults come at times of their own.
    pub mishaps: u64,
    /// How many commands do.
    pub commands: u64,
    /// How many times the store goes back to an older state.
    pub rollbacks: u64,
}

impl Odds {
    /// The odds of a run.
    pub fn draw(random: &mut Random) -> Self {
        let mut odds = |low: u64, high: u64| *random.pick(&[0, low, high]).unwrap_or(&0);
        let mut drawn = Self {
            late: odds(30, 200),
            repeated: odds(30, 200),
            lost: odds(30, 200),
            error: odds(20, 100),
            crash: odds(5, 40),
            pause: odds(5, 40),
            stale: odds(100, 500),
            command: odds(2, 15),
            mishaps: odds(3, 12),
            commands: odds(4, 12),
            rollbacks: 0,
        };
        drawn.rollbacks = u64::from(random.chance(60)) * random.between(1, 3);
        drawn
    }
}
