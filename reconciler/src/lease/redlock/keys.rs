//! The names of a lease's keys on a node. One hash tag for all of them: a script touches many resources at once.

use windlass_core::lease::Resource;

/// Names keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that begin with `{prefix}`. None for a prefix that is empty or has braces.
    pub fn new(prefix: &str) -> Option<Self> {
        let bad = prefix.is_empty() || prefix.contains(['{', '}']);
        (!bad).then(|| Self { prefix: format!("{{{prefix}}}") })
    }

    /// The mark of the node's memory.
    pub fn mark(&self) -> String {
        format!("{}:mark", self.prefix)
    }

    /// Who has a resource.
    pub fn lock(&self, resource: &Resource) -> String {
        self.of(resource, 'l')
    }

    /// Its counter.
    pub fn counter(&self, resource: &Resource) -> String {
        self.of(resource, 'c')
    }

    /// Its barrier.
    pub fn barrier(&self, resource: &Resource) -> String {
        self.of(resource, 'f')
    }

    /// The channel on which it is told that something was given back.
    pub fn freed(&self) -> String {
        format!("{}:freed", self.prefix)
    }

    fn of(&self, resource: &Resource, kind: char) -> String {
        format!("{}:{resource}:{kind}", self.prefix)
    }
}
