//! The records of a project, read from its store and kept up to date.
//!
//! Remembers the version and the text of every record that it has read, so that each write is a compare-and-set
//! and keeps what newer builds have added.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_core::document::{self, Document, Unreadable};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::mutation::Mutation;
use windlass_core::recovery::Recovery;
use windlass_core::run::Run;
use windlass_core::shard::Fence;
use windlass_core::status::Status;

use crate::store::{self, Commit, Entry, Expect, Key, Moment, Record, Store, Transaction, Write};

/// The records of a project.
pub struct Ledger {
    store: Arc<dyn Store>,
    fleet: Fleet,
    known: BTreeMap<Key, (Version, Arc<str>)>,
    moment: Moment,
}

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record is not readable here.
    #[error("{key}: {source}")]
    Record {
        /// Its key.
        key: Key,
        /// Why.
        source: Unreadable,
    },
}

/// What came of a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// It is durable.
    Done,
    /// Somebody else wrote first; the ledger has read what is there now.
    Conflict(Key),
    /// A newer owner has the shard.
    Fenced(Epoch),
}

impl Ledger {
    /// Reads all records.
    pub async fn load(store: Arc<dyn Store>) -> Result<Self, Error> {
        let mut ledger =
            Self { store, fleet: Fleet::default(), known: BTreeMap::new(), moment: Moment::default() };
        ledger.reload().await?;
        Ok(ledger)
    }

    /// The records.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The store that they are from.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The moment up to which all commits are known.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// The version of a record, if there is one.
    pub fn version(&self, key: &Key) -> Option<Version> {
        self.known.get(key).map(|(version, _)| *version)
    }

    /// Reads what was written since the last time. Returns whether anything was.
    pub async fn refresh(&mut self) -> Result<bool, Error> {
        let (keys, moment) = self.store.written(self.moment).await?;
        let Some(keys) = keys else {
            self.reload().await?;
            return Ok(true);
        };
        for key in &keys {
            if let Some(record) = self.store.read(key).await? {
                self.take(record)?;
            }
        }
        self.moment = moment;
        Ok(!keys.is_empty())
    }

    /// Commits what a command wants, if the records that it rests on are as this ledger knows them.
    pub async fn commit(&mut self, mutation: &Mutation, guards: &[Key]) -> Result<Written, Error> {
        if mutation.is_empty() {
            return Ok(Written::Done);
        }
        let mut writes = Vec::new();
        if let Some(project) = &mutation.project {
            writes.push(self.write(Key::project(), project));
        }
        writes.extend(mutation.desired.iter().map(|one| self.write(Key::desired(one.job()), one)));
        writes.extend(mutation.runs.iter().map(|one| self.write(Key::run(&one.id), one)));
        writes.extend(mutation.apply.iter().map(|one| self.write(Key::apply(&one.id), one)));
        let at = jiff::Timestamp::now().as_millisecond();
        let history = mutation.notes.iter().map(|(subject, note)| entry(subject.clone(), at, note)).collect();
        let guards = guards.iter().map(|key| (key.clone(), self.version(key))).collect();
        self.send(Transaction { op: new_op(), fence: None, guards, writes, history }).await
    }

    /// Records a status as the owner of its shard, with its new transitions in the history.
    pub async fn record(&mut self, status: &Status, fence: Fence) -> Result<Written, Error> {
        let before = self.fleet.statuses.get(&status.instance).map(Status::sequence).unwrap_or_default();
        let subject = status.instance.to_string();
        let fresh = status.transitions.iter().filter(|step| step.sequence > before);
        // Transitions share their subject with commands, so it is the store that counts its lines. That a step is
        // written once, rests on the status being written by compare-and-set.
        let history = fresh
            .map(|step| entry(subject.clone(), step.at.as_millisecond(), &Note::Transition(step.clone())))
            .collect();
        let writes = vec![self.write(Key::status(&status.instance), status)];
        self.send(Transaction { op: new_op(), fence: Some(fence), guards: Vec::new(), writes, history }).await
    }

    /// Marks the end of a run, as the owner of its shard.
    pub async fn end(&mut self, run: &Run, fence: Fence) -> Result<Written, Error> {
        let writes = vec![self.write(Key::run(&run.id), run)];
        let guards = Vec::new();
        self.send(Transaction { op: new_op(), fence: Some(fence), guards, writes, history: Vec::new() }).await
    }

