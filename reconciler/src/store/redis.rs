//! The store of a team: one Redis that several replicas and all commands share, alone, behind sentinels, or a
//! Redis Cluster. Everything that is written is one script, and so is done whole or not at all.

mod acknowledge;
pub(crate) mod address;
mod admission;
#[cfg(test)]
mod commands;
mod commit;
mod dial;
mod incarnation;
mod keys;
mod link;
mod marker;
mod place;
mod pulse;
mod read;
mod reply;
mod request;
mod script;
mod settings;
mod watch;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use redis::Value;
use windlass_core::fault::{Rule, is_off};
use windlass_core::id::{Epoch, OpId};
use windlass_core::shard::{Fence, Shard};

use super::{Commit, Error, Follows, Head, Key, Line, Moment, Query, Record, Store, Transaction};
use acknowledge::Acknowledge;
use address::Address;
use commit::{Bounds, Outcome};
use keys::Keys;
use link::{Link, Trouble};
use place::Place;
use reply::Reply;
use request::Ticket;
use script::Call;
use watch::Watch;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all records may take.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// It is made where there is none.
    Create,
    /// It must be there.
    Existing,
}

/// A store in Redis.
pub struct Redis {
    inner: Arc<Inner>,
    watch: OnceLock<Watch>,
}

/// What a watcher shares with its store.
struct Inner {
    address: Arc<Address>,
    place: Place,
    keys: Keys,
    lineage: String,
    link: Link,
    writer: Option<(Link, Acknowledge)>,
    bounds: Bounds,
}

impl Redis {
    /// Opens the store at `address`, whose marker stands in the folder `marks`.
    pub(crate) async fn open(address: Address, marks: &Path, mode: Open) -> Result<Self, Error> {
        let place = Place(address.to_string());
        let (keys, replicas, address) = (Keys::new(&address.prefix), address.acknowledge, Arc::new(address));
        let link = Link::new(Arc::clone(&address), &keys.meta);
        settings::check(&link, &place, replicas).await?;
        let lineage = admission::admit(&link, &place, &keys, marks, mode).await?;
        let writer =
            replicas.map(|wanted| (Link::new(Arc::clone(&address), &keys.meta), Acknowledge::by(wanted)));
        let bounds = Bounds::default();
        let inner = Arc::new(Inner { address, place, keys, lineage, link, writer, bounds });
        Ok(Self { inner, watch: OnceLock::new() })
    }

    /// Whether a store is there, or was used from here.
    pub(crate) async fn exists(address: Address, marks: &Path) -> Result<bool, Error> {
        let (place, keys) = (Place(address.to_string()), Keys::new(&address.prefix));
        let link = Link::new(Arc::new(address), &keys.meta);
        admission::exists(&link, &place, &keys, marks).await
    }
}

impl Inner {
    /// Calls a script that changes nothing that has to be settled.
    async fn ask(&self, call: &Call) -> Result<(String, Reply), Error> {
        let answer = script::run(&self.link, call, PATIENCE).await;
        self.read(answer.map_err(|trouble| self.place.failed(&trouble))?)
    }

    /// Takes an answer apart; one of another store is an error.
    fn read(&self, value: Value) -> Result<(String, Reply), Error> {
        let (word, mut reply) = script::answer(value).map_err(|what| self.place.damaged(what))?;
        match word.as_str() {
            "lineage" => {
                let found = reply.text().map_err(|what| self.place.damaged(what))?;
                Err(self.place.another(&found, &self.lineage))
            }
            _ => Ok((word, reply)),
        }
    }

    /// Calls a script that writes, and waits for the replicas where that is asked for.
    async fn write(&self, call: &Call) -> Result<Value, Trouble> {
        match &self.writer {
            None => script::run(&self.link, call, PATIENCE).await,
            Some((link, acknowledge)) => acknowledge.run(link, call).await,
        }
    }

