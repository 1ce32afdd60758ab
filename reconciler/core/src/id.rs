//! Identities and counters, each its own type, so that no two are ever confused.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_compiler::name::{BadName, JobId, Name};
use windlass_compiler::text::text;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one that follows.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

counter!(
    /// Counts the changes of what a user wants of a job. Starts at 1; only ever rises, removal included.
    Generation
);
counter!(
    /// Counts the acquisitions of a lease. A write that carries an epoch below the store's barrier is refused.
    Epoch
);
counter!(
    /// Counts the attempts of a job instance, from 1. Only ever rises, so a name on a cluster is used once.
    AttemptNumber
);
counter!(
    /// Counts the transitions of a job instance, from 1, without gaps.
    Sequence
);

/// Names one write, chosen by the writer. A write whose outcome is unknown is settled by reading it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u128);

impl fmt::Debug for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for OpId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// The version of a record: a counter, and the write that made it. Equal only if both are: after a fail-over to
/// a stale copy a counter repeats, an operation's id never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Counts the writes of the record, from 1.
    pub counter: u64,
    /// The write that made this version.
    pub op: OpId,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = self.op.to_string();
        write!(f, "{}-{}", self.counter, &op[..8])
    }
}

/// One run of a pipeline's batches, unique by pipeline and logical time. Written `orders@2026-11-22T02:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// The pipeline.
    pub pipeline: Name,
    /// The logical time, in whole seconds.
    pub time: Timestamp,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.pipeline, Logical(self.time)))
    }
}

impl FromStr for RunId {
    type Err = BadInstance;

    fn from_str(text: &str) -> Result<Self, BadInstance> {
        let (pipeline, time) = text.split_once('@').ok_or(BadInstance::Time)?;
        Ok(Self { pipeline: pipeline.parse().map_err(BadInstance::Name)?, time: logical(time)? })
    }
}

/// A job as it exists: a stream once, a batch once per run. Written `orders.settle@2026-11-22T02:00Z`, a stream
/// without the `@`; the same in commands, logs, metrics, API and history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    /// The job.
    pub job: JobId,
    /// The run that it belongs to; none for a stream.
    pub run: Option<Timestamp>,
}

impl Instance {
    /// The instance of a stream.
    pub fn stream(job: JobId) -> Self {
        Self { job, run: None }
    }

    /// The instance of a batch in a run.
    pub fn batch(job: JobId, time: Timestamp) -> Self {
        Self { job, run: Some(time) }
    }

    /// The run that it belongs to; none for a stream.
    pub fn run_id(&self) -> Option<RunId> {
        self.run.map(|time| RunId { pipeline: self.job.pipeline.clone(), time })
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.run {
            None => self.job.fmt(f),
            Some(time) => f.pad(&format!("{}@{}", self.job, Logical(time))),
        }
    }
}

/// A text that names no instance or run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadInstance {
    /// A name in it is bad.
    #[error("{0}")]
    Name(BadName),
    /// The part behind the `@` is no time such as `2026-11-22T02:00Z`.
    #[error("a logical time looks like 2026-11-22T02:00Z")]
    Time,
}

impl FromStr for Instance {
    type Err = BadInstance;

    fn from_str(text: &str) -> Result<Self, BadInstance> {
        match text.split_once('@') {
            None => Ok(Self::stream(text.parse().map_err(BadInstance::Name)?)),
            Some((job, time)) => Ok(Self::batch(job.parse().map_err(BadInstance::Name)?, logical(time)?)),
        }
    }
}

/// A logical time as it is written: UTC, without seconds where they are zero.
struct Logical(Timestamp);

impl fmt::Display for Logical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.as_second() % 60 == 0 { "%Y-%m-%dT%H:%MZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
        write!(f, "{}", self.0.strftime(format))
    }
}

/// Reads a logical time, with seconds or without. A fraction is refused: no name would tell it.
fn logical(text: &str) -> Result<Timestamp, BadInstance> {
    let full = match text.strip_suffix('Z') {
        Some(minutes) if minutes.len() == "2026-11-22T02:00".len() => format!("{minutes}:00Z"),
        _ => text.to_owned(),
    };
    let time: Timestamp = full.parse().map_err(|_| BadInstance::Time)?;
    if time.subsec_nanosecond() == 0 { Ok(time) } else { Err(BadInstance::Time) }
}

/// The name of an attempt on its cluster: a function of instance and attempt alone, so whoever comes later
/// finds it again, and creating it twice is refused by the cluster. Safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalName(Box<str>);

impl ExternalName {
    /// The name of the attempt `number` of `instance`, such as `orders.settle-20261122T020000Z-1`.
    pub fn of(instance: &Instance, number: AttemptNumber) -> Self {
        Self(format!("{}{number}", Self::stem(instance)).into())
    }

    /// What the names of all attempts of `instance` begin with. Those of others may, too.
    pub fn stem(instance: &Instance) -> String {
        match instance.run {
            None => format!("{}-", instance.job),
            Some(time) => format!("{}-{}-", instance.job, time.strftime("%Y%m%dT%H%M%SZ")),
        }
    }

    /// A name as a cluster reports it.
    pub fn reported(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a cluster calls one object of one name: a name that was deleted and made anew has another uid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub String);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Names one apply. Sorts by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplyId(pub String);

impl fmt::Display for ApplyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(text(|text: &str| text.parse::<Self>()))
            }
        }
    };
}

as_text!(OpId);
as_text!(RunId);
as_text!(Instance);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_read_back_as_they_are_written() {
        for text in ["orders.ingest", "orders.settle@2026-11-22T02:00Z", "orders.settle@2026-11-22T02:00:07Z"]
        {
            assert_eq!(text.parse::<Instance>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_logical_time_is_whole_seconds() {
        assert!("orders@2026-11-22T02:00:07Z".parse::<RunId>().is_ok());
        assert_eq!("orders@2026-11-22T02:00:07.5Z".parse::<RunId>(), Err(BadInstance::Time));
    }

    #[test]
    fn an_attempt_has_one_name() {
        let instance: Instance = "orders.settle@2026-11-22T02:00Z".parse().unwrap();
        let name = ExternalName::of(&instance, AttemptNumber(3));
        assert_eq!(name.as_str(), "orders.settle-20261122T020000Z-3");
    }

    #[test]
    fn versions_with_one_counter_and_two_writers_differ() {
        assert_ne!(Version { counter: 2, op: OpId(1) }, Version { counter: 2, op: OpId(2) });
    }
}
