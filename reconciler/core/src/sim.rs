//! Simulation: the real decisions against a store, a cluster, a network, owners and users that are made up from a
//! seed, with everything going wrong that may go wrong.
//!
//! The same seed gives the same run, event by event. After each step every promise that a bystander could see is
//! checked ([`witness`]). What goes wrong is drawn by [`odds`]; a new kind of fault has its place there and in
//! [`network`], a new part of the world (lease nodes, clocks that differ) beside [`cluster`] and [`store`].

pub mod agenda;
pub mod cluster;
pub mod mishap;
pub mod network;
pub mod odds;
pub mod owner;
pub mod project;
pub mod random;
pub mod reading;
pub mod store;
#[cfg(test)]
mod tests;
pub mod user;
pub mod witness;
pub mod world;

use std::fmt;

use crate::sim::agenda::Tick;
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
    /// When everything was as it should be.
    pub converged: Tick,
}

/// A run that broke a promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed that repeats it.
    pub seed: u64,
    /// The promise.
    pub violation: Violation,
    /// Everything that happened.
    pub log: Vec<String>,
}

/// Simulates what `seed` stands for.
pub fn simulate(seed: u64) -> Result<Summary, Box<Failure>> {
    match World::new(seed, false).run() {
        Ok(summary) => Ok(summary),
        // The same again, this time written down.
        Err(violation) => {
            let mut world = World::new(seed, true);
            let again = world.run();
            debug_assert_eq!(again.as_ref().err(), Some(&violation), "a seed repeats its run");
            Err(Box::new(Failure { seed, violation, log: world.into_log() }))
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.log {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}: {}: {}", self.seed, self.violation.invariant, self.violation.detail)
    }
}
