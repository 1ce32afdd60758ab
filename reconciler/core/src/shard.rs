//! How the work of a project is shared out: a fixed number of shards, each with one owner at a time.
//!
//! What belongs to one pipeline is in one shard, so that its runs and its jobs are decided together. Which replica
//! should own a shard follows from the names of both alone (rendezvous hashing, Thaler and Ravishankar 1998): when a
//! replica comes or goes, only its own shards move.

use std::fmt;

use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;

use crate::id::{Epoch, Instance};

/// One of the shards of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(u8);

impl Shard {
    /// How many there are. Part of the format of every store: it never changes.
    pub const COUNT: u8 = 64;

    /// All of them, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..Self::COUNT).map(Self)
    }

    /// The shard of that number, if there is one.
    pub fn numbered(number: u8) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// Its number, from 0.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The shard of a pipeline.
    pub fn of(pipeline: &Name) -> Self {
        Self::of_text(pipeline.as_str())
    }

    /// The shard of an instance: that of its pipeline.
    pub fn of_instance(instance: &Instance) -> Self {
        Self::of(&instance.job.pipeline)
    }

    /// The shard of the pipeline that is named `text`.
    pub fn of_text(text: &str) -> Self {
        Self((weight(&[text]) % u64::from(Self::COUNT)) as u8)
    }

    /// Which of these replicas should own this shard; none where there is no replica.
    pub fn chosen<'a>(self, replicas: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let number = self.0.to_string();
        replicas.into_iter().max_by_key(|replica| (weight(&[&number, replica]), *replica))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Shards, ascending, as people write them: `0-5 7`.
pub fn ranges(shards: &[Shard]) -> String {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for number in shards.iter().map(|shard| shard.number()) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let range = |(first, last): (u8, u8)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    if ranges.is_empty() {
        "none".to_owned()
    } else {
        ranges.into_iter().map(range).collect::<Vec<_>>().join(" ")
    }
}

/// What an owner writes under: a store refuses it below the shard's barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence {
    /// The shard that it owns.
    pub shard: Shard,
    /// The epoch under which it does.
    pub epoch: Epoch,
}

/// A number that is as good as drawn by chance, and the same everywhere for the same texts.
fn weight(texts: &[&str]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn owners(replicas: &[&'static str]) -> BTreeMap<Shard, &'static str> {
        Shard::all().map(|shard| (shard, shard.chosen(replicas.iter().copied()).unwrap())).collect()
    }

    #[test]
    fn a_pipeline_stays_in_its_shard() {
        // Part of the format of every store: these numbers never change.
        for (name, number) in [("orders", 56), ("ledger", 51), ("a", 23)] {
            assert_eq!(Shard::of_text(name).number(), number, "{name}");
        }
    }

    #[test]
    fn only_the_shards_of_a_replica_that_leaves_move() {
        let (before, after) = (owners(&["a", "b", "c"]), owners(&["c", "a"]));
        for (shard, owner) in &before {
            assert!(*owner == "b" || after[shard] == *owner, "{shard}");
        }
        for replica in ["a", "b", "c"] {
            let share = before.values().filter(|owner| **owner == replica).count();
            assert!((10..=34).contains(&share), "{replica} owns {share}");
        }
    }

    #[test]
    fn without_replicas_nobody_is_chosen() {
        assert_eq!(Shard(7).chosen([]), None);
    }

    #[test]
    fn shards_are_written_as_ranges() {
        let shards = |numbers: &[u8]| {
            ranges(&numbers.iter().map(|number| Shard::numbered(*number).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(shards(&[]), "none");
        assert_eq!(shards(&[0, 1, 2, 7, 9, 10]), "0-2 7 9-10");
    }
}
