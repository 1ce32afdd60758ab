//! A simulated store: typed records under compare-and-set on (counter, operation), a barrier, and a history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use windlass_compiler::name::JobId;

use crate::apply::Apply;
use crate::desired::Desired;
use crate::fault::{Rule, is_off};
use crate::history::Note;
use crate::id::{ApplyId, Epoch, Instance, OpId, RunId, Version};
use crate::project::Project;
use crate::recovery::Recovery;
use crate::run::Run;
use crate::shard::{Fence, Shard};
use crate::sim::agenda::Tick;
use crate::status::Status;

/// The name of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are the kinds of record")]
pub enum Key {
    Project,
    Desired(JobId),
    Run(RunId),
    Status(Instance),
    Apply(ApplyId),
    Recovery,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project => f.write_str("project"),
            Self::Desired(job) => write!(f, "desired/{job}"),
            Self::Run(run) => write!(f, "run/{run}"),
            Self::Status(instance) => write!(f, "status/{instance}"),
            Self::Apply(apply) => write!(f, "apply/{apply}"),
            Self::Recovery => f.write_str("recovery"),
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the variants are the kinds of record")]
pub enum Record {
    Project(Box<Project>),
    Desired(Box<Desired>),
    Run(Box<Run>),
    Status(Box<Status>),
    Apply(Box<Apply>),
    Recovery(Box<Recovery>),
}

/// A change of one record.
#[derive(Debug, Clone)]
pub struct Write {
    /// The record.
    pub key: Key,
    /// The version that must be there; none if there must be no record.
    pub expect: Option<Version>,
    /// What it becomes.
    pub record: Record,
}

/// Writes that are done together or not at all.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Names it.
    pub op: OpId,
    /// What its writer owns; none for a user's command.
    pub fence: Option<Fence>,
    /// Records that must be as they were read: with this version, or absent.
    pub guards: Vec<(Key, Option<Version>)>,
    /// The changes.
    pub writes: Vec<Write>,
    /// New lines of history, each with its subject.
    pub history: Vec<(String, Note)>,
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

/// What came of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// It is durable.
    Done,
    /// A record was not as expected.
    Conflict,
    /// A newer owner has raised the barrier.
    Fenced,
}

/// A write that was accepted, with all that there is to judge it by.
#[derive(Debug)]
pub struct Accepted {
    /// The record.
    pub key: Key,
    /// What was there.
    pub before: Option<(Version, Record)>,
    /// The version that the writer had read.
    pub expected: Option<Version>,
    /// What is there now.
    pub after: Record,
    /// The writer's epoch.
    pub epoch: Option<Epoch>,
    /// The barrier of its shard at that time.
    pub barrier: Epoch,
    /// The lines of history that came with it.
    pub history: Vec<(String, Note)>,
}

/// A store.
#[derive(Debug, Default)]
pub struct Store {
    records: BTreeMap<Key, (Version, Record)>,
    log: Vec<Key>,
    done: BTreeSet<OpId>,
    head: Option<OpId>,
    barriers: Barriers,
    accepted: Vec<Accepted>,
    /// How often it has gone back in time.
    returns: u64,
    past: Option<Vec<(Tick, Past)>>,
}

/// What it was.
#[derive(Debug, Clone)]
struct Past {
    records: BTreeMap<Key, (Version, Record)>,
    done: BTreeSet<OpId>,
    head: Option<OpId>,
    barriers: Barriers,
}

/// Below which no owner writes, shard by shard.
#[derive(Debug, Clone)]
struct Barriers([Epoch; Shard::COUNT as usize]);

impl Default for Barriers {
    fn default() -> Self {
        Self([Epoch::default(); Shard::COUNT as usize])
    }
}

impl Store {
    /// A store that keeps what it was, so that it can go back to it.
    pub fn that_goes_back() -> Self {
        Self { past: Some(Vec::new()), ..Self::default() }
    }

    /// How often it has gone back in time: who has read before that has to read everything anew.
    pub fn returns(&self) -> u64 {
        self.returns
    }

    /// Its last commit.
    pub fn head(&self) -> Option<OpId> {
        self.head
    }

    /// Whether it contains a commit that somebody has seen.
    pub fn contains(&self, op: OpId) -> bool {
        self.done.contains(&op)
    }

