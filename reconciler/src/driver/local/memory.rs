//! Remembers attempts that have ended, so that listing thousands of them costs a look at each folder's stamp.
//!
//! Only what can no longer change is remembered, and only for as long as the folder is the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use windlass_core::observed::{Observation, Phase};

/// Which folder it is, and when something was last added to it or removed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    folder: (u64, u64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of the folder at `path`. It has to be taken before the folder is read.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            folder: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Attempts that have ended, by their folders.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<PathBuf, (Stamp, Observation)>);

impl Memory {
    /// What is remembered of a folder with this stamp.
    pub(super) fn recall(&mut self, path: &Path, stamp: Option<Stamp>) -> Option<Observation> {
        let (then, observation) = self.0.remove(path)?;
        (Some(then) == stamp).then_some(observation)
    }

    /// Remembers what was seen, if it has ended.
    pub(super) fn keep(&mut self, path: PathBuf, stamp: Option<Stamp>, seen: &Observation) {
        if let (Some(stamp), Phase::Ended { .. }) = (stamp, &seen.phase) {
            self.0.insert(path, (stamp, seen.clone()));
        }
    }
}
