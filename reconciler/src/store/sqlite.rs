//! The embedded store: one SQLite file that several processes of one host use at once, and that a person can open
//! with `sqlite3`. It needs no server and loses nothing that was acknowledged, power failures included.

mod admission;
mod busy;
mod commit;
mod marker;
mod read;
mod row;
mod schema;
mod site;
mod watch;
mod worker;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rusqlite::Connection;
use windlass_core::fault::{Rule, is_off};
use windlass_core::id::{Epoch, OpId};
use windlass_core::shard::{Fence, Shard};

use super::{
    Commit, Cursor, Error, Follows, Head, Key, Line, Moment, Page, Query, Record, Store, Transaction,
};
use admission::Admitted;
use site::Site;
use watch::Watch;
use worker::Worker;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It is made where there is none.
    Create,
    /// It must be there.
    Existing,
    /// It must be there, and nothing is ever written to it.
    ReadOnly,
}

/// The embedded store.
pub struct Sqlite {
    site: Arc<Site>,
    lineage: String,
    reader: Worker,
    // Closed last: only a connection that may write can put the log into the file and remove it.
    writer: Option<Worker>,
    watch: OnceLock<Watch>,
}

impl Sqlite {
    /// Opens the store in the file `path`, whose marker stands beside it with the extension `id`. Blocks.
    pub fn open(path: &Path, mode: Open) -> Result<Self, Error> {
        let site = Site::new(path);
        let Admitted { connection, lineage } = admission::admit(&site, mode)?;
        site.settle();
        let start = |name, connection| {
            Worker::start(name, connection)
                .map_err(|error| site.unavailable(format!("no thread for it: {error}")))
        };
        let reader = start("store-read", admission::reader(&site)?)?;
        let writer = if mode == Open::ReadOnly { None } else { Some(start("store-write", connection)?) };
        Ok(Self { lineage, writer, reader, watch: OnceLock::new(), site: Arc::new(site) })
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let site = Arc::clone(&self.site);
        let work = move |connection: &mut Connection| {
            site.unmoved()?;
            question(connection).map_err(|error| site.failed(&error))
        };
        self.reader.run(work).await.unwrap_or_else(|| Err(self.dead()))
    }

    fn writer(&self) -> Result<&Worker, Error> {
        self.writer.as_ref().ok_or_else(|| self.site.read_only("it was opened for reading"))
    }

    fn dead(&self) -> Error {
        self.site.unavailable("its thread has died: start again")
    }
}

#[async_trait]
impl Store for Sqlite {
    fn lineage(&self) -> &str {
        &self.lineage
    }

    async fn read(&self, key: &Key) -> Result<Option<Record>, Error> {
        let key = key.clone();
        self.ask(move |sql| read::record(sql, &key)).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error> {
        let prefix = prefix.to_owned();
        self.ask(move |sql| read::scan(sql, &prefix)).await
    }

    async fn page(&self, prefix: &str, from: Option<Cursor>) -> Result<Page, Error> {
        let prefix = prefix.to_owned();
        self.ask(move |sql| read::page(sql, &prefix, from)).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Commit, Error> {
        // Asked here because a switch may hold for the calling thread alone.
        let compared = !is_off(Rule::CompareAndSet);
        let (site, mut wanted) = (Arc::clone(&self.site), transaction.clone());
        wanted.fence = wanted.fence.filter(|_| !is_off(Rule::Epochs));
        let work = move |sql: &mut Connection| commit::commit(sql, &site, &wanted, compared);
        let dead = || Err(self.site.unknown(transaction.op, "its thread has died: start again"));
        let (commit, moment) = self.writer()?.run(work).await.unwrap_or_else(dead)?;
        if moment.is_some()
            && let Some(watch) = self.watch.get()
        {
            watch.tell();
        }
        Ok(commit)
    }

    async fn settle(&self, op: OpId) -> Result<bool, Error> {
        let Some(writer) = &self.writer else {
            return self.ask(move |sql| read::settled(sql, op)).await;
        };
        let site = Arc::clone(&self.site);
        let work = move |sql: &mut Connection| commit::settle(sql, &site, op);
        writer.run(work).await.unwrap_or_else(|| Err(self.dead()))
    }

    async fn moment(&self) -> Result<Moment, Error> {
        self.ask(|sql| read::moment(sql)).await
    }

    async fn head(&self) -> Result<Head, Error> {
        self.ask(|sql| read::head(sql)).await
    }

    async fn follows(&self, seen: &Head, since: &[OpId]) -> Result<Follows, Error> {
        let (seen, since) = (*seen, since.to_vec());
        self.ask(move |sql| read::follows(sql, &seen, &since)).await
    }

    async fn changed(&self, since: Moment) -> Result<(), Error> {
        let mut wait = self.watch.get_or_init(|| Watch::start(&self.site)).wait();
        while self.moment().await? == since {
            wait.pause().await;
        }
        Ok(())
    }

    async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error> {
        self.ask(move |sql| read::written(sql, since)).await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Line>, Error> {
        let query = query.clone();
        self.ask(move |sql| read::history(sql, &query)).await
    }

    async fn raise(&self) -> Result<Epoch, Error> {
        let site = Arc::clone(&self.site);
        let work = move |sql: &mut Connection| commit::raise(sql, &site);
        self.writer()?.run(work).await.unwrap_or_else(|| Err(self.dead()))
    }

    async fn fence(&self, fence: Fence) -> Result<Epoch, Error> {
        let site = Arc::clone(&self.site);
        let work = move |sql: &mut Connection| commit::fence(sql, &site, fence);
        self.writer()?.run(work).await.unwrap_or_else(|| Err(self.dead()))
    }

    async fn barrier(&self, shard: Shard) -> Result<Epoch, Error> {
        self.ask(move |sql| read::barrier(sql, shard)).await
    }
}

#[cfg(test)]
mod tests;
