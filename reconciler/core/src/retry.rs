//! Whether a new attempt follows a failure, and when.

use jiff::{SignedDuration, Timestamp};
use windlass_compiler::model::{OnLost, Retry};
use windlass_compiler::units::Duration;

use crate::fault::{Rule, is_off};
use crate::state::State;

/// When a new attempt may follow; none if none may. `failures` are the failures since the instance was last begun,
/// the latest one last.
pub fn after(policy: &Retry, state: &State, failures: &[Timestamp]) -> Option<Timestamp> {
    let is_held = policy.on_lost == OnLost::Hold && !is_off(Rule::LostIsNotFailed);
    let held = matches!(state, State::Lost { .. }) && is_held;
    let last = *failures.last()?;
    let counted = counted(policy, failures, last);
    if held || counted > policy.attempts as usize {
        return None;
    }
    let doublings = u32::try_from(counted.saturating_sub(1)).unwrap_or(u32::MAX);
    Some(later(last, policy.backoff.min.doubled(doublings, policy.backoff.max)))
}

/// How many failures count against the budget as of a time: those within the policy's window before it.
pub fn counted(policy: &Retry, failures: &[Timestamp], as_of: Timestamp) -> usize {
    match policy.within {
        None => failures.len(),
        Some(window) => failures.iter().filter(|at| later(**at, window) > as_of).count(),
    }
}

/// Forgets the failures that no longer count, so that a job that fails for ever has a record of bounded length.
pub fn forget(policy: &Retry, failures: &mut Vec<Timestamp>) {
    if let (Some(window), Some(last)) = (policy.within, failures.last().copied()) {
        failures.retain(|at| later(*at, window) > last);
    }
}

/// So much later by a spec's duration; the end of all times where a spec says more than there are.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::from_millis(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_compiler::model::Backoff;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn policy(attempts: u32, within: Option<u64>) -> Retry {
        let backoff = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(5) };
        Retry { attempts, within: within.map(Duration::from_secs), backoff, on_lost: OnLost::Hold }
    }

    const FAILED: State = State::Failed { reason: String::new() };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let failures: Vec<_> = (1..=5).map(at).collect();
        let pause = |n: usize| after(&policy(9, None), &FAILED, &failures[..n]).unwrap() - failures[n - 1];
        let pauses: Vec<_> = (1..=5).map(|n| pause(n).get_seconds()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn the_budget_ends() {
        assert!(after(&policy(1, None), &FAILED, &[at(1)]).is_some());
        assert!(after(&policy(1, None), &FAILED, &[at(1), at(2)]).is_none());
        assert!(after(&policy(0, None), &FAILED, &[at(1)]).is_none());
    }

    #[test]
    fn only_failures_within_the_window_count() {
        assert!(after(&policy(1, Some(10)), &FAILED, &[at(1), at(20)]).is_some());
        assert!(after(&policy(1, Some(10)), &FAILED, &[at(15), at(20)]).is_none());
    }

    #[test]
    fn failures_before_the_window_are_forgotten() {
        let mut failures = vec![at(1), at(12), at(20)];
        forget(&policy(1, Some(10)), &mut failures);
        assert_eq!(failures, [at(12), at(20)]);
        forget(&policy(1, None), &mut failures);
        assert_eq!(failures, [at(12), at(20)]);
    }

    #[test]
    fn a_lost_attempt_is_held_unless_policy_says_otherwise() {
        let lost = State::Lost { reason: String::new() };
        assert!(after(&policy(3, None), &lost, &[at(1)]).is_none());
        let retried = Retry { on_lost: OnLost::Retry, ..policy(3, None) };
        assert!(after(&retried, &lost, &[at(1)]).is_some());
    }

    #[test]
    fn durations_beyond_all_time_are_endless() {
        let endless = Duration::from_millis(u64::MAX);
        assert_eq!(later(at(1), endless), Timestamp::MAX);
        let policy = Retry {
            within: Some(endless),
            backoff: Backoff { min: endless, max: endless },
            ..policy(1, None)
        };
        assert_eq!(after(&policy, &FAILED, &[at(1)]), Some(Timestamp::MAX));
        let mut failures = vec![at(1), at(2)];
        forget(&policy, &mut failures);
        assert_eq!(failures, [at(1), at(2)]);
    }
}
