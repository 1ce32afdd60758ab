//! A job's resolved spec as records keep it: what decisions need at hand, the whole as text.
//!
//! A fleet holds each spec once, however many runs are bound to it. The whole is read back only where somebody needs
//! it: for a new attempt, or to say what differs.

mod written;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use windlass_compiler::diff::{Recall, RecordedJob};
use windlass_compiler::digest::Digest;
use windlass_compiler::model::{Edge, Engine, Job, Mode, Retry};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::text::text;
use windlass_compiler::units::Duration;

use crate::document::Document;
use crate::names::Names;
use written::{Head, Whole};

/// A resolved spec, shared by whatever refers to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Spec(Arc<Kept>);

/// What is kept of a spec: its [`Outline`] by field, the rest in its text.
#[derive(PartialEq, Eq)]
struct Kept {
    outline: Outline,
    text: Box<str>,
}

/// What decisions need of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The job.
    pub id: JobId,
    /// Which of its specs this is.
    pub mark: Mark,
    /// Its goal.
    pub mode: Mode,
    /// The name of the cluster that it runs on.
    pub cluster: Name,
    /// What it waits for.
    pub after: Box<[Edge]>,
    /// Whether removing it needs an explicit act first.
    pub protect: bool,
    /// On which terms its attempts run; most jobs have those of others.
    pub terms: Arc<Terms>,
}

/// How long an attempt may take, and what follows when it fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Terms {
    /// What follows a failure.
    pub retry: Retry,
    /// How long an attempt may take from its start to its goal.
    pub timeout: Option<Duration>,
    /// How long it must have run before it counts as running.
    pub ready: Duration,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
}

/// Tells a spec from every other one of its job: half of its digest. In bytes, as a number would leave gaps beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark([u8; 16]);

impl Spec {
    /// The spec of a job.
    pub fn of(job: &Job) -> Self {
        let mark = Mark::of(&Digest::of_job(job));
        let Engine::Process(process) = &job.engine;
        let terms =
            Terms { retry: job.retry, timeout: job.timeout, ready: process.ready, grace: process.grace };
        let outline = Outline {
            id: job.id.clone(),
            mark,
            mode: job.mode,
            cluster: job.cluster.clone(),
            after: job.after.clone().into(),
            protect: job.protect,
            terms: Arc::new(terms),
        };
        let whole = Whole::of(job, mark);
        let text = serde_json::to_string(&whole).expect("a spec is a map with string keys");
        Self(Arc::new(Kept { outline, text: text.into() }))
    }

    /// Reads the spec of a job from a record's text.
    pub fn read(id: JobId, text: Box<RawValue>) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_str(text.get())?;
        let outline = head.outline(id);
        Ok(Self(Arc::new(Kept { outline, text: text.into() })))
    }

    /// The same spec, with its names held once.
    #[must_use]
    pub fn shared(mut self, names: &mut Names) -> Self {
        if let Some(kept) = Arc::get_mut(&mut self.0) {
            names.share_job(&mut kept.outline.id);
            names.share(&mut kept.outline.cluster);
            kept.outline.after.iter_mut().for_each(|edge| names.share_job(&mut edge.job));
            names.share_terms(&mut kept.outline.terms);
        }
        self
    }

    /// The job, complete.
    pub fn job(&self) -> Job {
        let whole = serde_json::from_str::<Whole<'_>>(&self.0.text);
        whole.expect("the text was looked at when it was read").job(self.id.clone())
    }

    /// It, as `diff` compares it.
    pub fn recorded(&self, protected: bool) -> RecordedJob {
        let kept: Arc<Kept> = Arc::clone(&self.0);
        RecordedJob { id: self.id.clone(), spec: Arc::new(Self(kept)), protected }
    }

    /// Its text, as a record has it.
    pub fn stored(&self) -> Box<RawValue> {
        RawValue::from_string(self.0.text.to_string()).expect("the text was written as JSON, or read as it")
    }
}

impl From<&Job> for Spec {
    fn from(job: &Job) -> Self {
        Self::of(job)
    }
}

impl Deref for Spec {
    type Target = Outline;

    fn deref(&self) -> &Outline {
        &self.0.outline
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.0.text)
    }
}

impl Recall for Spec {
    fn is(&self, digest: &Digest) -> bool {
        self.mark == Mark::of(digest)
    }

    fn job(&self) -> Job {
        Self::job(self)
    }
}

impl Mark {
    fn of(digest: &Digest) -> Self {
        Self(digest.half().to_be_bytes())
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(text(|text| {
            u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes()))
        }))
    }
}

/// A spec that is wanted of no job any more, and that runs are still bound to: the record `spec/<job>:<mark>`,
/// written with the desired state that replaces it, and never changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The spec.
    pub spec: Box<RawValue>,
}

impl Document for Stored {
    const KIND: &'static str = "spec";
    const FORMAT: u64 = 2;
    const OLDEST: u64 = 2;
    const FIELDS: &'static [&'static str] = &["spec"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{after, job};
    use windlass_compiler::model::{OnLost, Origin, When};

    fn read(text: &str) -> Result<Spec, serde_json::Error> {
        Spec::read("orders.settle".parse().unwrap(), RawValue::from_string(text.to_owned()).unwrap())
    }

    /// A job of which every field is set.
    fn full() -> Job {
        let mut job =
            after(job("orders.settle", Mode::Batch), &[("orders.a", When::Met), ("b.c", When::Failed)]);
        let Engine::Process(process) = &mut job.engine;
        process.env.extend([("A".to_owned(), "\"1\"".to_owned()), ("B".to_owned(), String::new())]);
        process.files.insert("run.sh".to_owned(), "00".to_owned());
        (process.dir, process.stdin) = ("jobs".to_owned(), Some("in".to_owned()));
        job.retry.within = Some(Duration::from_secs(60));
        job.retry.on_lost = OnLost::Retry;
        (job.timeout, job.protect) = (Some(Duration::from_secs(1)), true);
        (job.tags, job.description) = (vec!["nightly".to_owned()], Some("It settles".to_owned()));
        job.origin = Some(Origin { file: "a.toml".to_owned(), line: 3 });
        job
    }

    #[test]
    fn a_spec_reads_back_as_the_job_that_it_is_of() {
        for job in [full(), job("orders.settle", Mode::Stream)] {
            let spec = Spec::of(&job);
            let again = read(spec.stored().get()).unwrap();
            assert_eq!(again, spec);
            assert_eq!(again.job(), job);
            assert!(again.is(&Digest::of_job(&job)));
        }
    }

    #[test]
    fn fields_of_a_newer_build_stay_in_the_text() {
        let text = Spec::of(&full()).stored().get().replacen('{', r#"{"later":{"a":1},"#, 1);
        assert_eq!(read(&text).unwrap().stored().get(), text);
    }

    #[test]
    fn what_is_read_can_be_told_in_full() {
        let whole = Spec::of(&full()).stored().get().to_owned();
        let damages = [("\"00\"", "0"), ("[\"tail\"", "[1"), ("\"nightly\"", "{}"), ("\"It settles\"", "7")];
        for (part, damage) in damages.into_iter().chain([("\"in\"", "[]"), (":3\"", ":x\"")]) {
            let damaged = whole.replacen(part, damage, 1);
            assert_ne!(damaged, whole, "{part}");
            assert!(read(&damaged).is_err(), "{damaged}");
        }
    }
}
