//! The decisions: desired and observed state in, record changes and actions out.
//!
//! Synchronous and deterministic: time, observations and epochs come in as arguments. The same functions run in
//! `plan`, in the service, in the simulator and in tests. Nothing here knows a store, a cluster or a runtime.

pub mod abort;
pub mod action;
pub mod apply;
pub mod case;
pub mod decide;
pub mod dependents;
pub mod desired;
pub mod document;
pub mod draft;
pub mod edge;
pub mod event;
pub mod fault;
pub mod fleet;
pub mod fold;
pub mod history;
pub mod id;
pub mod lease;
pub mod mutation;
pub mod names;
pub mod observed;
pub mod operate;
pub mod outlook;
pub mod project;
pub mod propose;
pub mod recovery;
pub mod retry;
pub mod run;
#[cfg(test)]
mod sample;
pub mod shard;
pub mod sharing;
pub mod sights;
pub mod sim;
pub mod spec;
pub mod state;
pub mod status;
pub mod statuses;
pub mod sweep;
