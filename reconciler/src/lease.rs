//! Who decides: one owner at a time, for liveness alone. Safety does not rest on it.

pub mod file;
pub mod memory;
pub mod redlock;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use windlass_core::id::Epoch;
use windlass_core::shard::Shard;

/// Who holds a lease, for messages to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its host.
    pub host: String,
    /// What it does: `apply`, `reconcile`.
    pub command: String,
    /// Since when, in milliseconds since 1970.
    pub since: i64,
}

/// What came of asking for a lease.
pub enum Acquired {
    /// It is ours until the guard is dropped.
    Ours(Box<dyn Held>),
    /// Somebody else has it.
    Busy(Option<Holder>),
}

/// What is held of a project's shards; dropping it gives all of it back at once.
#[async_trait]
pub trait Held: Send + Sync {
    /// The epoch under which a shard is ours at this moment, higher than that of every earlier owner; none where it
    /// is not ours, or no longer.
    fn epoch(&self, shard: Shard) -> Option<Epoch>;

    /// Ends when a shard was gained or lost since this was asked last. A hint: it may end early.
    async fn changed(&self);

    /// As what we hold it, for people: `epoch 7`.
    fn title(&self) -> String;

    /// Takes in that the store refused what we wrote: a newer owner has the shard. Returns whether we may go on with
    /// the others; where not, the lease is lost as a whole.
    fn fenced(&self, shard: Shard, barrier: Epoch) -> bool;
}

/// A lease could not be asked for.
#[derive(Debug, thiserror::Error)]
#[error("the lease {lease} cannot be acquired: {reason}")]
pub struct Error {
    /// Which one.
    pub lease: String,
    /// Why.
    pub reason: String,
}

/// A lease.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Tries once; never waits for a holder.
    async fn acquire(&self, command: &str) -> Result<Acquired, Error>;

    /// Who holds it now, if anybody does.
    async fn holder(&self) -> Result<Option<Holder>, Error>;
}
