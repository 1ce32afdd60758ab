//! What a simulated owner knows of its cluster: answers and outcomes, the newer one winning.

use std::collections::BTreeMap;

use crate::action::Outcome;
use crate::fleet::Fleet;
use crate::id::ExternalName;
use crate::observed::{Observation, Sight};
use crate::sim::agenda::Tick;
use crate::status::Status;

/// The last word of the cluster.
#[derive(Debug, Default)]
pub struct Sights {
    seen: BTreeMap<ExternalName, Sight>,
    called: BTreeMap<ExternalName, Tick>,
}

impl Sights {
    /// What is known of the current attempt of a status.
    pub fn of(&self, status: &Status) -> &Sight {
        let seen = status.attempt.as_ref().and_then(|attempt| self.seen.get(&attempt.name));
        seen.unwrap_or(&Sight::Unseen)
    }

    /// Everything that the cluster shows.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.seen.values().filter_map(|sight| match sight {
            Sight::Seen(observation) => Some(observation),
            _ => None,
        })
    }

    /// Takes in an answer to a question that was asked at `asked`; none if the cluster was silent.
    pub fn take(&mut self, asked: Tick, now: Tick, answer: Option<Vec<Observation>>, fleet: &Fleet) {
        let before = std::mem::take(&mut self.seen);
        let silent = answer.is_none();
        let shown = answer.into_iter().flatten();
        self.seen = shown.map(|seen| (seen.name.clone(), Sight::Seen(seen))).collect();
        let live = fleet.statuses.values().filter(|status| status.state.is_live());
        for attempt in live.filter_map(|status| status.attempt.as_ref()) {
            let known = before.get(&attempt.name);
            let sight = if silent { not_heard(known, now) } else { missed(known) };
            self.seen.entry(attempt.name.clone()).or_insert(sight);
        }
        // What a call said after the question was asked is newer than the answer.
        self.called.retain(|_, returned| *returned > asked);
        self.seen.extend(before.into_iter().filter(|(name, _)| self.called.contains_key(name)));
    }

    /// Takes in what came of a call.
    pub fn fold(&mut self, name: &ExternalName, outcome: &Outcome, now: Tick) {
        let sight = match outcome {
            Outcome::Done(observation) | Outcome::Foreign(observation) => Sight::Seen(observation.clone()),
            Outcome::Gone => missed(self.seen.get(name)),
            Outcome::Refused { reason } => Sight::Refused { reason: reason.clone() },
            Outcome::Unknown { .. } => return,
        };
        self.seen.insert(name.clone(), sight);
        self.called.insert(name.clone(), now);
    }
}

fn missed(before: Option<&Sight>) -> Sight {
    match before {
        Some(Sight::Absent { times }) => Sight::Absent { times: times.saturating_add(1) },
        _ => Sight::Absent { times: 1 },
    }
}

fn not_heard(before: Option<&Sight>, now: Tick) -> Sight {
    let since = match before {
        Some(Sight::Silent { since, .. }) => *since,
        _ => now.time(),
    };
    Sight::Silent { since, reason: "no answer".to_owned() }
}
