//! Who decides: one owner at a time, for liveness alone. Safety does not rest on it.

pub mod file;
pub mod memory;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use windlass_core::id::Epoch;

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

/// A lease that is held; dropping it gives it back at once.
pub trait Held: Send + Sync {
    /// Our epoch: higher than that of every earlier holder.
    fn epoch(&self) -> Epoch;
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
