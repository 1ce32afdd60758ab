//! Simulation: the real decisions against a store, clusters, a network, clocks, owners and users that are made up from a
//! seed, with everything going wrong that may go wrong.
//!
//! A [`scenario`] says what a run depends on; the same scenario gives the same run, event by event. What goes wrong is
//! drawn by [`odds`], place by place ([`luck`]), and can be told again as a scenario, with parts of it left out. After
//! each step every promise that a bystander could see is checked ([`witness`]). A new kind of fault has its place in
//! [`trouble`] (at one message or step) or [`mishap`] (at a time of its own), a kind of cluster in [`kind`]. One
//! seed in three has lease nodes ([`lease`]); in the others the lease is given at will.

pub mod agenda;
pub mod clock;
pub mod cluster;
pub mod exhaustive;
pub mod kind;
pub mod lease;
pub mod luck;
pub mod mishap;
pub mod odds;
pub mod owned;
pub mod owner;
pub mod place;
pub mod project;
pub mod random;
pub mod reading;
pub mod recovering;
pub mod rehearsal;
pub mod saved;
pub mod scenario;
pub mod shrink;
pub mod store;
pub mod story;
#[cfg(test)]
mod tests;
pub mod trouble;
pub mod user;
pub mod witness;
pub mod world;

use std::fmt;

use crate::sim::agenda::Tick;
use crate::sim::odds::Odds;
use crate::sim::scenario::Scenario;
use crate::sim::story::Line;
use crate::sim::witness::Violation;
use crate::sim::world::World;

/// What a run without a violation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Events that happened.
    pub events: u64,
    /// Attempts that were started on the cluster.
    pub starts: u64,
    /// Commands that were acknowledged.
    pub commands: u64,
    /// How often an owner took a shard over, where lease nodes give them.
    pub take_overs: u64,
    /// How many of those were in an epoch in which the shard had an owner before: nodes and store had forgotten that.
    pub repeated: u64,
    /// How many times a store that went back in time was recovered from.
    pub recoveries: u64,
    /// When everything was as it should be.
    pub converged: Tick,
    /// Whether the number of an attempt was used again, of which nothing was left: the store had gone back in time,
    /// everybody who had read of it was gone, and it was on no cluster any more. That is not held against a run.
    pub is_excepted: bool,
}

/// A run that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The scenario that repeats it.
    pub scenario: Scenario,
    /// The promise.
    pub violation: Violation,
    /// Everything that happened.
    pub story: Vec<Line>,
}

/// Simulates what `seed` stands for.
pub fn simulate(seed: u64) -> Result<Summary, Box<Failure>> {
    let (scenario, odds) = Scenario::draw(seed);
    run(&scenario, Some(odds))
}

/// Simulates a scenario. `odds` draw what goes wrong beside what it says.
pub fn run(scenario: &Scenario, odds: Option<Odds>) -> Result<Summary, Box<Failure>> {
    match World::new(scenario, odds, false).run() {
        Ok(summary) => Ok(summary),
        // The same again, this time written down.
        Err(violation) => {
            let mut world = World::new(scenario, odds, true);
            let again = world.run();
            debug_assert_eq!(again.as_ref().err(), Some(&violation), "a scenario repeats its run");
            let (story, scenario) = world.into_told();
            Err(Box::new(Failure { scenario, violation, story }))
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.story {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}: {}: {}", self.scenario.seed, self.violation.invariant, self.violation.detail)
    }
}
