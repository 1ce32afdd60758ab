//! Which fields of a job differ, in the words of the language.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::model::{Edge, Engine, Job, Process, Retry};
use crate::spelling;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which one: `process.command[2]`, `retry.attempts`, `after[orders.ingest]`.
    pub path: String,
    /// The recorded value; none where there is none.
    pub before: Option<String>,
    /// The wanted value; none where there is none.
    pub after: Option<String>,
}

/// The fields in which two versions of a job differ, in a fixed order.
pub(super) fn compare(before: &Job, after: &Job) -> Vec<FieldChange> {
    let mut fields = Fields::default();
    fields.value("mode", Some(spelling::mode(before.mode)), Some(spelling::mode(after.mode)));
    fields.value("cluster", Some(&before.cluster), Some(&after.cluster));
    let (Engine::Process(old), Engine::Process(new)) = (&before.engine, &after.engine);
    fields.process(old, new);
    fields.keyed("after", edges(&before.after), edges(&after.after));
    fields.retry(spelling::retry(after.mode), &before.retry, &after.retry);
    fields.value("timeout", before.timeout, after.timeout);
    fields.value("protect", Some(before.protect), Some(after.protect));
    fields.keyed("tags", tags(&before.tags), tags(&after.tags));
    fields.value("description", before.description.as_ref(), after.description.as_ref());
    fields.0
}

#[derive(Default)]
struct Fields(Vec<FieldChange>);

impl Fields {
    fn process(&mut self, before: &Process, after: &Process) {
        self.list("process.command", &before.command, &after.command);
        self.keyed("process.env", map(&before.env), map(&after.env));
        self.value("process.dir", Some(&before.dir), Some(&after.dir));
        self.value("process.stdin", before.stdin.as_ref(), after.stdin.as_ref());
        self.keyed("process.files", map(&before.files), map(&after.files));
        self.value("process.ready", Some(before.ready), Some(after.ready));
        self.value("process.grace", Some(before.grace), Some(after.grace));
    }

    fn retry(&mut self, path: &str, before: &Retry, after: &Retry) {
        let backoff = |retry: &Retry| Some(format!("{}..{}", retry.backoff.min, retry.backoff.max));
        let on_lost = |retry: &Retry| Some(spelling::on_lost(retry.on_lost));
        self.value(&format!("{path}.attempts"), Some(before.attempts), Some(after.attempts));
        self.value(&format!("{path}.within"), before.within, after.within);
        self.value(&format!("{path}.backoff"), backoff(before), backoff(after));
        self.value(&format!("{path}.on_lost"), on_lost(before), on_lost(after));
    }

    fn value<T: ToString>(&mut self, path: &str, before: Option<T>, after: Option<T>) {
        let (before, after) = (before.map(|value| value.to_string()), after.map(|value| value.to_string()));
        if before != after {
            self.0.push(FieldChange { path: path.to_owned(), before, after });
        }
    }

    /// The items between what is the same at both ends, so that one inserted item is one change.
    fn list(&mut self, path: &str, before: &[String], after: &[String]) {
        let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
        let (old, new) = (&before[start..], &after[start..]);
        let same_end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[..old.len() - same_end], &new[..new.len() - same_end]);
        for index in 0..old.len().max(new.len()) {
            self.value(&format!("{path}[{}]", start + index), old.get(index), new.get(index));
        }
    }

    fn keyed(&mut self, path: &str, before: BTreeMap<String, String>, after: BTreeMap<String, String>) {
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            self.value(&format!("{path}[{key}]"), before.get(key), after.get(key));
        }
    }
}

fn map(values: &IndexMap<String, String>) -> BTreeMap<String, String> {
    values.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn edges(edges: &[Edge]) -> BTreeMap<String, String> {
    edges.iter().map(|edge| (edge.job.to_string(), spelling::when(edge.when).to_owned())).collect()
}

fn tags(tags: &[String]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.clone(), tag.clone())).collect()
}
