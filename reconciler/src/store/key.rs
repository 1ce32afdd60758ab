//! The keys of records.

use std::fmt;

use windlass_compiler::name::JobId;
use windlass_core::id::{ApplyId, Instance, RunId};
use windlass_core::shard::Shard;
use windlass_core::spec::Mark;

/// A key: a kind, a slash, and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The prefix of all desired state.
    pub const DESIRED: &'static str = "desired/";
    /// The prefix of all status.
    pub const STATUS: &'static str = "status/";
    /// The prefix of all runs.
    pub const RUN: &'static str = "run/";
    /// The prefix of all specs that runs are bound to and desired state no longer wants.
    pub const SPEC: &'static str = "spec/";
    /// The prefix of all journals of applies.
    pub const APPLY: &'static str = "apply/";

    /// The prefixes of all kinds that have many records, in the order in which these are taken in: what a kind refers to
    /// comes before it.
    pub const KINDS: [&'static str; 5] = [Self::APPLY, Self::DESIRED, Self::SPEC, Self::RUN, Self::STATUS];

    /// The project's record.
    pub fn project() -> Self {
        Self("project".to_owned())
    }

    /// What the store has forgotten.
    pub fn recovery() -> Self {
        Self("recovery".to_owned())
    }

    /// The desired state of a job.
    pub fn desired(job: &JobId) -> Self {
        Self(format!("{}{job}", Self::DESIRED))
    }

    /// The status of an instance.
    pub fn status(instance: &Instance) -> Self {
        Self(format!("{}{instance}", Self::STATUS))
    }

    /// A run.
    pub fn run(run: &RunId) -> Self {
        Self(format!("{}{run}", Self::RUN))
    }

    /// A spec of a job that its desired state no longer wants.
    pub fn spec(job: &JobId, mark: Mark) -> Self {
        Self(format!("{}{job}:{mark}", Self::SPEC))
    }

    /// The journal of an apply.
    pub fn apply(apply: &ApplyId) -> Self {
        Self(format!("{}{apply}", Self::APPLY))
    }

    /// A key as a store holds it.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first slash: the kind of record.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The shard of the pipeline that the record belongs to; none where it belongs to no pipeline. Part of the format
    /// of every store that keeps records by shard.
    pub fn shard(&self) -> Option<Shard> {
        let name = [Self::DESIRED, Self::STATUS, Self::RUN, Self::SPEC]
            .iter()
            .find_map(|prefix| self.name(prefix))?;
        Some(shard_of_name(name))
    }

    /// What stands behind the prefix, if the key has it.
    pub fn name(&self, prefix: &str) -> Option<&str> {
        self.0.strip_prefix(prefix)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The shard of what is named `text`: an instance, a job, a run, a pipeline.
pub(crate) fn shard_of_name(text: &str) -> Shard {
    Shard::of_text(text.split(['.', '@', '[', ':']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_pipeline_is_in_its_shard() {
        let orders = Some(Shard::of_text("orders"));
        for (text, shard) in [
            ("status/orders.settle[\"a\"]@2026-11-22T02:00Z", orders),
            ("status/orders.ingest", orders),
            ("desired/orders.ingest", orders),
            ("run/orders@2026-11-22T02:00Z", orders),
            ("run/orders", orders),
            ("spec/orders.settle:0123", orders),
            ("spec/orders.settle:00ff", orders),
            ("apply/orders", None),
            ("project", None),
            ("orders", None),
            ("later/orders", None),
        ] {
            assert_eq!(Key::stored(text).shard(), shard, "{text}");
        }
    }

    #[test]
    fn every_key_is_of_a_known_kind() {
        let instance: Instance = "orders.settle@2026-11-22T02:00Z".parse().unwrap();
        let mark = serde_json::from_str("\"00ff\"").unwrap();
        let keys = [
            Key::apply(&ApplyId("1".to_owned())),
            Key::desired(&instance.job),
            Key::spec(&instance.job, mark),
            Key::run(&instance.run_id().unwrap()),
            Key::status(&instance),
        ];
        let kinds = keys.each_ref().map(|key| Key::KINDS.iter().position(|one| key.name(one).is_some()));
        assert_eq!(kinds, [0, 1, 2, 3, 4].map(Some));
    }
}
