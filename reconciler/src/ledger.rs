//! The records of a project, read from its store and kept up to date.
//!
//! Remembers the version of every record that it has read, so that each write is a compare-and-set, and the text of
//! those that newer builds have added to, so that each write keeps that.

mod fresh;
mod lineage;
mod pieces;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use windlass_compiler::name::JobId;
use windlass_core::apply::Apply;
use windlass_core::dependents::Touched;
use windlass_core::desired::{self, Change, Desired};
use windlass_core::document::{self, Document, Unreadable};
use windlass_core::fault::{Rule, is_off};
use windlass_core::fleet::Fleet;
use windlass_core::history::{Note, PROJECT};
use windlass_core::id::{ApplyId, Epoch, Instance, OpId, RunId, Version};
use windlass_core::mutation::Mutation;
use windlass_core::names::Names;
use windlass_core::recovery::Recovery;
use windlass_core::run::{self, Run, Unread};
use windlass_core::shard::Fence;
use windlass_core::spec::{self, Mark, Spec};
use windlass_core::status::{self, Status};

pub use self::fresh::Fresh;
use self::lineage::Seen;
use self::versions::Versions;
use crate::store::{self, Commit, Entry, Expect, Head, Key, Moment, Record, Store, Transaction, Write};

/// So many records are read or written at once: others who ask the store wait no longer than that.
const AT_ONCE: usize = 64;

/// A moment that no store knows: everything is read anew.
const NEVER: Moment = Moment(u64::MAX);

