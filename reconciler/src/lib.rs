//! The product: stores, leases and drivers around the decisions of `windlass-core`, the engine that joins them,
//! and the command line.

pub mod cli;
pub mod converge;
pub mod driver;
pub mod engine;
pub mod entry;
pub mod fault;
pub mod glance;
pub mod lease;
pub mod ledger;
pub mod policy;
pub mod saved;
pub mod session;
pub mod store;
pub mod thaw;
pub mod tree;
