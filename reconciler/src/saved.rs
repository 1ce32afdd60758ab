//! A saved plan: what a plan showed, bound to every record that it rests on.
//!
//! Applied later, it does exactly what it showed, or is refused as stale.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::Variable;
use windlass_compiler::diff::Changes;
use windlass_compiler::digest::Digest;
use windlass_compiler::model::{Cluster, Job};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::plan::Plan;
use windlass_core::desired::Change;
use windlass_core::id::Version;

use crate::ledger::Ledger;
use crate::store::Key;

/// The format that this build writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// A saved plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The version of this format.
    pub format_version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The identity of the store that it was made against.
    pub lineage: String,
    /// The folder that relative paths in the specs are relative to.
    pub root: String,
    /// The store, as it was named.
    pub store: String,
    /// How it was made.
    pub recipe: Recipe,
    /// The project's clusters.
    pub clusters: IndexMap<Name, Cluster>,
    /// What it showed.
    pub changes: Changes,
    /// All jobs of the plan, in its order.
    pub jobs: Vec<Job>,
    /// The records that it rests on, by key.
    pub reads: Reads,
    /// The digest of all of the above: a plan that was edited is not the plan that was looked at.
    pub seal: String,
}

/// How a plan was made from the specs in its root: enough to make it again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// The file at which the compilation started, relative to the root.
    pub start: String,
    /// The values that came from outside.
    pub variables: Vec<Variable>,
    /// Which jobs were selected, as it was typed.
    pub select: Vec<String>,
    /// Which jobs were left out, as it was typed.
    pub exclude: Vec<String>,
}

/// Where a plan was made, how and when.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    /// The folder that relative paths in the specs are relative to.
    pub root: &'a str,
    /// The store, as it was named.
    pub store: &'a str,
    /// How.
    pub recipe: Recipe,
    /// When.
    pub at: Timestamp,
}

/// A record as a plan read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Its version.
    pub version: Version,
    /// Who had written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// A record that is no longer as the plan read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// Its key.
    pub key: String,
    /// As the plan read it; none if there was none.
    pub planned: Option<Read>,
    /// As it is now; none if there is none.
    pub found: Option<Read>,
}

impl Saved {
    /// Saves a plan with all that it rests on.
    pub fn new(
        plan: &Plan,
        changes: Changes,
        clusters: &IndexMap<Name, Cluster>,
        made: Made<'_>,
        ledger: &Ledger,
    ) -> Self {
        let reads = reads(plan, &changes, ledger);
        let unsealed = Self {
            format_version: FORMAT,
            created: made.at,
            lineage: ledger.store().lineage().to_owned(),
            root: made.root.to_owned(),
            store: made.store.to_owned(),
            recipe: made.recipe,
            clusters: clusters.clone(),
            changes,
            jobs: plan.jobs().cloned().collect(),
            reads,
            seal: String::new(),
        };
        Self { seal: unsealed.digest(), ..unsealed }
    }

    /// Whether it is as it was saved.
    pub fn is_intact(&self) -> bool {
        self.seal == self.digest()
    }

    /// The digest of everything but the seal.
    fn digest(&self) -> String {
        let unsealed = Self { seal: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&unsealed).expect("a plan is a map with string keys");
        Digest::of_bytes(&text).to_string()
    }

    /// The keys that it rests on.
    pub fn keys(&self) -> Vec<Key> {
        self.reads.keys().map(Key::stored).collect()
    }

    /// Every record that is no longer as it was, in order of the keys.
    pub fn stale(&self, ledger: &Ledger) -> Vec<Stale> {
        stale(&self.reads, ledger)
    }
}

/// Records as they were read, by key.
pub type Reads = BTreeMap<String, Option<Read>>;

/// The records that a plan rests on, as they are now.
pub fn reads(plan: &Plan, changes: &Changes, ledger: &Ledger) -> Reads {
    let keys = keys(plan, changes).into_iter();
    keys.map(|key| (key.as_str().to_owned(), read(ledger, &key))).collect()
}

/// Every record that is no longer as it was read, in order of the keys.
pub fn stale(reads: &Reads, ledger: &Ledger) -> Vec<Stale> {
    let compare = |(key, planned): (&String, &Option<Read>)| {
        let found = read(ledger, &Key::stored(key));
        let version = |read: &Option<Read>| read.as_ref().map(|read| read.version);
        let differs = version(planned) != version(&found);
        differs.then(|| Stale { key: key.clone(), planned: planned.clone(), found })
    };
    reads.iter().filter_map(compare).collect()
}

/// The keys that a plan rests on: what changes, and whatever that waits for or is waited for by.
pub fn keys(plan: &Plan, changes: &Changes) -> Vec<Key> {
    let changed = || changes.changes.iter().map(|change| &change.job);
    let around = plan.upstreams(changed()).into_iter().chain(plan.downstreams(changed()));
    let jobs: BTreeSet<&JobId> = changed().chain(around).collect();
    std::iter::once(Key::project()).chain(jobs.into_iter().map(Key::desired)).collect()
}

fn read(ledger: &Ledger, key: &Key) -> Option<Read> {
    let version = ledger.version(key)?;
    let fleet = ledger.fleet();
    let job: Option<JobId> = key.name(Key::DESIRED).and_then(|job| job.parse().ok());
    let change = match job {
        Some(job) => fleet.desired.get(&job).map(|desired| Change::clone(&desired.change)),
        None => fleet.project.as_ref().map(|project| project.change.clone()),
    };
    Some(Read { version, change })
}
