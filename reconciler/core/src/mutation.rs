//! A change of desired state, complete and not yet committed: what a command wants to write.

use crate::apply::Apply;
use crate::desired::{Change, Desired};
use crate::history::Note;
use crate::project::Project;
use crate::run::Run;
use crate::spec::Spec;

/// Records to write in one transaction, each as it is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mutation {
    /// The project, if it changes.
    pub project: Option<Project>,
    /// Desired state.
    pub desired: Vec<Desired>,
    /// Specs that this desired state replaces, and that runs may be bound to.
    pub specs: Vec<Spec>,
    /// Runs, new and changed ones.
    pub runs: Vec<Run>,
    /// The journal of an apply.
    pub apply: Option<Apply>,
    /// What the history says of it: the subject, and the line.
    pub notes: Vec<(String, Note)>,
}

impl Mutation {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.project.is_none() && self.desired.is_empty() && self.runs.is_empty() && self.apply.is_none()
    }

    /// Adds desired state, and the line of history that says so.
    pub fn desire(&mut self, desired: Desired) {
        let note = Note::Command {
            change: Change::clone(&desired.change),
            intent: desired.goal.intent,
            generation: desired.goal.generation,
        };
        self.notes.push((desired.job().to_string(), note));
        self.desired.push(desired);
    }
}
