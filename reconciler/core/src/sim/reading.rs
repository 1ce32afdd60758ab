//! The records as one party knows them, which may be late: what every decision and every command rests on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fleet::Fleet;
use crate::id::{OpId, Version};
use crate::mutation::Mutation;
use crate::recovery::{Rebuilt, Recovery, forgotten};
use crate::run::Run;
use crate::shard::Fence;
use crate::sim::store::{Key, Record, Store, Transaction, Write};
use crate::status::Status;

/// The records as they were when they were last read.
#[derive(Debug, Default)]
pub struct Reading {
    fleet: Fleet,
    versions: BTreeMap<Key, Version>,
    position: usize,
    returns: u64,
    head: Option<OpId>,
    /// Each time that it went back.
    seen: Vec<Seen>,
}

/// What was read of a store that does not contain it any more.
#[derive(Debug)]
struct Seen {
    fleet: Fleet,
    head: OpId,
}

impl Reading {
    /// The records.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The records, and those of each time that the store went back.
    pub fn fleets(&self) -> impl Iterator<Item = &Fleet> {
        std::iter::once(&self.fleet).chain(self.seen.iter().map(|seen| &seen.fleet))
    }

    /// Whether it contains what a store that went back has forgotten, and what is to be written down for that.
    pub fn noticed(&mut self, now: Timestamp) -> Option<Recovery> {
        let seen = self.seen.last()?;
        let lost = self.seen.iter().flat_map(|seen| forgotten(&seen.fleet, &self.fleet)).collect();
        let present = self.fleet.recovery.as_ref();
        let reason = format!("commit {} was seen, and the store does not contain it", seen.head);
        let recovery = Recovery::noticed(present, seen.fleet.recovery.as_ref(), now, &reason, lost);
        if recovery.is_none() {
            self.seen.clear();
        }
        recovery
    }

    /// Whether a store has forgotten something that was read of it.
    pub fn is_ahead_of(&self, store: &Store) -> bool {
        !self.seen.is_empty() || self.head.is_some_and(|head| !store.contains(head))
    }

    /// Reads what has changed.
    pub fn refresh(&mut self, store: &Store) {
        let lost = self.head.filter(|head| !store.contains(*head));
        let (keys, position) = store.written(self.position);
        if self.returns == store.returns() {
            self.absorb(store, keys);
        } else {
            let before = std::mem::take(&mut self.fleet);
            let fresh = lost.map(|head| Seen { fleet: before, head });
            let mut seen = std::mem::take(&mut self.seen);
            seen.extend(fresh);
            *self = Self { returns: store.returns(), seen, ..Self::default() };
            self.absorb(store, store.keys());
        }
        (self.position, self.head) = (position, store.head());
    }

    /// Takes in what was written, once it is acknowledged.
    pub fn acknowledged(&mut self, store: &Store, op: OpId, keys: &[Key]) {
        self.head = Some(op);
        // What has gone back since then is read, and compared, as a whole.
        if self.returns == store.returns() {
            self.absorb(store, keys);
        }
    }

