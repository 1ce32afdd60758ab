//! A spec as a record has it: short, because there is one for every job.
//!
//! The job's name stands in the record's key, and what has its default value is left out. Fields that a newer build
//! wrote stay in the text, which is never written anew.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_compiler::model::{Backoff, Edge, Engine, Job, Mode, OnLost, Origin, Process, Retry, When};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::text::text;
use windlass_compiler::units::Duration;

use super::{Mark, Outline, Terms};

/// All of a spec.
#[derive(Serialize, Deserialize)]
pub(super) struct Whole<'a> {
    mark: Mark,
    mode: Mode,
    cluster: Name,
    process: WholeProcess<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<Written<Edge>>,
    retry: Written<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "is_default")]
    protect: bool,
    #[serde(default, skip_serializing_if = "is_empty")]
    tags: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Written<Origin>>,
}

#[derive(Serialize, Deserialize)]
struct WholeProcess<'a> {
    command: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "has_none")]
    env: Cow<'a, IndexMap<String, String>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    dir: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stdin: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "has_none")]
    files: Cow<'a, IndexMap<String, String>>,
    #[serde(default, skip_serializing_if = "is_default")]
    ready: Duration,
    grace: Duration,
}

/// The same text, of which only the outline is taken out. Everything else is looked at, so that a [`Whole`] can be read
/// of it later.
#[derive(Deserialize)]
pub(super) struct Head {
    mark: Mark,
    mode: Mode,
    cluster: Name,
    process: ProcessHead,
    #[serde(default)]
    after: Vec<Written<Edge>>,
    retry: Written<Retry>,
    #[serde(default)]
    timeout: Option<Duration>,
    #[serde(default)]
    protect: bool,
    #[serde(default, rename = "tags")]
    _tags: Vec<SomeText>,
    #[serde(default, rename = "description")]
    _description: Option<SomeText>,
    #[serde(default, rename = "origin")]
    _origin: Option<Written<Origin>>,
}

#[derive(Deserialize)]
struct ProcessHead {
    #[serde(rename = "command")]
    _command: Vec<SomeText>,
    #[serde(default, rename = "env")]
    _env: SomeTexts,
    #[serde(default, rename = "dir")]
    _dir: SomeText,
    #[serde(default, rename = "stdin")]
    _stdin: Option<SomeText>,
    #[serde(default, rename = "files")]
    _files: SomeTexts,
    #[serde(default)]
    ready: Duration,
    grace: Duration,
}

impl<'a> Whole<'a> {
    /// What is written of a job.
    pub(super) fn of(job: &'a Job, mark: Mark) -> Self {
        let Engine::Process(process) = &job.engine;
        Self {
            mark,
            mode: job.mode,
            cluster: job.cluster.clone(),
            process: WholeProcess {
                command: Cow::Borrowed(&process.command),
                env: Cow::Borrowed(&process.env),
                dir: Cow::Borrowed(&process.dir),
                stdin: process.stdin.as_deref().map(Cow::Borrowed),
                files: Cow::Borrowed(&process.files),
                ready: process.ready,
                grace: process.grace,
            },
            after: job.after.iter().cloned().map(Written).collect(),
            retry: Written(job.retry),
            timeout: job.timeout,
            protect: job.protect,
            tags: Cow::Borrowed(&job.tags),
            description: job.description.as_deref().map(Cow::Borrowed),
            origin: job.origin.clone().map(Written),
        }
    }

    /// The job that this was written of.
    pub(super) fn job(self, id: JobId) -> Job {
        let process = self.process;
        Job {
            id,
            mode: self.mode,
            cluster: self.cluster,
            engine: Engine::Process(Process {
                command: process.command.into_owned(),
                env: process.env.into_owned(),
                dir: process.dir.into_owned(),
                stdin: process.stdin.map(Cow::into_owned),
                files: process.files.into_owned(),
                ready: process.ready,
                grace: process.grace,
            }),
            after: self.after.into_iter().map(|edge| edge.0).collect(),
            retry: self.retry.0,
            timeout: self.timeout,
            protect: self.protect,
            tags: self.tags.into_owned(),
            description: self.description.map(Cow::into_owned),
            origin: self.origin.map(|origin| origin.0),
        }
    }
}

