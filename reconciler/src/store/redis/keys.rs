//! The names of a store's keys. All of them carry one hash tag, so that one transaction reaches them all on a
//! Redis Cluster too.

use windlass_core::shard::Shard;

use crate::store::Key;
use crate::store::key;

/// The keys of one store.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// What there is to know about the store itself: lineage, format, moment, barriers. And the last transactions:
    /// the moment of each is a field by the name of its id.
    pub(super) meta: String,
    /// Requests that were settled as not done, and are refused when they come late.
    pub(super) refused: String,
    /// The last transactions, in order, with what they wrote.
    pub(super) events: String,
    tag: String,
}

impl Keys {
    /// Those of the store with this prefix.
    pub(super) fn new(prefix: &str) -> Self {
        let tag = format!("{{{prefix}}}");
        let named = |name: &str| format!("{tag}:{name}");
        Self { meta: named("meta"), refused: named("refused"), events: named("events"), tag }
    }

    /// The records of a shard; of none: those that belong to no pipeline.
    pub(super) fn records(&self, shard: Option<Shard>) -> String {
        let shard = shard.map_or_else(|| "-".to_owned(), |shard| shard.to_string());
        format!("{}:records:{shard}", self.tag)
    }

    /// The records of `key` and its like.
    pub(super) fn records_of(&self, key: &Key) -> String {
        self.records(key.shard())
    }

    /// All keys of records.
    pub(super) fn all_records(&self) -> Vec<String> {
        std::iter::once(None).chain(Shard::all().map(Some)).map(|shard| self.records(shard)).collect()
    }

    /// The history of a shard.
    pub(super) fn history(&self, shard: Shard) -> String {
        format!("{}:history:{shard}", self.tag)
    }

    /// The history of `subject` and its like, and the numbers that their lines have.
    pub(super) fn history_of(&self, subject: &str) -> (String, String) {
        let shard = key::shard_of_name(subject);
        (self.history(shard), format!("{}:sequences:{shard}", self.tag))
    }

    /// Every key that a store may have.
    pub(super) fn all(&self) -> Vec<String> {
        let mut all = vec![self.meta.clone(), self.refused.clone(), self.events.clone()];
        all.extend(self.all_records());
        for shard in Shard::all() {
            all.extend([self.history(shard), format!("{}:sequences:{shard}", self.tag)]);
        }
        all
    }
}
