//! A store in memory, for tests and simulation: the contract at its plainest, and the model that the others are
//! compared with. It knows no file and no other process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;
use windlass_core::fault::{Rule, is_off};
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::{Fence, Shard};

use super::{
    Commit, Entry, Error, Follows, Head, Key, Line, Moment, Query, Record, Store, Transaction, Write,
};

/// How many changes are remembered for [`Store::written`].
const CHANGES: usize = 50_000;

/// A store in memory. Shared by reference counting; gone with its last holder.
pub struct Memory {
    state: Mutex<State>,
    moment: watch::Sender<Moment>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self { state: Mutex::default(), moment: watch::Sender::new(Moment(0)) }
    }

    /// What is there now, to go back to.
    pub fn save(&self) -> Saved {
        Saved(self.state().clone())
    }

    /// Goes back in time. Whoever waits for a change is told.
    pub fn restore(&self, saved: &Saved) {
        let mut state = self.state();
        state.clone_from(&saved.0);
        self.moment.send_replace(state.moment);
    }

    /// The state; every change of it is whole, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a store in memory was at a moment.
pub struct Saved(State);

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for Memory {
    fn lineage(&self) -> &str {
        "memory"
    }

    async fn read(&self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(self.state().records.get(key).cloned())
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error> {
        let state = self.state();
        let from = state.records.range(Key::stored(prefix)..);
        Ok(from
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .map(|(_, record)| record.clone())
            .collect())
    }

    async fn commit(&self, transaction: &Transaction) -> Result<Commit, Error> {
        let mut state = self.state();
        let commit = state.commit(transaction, !is_off(Rule::CompareAndSet));
        self.moment.send_replace(state.moment);
        Ok(commit)
    }

    async fn settle(&self, op: OpId) -> Result<bool, Error> {
        Ok(self.state().done.contains_key(&op))
    }

    async fn moment(&self) -> Result<Moment, Error> {
        Ok(self.state().moment)
    }

    async fn head(&self) -> Result<Head, Error> {
        Ok(self.state().head())
    }

    async fn follows(&self, seen: &Head, since: &[OpId]) -> Result<Follows, Error> {
        let state = self.state();
        let place = usize::try_from(seen.moment.0).ok().and_then(|moment| moment.checked_sub(1));
        let there = place.and_then(|place| state.ops.get(place)).copied();
        let missing = since.iter().find(|op| !state.done.contains_key(op)).copied();
        Ok(Follows::judge(seen, state.head(), there, missing))
    }

    async fn changed(&self, since: Moment) -> Result<(), Error> {
        let mut moment = self.moment.subscribe();
        // The sender lives as long as `self`.
        let _ = moment.wait_for(|now| *now != since).await;
        Ok(())
    }

    async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error> {
        let state = self.state();
        Ok((state.written(since), state.head()))
    }

    async fn history(&self, query: &Query) -> Result<Vec<Line>, Error> {
        let state = self.state();
        let wanted = |line: &&Line| {
            line.position > query.after
                && query.subject.as_ref().is_none_or(|subject| line.entry.subject == *subject)
        };
        let last = query.last.unwrap_or(usize::MAX);
        let mut lines: Vec<Line> = state.history.iter().rev().filter(wanted).take(last).cloned().collect();
        lines.reverse();
        Ok(lines)
    }

    async fn raise(&self) -> Result<Epoch, Error> {
        Ok(self.state().raise())
    }

    async fn fence(&self, fence: Fence) -> Result<Epoch, Error> {
        Ok(self.state().fence(fence))
    }

    async fn barrier(&self, shard: Shard) -> Result<Epoch, Error> {
        Ok(self.state().barrier(shard))
    }
}

#[derive(Default, Clone)]
struct State {
    records: BTreeMap<Key, Record>,
    history: Vec<Line>,
    sequences: BTreeMap<String, BTreeSet<u64>>,
    done: BTreeMap<OpId, Vec<Version>>,
    /// What was done at each moment, from the first on.
    ops: Vec<OpId>,
    changes: VecDeque<(Moment, Key)>,
    forgotten: bool,
    moment: Moment,
    barriers: BTreeMap<Shard, Epoch>,
}

impl State {
    fn commit(&mut self, transaction: &Transaction, compared: bool) -> Commit {
        if let Some(versions) = self.done.get(&transaction.op) {
            return Commit::Done(versions.clone());
        }
        let barrier = |fence: &Fence| self.barrier(fence.shard);
        let below = |fence: &Fence| fence.epoch < barrier(fence) && !is_off(Rule::Epochs);
        if let Some(fence) = transaction.fence.filter(below) {
            return Commit::Fenced { barrier: barrier(&fence) };
        }
        if compared && let Some(key) = self.unexpected(transaction) {
            return Commit::Conflict { key: key.clone(), found: self.records.get(key).cloned() };
        }
        Commit::Done(self.perform(transaction))
    }

    fn head(&self) -> Head {
        Head { moment: self.moment, op: self.ops.last().copied() }
    }

    fn barrier(&self, shard: Shard) -> Epoch {
        self.barriers.get(&shard).copied().unwrap_or_default()
    }

    fn raise(&mut self) -> Epoch {
        let epoch = self.barriers.values().max().copied().unwrap_or_default().next();
        self.barriers.extend(Shard::all().map(|shard| (shard, epoch)));
        epoch
    }

    fn fence(&mut self, fence: Fence) -> Epoch {
        let barrier = self.barriers.entry(fence.shard).or_default();
        *barrier = fence.epoch.max(*barrier);
        *barrier
    }

    /// The first record that is not as expected. A key that is written twice never is.
    fn unexpected<'a>(&self, transaction: &'a Transaction) -> Option<&'a Key> {
        let moved = |(key, version): &&(Key, Option<Version>)| self.version(key) != *version;
        if let Some((key, _)) = transaction.guards.iter().find(moved) {
            return Some(key);
        }
        let mut seen = BTreeSet::new();
        let keys = transaction.writes.iter().map(|write| (&write.key, write.expect.version()));
        let mut unexpected =
            keys.filter(|(key, expected)| self.version(key) != *expected || !seen.insert(*key));
        unexpected.next().map(|(key, _)| key)
    }

    fn version(&self, key: &Key) -> Option<Version> {
        self.records.get(key).map(|record| record.version)
    }

    fn perform(&mut self, transaction: &Transaction) -> Vec<Version> {
        self.moment = Moment(self.moment.0 + 1);
        let op = transaction.op;
        let versions: Vec<_> = transaction.writes.iter().map(|write| self.write(op, write)).collect();
        transaction.history.iter().for_each(|entry| self.append(entry));
        self.done.insert(op, versions.clone());
        self.ops.push(op);
        versions
    }

    fn write(&mut self, op: OpId, write: &Write) -> Version {
        let counter = self.version(&write.key).map_or(1, |version| version.counter + 1);
        let version = Version { counter, op };
        let record = Record { key: write.key.clone(), version, text: Arc::from(write.text.as_str()) };
        self.records.insert(write.key.clone(), record);
        self.changes.push_back((self.moment, write.key.clone()));
        if self.changes.len() > CHANGES {
            self.forgotten = true;
            self.changes.pop_front();
        }
        version
    }

    fn append(&mut self, entry: &Entry) {
        let sequences = self.sequences.entry(entry.subject.clone()).or_default();
        let sequence = entry.sequence.unwrap_or_else(|| sequences.last().map_or(1, |last| last + 1));
        if sequences.insert(sequence) {
            let position = self.history.len() as u64 + 1;
            let entry = Entry { sequence: Some(sequence), ..entry.clone() };
            self.history.push(Line { position, entry });
        }
    }

    fn written(&self, since: Moment) -> Option<Vec<Key>> {
        let known = !self.forgotten || self.changes.front().is_some_and(|(first, _)| since >= *first);
        let later = self.changes.partition_point(|(moment, _)| *moment <= since);
        let keys = || self.changes.range(later..).map(|(_, key)| key.clone());
        (known && since <= self.moment).then(|| keys().collect::<BTreeSet<_>>().into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Memory;
    use crate::store::Store;
    use crate::store::conformance::{Bench, conformance};

    fn bench() -> Bench {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        Bench { other: Arc::clone(&store), store, _ground: Box::new(()) }
    }

    conformance!(bench());
}
