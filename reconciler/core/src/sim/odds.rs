//! How often what goes wrong. Each seed draws its own odds, so that some runs are quiet, some see one kind of
//! fault often, and some see everything at once.

use crate::sim::random::Random;

/// How often things go wrong, in a thousand.
#[derive(Debug, Clone)]
pub struct Odds {
    /// A message arrives much later than it should.
    pub late: u64,
    /// A call arrives a second time, later.
    pub repeated: u64,
    /// An answer does not arrive.
    pub unanswered: u64,
    /// An owner dies between two steps.
    pub crash: u64,
    /// An owner stands still for a while between two steps.
    pub pause: u64,
    /// An owner decides without reading what is new.
    pub stale: u64,
    /// How many faults of the cluster there are.
    pub mishaps: u64,
    /// How many commands there are.
    pub commands: u64,
}

impl Odds {
    /// The odds of a run.
    pub fn draw(random: &mut Random) -> Self {
        let mut odds = |low: u64, high: u64| *random.pick(&[0, low, high]).unwrap_or(&0);
        Self {
            late: odds(30, 200),
            repeated: odds(30, 200),
            unanswered: odds(30, 200),
            crash: odds(5, 40),
            pause: odds(5, 40),
            stale: odds(100, 500),
            mishaps: odds(2, 10),
            commands: odds(4, 12),
        }
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        *self = Self {
            late: 0,
            repeated: 0,
            unanswered: 0,
            crash: 0,
            pause: 0,
            stale: 0,
            mishaps: 0,
            commands: 0,
        };
    }
}