    async fn commit(&self, transaction: &Transaction, compared: bool) -> Result<Commit, Error> {
        let (op, ticket) = (transaction.op, Ticket::next());
        let call = commit::call(self, &ticket, transaction, compared);
        let value = self.write(&call).await.map_err(|trouble| self.place.commit_failed(op, &trouble))?;
        let (word, reply) = self.read(value)?;
        let mut dropped = 0;
        let outcome = commit::outcome(transaction, &word, reply, &mut dropped);
        if dropped > 0 {
            tracing::warn!(
                store = %self.place.0, dropped,
                "the history has reached its bound, and its oldest lines were dropped"
            );
        }
        match outcome.map_err(|what| self.place.damaged(what))? {
            Outcome::Commit(commit) => Ok(commit),
            Outcome::Late => Err(self.place.unavailable("it came after it had been settled as not done")),
        }
    }

    async fn settle(&self, op: OpId) -> Result<bool, Error> {
        let call = commit::settle(&self.keys, &self.lineage, &Ticket::next(), op);
        let failed = |trouble: Trouble| match trouble {
            // It was done here, but that is not what was promised.
            Trouble::Lost(reason) if self.writer.is_some() => self.place.unknown(op, reason),
            trouble => self.place.failed(&trouble),
        };
        let value = self.write(&call).await.map_err(failed)?;
        match self.read(value)?.0.as_str() {
            "done" => Ok(true),
            "refused" => Ok(false),
            other => Err(self.place.damaged(format!("a settlement was answered with {other:?}"))),
        }
    }

    async fn epoch(&self, call: &Call) -> Result<Epoch, Error> {
        let (_, mut reply) = self.ask(call).await?;
        reply.number().map(Epoch).map_err(|what| self.place.damaged(what))
    }
}

#[async_trait]
impl Store for Redis {
    fn lineage(&self) -> &str {
        &self.inner.lineage
    }

    async fn read(&self, key: &Key) -> Result<Option<Record>, Error> {
        self.inner.record(key).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error> {
        self.inner.scan(prefix).await
    }

    async fn scan_shard(&self, shard: Shard) -> Result<Vec<Record>, Error> {
        self.inner.scan_shard(shard).await
    }

    fn is_sharded(&self) -> bool {
        true
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Commit, Error> {
        // Asked here because a switch may hold for the calling thread alone.
        let compared = !is_off(Rule::CompareAndSet);
        self.inner.commit(transaction, compared).await
    }

    async fn settle(&self, op: OpId) -> Result<bool, Error> {
        self.inner.settle(op).await
    }

    async fn moment(&self) -> Result<Moment, Error> {
        Ok(self.inner.head().await?.moment)
    }

    async fn head(&self) -> Result<Head, Error> {
        self.inner.head().await
    }

    async fn follows(&self, head: &Head, since: &[OpId]) -> Result<Follows, Error> {
        self.inner.follows(head, since).await
    }

    async fn incarnation(&self) -> Result<Option<String>, Error> {
        let incarnation = self.inner.link.incarnation().await;
        incarnation
            .map(|incarnation| Some(incarnation.word()))
            .map_err(|trouble| self.inner.place.failed(&trouble))
    }

    async fn warnings(&self) -> Vec<String> {
        settings::more_warnings(&self.inner.link, &self.inner.place).await
    }

    async fn changed(&self, since: Moment) -> Result<(), Error> {
        let mut wait = self.watch.get_or_init(|| Watch::start(Arc::clone(&self.inner))).wait();
        loop {
            if self.moment().await? != since {
                return Ok(());
            }
            wait.pause(since).await;
        }
    }

    async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error> {
        self.inner.written(since).await
    }

    async fn history(&self, query: &Query) -> Result<Vec<Line>, Error> {
        self.inner.history(query).await
    }

    async fn raise(&self) -> Result<Epoch, Error> {
        let inner = &self.inner;
        let mut call = Call::new(&script::RAISE, [&inner.keys.meta]);
        call.arg(&inner.lineage).shown(Shard::COUNT);
        inner.epoch(&call).await
    }

    async fn fence(&self, fence: Fence) -> Result<Epoch, Error> {
        let inner = &self.inner;
        let mut call = Call::new(&script::FENCE, [&inner.keys.meta]);
        call.arg(&inner.lineage).shown(fence.shard).shown(fence.epoch.0);
        inner.epoch(&call).await
    }

    async fn barrier(&self, shard: Shard) -> Result<Epoch, Error> {
        self.inner.barrier(shard).await
    }
}

#[cfg(all(test, feature = "servers"))]
mod tests;
