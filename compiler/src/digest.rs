//! What a job is, as 32 bytes: equal digests mean that nothing needs to be done.
//!
//! Knows nothing of where a job was written down. Two jobs that differ only in their origin, in the order of
//! their fields, or in the order of what has no order (variables, files, tags, edges) have one digest.
//!
//! # The encoding
//! Digests are stored, so the encoding never changes; it only grows.
//! - A message is a text that names its kind and version, and then fields.
//! - A field is a tag of one byte and a value. A tag is never used for anything else again.
//! - A value is a number (8 bytes, little-endian), a text (its length in bytes as a number, its bytes), or a
//!   list (its count as a number, that many texts).
//! - A field that has no value, or the value that it has by default since before it existed, is left out. So a
//!   new field changes the digest of no job that does not use it.

mod encoding;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Job;
use crate::text::text;
use encoding::Message;

/// A BLAKE3 digest; as text, 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of everything that a job is: whatever a user can change, except where it is written down.
    pub fn of_job(job: &Job) -> Self {
        Message::of_job(job).digest()
    }

    /// The digest of what a running process depends on: its cluster, and the engine without the fields that
    /// only its keeper reads (`ready`, `grace`). Where this is unchanged, nothing needs to restart.
    pub fn of_runtime(job: &Job) -> Self {
        Message::of_runtime(job).digest()
    }

    /// The digest of several digests under their names, in the order given.
    pub fn of_digests<'a>(kind: &str, parts: impl IntoIterator<Item = (String, &'a Self)>) -> Self {
        let mut message = Message::new(kind);
        for (name, digest) in parts {
            message.part(&name, &digest.to_string());
        }
        message.digest()
    }

    /// The digest of some bytes, such as a file's content.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Its first half, as a number: enough to tell apart the specs that one job ever had.
    pub fn half(&self) -> u128 {
        self.0[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// Its first 12 digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadDigest;

impl fmt::Display for BadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest has 64 hexadecimal digits")
    }
}

impl std::error::Error for BadDigest {}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| BadDigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(text(|text: &str| text.parse::<Self>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Edge, Mode, OnLost, Origin, When};
    use crate::sample::{process, stream};
    use crate::units::Duration;

    type Edit = fn(&mut Job);

    fn digest(edit: Edit) -> Digest {
        Digest::of_job(&edited(edit))
    }

    fn edited(edit: Edit) -> Job {
        let mut job = stream("orders.ingest");
        let process = process(&mut job);
        process.env.extend([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
        job.tags = vec!["x".to_owned(), "y".to_owned()];
        job.after = ["orders.a", "orders.b"].map(edge).into();
        edit(&mut job);
        job
    }

    fn edge(job: &str) -> Edge {
        Edge { job: job.parse().unwrap(), when: When::Met }
    }

    #[test]
    fn what_has_no_order_has_no_order() {
        let same: [(&str, Edit); 6] = [
            ("nothing", |_| {}),
            ("origin", |job| job.origin = Some(Origin { file: "a.toml".to_owned(), line: 7 })),
            ("env", |job| process(job).env.reverse()),
            ("after", |job| job.after.reverse()),
            ("tags", |job| job.tags.reverse()),
            ("repeated tag", |job| job.tags.push("x".to_owned())),
        ];
        for (what, edit) in same {
            assert_eq!(digest(edit), digest(|_| {}), "{what}");
        }
    }

    #[test]
    fn every_other_difference_makes_another_digest() {
        let different: [Edit; 22] = [
            |job| job.id = "orders.other".parse().unwrap(),
            |job| job.mode = Mode::Batch,
            |job| job.cluster = "other".parse().unwrap(),
            |job| process(job).command.push(String::new()),
            |job| process(job).command.reverse(),
            |job| process(job).command = vec!["taila".to_owned(), String::new(), "b".to_owned()],
            |job| process(job).env.insert("A".to_owned(), "2".to_owned()).map_or((), drop),
            |job| process(job).dir = "elsewhere".to_owned(),
            |job| process(job).stdin = Some(String::new()),
            |job| process(job).files.insert("a".to_owned(), "b".to_owned()).map_or((), drop),
            |job| process(job).ready = Duration::from_secs(99),
            |job| process(job).grace = Duration::from_secs(99),
            |job| job.after.truncate(1),
            |job| job.after[0].when = When::Failed,
            |job| job.retry.attempts += 1,
            |job| job.retry.within = Some(Duration::from_secs(1)),
            |job| job.retry.backoff.min = Duration::from_millis(1),
            |job| job.retry.on_lost = OnLost::Retry,
            |job| job.timeout = Some(Duration::from_secs(1)),
            |job| job.protect = true,
            |job| job.tags.truncate(1),
            |job| job.description = Some(String::new()),
        ];
        let mut seen = std::collections::BTreeSet::from([digest(|_| {})]);
        for (number, edit) in different.into_iter().enumerate() {
            assert!(seen.insert(digest(edit)), "number {number} changed nothing");
        }
    }

    #[test]
    fn a_running_process_depends_on_engine_and_cluster_only() {
        let runtime = |edit: Edit| Digest::of_runtime(&edited(edit));
        let same: [Edit; 5] = [
            |job| job.retry.attempts += 1,
            |job| job.after.clear(),
            |job| job.tags.clear(),
            |job| process(job).grace = Duration::from_secs(99),
            |job| process(job).ready = Duration::from_secs(99),
        ];
        for edit in same {
            assert_eq!(runtime(edit), runtime(|_| {}));
        }
        assert_ne!(runtime(|job| job.cluster = "other".parse().unwrap()), runtime(|_| {}));
        assert_ne!(runtime(|job| process(job).command.push("x".to_owned())), runtime(|_| {}));
    }

    #[test]
    fn the_encoding_never_changes() {
        insta::assert_snapshot!(digest(|_| {}), @"98c824506d20d489c36d4748b9a91b2be59d246762abaa3309413b2d24623465");
        insta::assert_snapshot!(Digest::of_runtime(&edited(|_| {})), @"ca88b851e924910c54ce94fb1b2d403f51a2206cbd119f323a2db824d525ce4c");
    }

    #[test]
    fn a_digest_reads_back_as_it_is_written() {
        let digest = Digest::of_bytes(b"text");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert_eq!(digest.short().len(), 12);
        assert_eq!("12".parse::<Digest>(), Err(BadDigest));
    }
}
