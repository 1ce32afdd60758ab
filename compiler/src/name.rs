//! Names as the language allows them, and the identity of a job.

use std::fmt;
use std::str::FromStr;

use arcstr::ArcStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::text;

/// The longest name.
pub const LONGEST: usize = 63;

/// A name: `[a-z][a-z0-9-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(ArcStr);

/// Says what is wrong with a text that should be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// It is empty.
    Empty,
    /// It has more than [`LONGEST`] characters.
    TooLong,
    /// It does not start with a lower-case letter.
    Start(char),
    /// It contains a character that is neither a lower-case letter, a digit nor a hyphen.
    Character(char),
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::TooLong => write!(f, "it has more than {LONGEST} characters"),
            Self::Start(c) => write!(f, "it starts with {c:?}, not with a lower-case letter"),
            Self::Character(c) => write!(f, "it contains {c:?}"),
        }
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut characters = text.chars();
        match characters.next() {
            None => return Err(BadName::Empty),
            Some('a'..='z') => {}
            Some(other) => return Err(BadName::Start(other)),
        }
        if let Some(bad) = characters.find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(BadName::Character(bad));
        }
        if text.len() > LONGEST {
            return Err(BadName::TooLong);
        }
        Ok(Self(text.into()))
    }
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A job's identity: its pipeline and its name in it, written `orders.ingest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    /// The pipeline.
    pub pipeline: Name,
    /// The job's name within its pipeline.
    pub job: Name,
}

impl JobId {
    /// The job `job` of `pipeline`.
    pub fn new(pipeline: Name, job: Name) -> Self {
        Self { pipeline, job }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.pipeline, self.job))
    }
}

impl FromStr for JobId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let (pipeline, job) = text.split_once('.').ok_or(BadName::Empty)?;
        Ok(Self { pipeline: pipeline.parse()?, job: job.parse()? })
    }
}

macro_rules! as_text {
    ($type:ty, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(text(|text: &str| {
                    text.parse().map_err(|bad| format!(concat!("bad ", $what, " {:?}: {}"), text, bad))
                }))
            }
        }
    };
}

as_text!(Name, "name");
as_text!(JobId, "job");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!("orders-2".parse::<Name>().is_ok());
        assert_eq!("".parse::<Name>(), Err(BadName::Empty));
        assert_eq!("2a".parse::<Name>(), Err(BadName::Start('2')));
        assert_eq!("a_b".parse::<Name>(), Err(BadName::Character('_')));
        assert_eq!("a".repeat(64).parse::<Name>(), Err(BadName::TooLong));
    }

    #[test]
    fn a_job_reads_back_as_it_is_written() {
        let id: JobId = "orders.ingest".parse().unwrap();
        assert_eq!(id.to_string(), "orders.ingest");
        assert_eq!(serde_json::from_str::<JobId>("\"orders.ingest\"").unwrap(), id);
    }
}
