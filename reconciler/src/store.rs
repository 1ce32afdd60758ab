//! Where desired state, status and history live: the contract that every store keeps.
//!
//! A store knows keys, versions and texts; what a record means is not its business. One conformance suite
//! (`store/conformance.rs`) holds for all of them.

#[cfg(test)]
pub(crate) mod conformance;
mod head;
pub mod key;
pub mod memory;
mod open;
pub mod redis;
pub mod sqlite;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::{Fence, Shard};

pub use head::{Follows, Head};
pub use key::Key;
pub use open::{Opened, exists, open};
pub use redis::address::{acknowledged, without_password};

/// One record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// Its version.
    pub version: Version,
    /// Its content: JSON.
    pub text: Arc<str>,
}

/// Some of the records of a prefix.
#[derive(Debug)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// Where a page begins, in the words of the store that has said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The record.
    pub key: Key,
    /// What must be there for the write to be done.
    pub expect: Expect,
    /// The new content.
    pub text: String,
}

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No record of that key.
    Absent,
    /// Exactly this version, counter and operation both.
    Version(Version),
}

impl Expect {
    /// The version that must be there; `None`: no record.
    pub fn version(self) -> Option<Version> {
        match self {
            Self::Absent => None,
            Self::Version(version) => Some(version),
        }
    }
}

/// A line of history. Appending one of the same subject and sequence again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about: an instance's name, or a command's subject.
    pub subject: String,
    /// Its number within its subject, from 1; entries without one get the next from the store, and are read back
    /// with it.
    pub sequence: Option<u64>,
    /// When, in milliseconds since 1970, by the writer's clock.
    pub at: i64,
    /// Its content: JSON.
    pub text: String,
}

/// A line of history as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the whole history: ascending in order of commit.
    pub position: u64,
    /// The line.
    pub entry: Entry,
}

/// Writes that are done together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Names this transaction. Once it is done, committing it again changes nothing and is answered like the first
    /// time; one that was refused was not done, and is looked at anew.
    pub op: OpId,
    /// The shard and the epoch under which an owner writes; none for a user's command.
    pub fence: Option<Fence>,
    /// Records that are read and must still have these versions; `None`: must still be absent.
    pub guards: Vec<(Key, Option<Version>)>,
    /// The changes. Each key once: a second write of it is a conflict.
    pub writes: Vec<Write>,
    /// What is added to the history.
    pub history: Vec<Entry>,
}

impl Transaction {
    /// This, and what another one does.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.guards.extend(other.guards);
        self.writes.extend(other.writes);
        self.history.extend(other.history);
        self
    }
}

/// What came of a transaction. All of these are ordinary outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// Durable. Every written record now has the version `(its counter, op)`, in the order of the writes.
    Done(Vec<Version>),
    /// A record was not as expected; nothing was changed. The first such record, as it is now.
    Conflict {
        /// Its key.
        key: Key,
        /// What is there.
        found: Option<Record>,
    },
    /// A newer owner has the shard; nothing was changed.
    Fenced {
        /// The shard's barrier.
        barrier: Epoch,
    },
}

/// Why a store could not do what it was asked. Nothing is known to be changed, nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Trying again may help: busy, a disk that is full, a server that is away.
    #[error("the store {store} is not available: {reason}")]
    Unavailable {
        /// Which store.
        store: String,
        /// Why.
        reason: String,
    },
    /// The store may not be written here: permissions, a read-only file system.
    #[error("the store {store} cannot be written: {reason}")]
    ReadOnly {
        /// Which store.
        store: String,
        /// Why.
        reason: String,
    },
    /// What is there is not the store that was initialised here: emptied, damaged, foreign, or newer.
    #[error("the store {store} is refused: {reason}")]
    Refused {
        /// Which store.
        store: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The outcome of a commit is not known: settle it by [`Store::settle`].
    #[error("the store {store} did not say whether operation {op} was done: {reason}")]
    Unknown {
        /// Which store.
        store: String,
        /// The transaction.
        op: OpId,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// What a failed call of the operating system means for `store`.
    pub(crate) fn denied(store: impl Into<String>, what: &str, error: &io::Error) -> Self {
        let (store, reason) = (store.into(), format!("{what}: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { store, reason }
            }
            _ => Self::Unavailable { store, reason },
        }
    }
}

/// Which lines of history are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only this subject.
    pub subject: Option<String>,
    /// Only lines behind this position.
    pub after: u64,
    /// Only the last so many of these.
    pub last: Option<usize>,
}

