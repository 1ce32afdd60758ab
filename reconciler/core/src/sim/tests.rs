//! Many seeds, and the same with each rule switched off.

use super::*;

/// How many seeds `cargo test` runs, unless `WINDLASS_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 1_500;

fn seeds() -> u64 {
    std::env::var("WINDLASS_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

#[test]
fn every_promise_holds_whatever_goes_wrong() {
    let from = std::env::var("WINDLASS_SIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut total = Summary::default();
    for seed in from..from + seeds() {
        match simulate(seed) {
            Ok(summary) => {
                total.events += summary.events;
                total.starts += summary.starts;
                total.commands += summary.commands;
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(total.starts > seeds() && total.commands > seeds(), "the simulation does too little: {total:?}");
}

#[test]
fn a_seed_repeats_its_run() {
    for seed in 0..20 {
        let (scenario, odds) = Scenario::draw(seed);
        let run = || World::new(&scenario, Some(odds), false).run();
        assert_eq!(run(), run());
    }
}

#[cfg(feature = "faults")]
mod rules {
    use std::collections::BTreeSet;

    use super::simulate;
    use crate::fault::{Rule, without};

    /// How many seeds may pass before the promise that a rule protects is seen broken.
    const WITHIN: u64 = 1_000;

    fn check(rule: Rule, promise: &str) {
        let mut others = BTreeSet::new();
        for seed in 0..WITHIN {
            match without(rule, || simulate(seed)) {
                Err(failure) if failure.violation.invariant.starts_with(promise) => return,
                Err(failure) => others.extend([failure.violation.invariant]),
                Ok(_) => {}
            }
        }
        panic!("{rule:?} is off, and {promise} holds for {WITHIN} seeds; broken was {others:?}");
    }

    #[test]
    fn without_compare_and_set_a_write_takes_another_back() {
        check(Rule::CompareAndSet, "I1");
    }

    #[test]
    fn without_intent_first_effects_precede_their_record() {
        check(Rule::IntentFirst, "I10");
    }

    #[test]
    fn without_create_only_an_attempt_starts_twice() {
        check(Rule::CreateOnly, "I4");
    }

    #[test]
    fn without_the_recorded_uid_a_stranger_is_started() {
        check(Rule::RecordedUid, "I10");
    }

    #[test]
    fn where_silence_counts_as_absence_two_run_at_once() {
        check(Rule::SilenceIsNotAbsence, "I5");
    }

    #[test]
    fn without_the_last_intent_a_stopped_job_is_started() {
        check(Rule::LastIntentWins, "R9");
    }
}
