//! Who decides: one owner at a time, for liveness alone. Safety does not rest on it.

pub mod file;
pub mod memory;
pub mod redlock;
pub mod replicas;

use std::collections::BTreeSet;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;
use windlass_core::id::Epoch;
use windlass_core::shard::Shard;
use windlass_core::sharing::Needs;

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

impl Holder {
    /// This process, which does `command`.
    pub(crate) fn here(command: &str) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { pid: process::id(), host, command: command.to_owned(), since: since.as_millis() as i64 }
    }
}

/// Somebody who owns shards, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The name of the replica.
    pub id: String,
    /// For people.
    #[serde(flatten)]
    pub holder: Holder,
    /// What it owns, ascending.
    pub shards: Vec<Shard>,
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

    /// Ends when a shard was gained or lost since this was asked last. A hint: it may end early. Never, where all of it is
    /// one lock.
    async fn changed(&self) {
        std::future::pending().await
    }

    /// As what we hold it, for people: `epoch 7`.
    fn title(&self) -> String;

    /// Takes in which clusters cannot be reached from here, and which ones each shard needs: others may be able to.
    fn reaches(&self, _unreachable: BTreeSet<Name>, _needs: Needs) {}

    /// Gives everything back, and returns when others may have it. What is dropped is given back as well, but nobody
    /// is told when.
    async fn leave(&self) {}

    /// Takes in that the store refused what we wrote: a newer owner has the shard. Returns whether we may go on with
    /// the others; where not, the lease is lost as a whole.
    fn fenced(&self, _shard: Shard, _barrier: Epoch) -> bool {
        false
    }
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

    /// Who holds it, or a part of it, if anybody does.
    async fn holder(&self) -> Result<Option<Holder>, Error>;

    /// Everybody who holds a part of it, with that part.
    async fn owners(&self) -> Result<Vec<Owner>, Error> {
        let holder = self.holder().await?;
        let own =
            |holder: Holder| Owner { id: holder.pid.to_string(), holder, shards: Shard::all().collect() };
        Ok(holder.map(own).into_iter().collect())
    }

    /// Takes shards away from whoever has them. For an owner that is known to be gone: one that is not may go on until
    /// its time is over.
    async fn release(&self, _shards: &[Shard]) -> Result<(), Error> {
        let reason = "it is a lock of the system, which ends with its process: end that".to_owned();
        Err(Error { lease: "the lease".to_owned(), reason })
    }
}
