//! What a store holds: the record `project`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_compiler::model::Cluster;
use windlass_compiler::name::Name;

use crate::desired::Change;
use crate::document::Document;

/// The project whose desired state a store holds, and the clusters that its jobs run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: Name,
    /// The environment that was applied; a store holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// Its clusters: an owner needs no spec text.
    pub clusters: IndexMap<Name, Cluster>,
    /// Who changed it last.
    pub change: Change,
}

impl Document for Project {
    const KIND: &'static str = "project";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] = &["name", "environment", "clusters", "change"];
}
