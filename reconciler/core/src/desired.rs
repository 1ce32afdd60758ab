//! What users want: written by commands, never by an owner of a shard.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use windlass_compiler::name::JobId;

use crate::apply::Apply;
use crate::document::Document;
use crate::id::{ApplyId, Generation};
use crate::spec::Spec;

/// What is wanted of one instance: of a stream in its [`Desired`] record, of a batch in its run's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredGoal", into = "StoredGoal")]
pub struct Goal {
    /// Counts every change of this goal.
    pub generation: Generation,
    /// What is wanted.
    pub intent: Intent,
    /// An attempt of a generation below this one is out of date: it is stopped, and a new one follows.
    pub replace: Generation,
    /// An instance that ended when it had observed a generation below this one is begun again.
    pub retry: Generation,
    /// The generation with which it came into the project. An attempt of one below is of an earlier life: what
    /// starts next starts for the first time.
    pub since: Generation,
}

impl Goal {
    /// The goal of a job that comes into the project with this generation, to run.
    pub fn run(generation: Generation) -> Self {
        Self { generation, intent: Intent::Run, replace: generation, retry: generation, since: generation }
    }

    /// The goal of what nobody has changed since it was made.
    pub(crate) fn first() -> Self {
        Self::run(Generation(1))
    }

    /// Whether nobody has changed it since it was made.
    pub(crate) fn is_first(&self) -> bool {
        *self == Self::first()
    }

    /// The next generation, with another intent.
    #[must_use]
    pub fn with_intent(&self, intent: Intent) -> Self {
        Self { generation: self.generation.next(), intent, ..self.clone() }
    }

    /// The next generation, which runs, and begins again whatever has ended.
    #[must_use]
    pub fn retried(&self) -> Self {
        let generation = self.generation.next();
        Self { intent: Intent::Run, generation, retry: generation, ..self.clone() }
    }

    /// The next generation, which replaces a live attempt and begins again whatever has ended.
    #[must_use]
    pub fn replaced(&self) -> Self {
        Self { since: self.since, ..Self::run(self.generation.next()) }
    }
}

/// What is wanted of a job. The last one wins, in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// It reaches its goal.
    Run,
    /// It does not run; downstreams do not wait for it.
    Stop,
    /// It does not run for now; downstreams wait.
    Suspend,
    /// It is stopped and leaves the project.
    Remove,
    /// It leaves the project and is not touched on its cluster.
    Forget,
}

impl Intent {
    /// Whether the job still belongs to the project.
    pub fn belongs(self) -> bool {
        !matches!(self, Self::Remove | Self::Forget)
    }
}

/// A goal as it is written: without what follows from its generation in the ordinary case.
#[derive(Serialize, Deserialize)]
struct StoredGoal {
    generation: Generation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<Intent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replace: Option<Generation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Generation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Generation>,
}

impl From<Goal> for StoredGoal {
    fn from(goal: Goal) -> Self {
        let Goal { generation, intent, replace, retry, since } = goal;
        Self {
            generation,
            intent: (intent != Intent::Run).then_some(intent),
            replace: (replace != generation).then_some(replace),
            retry: (retry != generation).then_some(retry),
            since: (since != generation).then_some(since),
        }
    }
}

impl From<StoredGoal> for Goal {
    fn from(stored: StoredGoal) -> Self {
        let StoredGoal { generation, intent, replace, retry, since } = stored;
        let ordinary = Self::run(generation);
        Self {
            generation,
            intent: intent.unwrap_or(ordinary.intent),
            replace: replace.unwrap_or(ordinary.replace),
            retry: retry.unwrap_or(ordinary.retry),
            since: since.unwrap_or(ordinary.since),
        }
    }
}

/// The desired state of a job: the record `desired/<job>`. It outlives the job's removal, because its
/// generations only ever rise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The job, complete: an owner needs no spec text.
    pub spec: Spec,
    /// The folder that relative paths in the spec are relative to.
    pub root: Arc<str>,
    /// What is wanted of a stream. For a batch, its intent says whether the job belongs to the project, and its
    /// generation counts the changes; what is wanted of a batch's instances stands in their runs.
    pub goal: Goal,
    /// Protected by hand (`windlass protect`), on top of what the spec says.
    pub protected: Option<bool>,
    /// Who changed it last, how, and why.
    pub change: Arc<Change>,
}

/// A [`Desired`] as its record has it, without the job's name, which is the record's, and without what the journal of
/// its apply says as well.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    spec: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<Arc<str>>,
    #[serde(default = "Goal::first", skip_serializing_if = "Goal::is_first")]
    goal: Goal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected: Option<bool>,
    change: Author,
}

impl Desired {
    /// It, as its record has it. `journal` is of the apply that it was changed by, where that is known.
    pub fn stored(&self, journal: Option<&Apply>) -> Stored {
        let (change, root) = Author::of(&self.change, &self.root, journal);
        Stored { spec: self.spec.stored(), root, goal: self.goal.clone(), protected: self.protected, change }
    }

