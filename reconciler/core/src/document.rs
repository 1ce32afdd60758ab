//! Records as a store keeps them: JSON with a format version, in which unknown fields survive a rewrite.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A kind of record.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is called in messages: `desired`, `status`.
    const KIND: &'static str;
    /// The newest format that this build reads and the one that it writes.
    const FORMAT: u64;
    /// All field names of this format: any other field is one that a newer build wrote.
    const FIELDS: &'static [&'static str];
}

/// Why a stored text is no such record.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A newer build wrote it in a format that this build does not know.
    #[error("the {kind} record has format {found}; this build reads up to {known}: use a newer windlass")]
    Newer {
        /// The kind of record.
        kind: &'static str,
        /// Its format.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// It is damaged.
    #[error("the {kind} record cannot be read: {source}")]
    Damaged {
        /// The kind of record.
        kind: &'static str,
        /// The parser's words.
        source: serde_json::Error,
    },
}

/// Reads a record.
pub fn decode<D: Document>(text: &str) -> Result<D, Unreadable> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: u64,
    }
    serde_json::from_str(text).map_err(|source| match serde_json::from_str::<Head>(text) {
        Ok(Head { format }) if format > D::FORMAT => {
            Unreadable::Newer { kind: D::KIND, found: format, known: D::FORMAT }
        }
        _ => Unreadable::Damaged { kind: D::KIND, source },
    })
}

/// Writes a record. Fields of `previous` (the text that it replaces) that this build does not know are kept.
pub fn encode<D: Document>(document: &D, previous: Option<&str>) -> String {
    let value = serde_json::to_value(document).expect("a record is a map with string keys");
    let Value::Object(known) = value else { unreachable!("a record is a struct") };
    let mut fields = Map::with_capacity(known.len() + 1);
    fields.insert("format".to_owned(), D::FORMAT.into());
    fields.extend(known);
    let older = previous.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    for (name, value) in older.into_iter().flatten() {
        if name != "format" && !D::FIELDS.contains(&name.as_str()) {
            fields.insert(name, value);
        }
    }
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Sample {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        gone: Option<u32>,
    }

    impl Document for Sample {
        const KIND: &'static str = "sample";
        const FORMAT: u64 = 1;
        const FIELDS: &'static [&'static str] = &["name", "gone"];
    }

    #[test]
    fn unknown_fields_survive_a_rewrite_and_known_ones_do_not_linger() {
        let stored = r#"{"format":1,"name":"a","gone":1,"later":[1]}"#;
        let rewritten = encode(&Sample { name: "b".into(), gone: None }, Some(stored));
        assert_eq!(rewritten, r#"{"format":1,"name":"b","later":[1]}"#);
    }

    #[test]
    fn a_newer_format_is_named_as_such() {
        let error = decode::<Sample>(r#"{"format":9,"title":"a"}"#).unwrap_err();
        assert!(matches!(error, Unreadable::Newer { found: 9, known: 1, .. }), "{error}");
        assert!(matches!(decode::<Sample>("{").unwrap_err(), Unreadable::Damaged { .. }));
    }

    /// A full sample has every field, and nothing beside its format.
    fn check<D: Document + PartialEq + std::fmt::Debug>(sample: &D) {
        let text = encode(sample, None);
        let Value::Object(fields) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, [&["format"], D::FIELDS].concat(), "{}", D::KIND);
        assert_eq!(decode::<D>(&text).unwrap(), *sample);
    }

    #[test]
    fn every_kind_of_record_lists_all_of_its_fields_and_reads_back() {
        use crate::apply::{Apply, Operation, Progress};
        use crate::id::{ApplyId, Generation, OpId, Uid};
        use crate::sample::{at, attempt, change, desired, job, run, status};
        use windlass_compiler::model::{Cluster, Mode};

        let job = job("orders.settle", Mode::Batch);
        let mut change = change("apply");
        (change.apply, change.message) = (Some(ApplyId("1".into())), Some("because".into()));
        let name: windlass_compiler::name::Name = "commerce".parse().unwrap();
        check(&crate::project::Project {
            name: name.clone(),
            environment: Some(name.clone()),
            clusters: indexmap::IndexMap::from([(name, Cluster::Local)]),
            change: change.clone(),
        });
        let mut recovery = crate::recovery::Recovery::begin(at(1), "behind".into(), Vec::new());
        recovery.confirmed = Some(change.clone());
        crate::shard::Shard::all().take(3).for_each(|shard| recovery.advance(shard, Vec::new()));
        check(&recovery);
        let mut desired = desired(job.clone());
        (desired.protected, desired.change) = (Some(true), change.clone());
        check(&desired);
        let mut run = run(std::slice::from_ref(&job));
        run.ended = Some(at(1));
        let id = run.id.clone();
        check(&run);
        check(&Apply {
            id: ApplyId(OpId(1).to_string()),
            change,
            environment: Some("prod".into()),
            plan: "digest".into(),
            operations: vec![Operation {
                job: job.id.clone(),
                effect: windlass_compiler::diff::Effect::NextRun,
                generation: Generation(2),
            }],
            runs: vec![id],
            progress: Progress::Converged(at(2)),
        });
        let before = crate::state::State::Submitting(crate::state::Submission::Created(Uid("u1".into())));
        let unknown = crate::state::State::Unknown { reason: "no answer".into(), before: Box::new(before) };
        let mut status = status(&job, unknown);
        status.attempt = Some(crate::status::Attempt {
            uid: Some(Uid("u1".into())),
            started: Some(at(1)),
            ended: Some(at(2)),
            ..attempt(&job, 1)
        });
        status.failures = vec![at(3)];
        check(&status);
    }
}