/// A moment in the life of a store: all commits up to it are seen by whoever reads after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub u64);

/// A store.
///
/// Every method may be called from several tasks and several processes at once. A future that is dropped leaves
/// the outcome of its call unknown, never half done.
#[async_trait]
pub trait Store: Send + Sync {
    /// The identity that the store was given when it was initialised.
    fn lineage(&self) -> &str;

    /// Reads one record.
    async fn read(&self, key: &Key) -> Result<Option<Record>, Error>;

    /// Reads all records whose key starts with `prefix`, in the order of their keys, as of one moment.
    async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error>;

    /// Reads the records whose key starts with `prefix` in pages, so that not all are in memory at once: each page in the
    /// order of its keys and as of one moment, the first one where `from` is none. Together they have each record that
    /// was there before the first page was asked for.
    async fn page(&self, prefix: &str, from: Option<Cursor>) -> Result<Page, Error> {
        debug_assert_eq!(from, None, "all is in the first page");
        Ok(Page { records: self.scan(prefix).await?, next: None })
    }

    /// Reads all records that belong to the pipelines of a shard, in the order of their keys, as of one moment.
    async fn scan_shard(&self, shard: Shard) -> Result<Vec<Record>, Error> {
        let mut records = self.scan("").await?;
        records.retain(|record| record.key.shard() == Some(shard));
        Ok(records)
    }

    /// Whether one shard is found without looking through the others, so that everything is better read by shards.
    fn is_sharded(&self) -> bool {
        false
    }

    /// Does all of a transaction, durably, or none of it.
    async fn commit(&self, transaction: &Transaction) -> Result<Commit, Error>;

    /// Whether the transaction of this id was done: the answer to [`Error::Unknown`], and to a commit whose future
    /// was dropped. Final for all that this process asked before. Only the last transactions are remembered: some
    /// tens of thousands at least.
    async fn settle(&self, op: OpId) -> Result<bool, Error>;

    /// The present moment: taken before a scan, it is what [`Store::changed`] waits from.
    async fn moment(&self) -> Result<Moment, Error>;

    /// The last commit.
    async fn head(&self) -> Result<Head, Error>;

    /// Whether the store's history contains the commit that somebody saw, here or at another time, and these operations,
    /// which were done since then. Answered as of one moment.
    async fn follows(&self, seen: &Head, since: &[OpId]) -> Result<Follows, Error>;

    /// One word for the life of the server that answers: it changes when the server is started again, or another one
    /// takes its place. `None` where there is no server.
    async fn incarnation(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// What whoever runs a service should know of the server: how it may lose what it acknowledged, or bring back what
    /// it had dropped. What every command is warned of is said when the store is opened.
    async fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends when something was committed after `since`, by any process. A hint: it may end early, and one end may
    /// stand for many commits.
    async fn changed(&self, since: Moment) -> Result<(), Error>;

    /// The keys that were written after `since`, ascending, without repetition, and the last commit at the moment of that
    /// answer. `None` where the store no longer knows: then everything is read again.
    async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error>;

    /// Reads history, ascending.
    async fn history(&self, query: &Query) -> Result<Vec<Line>, Error>;

    /// Raises the barriers of all shards for one new owner and returns its epoch: higher than every one before.
    async fn raise(&self) -> Result<Epoch, Error>;

    /// Raises the barrier of one shard for its new owner, whose epoch is unique to it. Returns the barrier as it is
    /// then: where it is a higher one, somebody newer was there, and nothing was changed. May be repeated.
    async fn fence(&self, fence: Fence) -> Result<Epoch, Error>;

    /// The barrier of a shard; 0 where it never had an owner.
    async fn barrier(&self, shard: Shard) -> Result<Epoch, Error>;
}
