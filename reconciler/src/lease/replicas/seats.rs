//! Seats: how replicas show each other that they are alive.

use serde::{Deserialize, Serialize};
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
    Ok(look(redlock).await?.into_iter().filter_map(|(_, person)| person).collect())
}

/// Every seat that is taken by somebody who can be read, and every one that is free.
pub(super) async fn look(redlock: &Redlock) -> Result<Vec<(Resource, Option<Person>)>, Answers> {
    let seats = all();
    let standings = redlock.holders(&seats).await;
    let mut looked = Vec::with_capacity(seats.len());
    for (seat, standing) in seats.into_iter().zip(standings) {
        match standing {
            Standing::Free => looked.push((seat, None)),
            Standing::Held(text) => looked.extend(Person::read(&text).map(|person| (seat, Some(person)))),
            Standing::Unknown(answers) => return Err(answers),
        }
    }
    Ok(looked)
}