/// The records of a project.
pub struct Ledger {
    store: Arc<dyn Store>,
    fleet: Fleet,
    versions: Versions,
    /// Texts with fields that this build does not know.
    texts: BTreeMap<Key, Arc<str>>,
    names: Names,
    moment: Moment,
    /// What the store must go on containing.
    seen: Option<Seen>,
    fresh: Fresh,
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
    /// A key names nothing that a record of its kind could be about.
    #[error("{0} is no key of a record")]
    Key(Key),
    /// A run is bound to a spec that is nowhere.
    #[error("{run} is bound to a spec that is missing: {spec}")]
    Missing {
        /// The run's key.
        run: Key,
        /// The spec's.
        spec: Key,
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
        let mut ledger = Self {
            store,
            fleet: Fleet::default(),
            versions: Versions::default(),
            texts: BTreeMap::new(),
            names: Names::default(),
            moment: Moment::default(),
            seen: None,
            fresh: Fresh::All,
        };
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

    /// What was read or written since this was asked last.
    pub fn take_fresh(&mut self) -> Fresh {
        std::mem::take(&mut self.fresh)
    }

    /// The moment up to which all commits are known.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// The version of a record, if there is one.
    pub fn version(&self, key: &Key) -> Option<Version> {
        self.versions.get(key)
    }

    /// Reads what was written since the last time. Returns whether anything was.
    pub async fn refresh(&mut self) -> Result<bool, Error> {
        if self.follow().await? {
            return Ok(true);
        }
        let (keys, head) = self.store.written(self.moment).await?;
        let Some(keys) = keys else {
            self.reload().await?;
            return Ok(true);
        };
        self.take_written(&keys, &Specs::new()).await?;
        self.moment = head.moment;
        self.saw(head);
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
        let journal = |change: &Change| self.journal(change, mutation.apply.as_ref());
        writes.extend(mutation.apply.iter().map(|one| self.write(Key::apply(&one.id), one)));
        writes.extend(mutation.desired.iter().map(|one| {
            let journal = journal(&one.change);
            self.write(Key::desired(one.job()), &one.stored(journal))
        }));
        writes.extend(self.replaced(&mutation.specs).await?);
        writes.extend(mutation.runs.iter().map(|one| {
            let journal = journal(&one.change);
            self.write(Key::run(&one.id), &one.stored(journal))
        }));
        let at = jiff::Timestamp::now().as_millisecond();
        let history = mutation.notes.iter().map(|(subject, note)| entry(subject.clone(), at, note)).collect();
        let guards: BTreeSet<Key> = guards.iter().cloned().chain(self.bound(mutation)).collect();
        let guards = self.guarded(guards);
        self.send(Transaction { op: new_op(), fence: None, guards, writes, history }).await
    }

    /// Records statuses as the owner of their shards, with their new transitions in the history: many at once, each on its
    /// own. Returns what came of each, up to the first piece in which one failed: what follows it was not sent.
    pub async fn record(&mut self, statuses: &[(Status, Fence)]) -> Vec<Result<Written, Error>> {
        let mut written = Vec::with_capacity(statuses.len());
        for piece in statuses.chunks(AT_ONCE) {
            written.extend(self.record_piece(piece).await);
            if written.iter().any(Result::is_err) {
                break;
            }
        }
        written
    }

    async fn record_piece(&mut self, statuses: &[(Status, Fence)]) -> Vec<Result<Written, Error>> {
        let transactions: Vec<_> =
            statuses.iter().map(|(status, fence)| self.recorded(status, *fence)).collect();
        let commits = join_all(transactions.iter().map(|one| self.store.commit(one))).await;
        let sent = transactions.into_iter().zip(commits).enumerate();
        // What was done is taken in before anything is read: that may be newer.
        let (done, others): (Vec<_>, Vec<_>) =
            sent.partition(|(_, (_, commit))| matches!(commit, Ok(Commit::Done(_))));
        let mut written = BTreeMap::new();
        let mut has_failed = false;
        for (place, (transaction, commit)) in done.into_iter().chain(others) {
            let sent = match commit {
                // The store is not asked what came of it: it would fail again, and is read again when it is back.
                Err(error) if has_failed => Err(error.into()),
                commit => self.sent(transaction, commit).await,
            };
            has_failed |= sent.is_err();
            written.insert(place, sent);
        }
        written.into_values().collect()
    }

    /// The transaction that records a status.
    fn recorded(&self, status: &Status, fence: Fence) -> Transaction {
        let before = self.fleet.statuses.get(&status.instance).map(Status::sequence).unwrap_or_default();
        let subject = status.instance.to_string();
        let fresh = status.transitions.iter().filter(|step| step.sequence > before);
        // Transitions share their subject with commands, so it is the store that counts its lines. That a step is
        // written once, rests on the status being written by compare-and-set.
        let history = fresh
            .map(|step| entry(subject.clone(), step.at.as_millisecond(), &Note::Transition(step.clone())))
            .collect();
        let writes = vec![self.write(Key::status(&status.instance), &status.stored())];
        let guards = self.guarded(self.wanting(status));
        Transaction { op: new_op(), fence: Some(fence), guards, writes, history }
    }

    /// What a first status and every new attempt rest on: the records that want its instance. A store that went back may
    /// have forgotten them; and what was told to stop or to leave, and had ended, does not begin again for an owner that
    /// has not read that yet.
    fn wanting(&self, status: &Status) -> Vec<Key> {
        let instance = &status.instance;
        let is_first = self.version(&Key::status(instance)).is_none();
        let known = self.fleet.statuses.get(instance).map(Status::attempt_number).unwrap_or_default();
        if !is_first && status.attempt_number() <= known {
            return Vec::new();
        }
        // A batch leaves the project with its job, whatever its run says.
        let run = instance.run_id().map(|run| Key::run(&run));
        run.into_iter().chain([Key::desired(&instance.job)]).collect()
    }

    /// Marks the end of a run, or that it goes on after all, as the owner of its shard. It rests on the status of each
    /// of its instances: one that a store that went back has forgotten would never be decided again.
    pub async fn end(&mut self, run: &Run, fence: Fence) -> Result<Written, Error> {
        self.send(self.ended(run, fence)).await
    }

    /// The transaction that marks the end of a run, or that it goes on.
    fn ended(&self, run: &Run, fence: Fence) -> Transaction {
        let stored = run.stored(self.journal(&run.change, None));
        let writes = vec![self.write(Key::run(&run.id), &stored)];
        let statuses = run.instances().map(|(instance, _)| Key::status(&instance));
        let guards = self.guarded(statuses);
        Transaction { op: new_op(), fence: Some(fence), guards, writes, history: Vec::new() }
    }

    /// Records how far the project is with what its store has forgotten.
    pub async fn recover(&mut self, recovery: &Recovery) -> Result<Written, Error> {
        self.send(self.recovery(recovery, None)).await
    }

    /// Records what was rebuilt in a shard, as its owner, and how far the project is with that, at once: whoever reads the
    /// one has the findings of the other.
    pub async fn rebuild(
        &mut self,
        runs: &[Run],
        statuses: &[Status],
        recovery: &Recovery,
        fence: Fence,
    ) -> Result<Written, Error> {
        let runs = runs.iter().map(|run| self.ended(run, fence));
        let parts = runs.chain(statuses.iter().map(|status| self.recorded(status, fence)));
        let whole = parts.fold(self.recovery(recovery, Some(fence)), Transaction::with);
        self.send(whole).await
    }

    /// The transaction that records it, with what the history says of it.
    fn recovery(&self, recovery: &Recovery, fence: Option<Fence>) -> Transaction {
        let writes = vec![self.write(Key::recovery(), recovery)];
        let at = jiff::Timestamp::now().as_millisecond();
        let news = recovery.news(self.fleet.recovery.as_ref());
        let history = news.iter().map(|note| entry(PROJECT.to_owned(), at, note)).collect();
        Transaction { op: new_op(), fence, guards: Vec::new(), writes, history }
    }

    /// Adds a line to the history.
    pub async fn note(&mut self, subject: String, note: &Note) -> Result<Written, Error> {
        let history = vec![entry(subject, jiff::Timestamp::now().as_millisecond(), note)];
        let (guards, writes) = (Vec::new(), Vec::new());
        self.send(Transaction { op: new_op(), fence: None, guards, writes, history }).await
    }

    /// The journal of the apply that a change belongs to: as it is written with it, or as it is known.
    fn journal<'a>(&'a self, change: &Change, written: Option<&'a Apply>) -> Option<&'a Apply> {
        let id = change.apply.as_ref()?;
        written.filter(|apply| apply.id == *id).or_else(|| self.fleet.applies.get(id))
    }

    /// Records that must still be as they were read.
    fn guarded(&self, keys: impl IntoIterator<Item = Key>) -> Vec<(Key, Option<Version>)> {
        let guarded = keys.into_iter().map(|key| {
            let version = self.version(&key);
            (key, version)
        });
        guarded.collect()
    }

    fn write<D: Document>(&self, key: Key, document: &D) -> Write {
        let expect = self.version(&key).map_or(Expect::Absent, Expect::Version);
        let text = document::encode(document, self.texts.get(&key).map(|text| &**text));
        Write { key, expect, text }
    }

    /// Writes the specs that are replaced, for the runs that are bound to them. One that was replaced before is there
    /// already.
    async fn replaced(&self, specs: &[Spec]) -> Result<Vec<Write>, Error> {
        let mut writes = Vec::new();
        for spec in specs {
            let key = Key::spec(&spec.id, spec.mark);
            if self.store.read(&key).await?.is_none() {
                let text = document::encode(&spec::Stored { spec: spec.stored() }, None);
                writes.push(Write { key, expect: Expect::Absent, text });
            }
        }
        Ok(writes)
    }

    /// What new runs rest on: the desired state of each job, which holds the spec as long as it stays as it is, and
    /// leaves it in a record of its own when it changes.
    fn bound(&self, mutation: &Mutation) -> Vec<Key> {
        let written: BTreeSet<&JobId> = mutation.desired.iter().map(Desired::job).collect();
        let new = mutation.runs.iter().filter(|run| !self.fleet.runs.contains_key(&run.id));
        let jobs = new.flat_map(|run| run.jobs.values()).map(|bound| &bound.spec.id);
        jobs.filter(|job| !written.contains(job)).map(Key::desired).collect()
    }

    async fn send(&mut self, transaction: Transaction) -> Result<Written, Error> {
        let commit = self.store.commit(&transaction).await;
        self.sent(transaction, commit).await
    }

    /// Takes in what came of a transaction.
    async fn sent(
        &mut self,
        transaction: Transaction,
        commit: Result<Commit, store::Error>,
    ) -> Result<Written, Error> {
        let commit = match commit {
            Err(store::Error::Unknown { .. }) if is_off(Rule::OpIds) => {
                self.refresh().await?;
                let first = transaction.writes.into_iter().map(|write| write.key).next();
                return Ok(Written::Conflict(first.unwrap_or_else(Key::project)));
            }
            Err(unknown @ store::Error::Unknown { .. }) => match self.store.settle(transaction.op).await {
                Ok(true) => {
                    self.did(transaction.op);
                    self.refresh().await?;
                    return Ok(Written::Done);
                }
                Ok(false) => return Err(undone(unknown).into()),
                // Nobody can say more than that it is not known.
                Err(_) => return Err(unknown.into()),
            },
            other => other?,
        };
        match commit {
            Commit::Fenced { barrier } => Ok(Written::Fenced(barrier)),
            Commit::Conflict { key, .. } => {
                self.refresh().await?;
                Ok(Written::Conflict(key))
            }
            Commit::Done(versions) => {
                self.did(transaction.op);
                for (write, version) in transaction.writes.into_iter().zip(versions) {
                    let record = Record { key: write.key, version, text: write.text.into() };
                    self.take(record, &Specs::new()).await?;
                }
                Ok(Written::Done)
            }
        }
    }

    /// Remembers a commit of ours: the store must contain it from here on.
    fn did(&mut self, op: OpId) {
        if let Some(seen) = &mut self.seen {
            seen.add(op);
        }
    }

    /// Remembers what was read up to. What was seen before stays: nobody has said that this contains it.
    fn saw(&mut self, head: Head) {
        match &mut self.seen {
            Some(seen) => seen.add_later(head),
            None => self.seen = Some(Seen::new(head)),
        }
    }

    /// Reads everything anew: first what others refer to. What is written meanwhile is read again at the end.
    async fn reload(&mut self) -> Result<(), Error> {
        let head = self.store.head().await?;
        // What fails halfway is begun anew.
        self.moment = NEVER;
        self.fleet = Fleet::default();
        self.fresh = Fresh::All;
        self.versions = Versions::default();
        self.texts.clear();
        let mut specs = Specs::new();
        self.take_written(&[Key::project(), Key::recovery()], &specs).await?;
        let mut pieces = pin!(pieces::pieces(&self.store));
        let mut kind = None;
        while let Some(records) = pieces.next().await {
            let records = records?;
            let next = records.first().map(|record| record.key.kind().to_owned());
            if next.is_some() && kind != next {
                // The room that this gives back is taken by what is read next.
                self.fleet.compact();
                kind = next;
            }
            for record in records {
                if record.key.name(Key::SPEC).is_some() {
                    let spec = self.spec(&record)?;
                    specs.insert((spec.id.clone(), spec.mark), spec);
                }
                self.take(record, &specs).await?;
            }
        }
        self.saw(head);
        self.moment = self.catch_up(head.moment, &specs).await?;
        self.fleet.compact();
        Ok(())
    }

    /// Reads what was written since a scan began at `moment`. Where the store no longer knows, the next refresh reads
    /// everything anew.
    async fn catch_up(&mut self, moment: Moment, specs: &Specs) -> Result<Moment, Error> {
        let (Some(keys), head) = self.store.written(moment).await? else { return Ok(moment) };
        self.take_written(&keys, specs).await?;
        self.saw(head);
        Ok(head.moment)
    }

    async fn take_written(&mut self, keys: &[Key], specs: &Specs) -> Result<(), Error> {
        let store = Arc::clone(&self.store);
        let mut records = stream::iter(keys).map(|key| store.read(key)).buffered(AT_ONCE);
        while let Some(record) = records.next().await {
            if let Some(record) = record? {
                self.take(record, specs).await?;
            }
        }
        Ok(())
    }

    /// Takes in a record as it is stored, unless it is known. `specs` are known beside those that the fleet has.
    async fn take(&mut self, record: Record, specs: &Specs) -> Result<(), Error> {
        if self.version(&record.key) == Some(record.version) {
            return Ok(());
        }
        let more = match record.key.kind() {
            "status" => self.take_status(&record)?,
            "desired" => self.take_desired(&record).await?,
            "run" => self.take_run(&record, specs).await?,
            "apply" => self.take_apply(&record)?,
            "project" => {
                let (project, more) = decode(&record)?;
                self.fleet.project = Some(project);
                self.fresh = Fresh::All;
                more
            }
            "recovery" => {
                let (recovery, more) = decode(&record)?;
                self.fleet.recovery = Some(recovery);
                self.fresh = Fresh::All;
                more
            }
            // A spec, which is taken in with the run that is bound to it, or a kind that a newer build wrote.
            _ => false,
        };
        self.remember(record, more);
        Ok(())
    }

    /// Remembers the version of a record that was taken in, and its text if it has `more` than this build knows.
    fn remember(&mut self, record: Record, more: bool) {
        self.versions.insert(&record.key, record.version);
        match more {
            true => drop(self.texts.insert(record.key, record.text)),
            false => drop(self.texts.remove(&record.key)),
        }
    }

    fn take_status(&mut self, record: &Record) -> Result<bool, Error> {
        let mut instance: Instance = named(&record.key, Key::STATUS)?;
        self.names.share_job(&mut instance.job);
        let (stored, more) = decode(record)?;
        let status = Status::read(instance, stored);
        let mut status = status.map_err(|source| damaged::<status::Stored>(record, source))?;
        if let Some(attempt) = &mut status.attempt {
            self.names.share(&mut attempt.cluster);
        }
        self.fresh.add(Touched::Status(status.instance.clone()));
        self.fleet.statuses.insert(status);
        Ok(more)
    }

    fn take_apply(&mut self, record: &Record) -> Result<bool, Error> {
        let (mut apply, more): (Apply, _) = decode(record)?;
        apply.operations.iter_mut().for_each(|one| self.names.share_job(&mut one.job));
        apply.operations.shrink_to_fit();
        self.fleet.applies.insert(apply.id.clone(), apply);
        Ok(more)
    }

    /// Sees to it that the journal of an apply is at hand: what it says is left out of the records that name it.
    async fn know(&mut self, apply: Option<&ApplyId>) -> Result<(), Error> {
        let Some(id) = apply.filter(|id| !self.fleet.applies.contains_key(*id)) else { return Ok(()) };
        if let Some(record) = self.store.read(&Key::apply(id)).await? {
            let more = self.take_apply(&record)?;
            self.remember(record, more);
        }
        Ok(())
    }

    async fn take_desired(&mut self, record: &Record) -> Result<bool, Error> {
        let (stored, more): (desired::Stored, _) = decode(record)?;
        self.know(stored.apply()).await?;
        let journal = stored.apply().and_then(|id| self.fleet.applies.get(id));
        let desired = Desired::read(named(&record.key, Key::DESIRED)?, stored, journal);
        let mut desired = desired.map_err(|source| damaged::<desired::Stored>(record, source))?;
        desired.spec = desired.spec.shared(&mut self.names);
        self.fresh.add(Touched::Desired(desired.job().clone()));
        self.fleet.desired.insert(desired.job().clone(), desired);
        Ok(more)
    }

    async fn take_run(&mut self, record: &Record, specs: &Specs) -> Result<bool, Error> {
        let (stored, more): (run::Stored, _) = decode(record)?;
        let id: RunId = named(&record.key, Key::RUN)?;
        self.know(stored.apply()).await?;
        let mut fetched = Specs::new();
        let run = loop {
            let find = |job: &JobId, mark| {
                let known = self.fleet.spec(&id, job, mark);
                let key = (job.clone(), mark);
                known.or_else(|| specs.get(&key)).or_else(|| fetched.get(&key))
            };
            let journal = stored.apply().and_then(|id| self.fleet.applies.get(id));
            match Run::read(id.clone(), stored.clone(), journal, find) {
                Ok(run) => break run,
                Err(Unread::Damaged(source)) => return Err(damaged::<run::Stored>(record, source)),
                Err(Unread::Spec(job, mark)) => {
                    let spec = self.fetch(&job, mark).await?.ok_or_else(|| Error::Missing {
                        run: record.key.clone(),
                        spec: Key::spec(&job, mark),
                    })?;
                    fetched.insert((job, mark), spec);
                }
            }
        };
        self.fresh.add(Touched::Run(id.clone()));
        self.fleet.runs.insert(id, run);
        Ok(more)
    }

    /// Reads a spec that a run is bound to. What desired state says now may be replaced while this looks for it: then
    /// it is in a record of its own by the time of the second look.
    async fn fetch(&mut self, job: &JobId, mark: Mark) -> Result<Option<Spec>, Error> {
        let key = Key::spec(job, mark);
        if let Some(record) = self.store.read(&key).await? {
            return self.spec(&record).map(Some);
        }
        if let Some(record) = self.store.read(&Key::desired(job)).await? {
            let more = self.take_desired(&record).await?;
            self.remember(record, more);
        }
        let wanted = self.fleet.desired.get(job).map(|desired| &desired.spec);
        if let Some(spec) = wanted.filter(|spec| spec.mark == mark) {
            return Ok(Some(spec.clone()));
        }
        match self.store.read(&key).await? {
            Some(record) => self.spec(&record).map(Some),
            None => Ok(None),
        }
    }

    fn spec(&mut self, record: &Record) -> Result<Spec, Error> {
        let name = record.key.name(Key::SPEC).and_then(|name| name.split(':').next());
        let job = name.and_then(|job| job.parse().ok()).ok_or_else(|| Error::Key(record.key.clone()))?;
        let stored = document::decode::<spec::Stored>(&record.text);
        let stored = stored.map_err(|source| Error::Record { key: record.key.clone(), source })?;
        let spec = Spec::read(job, stored.spec).map_err(|source| damaged::<spec::Stored>(record, source))?;
        Ok(spec.shared(&mut self.names))
    }
}

/// Specs that desired state no longer wants.
type Specs = BTreeMap<(JobId, Mark), Spec>;

/// Reads a record, and whether it has more than this build knows.
fn decode<D: Document>(record: &Record) -> Result<(D, bool), Error> {
    let read = document::decode_noting(&record.text);
    read.map_err(|source| Error::Record { key: record.key.clone(), source })
}

/// What a record is about, which its key says.
fn named<T: FromStr>(key: &Key, prefix: &str) -> Result<T, Error> {
    key.name(prefix).and_then(|name| name.parse().ok()).ok_or_else(|| Error::Key(key.clone()))
}

fn damaged<D: Document>(record: &Record, source: serde_json::Error) -> Error {
    let source = document::failure::<D>(&record.text, source);
    Error::Record { key: record.key.clone(), source }
}

/// A write whose outcome was not known, and that is settled as not done.
fn undone(unknown: store::Error) -> store::Error {
    match unknown {
        store::Error::Unknown { store, reason, .. } => store::Error::Unavailable { store, reason },
        other => other,
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
