//! The checked model: what a spec tree means in one environment, with every reference resolved.
//!
//! A [`Model`] comes only out of `check`; whoever holds one need not doubt it. A [`Job`] is also what a store
//! keeps as desired state, so it serialises, and an older or newer reader copes with missing fields.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::name::{JobId, Name};
use crate::units::Duration;

/// A spec tree in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The project's name.
    pub project: Name,
    /// The environment whose overlays were applied, if one was.
    pub environment: Option<Name>,
    /// Where desired state and the ledger live, as written in `[store]`.
    pub store: String,
    /// How many replicas of a store in Redis have to have a write before it counts as done.
    pub acknowledge: Option<u8>,
    /// Who says which replica owns what, where the store is in Redis.
    pub lease: Option<Lease>,
    /// The clusters, in source order.
    pub clusters: IndexMap<Name, Cluster>,
    /// The pipelines, in source order.
    pub pipelines: IndexMap<Name, Pipeline>,
    /// The enabled jobs of this environment, in source order.
    pub jobs: IndexMap<JobId, Job>,
}

/// The servers that say who owns which shard of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The addresses of one, three or five servers of Redis; the store's own server where there is none.
    pub nodes: Vec<String>,
    /// How long an owner is believed without a word from it.
    pub ttl: Duration,
}

impl Lease {
    /// How long, where the spec does not say.
    pub const TTL: Duration = Duration::from_secs(10);
}

/// Where jobs run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Cluster {
    /// Real processes on this host.
    Local,
}

/// What a pipeline says for all of its jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pipeline {
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// One job, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its identity.
    pub id: JobId,
    /// Its goal.
    pub mode: Mode,
    /// The name of the cluster that it runs on.
    pub cluster: Name,
    /// What runs.
    pub engine: Engine,
    /// What it waits for, in source order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Edge>,
    /// What follows a failure: `retry` of a batch, `restart` of a stream.
    pub retry: Retry,
    /// How long an attempt may take from its start to its goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Whether removing it needs an explicit act first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Free labels, for selection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The file that defines it, and the line, for plans and errors: not part of the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where a job is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, relative to the root of the tree.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// A job's goal; nothing else depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Runs until its intent says otherwise; an end by itself is a failure.
    Stream,
    /// Runs to success, once per run of its pipeline.
    Batch,
}

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A command.
    Process(Process),
}

/// A command, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// Variables on top of the inherited environment.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub env: IndexMap<String, String>,
    /// Working directory, relative to the root of the tree (`""` is the root), or absolute.
    pub dir: String,
    /// A file for standard input, relative to the root of the tree; empty input without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Files whose content belongs to the job, with their digests: a changed script is a changed job.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub files: IndexMap<String, String>,
    /// How long the command must have run before it counts as running.
    pub ready: Duration,
    /// How long it may take to end after TERM, before KILL.
    pub grace: Duration,
}

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The upstream job.
    pub job: JobId,
    /// What must be true of it.
    #[serde(default, skip_serializing_if = "When::is_met")]
    pub when: When,
}

/// What must be true of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Its goal is met: a stream runs and is healthy, a batch has succeeded.
    #[default]
    Met,
    /// It ended with success.
    Succeeded,
    /// It ended without success and will not be tried again.
    Failed,
    /// It ended, however.
    Finished,
    /// It runs, or has run.
    Running,
}

impl When {
    /// Whether it is the default.
    pub fn is_met(&self) -> bool {
        *self == Self::Met
    }
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Retry {
    /// How many new attempts may follow failures; 0 is none.
    pub attempts: u32,
    /// Only failures within this time count; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// The pause before a new attempt: `min`, doubled with each failure, at most `max`.
    pub backoff: Backoff,
    /// What follows an attempt that is lost: its end is not known.
    pub on_lost: OnLost,
}

/// A range of pauses, written `10s..5m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backoff {
    /// The first pause.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
}

/// What follows an attempt whose end is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLost {
    /// Nothing: a person decides.
    #[default]
    Hold,
    /// The same as after a failure.
    Retry,
}
