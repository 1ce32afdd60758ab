//! The versions of records as they were last read. An entry is 40 bytes, because a service holds two for each job.

use std::collections::BTreeMap;

use windlass_core::id::{OpId, Version};

use crate::store::Key;

/// Versions by a digest of the record's key: the key itself is never asked back.
#[derive(Debug, Default)]
pub(super) struct Versions(BTreeMap<[u64; 2], Packed>);

/// A version, without the gap that a number of 16 bytes leaves in front of it.
#[derive(Debug, Clone, Copy)]
struct Packed {
    counter: u64,
    op: [u64; 2],
}

impl Versions {
    /// The version of a record, if there is one.
    pub(super) fn get(&self, key: &Key) -> Option<Version> {
        let packed = self.0.get(&name(key))?;
        Some(Version { counter: packed.counter, op: OpId(join(packed.op)) })
    }

    /// Remembers the version of a record.
    pub(super) fn insert(&mut self, key: &Key, version: Version) {
        self.0.insert(name(key), Packed { counter: version.counter, op: split(version.op.0) });
    }
}

fn name(key: &Key) -> [u64; 2] {
    let digest = blake3::hash(key.as_str().as_bytes());
    let half = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
    split(u128::from_le_bytes(*half))
}

fn split(number: u128) -> [u64; 2] {
    [(number >> 64) as u64, number as u64]
}

fn join([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_as_they_were_remembered() {
        let (one, other) = (Key::stored("status/orders.a"), Key::stored("status/orders.b"));
        let version = |counter| Version { counter, op: OpId(u128::MAX - u128::from(counter)) };
        let mut versions = Versions::default();
        versions.insert(&one, version(1));
        versions.insert(&other, version(2));
        versions.insert(&one, version(3));
        assert_eq!((versions.get(&one), versions.get(&other)), (Some(version(3)), Some(version(2))));
        assert_eq!(versions.get(&Key::project()), None);
    }
}
