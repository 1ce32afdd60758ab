//! The lease of a store in memory: one owner in this process. For tests and simulation.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use windlass_core::id::Epoch;
use windlass_core::shard::Shard;

use super::{Acquired, Error, Held, Holder, Lease};
use crate::store::Store;

/// The lease.
pub struct MemoryLease {
    place: Arc<Place>,
    store: Arc<dyn Store>,
}

impl MemoryLease {
    /// A lease that is free. Its epochs are those of `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { place: Arc::default(), store }
    }
}

#[async_trait]
impl Lease for MemoryLease {
    async fn acquire(&self, command: &str) -> Result<Acquired, Error> {
        if let Some(holder) = self.place.enter(command) {
            return Ok(Acquired::Busy(Some(holder)));
        }
        // Made before the store is asked: it gives the lease back if the store fails, or nobody waits any more.
        let mut held = MemoryHeld { place: Arc::clone(&self.place), epoch: Epoch(0) };
        let failed = |error| Error { lease: "memory:".to_owned(), reason: format!("{error}") };
        held.epoch = self.store.raise().await.map_err(failed)?;
        Ok(Acquired::Ours(Box::new(held)))
    }

    async fn holder(&self) -> Result<Option<Holder>, Error> {
        Ok(self.place.holder().clone())
    }
}

/// Who is in.
#[derive(Default)]
struct Place(Mutex<Option<Holder>>);

impl Place {
    fn holder(&self) -> MutexGuard<'_, Option<Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters if the place is free; otherwise who is in.
    fn enter(&self, command: &str) -> Option<Holder> {
        let mut holder = self.holder();
        if holder.is_none() {
            let command = command.to_owned();
            *holder = Some(Holder { pid: process::id(), host: "memory".to_owned(), command, since: 0 });
            return None;
        }
        holder.clone()
    }
}

struct MemoryHeld {
    place: Arc<Place>,
    epoch: Epoch,
}

#[async_trait]
impl Held for MemoryHeld {
    fn epoch(&self, _shard: Shard) -> Option<Epoch> {
        Some(self.epoch)
    }

    fn title(&self) -> String {
        format!("epoch {}", self.epoch)
    }
}

impl Drop for MemoryHeld {
    fn drop(&mut self) {
        *self.place.holder() = None;
    }
}