    /// Records how far the project is with what its store has forgotten; as the owner of a shard, or for all of them.
    pub async fn recover(&mut self, recovery: &Recovery, fence: Option<Fence>) -> Result<Written, Error> {
        let writes = vec![self.write(Key::recovery(), recovery)];
        let (guards, history) = (Vec::new(), Vec::new());
        self.send(Transaction { op: new_op(), fence, guards, writes, history }).await
    }

    /// Adds a line to the history.
    pub async fn note(&mut self, subject: String, note: &Note) -> Result<Written, Error> {
        let history = vec![entry(subject, jiff::Timestamp::now().as_millisecond(), note)];
        let (guards, writes) = (Vec::new(), Vec::new());
        self.send(Transaction { op: new_op(), fence: None, guards, writes, history }).await
    }

    fn write<D: Document>(&self, key: Key, document: &D) -> Write {
        let known = self.known.get(&key);
        let expect = known.map_or(Expect::Absent, |(version, _)| Expect::Version(*version));
        let text = document::encode(document, known.map(|(_, text)| &**text));
        Write { key, expect, text }
    }

    async fn send(&mut self, transaction: Transaction) -> Result<Written, Error> {
        let commit = match self.store.commit(&transaction).await {
            Err(store::Error::Unknown { op, .. }) if self.store.settle(op).await? => {
                self.refresh().await?;
                return Ok(Written::Done);
            }
            other => other?,
        };
        match commit {
            Commit::Fenced { barrier } => Ok(Written::Fenced(barrier)),
            Commit::Conflict { key, .. } => {
                self.refresh().await?;
                Ok(Written::Conflict(key))
            }
            Commit::Done(versions) => {
                for (write, version) in transaction.writes.into_iter().zip(versions) {
                    self.take(Record { key: write.key, version, text: write.text.into() })?;
                }
                Ok(Written::Done)
            }
        }
    }

    async fn reload(&mut self) -> Result<(), Error> {
        let moment = self.store.moment().await?;
        let records = self.store.scan("").await?;
        self.fleet = Fleet::default();
        self.known.clear();
        for record in records {
            self.take(record)?;
        }
        self.moment = moment;
        Ok(())
    }

    /// Takes in a record as it is stored.
    fn take(&mut self, record: Record) -> Result<(), Error> {
        let Record { key, version, text } = record;
        self.decode(&key, &text).map_err(|source| Error::Record { key: key.clone(), source })?;
        self.known.insert(key, (version, text));
        Ok(())
    }

    fn decode(&mut self, key: &Key, text: &str) -> Result<(), Unreadable> {
        let fleet = &mut self.fleet;
        match key.kind() {
            "status" => {
                let status: Status = document::decode(text)?;
                fleet.statuses.insert(status.instance.clone(), status);
            }
            "desired" => {
                let desired: windlass_core::desired::Desired = document::decode(text)?;
                fleet.desired.insert(desired.job().clone(), desired);
            }
            "run" => {
                let run: Run = document::decode(text)?;
                fleet.runs.insert(run.id.clone(), run);
            }
            "apply" => {
                let apply: windlass_core::apply::Apply = document::decode(text)?;
                fleet.applies.insert(apply.id.clone(), apply);
            }
            "project" => fleet.project = Some(document::decode(text)?),
            "recovery" => fleet.recovery = Some(document::decode(text)?),
            // A kind that a newer build wrote; it is none of ours.
            _ => {}
        }
        Ok(())
    }
}

fn entry(subject: String, at: i64, note: &Note) -> Entry {
    let text = serde_json::to_string(note).expect("a note is a map with string keys");
    Entry { subject, sequence: None, at, text }
}

/// A fresh id for a write.
pub fn new_op() -> OpId {
    let mut bytes = [0; 16];
    // The call cannot fail for so few bytes once the system has started; if it ever does, time still tells
    // writes of one process apart.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        bytes = jiff::Timestamp::now().as_nanosecond().to_le_bytes();
    }
    OpId(u128::from_le_bytes(bytes))
}
