//! What stands in many records, held once: names, and terms.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_compiler::name::{JobId, Name};

use crate::spec::Terms;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Names {
    known: BTreeSet<Name>,
    terms: BTreeSet<Arc<Terms>>,
}

impl Names {
    /// Makes `name` the same piece of memory as every equal one before it.
    pub fn share(&mut self, name: &mut Name) {
        match self.known.get(name) {
            Some(known) => *name = known.clone(),
            None => drop(self.known.insert(name.clone())),
        }
    }

    /// The same for both names of a job.
    pub fn share_job(&mut self, job: &mut JobId) {
        self.share(&mut job.pipeline);
        self.share(&mut job.job);
    }

    /// The same for the terms of a spec.
    pub(crate) fn share_terms(&mut self, terms: &mut Arc<Terms>) {
        match self.terms.get(terms) {
            Some(known) => *terms = Arc::clone(known),
            None => drop(self.terms.insert(Arc::clone(terms))),
        }
    }
}