    /// Reads these records alone.
    pub fn absorb<'a>(&mut self, store: &Store, keys: impl IntoIterator<Item = &'a Key>) {
        for key in keys {
            if let Some((version, record)) = store.read(key) {
                self.versions.insert(key.clone(), *version);
                take(&mut self.fleet, record.clone());
            }
        }
    }

    /// The transaction that records a status, with its new steps for the history.
    pub fn record(&self, op: OpId, fence: Fence, status: Status) -> Transaction {
        let before = self.fleet.statuses.get(&status.instance).map(Status::sequence).unwrap_or_default();
        let fresh = status.transitions.iter().filter(|step| step.sequence > before);
        let line = |step: &crate::status::Transition| {
            (status.instance.to_string(), crate::history::Note::Transition(step.clone()))
        };
        let history = fresh.map(line).collect();
        let guards = self.guarded(self.wanting(&status));
        let write = self.write(Key::Status(status.instance.clone()), Record::Status(Box::new(status)));
        Transaction { op, fence: Some(fence), guards, writes: vec![write], history }
    }

    /// What a first status and every new attempt rest on: the records that want its instance.
    fn wanting(&self, status: &Status) -> Vec<Key> {
        let instance = &status.instance;
        let is_first = !self.versions.contains_key(&Key::Status(instance.clone()));
        let known = self.fleet.statuses.get(instance).map(Status::attempt_number).unwrap_or_default();
        if !is_first && status.attempt_number() <= known {
            return Vec::new();
        }
        let run = instance.run_id().map(Key::Run);
        run.into_iter().chain([Key::Desired(instance.job.clone())]).collect()
    }

    /// Records that must still be as they were read.
    fn guarded(&self, keys: impl IntoIterator<Item = Key>) -> Vec<(Key, Option<Version>)> {
        let guarded = keys.into_iter().map(|key| {
            let version = self.versions.get(&key).copied();
            (key, version)
        });
        guarded.collect()
    }

    /// The transaction that marks the end of a run. It rests on the status of each of its instances.
    pub fn end(&self, op: OpId, fence: Fence, run: Run) -> Transaction {
        let guards = self.guarded(run.instances().map(|(instance, _)| Key::Status(instance)));
        let write = self.write(Key::Run(run.id.clone()), Record::Run(Box::new(run)));
        Transaction { op, fence: Some(fence), guards, writes: vec![write], history: Vec::new() }
    }

    /// The transaction that says how far a recovery is.
    pub fn recover(&self, op: OpId, recovery: Recovery) -> Transaction {
        let write = self.write(Key::Recovery, Record::Recovery(Box::new(recovery)));
        let (guards, history) = (Vec::new(), Vec::new());
        Transaction { op, fence: None, guards, writes: vec![write], history }
    }

    /// The transaction that records what was rebuilt in a shard, and how far the recovery is with that.
    pub fn rebuild(&self, op: OpId, fence: Fence, rebuilt: Rebuilt, recovery: Recovery) -> Transaction {
        let whole = Transaction { fence: Some(fence), ..self.recover(op, recovery) };
        let runs = rebuilt.runs.into_iter().map(|run| self.end(op, fence, run));
        let statuses = rebuilt.statuses.into_iter().map(|status| self.record(op, fence, status));
        runs.chain(statuses).fold(whole, Transaction::with)
    }

    /// The transaction of a command.
    pub fn commit(&self, op: OpId, mutation: Mutation) -> Transaction {
        let mut writes = Vec::new();
        writes.extend(mutation.project.map(|one| (Key::Project, Record::Project(Box::new(one)))));
        writes.extend(
            mutation
                .desired
                .into_iter()
                .map(|one| (Key::Desired(one.job().clone()), Record::Desired(Box::new(one)))),
        );
        let runs = mutation.runs.into_iter();
        writes.extend(runs.map(|one| (Key::Run(one.id.clone()), Record::Run(Box::new(one)))));
        let apply = mutation.apply.into_iter();
        writes.extend(apply.map(|one| (Key::Apply(one.id.clone()), Record::Apply(Box::new(one)))));
        let writes = writes.into_iter().map(|(key, record)| self.write(key, record)).collect();
        Transaction { op, fence: None, guards: Vec::new(), writes, history: mutation.notes }
    }

    fn write(&self, key: Key, record: Record) -> Write {
        Write { expect: self.versions.get(&key).copied(), key, record }
    }
}

fn take(fleet: &mut Fleet, record: Record) {
    match record {
        Record::Project(one) => fleet.project = Some(*one),
        Record::Desired(one) => drop(fleet.desired.insert(one.job().clone(), *one)),
        Record::Run(one) => drop(fleet.runs.insert(one.id.clone(), *one)),
        Record::Status(one) => fleet.statuses.insert(*one),
        Record::Apply(one) => drop(fleet.applies.insert(one.id.clone(), *one)),
        Record::Recovery(one) => fleet.recovery = Some(*one),
    }
}
