//! What a cluster knows and the store has forgotten. Intents are durable before their effects, so an attempt that is on
//! a cluster and on no record shows that the store has gone back in time, even where nobody remembers what it had.

use std::fmt;

use windlass_compiler::name::Name;

use crate::desired::Intent;
use crate::fault::{Rule, is_off};
use crate::fleet::Fleet;
use crate::id::AttemptNumber;
use crate::observed::{Label, Observation};
use crate::shard::Shard;
use crate::status::Status;

use super::Finding;

/// An attempt that is later than the one on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead<'a> {
    /// Where it is.
    pub cluster: &'a Name,
    /// Which one it is.
    pub label: &'a Label,
    /// The latest one on record; 0 where there is none.
    pub recorded: AttemptNumber,
}

/// The first attempt that is shown and should be on record, and is not. `fleet` has to be read after it was shown. One
/// in a frozen shard is none: its recovery takes it over.
pub fn ahead<'a>(
    fleet: &Fleet,
    shown: impl IntoIterator<Item = (&'a Name, &'a Observation)>,
) -> Option<Ahead<'a>> {
    if is_off(Rule::ClustersAreBelieved) {
        return None;
    }
    let found = |(cluster, seen): (&'a Name, &'a Observation)| {
        let label = &seen.label;
        let status = fleet.statuses.get(&label.instance);
        let recorded = status.map(Status::attempt_number).unwrap_or_default();
        (label.attempt > recorded && is_ours(fleet, label)).then_some(Ahead { cluster, label, recorded })
    };
    shown.into_iter().find_map(found)
}

/// Whether the project would know of an attempt. Not of one of a job that it has forgotten, or never had, nor of one that
/// a recovery has named and left alone.
fn is_ours(fleet: &Fleet, label: &Label) -> bool {
    let instance = &label.instance;
    let desired = fleet.desired.get(&instance.job);
    let is_named = |finding: &Finding| {
        matches!(finding, Finding::Stray { instance: stray, attempt, .. }
            if *stray == *instance && *attempt == label.attempt)
    };
    desired.is_some_and(|desired| desired.goal.intent != Intent::Forget)
        && fleet.frozen(Shard::of_instance(instance)).is_none()
        && !fleet.recovery.iter().flat_map(|recovery| &recovery.findings).any(is_named)
}

impl fmt::Display for Ahead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, label, recorded } = self;
        write!(f, "attempt {} of {} is on {cluster}, and ", label.attempt, label.instance)?;
        match recorded {
            AttemptNumber(0) => f.write_str("the store has no attempt of it"),
            _ => write!(f, "the store has none after {recorded}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use windlass_compiler::model::Mode;

    use super::*;
    use crate::observed::Phase;
    use crate::recovery::Recovery;
    use crate::sample::{at, attempt, desired, job, observation, status};
    use crate::state::State;

    /// What is said of attempt `number`, with attempt 2 on record, or none.
    fn check(
        number: u64,
        recorded: bool,
        intent: Intent,
        recovery: Option<Recovery>,
        expected: Option<&str>,
    ) {
        let job = job("orders.ingest", Mode::Stream);
        let mut fleet = Fleet { recovery, ..Fleet::default() };
        let mut wanted = desired(job.clone());
        wanted.goal = wanted.goal.with_intent(intent);
        fleet.desired.insert(job.id.clone(), wanted);
        if recorded {
            let mut status = status(&job, State::Stopped);
            status.attempt = Some(attempt(&job, 2));
            fleet.statuses.insert(status);
        }
        let seen = observation(&job, number, "u1", Phase::Running { since: at(0) });
        let found = ahead(&fleet, [(&job.cluster, &seen)]).map(|found| found.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_later_attempt_than_is_on_record_shows_that_the_store_went_back() {
        use Intent::{Forget, Remove, Run, Stop};
        let later = Some("attempt 3 of orders.ingest is on laptop, and the store has none after 2");
        let first = Some("attempt 1 of orders.ingest is on laptop, and the store has no attempt of it");
        check(3, true, Run, None, later);
        check(3, true, Stop, None, later);
        check(3, true, Remove, None, later);
        check(1, false, Run, None, first);
        check(2, true, Run, None, None);
        check(1, true, Run, None, None);
        check(3, true, Forget, None, None);
    }

    #[test]
    fn what_a_recovery_sees_to_or_has_left_alone_is_no_news() {
        let frozen = Recovery::begin(at(0), "a test".to_owned(), Vec::new());
        let job = job("orders.ingest", Mode::Stream);
        let seen = observation(&job, 3, "u1", Phase::Suspended).label;
        let (instance, attempt) = (seen.instance, seen.attempt);
        let mut over = frozen.clone();
        over.thawed = Shard::all().collect();
        check(3, true, Intent::Run, Some(frozen), None);
        let later = Some("attempt 3 of orders.ingest is on laptop, and the store has none after 2");
        check(3, true, Intent::Run, Some(over.clone()), later);
        over.findings.push(Finding::Stray { instance, attempt, cluster: job.cluster });
        check(3, true, Intent::Run, Some(over), None);
    }
}