impl Head {
    /// What decisions need of it.
    pub(super) fn outline(self, id: JobId) -> Outline {
        Outline {
            id,
            mark: self.mark,
            mode: self.mode,
            cluster: self.cluster,
            after: self.after.into_iter().map(|edge| edge.0).collect(),
            protect: self.protect,
            terms: Arc::new(Terms {
                retry: self.retry.0,
                timeout: self.timeout,
                ready: self.process.ready,
                grace: self.process.grace,
            }),
        }
    }
}

/// A value that is written as one text.
struct Written<T>(T);

/// How it is written, and read.
trait Spelled: Sized {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn read(text: &str) -> Option<Self>;
}

/// `orders.settle`, or with what must be true of it: `orders.settle failed`.
impl Spelled for Edge {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Met => write!(f, "{}", self.job),
            when => write!(f, "{} {}", self.job, word(when)),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (job, when) = text.split_once(' ').unwrap_or((text, word(When::Met)));
        let all = [When::Met, When::Succeeded, When::Failed, When::Finished, When::Running];
        let when = all.into_iter().find(|one| word(*one) == when)?;
        Some(Self { job: job.parse().ok()?, when })
    }
}

fn word(when: When) -> &'static str {
    match when {
        When::Met => "met",
        When::Succeeded => "succeeded",
        When::Failed => "failed",
        When::Finished => "finished",
        When::Running => "running",
    }
}

/// `3 10s..5m`, and behind it, where that is said, within which time failures count and that a lost attempt is one:
/// `3 10s..5m in 2h or lost`.
impl Spelled for Retry {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}..{}", self.attempts, self.backoff.min, self.backoff.max)?;
        if let Some(within) = self.within {
            write!(f, " in {within}")?;
        }
        match self.on_lost {
            OnLost::Hold => Ok(()),
            OnLost::Retry => f.write_str(" or lost"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (text, on_lost) = match text.strip_suffix(" or lost") {
            Some(rest) => (rest, OnLost::Retry),
            None => (text, OnLost::Hold),
        };
        let (text, within) = match text.split_once(" in ") {
            Some((rest, within)) => (rest, Some(within.parse().ok()?)),
            None => (text, None),
        };
        let (attempts, backoff) = text.split_once(' ')?;
        let (min, max) = backoff.split_once("..")?;
        let backoff = Backoff { min: min.parse().ok()?, max: max.parse().ok()? };
        Some(Self { attempts: attempts.parse().ok()?, within, backoff, on_lost })
    }
}

/// `orders.toml:7`.
impl Spelled for Origin {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }

    fn read(text: &str) -> Option<Self> {
        let (file, line) = text.rsplit_once(':')?;
        Some(Self { file: file.to_owned(), line: line.parse().ok()? })
    }
}

impl<T: Spelled> fmt::Display for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

impl<T: Spelled> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Spelled> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(text(|text: &str| {
            T::read(text).map(Self).ok_or_else(|| format!("bad text {text:?}"))
        }))
    }
}

/// A text that is there and is not kept.
#[derive(Default)]
struct SomeText;

impl<'de> Deserialize<'de> for SomeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(text(|_| Ok::<_, std::convert::Infallible>(Self)))
    }
}

/// Texts by name that are there and are not kept.
#[derive(Default)]
struct SomeTexts;

impl<'de> Deserialize<'de> for SomeTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = SomeTexts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<SomeTexts, A::Error> {
        while pairs.next_key::<IgnoredAny>()?.is_some() {
            pairs.next_value::<SomeText>()?;
        }
        Ok(SomeTexts)
    }
}

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

fn has_none<K, V>(map: &IndexMap<K, V>) -> bool {
    map.is_empty()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