    /// Shows what it was at a time, and has forgotten the rest. Says whether it had anything to forget.
    pub fn go_back(&mut self, to: Tick) -> bool {
        let Some(past) = &mut self.past else { return false };
        let Some(at) = past.iter().rposition(|(at, _)| *at <= to) else { return false };
        past.truncate(at + 1);
        let Past { records, done, head, barriers } = past[at].1.clone();
        let is_older = self.records != records;
        (self.records, self.done, self.head, self.barriers) = (records, done, head, barriers);
        self.returns += 1;
        is_older
    }

    /// Remembers what it is now.
    pub fn remember(&mut self, now: Tick) {
        if let Some(past) = &mut self.past {
            let (records, done) = (self.records.clone(), self.done.clone());
            past.push((now, Past { records, done, head: self.head, barriers: self.barriers.clone() }));
        }
    }

    /// The names of all records.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.records.keys()
    }

    /// Reads one record.
    pub fn read(&self, key: &Key) -> Option<&(Version, Record)> {
        self.records.get(key)
    }

    /// The status of an instance.
    pub fn status(&self, instance: &Instance) -> Option<&Status> {
        match self.records.get(&Key::Status(instance.clone())) {
            Some((_, Record::Status(status))) => Some(status),
            _ => None,
        }
    }

    /// How far it is with what it has forgotten, if it ever went back.
    pub fn recovery(&self) -> Option<&Recovery> {
        match self.records.get(&Key::Recovery) {
            Some((_, Record::Recovery(recovery))) => Some(recovery),
            _ => None,
        }
    }

    /// The keys that were written from `position` on, and the position behind them.
    pub fn written(&self, position: usize) -> (BTreeSet<&Key>, usize) {
        (self.log.get(position..).unwrap_or_default().iter().collect(), self.log.len())
    }

    /// Raises the barrier of a shard for a new owner. What it is then.
    pub fn raise(&mut self, fence: Fence) -> Epoch {
        let barrier = &mut self.barriers.0[usize::from(fence.shard.number())];
        *barrier = fence.epoch.max(*barrier);
        *barrier
    }

    /// A write below it is refused.
    pub fn barrier(&self, shard: Shard) -> Epoch {
        self.barriers.0[usize::from(shard.number())]
    }

    /// Does all of a transaction, or none of it.
    pub fn commit(&mut self, transaction: Transaction) -> Commit {
        if self.done.contains(&transaction.op) {
            return Commit::Done;
        }
        let below = transaction.fence.is_some_and(|fence| fence.epoch < self.barrier(fence.shard));
        if below && !is_off(Rule::Epochs) {
            return Commit::Fenced;
        }
        let writes = transaction.writes.iter().map(|write| (&write.key, write.expect));
        let guards = transaction.guards.iter().map(|(key, version)| (key, *version));
        let has_moved = writes.chain(guards).any(|(key, version)| self.version(key) != version);
        if !is_off(Rule::CompareAndSet) && has_moved {
            return Commit::Conflict;
        }
        self.done.insert(transaction.op);
        self.head = Some(transaction.op);
        let mut history = transaction.history;
        for write in transaction.writes {
            self.write(transaction.op, transaction.fence, write, std::mem::take(&mut history));
        }
        Commit::Done
    }

    /// What was accepted since this was last asked.
    pub fn take_accepted(&mut self) -> Vec<Accepted> {
        std::mem::take(&mut self.accepted)
    }

    fn version(&self, key: &Key) -> Option<Version> {
        self.records.get(key).map(|(version, _)| *version)
    }

    fn write(&mut self, op: OpId, fence: Option<Fence>, write: Write, history: Vec<(String, Note)>) {
        let counter = self.version(&write.key).map_or(1, |version| version.counter + 1);
        let now = (Version { counter, op }, write.record.clone());
        let before = self.records.insert(write.key.clone(), now);
        self.log.push(write.key.clone());
        self.accepted.push(Accepted {
            key: write.key,
            before,
            expected: write.expect,
            after: write.record,
            epoch: fence.map(|fence| fence.epoch),
            barrier: fence.map(|fence| self.barrier(fence.shard)).unwrap_or_default(),
            history,
        });
    }
}