    /// The desired state that the record of `job` holds. `journal` is of the apply that it names.
    pub fn read(job: JobId, stored: Stored, journal: Option<&Apply>) -> Result<Self, serde_json::Error> {
        let Stored { spec, root, goal, protected, change } = stored;
        let (change, root) = change.read(root, journal)?;
        Ok(Self { spec: Spec::read(job, spec)?, root, goal, protected, change })
    }

    /// The job.
    pub fn job(&self) -> &JobId {
        &self.spec.id
    }

    /// Whether removing it is refused.
    pub fn is_protected(&self) -> bool {
        self.protected.unwrap_or(self.spec.protect)
    }
}

impl Stored {
    /// The apply whose journal has to be at hand to read it.
    pub fn apply(&self) -> Option<&ApplyId> {
        self.change.apply()
    }
}

impl Document for Stored {
    const KIND: &'static str = "desired";
    const FORMAT: u64 = 3;
    const OLDEST: u64 = 3;
    const FIELDS: &'static [&'static str] = &["spec", "root", "goal", "protected", "change"];
}

/// Who changed a record of desired state, when, how and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who: `user@host`.
    pub author: String,
    /// When, by the author's clock.
    pub at: Timestamp,
    /// The command: `apply`, `stop`, `retry`.
    pub command: String,
    /// The apply that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<ApplyId>,
    /// The author's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Who changed a record, as the record has it: whole, or by the id of the apply whose journal says the same. Journals
/// are written with what they are about and stay, so the id is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Author {
    Apply(ApplyId),
    Whole(Arc<Change>),
}

impl Author {
    /// How `change` and `root` are written; no root where the journal of the apply says both.
    pub(crate) fn of(
        change: &Arc<Change>,
        root: &Arc<str>,
        journal: Option<&Apply>,
    ) -> (Self, Option<Arc<str>>) {
        match journal.filter(|journal| journal.change == *change && journal.root == *root) {
            Some(journal) => (Self::Apply(journal.id.clone()), None),
            None => (Self::Whole(Arc::clone(change)), Some(Arc::clone(root))),
        }
    }

    /// The apply whose journal has to be at hand to read it.
    pub(crate) fn apply(&self) -> Option<&ApplyId> {
        match self {
            Self::Apply(id) => Some(id),
            Self::Whole(_) => None,
        }
    }

    /// The change and the root that were written.
    pub(crate) fn read(
        self,
        root: Option<Arc<str>>,
        journal: Option<&Apply>,
    ) -> Result<(Arc<Change>, Arc<str>), serde_json::Error> {
        let missing = |what: String| <serde_json::Error as serde::de::Error>::custom(what);
        match self {
            Self::Apply(id) => {
                let journal = journal.filter(|journal| journal.id == id);
                let journal = journal.ok_or_else(|| missing(format!("the journal of {id} is missing")))?;
                Ok((Arc::clone(&journal.change), Arc::clone(&journal.root)))
            }
            Self::Whole(change) => {
                Ok((change, root.ok_or_else(|| missing("its root is missing".to_owned()))?))
            }
        }
    }
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Apply(id) => id.serialize(serializer),
            Self::Whole(change) => change.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Tells a text, which is an apply's id, from a map, which is a change.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Author;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change, or the id of an apply")
    }

    fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<Author, E> {
        Ok(Author::Apply(ApplyId(id.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, change: A) -> Result<Author, A::Error> {
        Change::deserialize(MapAccessDeserializer::new(change)).map(Arc::new).map(Author::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Progress;
    use crate::document::{decode, encode};
    use crate::sample::{change, desired, job};
    use windlass_compiler::model::Mode;

    fn journal(id: &str, change: &Arc<Change>) -> Apply {
        Apply {
            id: ApplyId(id.to_owned()),
            change: Arc::clone(change),
            root: "/".into(),
            environment: None,
            plan: String::new(),
            operations: Vec::new(),
            runs: Vec::new(),
            progress: Progress::Committed,
        }
    }

    #[test]
    fn what_a_journal_says_stands_there_alone() {
        let mut desired = desired(job("orders.settle", Mode::Batch));
        desired.change = Arc::new(Change { apply: Some(ApplyId("1".to_owned())), ..change("apply") });
        let (known, other) = (journal("1", &desired.change), journal("1", &change("apply").into()));
        let moved = Apply { root: "/elsewhere".into(), ..known.clone() };
        for (journal, short) in
            [(Some(&known), true), (Some(&other), false), (Some(&moved), false), (None, false)]
        {
            let text = encode(&desired.stored(journal), None);
            assert_eq!(text.ends_with(r#"},"change":"1"}"#), short, "{text}");
            let read = |journal| Desired::read(desired.job().clone(), decode(&text).unwrap(), journal);
            assert_eq!(read(journal).unwrap(), desired);
            assert_eq!(read(None).is_err(), short, "{text}");
            assert_eq!(read(Some(&self::journal("2", &desired.change))).is_err(), short, "{text}");
        }
    }
}
