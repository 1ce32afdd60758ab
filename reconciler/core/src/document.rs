//! Records as a store keeps them: JSON with a format version, in which unknown fields survive a rewrite.

mod noting;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A kind of record.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is called in messages: `desired`, `status`.
    const KIND: &'static str;
    /// The newest format that this build reads and the one that it writes.
    const FORMAT: u64;
    /// The oldest format that this build reads.
    const OLDEST: u64 = 1;
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
    /// A build from before the first release wrote it.
    #[error(
        "the {kind} record has format {found}, from before the first release; this build reads from {known} on: \
             apply the specs to a new store"
    )]
    Older {
        /// The kind of record.
        kind: &'static str,
        /// Its format.
        found: u64,
        /// The oldest that is known here.
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
    serde_json::from_str(text).map_err(|source| failure::<D>(text, source))
}

/// What it means that a record's text, or a part of it, could not be read.
pub fn failure<D: Document>(text: &str, source: serde_json::Error) -> Unreadable {
    #[derive(serde::Deserialize)]
    struct Head {
        format: u64,
    }
    match serde_json::from_str::<Head>(text) {
        Ok(Head { format }) if format > D::FORMAT => {
            Unreadable::Newer { kind: D::KIND, found: format, known: D::FORMAT }
        }
        Ok(Head { format }) if format < D::OLDEST => {
            Unreadable::Older { kind: D::KIND, found: format, known: D::OLDEST }
        }
        _ => Unreadable::Damaged { kind: D::KIND, source },
    }
}

/// The same, and whether the text has fields that this build does not know: those are lost with the text.
pub fn decode_noting<D: Document>(text: &str) -> Result<(D, bool), Unreadable> {
    let mut more = false;
    let mut reader = serde_json::Deserializer::from_str(text);
    let noted = noting::Noting { inner: &mut reader, known: D::FIELDS, more: &mut more };
    let read = D::deserialize(noted).and_then(|read| reader.end().map(|()| read));
    read.map(|read| (read, more)).map_err(|source| failure::<D>(text, source))
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

    #[derive(Debug, Serialize, serde::Deserialize)]
    struct Later {
        name: String,
    }

    impl Document for Later {
        const KIND: &'static str = "later";
        const FORMAT: u64 = 3;
        const OLDEST: u64 = 2;
        const FIELDS: &'static [&'static str] = &["name"];
    }

    #[test]
    fn fields_that_are_not_known_are_noticed() {
        for (text, more) in [
            (r#"{"format":1,"name":"a"}"#, false),
            (r#"{"format":1,"name":"a","gone":1}"#, false),
            (r#"{"later":[{"name":1}],"format":1,"name":"a"}"#, true),
            (r#"{"format":1,"name":"a","l\u0061ter":{}}"#, true),
            (r#"{"format":1,"n\u0061me":"a"}"#, false),
            (r#"{"format":1,"name":"a","gone":null}"#, false),
        ] {
            assert_eq!(decode_noting::<Sample>(text).unwrap().1, more, "{text}");
        }
    }

    #[test]
    fn unknown_fields_survive_a_rewrite_and_known_ones_do_not_linger() {
        let stored = r#"{"format":1,"name":"a","gone":1,"later":[1]}"#;
        let rewritten = encode(&Sample { name: "b".into(), gone: None }, Some(stored));
        assert_eq!(rewritten, r#"{"format":1,"name":"b","later":[1]}"#);
    }

    #[test]
    fn a_format_that_is_not_known_is_named_as_such() {
        let error = decode::<Later>(r#"{"format":1,"title":"a"}"#).unwrap_err();
        assert!(matches!(error, Unreadable::Older { found: 1, known: 2, .. }), "{error}");
        let error = decode::<Sample>(r#"{"format":9,"title":"a"}"#).unwrap_err();
        assert!(matches!(error, Unreadable::Newer { found: 9, known: 1, .. }), "{error}");
        assert!(matches!(decode::<Sample>("{").unwrap_err(), Unreadable::Damaged { .. }));
    }

    /// A full sample has every field, and nothing beside its format.
    fn check<D: Document, R: PartialEq + std::fmt::Debug>(
        sample: &R,
        store: impl Fn(&R) -> D,
        read: impl Fn(D) -> R,
    ) {
        let text = encode(&store(sample), None);
        let Value::Object(fields) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, [&["format"], D::FIELDS].concat(), "{}", D::KIND);
        assert_eq!(read(decode::<D>(&text).unwrap()), *sample);
    }

    #[test]
    fn every_kind_of_record_lists_all_of_its_fields_and_reads_back() {
        use crate::apply::{Apply, Operation, Progress};
        use crate::desired::Desired;
        use crate::id::{ApplyId, Generation, OpId, Uid};
        use crate::run::Run;
        use crate::sample::{at, attempt, change, desired, job, run, status};
        use crate::status::Status;
        use windlass_compiler::model::{Cluster, Mode};
        use windlass_compiler::name::JobId;

        let job = job("orders.settle", Mode::Batch);
        let mut change = change("apply");
        (change.apply, change.message) = (Some(ApplyId("1".into())), Some("because".into()));
        let name: windlass_compiler::name::Name = "commerce".parse().unwrap();
        let project = crate::project::Project {
            name: name.clone(),
            environment: Some(name.clone()),
            clusters: indexmap::IndexMap::from([(name, Cluster::Local)]),
            change: change.clone(),
        };
        check(&project, Clone::clone, |project| project);
        let mut recovery = crate::recovery::Recovery::begin(at(1), "behind".into(), Vec::new());
        recovery.confirmed = Some(change.clone());
        crate::shard::Shard::all().take(3).for_each(|shard| recovery.advance(shard, Vec::new()));
        check(&recovery, Clone::clone, |recovery| recovery);
        let mut desired = desired(job.clone());
        (desired.protected, desired.change) = (Some(true), change.clone().into());
        desired.goal = desired.goal.retried();
        check(
            &desired,
            |one| one.stored(None),
            |stored| Desired::read(job.id.clone(), stored, None).unwrap(),
        );
        let mut run = run(std::slice::from_ref(&job));
        run.ended = Some(at(1));
        let id = run.id.clone();
        let spec = |_: &JobId, mark| Some(&desired.spec).filter(|spec| spec.mark == mark);
        check(&run, |one| one.stored(None), |stored| Run::read(id.clone(), stored, None, spec).unwrap());
        let apply = Apply {
            id: ApplyId(OpId(1).to_string()),
            change: change.into(),
            root: "/".into(),
            environment: Some("prod".into()),
            plan: "digest".into(),
            operations: vec![Operation {
                job: job.id.clone(),
                effect: windlass_compiler::diff::Effect::NextRun,
                generation: Generation(2),
            }],
            runs: vec![id.clone()],
            progress: Progress::Converged(at(2)),
        };
        check(&apply, Clone::clone, |apply| apply);
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
        check(&status, Status::stored, |stored| Status::read(status.instance.clone(), stored).unwrap());
    }
}
