//! The statuses of a fleet, by the instances that they name.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Index;

use crate::id::Instance;
use crate::status::Status;

/// Statuses in the order of their instances. Each names its own, and has a piece of memory of its own: what holds them
/// together takes about 10 bytes for each, and leaves little behind when it grows.
#[derive(Debug, Clone, Default)]
pub struct Statuses(BTreeSet<Entry>);

impl Statuses {
    /// The status of an instance.
    pub fn get(&self, instance: &Instance) -> Option<&Status> {
        self.0.get(instance).map(|entry| &*entry.0)
    }

    /// Whether an instance has a status.
    pub fn contains_key(&self, instance: &Instance) -> bool {
        self.0.contains(instance)
    }

    /// Takes in a status, in place of the one that its instance has.
    pub fn insert(&mut self, status: Status) {
        self.0.replace(Entry(Box::new(status)));
    }

    /// Takes the status of an instance out.
    pub fn remove(&mut self, instance: &Instance) -> Option<Status> {
        self.0.take(instance).map(|entry| *entry.0)
    }

    /// All statuses.
    pub fn values(&self) -> impl Iterator<Item = &Status> {
        self.0.iter().map(|entry| &*entry.0)
    }

    /// The instances that have one.
    pub fn keys(&self) -> impl Iterator<Item = &Instance> {
        self.values().map(|status| &status.instance)
    }
}

impl Index<&Instance> for Statuses {
    type Output = Status;

    fn index(&self, instance: &Instance) -> &Status {
        self.get(instance).expect("the instance has a status")
    }
}

/// A status as it is found: by its instance alone.
#[derive(Debug, Clone)]
struct Entry(Box<Status>);

impl Borrow<Instance> for Entry {
    fn borrow(&self) -> &Instance {
        &self.0.instance
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.instance.cmp(&other.0.instance)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.instance == other.0.instance
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Epoch;

    #[test]
    fn an_instance_has_one_status() {
        let instance = |text: &str| text.parse::<Instance>().unwrap();
        let mut statuses = Statuses::default();
        for (epoch, text) in (1..).zip(["p.b", "p.c", "p.a", "p.b", "p.b@2026-11-22T02:00Z", "p.c"]) {
            statuses.insert(Status { epoch: Epoch(epoch), ..Status::new(instance(text)) });
        }
        assert_eq!(statuses.remove(&instance("p.a")).map(|status| status.epoch), Some(Epoch(3)));
        assert_eq!(statuses.remove(&instance("p.d")), None);
        let all = ["p.b", "p.b@2026-11-22T02:00Z", "p.c"].map(instance);
        assert_eq!(statuses.keys().cloned().collect::<Vec<_>>(), all);
        assert_eq!(all.each_ref().map(|one| statuses[one].epoch.0), [4, 5, 6]);
        assert_eq!(statuses.get(&instance("p.a")), None);
    }
}
