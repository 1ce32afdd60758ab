//! Seats: how replicas show each other that they are alive.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;
use windlass_core::lease::Resource;
use windlass_core::lease::acquisition::Answers;

use crate::lease::Holder;
use crate::lease::redlock::{Redlock, Standing};

/// How many replicas there can be.
const SEATS: usize = 32;

/// Who sits: the text that stands with each of its locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Person {
    /// The replica's name.
    pub(super) id: String,
    /// The clusters that it cannot reach.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) unreachable: BTreeSet<Name>,
    /// For people.
    #[serde(flatten)]
    pub(super) holder: Holder,
}

impl Person {
    /// Reads the text of a lock; none where it is not of ours.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of a lock.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a person is a map with string keys")
    }
}

/// All seats.
pub(super) fn all() -> Vec<Resource> {
    (0..SEATS).map(|number| Resource(format!("seat-{number}"))).collect()
}

/// Who sits, as a majority of the nodes sees it.
pub(super) async fn seated(redlock: &Redlock) -> Result<Vec<Person>, Answers> {
    Ok(look(redlock).await?.taken.into_iter().map(|(person, _)| person).collect())
}

/// The seats at one moment.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// Who sits, and for how long if nothing is heard of them.
    pub(super) taken: Vec<(Person, Duration)>,
    /// Those that are free.
    pub(super) free: Vec<Resource>,
}

/// Looks at every seat, as a majority of the nodes sees it.
pub(super) async fn look(redlock: &Redlock) -> Result<Seats, Answers> {
    let all = all();
    let standings = redlock.holders(&all).await;
    let mut seats = Seats::default();
    for (seat, standing) in all.into_iter().zip(standings) {
        match standing {
            Standing::Free => seats.free.push(seat),
            Standing::Held(shown) => {
                seats.taken.extend(Person::read(&shown.holder).map(|person| (person, shown.remaining)));
            }
            Standing::Unknown(answers) => return Err(answers),
        }
    }
    Ok(seats)
}
