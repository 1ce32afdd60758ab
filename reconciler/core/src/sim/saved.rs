//! A scenario as it is kept: what it shows, which rule it needs, and the story that it tells with the rule off.

use serde::{Deserialize, Serialize};

use crate::sim::Failure;
use crate::sim::scenario::Scenario;
use crate::sim::shrink::shrink;

/// A scenario in a file. It is run for ever after: without its rule it must break its promise, with it hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// What it shows, in one sentence.
    pub shows: String,
    /// The rule without which it breaks; none for one that a defect broke, which must hold now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
    /// The promise that it breaks then.
    pub breaks: String,
    /// How, in the words of the witness.
    pub how: String,
    /// What happens, line by line, up to the moment at which the promise is broken.
    pub story: Vec<String>,
    /// What the run depends on.
    pub scenario: Scenario,
}

impl Saved {
    /// The shortest form of a failure. The rule that was off has to be off still.
    pub fn of(failure: &Failure, without: Option<String>, shows: impl Into<String>) -> Self {
        let scenario = shrink(&failure.scenario, failure.violation.invariant);
        let again = crate::sim::run(&scenario, None).err();
        let shortest = again.as_deref().unwrap_or(failure);
        Self {
            shows: shows.into(),
            without,
            breaks: shortest.violation.invariant.to_owned(),
            how: shortest.violation.detail.clone(),
            story: shortest.story.iter().map(ToString::to_string).collect(),
            scenario,
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
