//! Whether the store is within reach of a replica.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::AbortHandle;
use tokio::time::sleep;
use windlass_core::lease::Moment;
use windlass_core::shard::Shard;

use crate::lease::redlock::Redlock;
use crate::store::Store;

/// When the store answered last, asked once for every renewal. Nobody waits for it.
pub(super) struct Pulse {
    redlock: Redlock,
    heard: Arc<Mutex<Moment>>,
    task: AbortHandle,
}

impl Pulse {
    /// Begins to ask.
    pub(super) fn watch(redlock: Redlock, store: Arc<dyn Store>) -> Self {
        let heard = Arc::new(Mutex::new(redlock.now()));
        let task = tokio::spawn(ask(redlock.clone(), store, Arc::clone(&heard))).abort_handle();
        Self { redlock, heard, task }
    }

    /// Whether it has not answered for two TTLs.
    pub(super) fn is_lost(&self) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.until(self.redlock.now()) > self.redlock.terms().ttl * 2
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask(redlock: Redlock, store: Arc<dyn Store>, heard: Arc<Mutex<Moment>>) {
    let Some(any) = Shard::all().next() else { return };
    loop {
        if store.barrier(any).await.is_ok() {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = redlock.now();
        }
        sleep(redlock.terms().renewal()).await;
    }
}
