//! Names that stand in many records, held once.

use std::collections::BTreeSet;

use windlass_compiler::name::{JobId, Name};

/// The names that were seen so far.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeSet<Name>);

impl Names {
    /// Makes `name` the same piece of memory as every equal one before it.
    pub fn share(&mut self, name: &mut Name) {
        match self.0.get(name) {
            Some(known) => *name = known.clone(),
            None => drop(self.0.insert(name.clone())),
        }
    }

    /// The same for both names of a job.
    pub fn share_job(&mut self, job: &mut JobId) {
        self.share(&mut job.pipeline);
        self.share(&mut job.job);
    }
}
