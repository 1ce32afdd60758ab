//! A store in memory that can be away: it does what it is asked, or takes its time and fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use windlass_core::id::{Epoch, OpId};
use windlass_core::shard::{Fence, Shard};

use crate::store::memory::Memory;
use crate::store::{Commit, Error, Follows, Head, Key, Line, Moment, Query, Record, Store, Transaction};

/// The patience of whoever asks a store that is away.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Away {
    there: Memory,
    is_away: AtomicBool,
    /// How many commits it was asked for meanwhile, and of how many what came of them.
    commits: AtomicUsize,
    settles: AtomicUsize,
}

impl Away {
    /// From here on it fails.
    pub(super) fn leave(&self) {
        self.is_away.store(true, Ordering::SeqCst);
    }

    /// How many commits it was asked for while it was away, and of how many what came of them.
    pub(super) fn asked(&self) -> (usize, usize) {
        (self.commits.load(Ordering::SeqCst), self.settles.load(Ordering::SeqCst))
    }

    async fn is_away(&self) -> bool {
        let is_away = self.is_away.load(Ordering::SeqCst);
        if is_away {
            tokio::time::sleep(PATIENCE).await;
        }
        is_away
    }

    async fn there(&self) -> Result<&Memory, Error> {
        if self.is_away().await {
            return Err(Error::Unavailable { store: "memory".to_owned(), reason: "it is away".to_owned() });
        }
        Ok(&self.there)
    }
}

#[async_trait]
impl Store for Away {
    fn lineage(&self) -> &str {
        self.there.lineage()
    }

    async fn read(&self, key: &Key) -> Result<Option<Record>, Error> {
        self.there().await?.read(key).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error> {
        self.there().await?.scan(prefix).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Commit, Error> {
        if self.is_away().await {
            self.commits.fetch_add(1, Ordering::SeqCst);
            let (store, reason) = ("memory".to_owned(), "it is away".to_owned());
            return Err(Error::Unknown { store, op: transaction.op, reason });
        }
        self.there.commit(transaction).await
    }

    async fn settle(&self, op: OpId) -> Result<bool, Error> {
        if self.is_away().await {
            self.settles.fetch_add(1, Ordering::SeqCst);
        }
        self.there().await?.settle(op).await
    }

    async fn moment(&self) -> Result<Moment, Error> {
        self.there().await?.moment().await
    }

    async fn head(&self) -> Result<Head, Error> {
        self.there().await?.head().await
    }

    async fn follows(&self, seen: &Head, since: &[OpId]) -> Result<Follows, Error> {
        self.there().await?.follows(seen, since).await
    }

    async fn changed(&self, since: Moment) -> Result<(), Error> {
        // Whoever waits for it does not ask.
        self.there.changed(since).await
    }

    async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error> {
        self.there().await?.written(since).await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Line>, Error> {
        self.there().await?.history(query).await
    }

    async fn raise(&self) -> Result<Epoch, Error> {
        self.there().await?.raise().await
    }

    async fn fence(&self, fence: Fence) -> Result<Epoch, Error> {
        self.there().await?.fence(fence).await
    }

    async fn barrier(&self, shard: Shard) -> Result<Epoch, Error> {
        self.there().await?.barrier(shard).await
    }
}
