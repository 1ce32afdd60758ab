//! The product: stores, leases and drivers around the decisions of `windlass-core`, the engine that joins them,
//! and the command line.

pub mod cli;
pub mod driver;
pub mod lease;
pub mod store;
pub mod tree;
