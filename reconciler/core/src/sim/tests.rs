//! Many seeds, one fault at every place, the scenarios that were kept, and all of it with each rule switched off.

use std::collections::BTreeMap;

use windlass_compiler::model::Mode;

use super::*;
use crate::id::Epoch;
use crate::lease::Nonce;
use crate::lease::acquisition::Seal;
use crate::shard::Shard;
use crate::sim::exhaustive::{Bounds, search};
use crate::sim::kind::Kind;
use crate::sim::lease::server::{Reply, Request, Server, Slot};
use crate::sim::mishap::Timed;
use crate::sim::place::{Lane, Place};
use crate::sim::saved::Saved;
use crate::sim::trouble::{Strike, Trouble};

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
                total.take_overs += summary.take_overs;
                total.repeated += summary.repeated;
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(total.repeated > 0, "no two owners have had the same epoch: {total:?}");
    let least = total.starts.min(total.commands).min(total.take_overs);
    assert!(least > seeds(), "the simulation does too little: {total:?}");
}

#[test]
fn a_seed_repeats_its_run() {
    for seed in 0..20 {
        let (scenario, odds) = Scenario::draw(seed);
        let run = || World::new(&scenario, Some(odds), false).run();
        assert_eq!(run(), run());
    }
}

#[test]
fn what_struck_told_again_gives_the_same_run() {
    for seed in 0..40 {
        let (scenario, odds) = Scenario::draw(seed);
        let mut drawn = World::new(&scenario, Some(odds), false);
        let summary = drawn.run();
        let (_, told) = drawn.into_told();
        // A mishap that found nothing to befall is an event of the drawn run alone.
        let uncounted = |summary: Result<Summary, _>| summary.map(|one| Summary { events: 0, ..one });
        let again = World::new(&told, None, false).run();
        assert_eq!(uncounted(again), uncounted(summary), "seed {seed}");
    }
}

/// A stream and a batch on a cluster of this kind, stopped and begun again, and nothing else.
fn quiet(kind: Kind, seed: u64) -> Scenario {
    let (mut scenario, _) = Scenario::draw(seed);
    scenario.clusters = scenario.clusters.keys().take(1).map(|name| (name.clone(), kind)).collect();
    let cluster = scenario.clusters.keys().next().cloned();
    scenario.jobs.iter_mut().for_each(|job| job.cluster.clone_from(cluster.as_ref().unwrap()));
    scenario.mishaps.retain(|timed| matches!(timed.mishap, mishap::Mishap::Command(..)));
    scenario
}

/// One trouble at every place at which a quiet run comes by, one run each.
#[test]
fn one_trouble_at_every_step_and_message_does_no_harm() {
    let lanes = [Lane::Step, Lane::Write, Lane::Ack, Lane::Question, Lane::Answer, Lane::Call, Lane::Return];
    let troubles = |lane| match lane {
        Lane::Step => vec![
            Trouble::Crash { heir: 0, after: 100 },
            Trouble::Crash { heir: 1, after: 2_000 },
            Trouble::Pause(12_000),
        ],
        Lane::Call => vec![Trouble::Lost, Trouble::Late(9_000), Trouble::Twice(12_000), Trouble::Error],
        Lane::Write => vec![Trouble::Lost, Trouble::Late(9_000), Trouble::Twice(12_000)],
        _ => vec![Trouble::Lost, Trouble::Late(9_000)],
    };
    for (kind, lane) in Kind::ALL.into_iter().flat_map(|kind| lanes.map(|lane| (kind, lane))) {
        let scenario = quiet(kind, 11);
        for trouble in troubles(lane) {
            // As far as anything happens: everything has started, was stopped and has ended by then.
            for nth in 0..24 {
                let place = Place { owner: 0, lane, cluster: 0 };
                let strikes = vec![Strike { place, nth, trouble: trouble.clone() }];
                let struck = Scenario { strikes, ..scenario.clone() };
                if let Err(failure) = run(&struck, None) {
                    panic!("{kind:?}, {lane:?} {nth}: {trouble:?}\n{failure}");
                }
            }
        }
    }
}

/// What happens where two owners share shards, nothing goes wrong by itself, and each of them comes to this: the shards
/// that it gives back, when it does, and when the other has them.
fn handed_over(befalls: impl Fn(usize, u64) -> mishap::Mishap, reason: &str) -> Vec<(u64, Tick, Tick)> {
    let (scenario, _) = (0..).map(Scenario::draw).find(|(one, _)| one.team.is_some()).unwrap();
    let ttl = scenario.team.as_ref().unwrap().ttl;
    let run = |owner| {
        let mishaps = vec![Timed { at: 10_000, mishap: befalls(owner, ttl) }];
        let mut world = World::new(&Scenario { mishaps, ..scenario.clone() }, None, true);
        world.run().unwrap();
        let (lines, _) = world.into_told();
        let given = lines.iter().enumerate().filter_map(|(at, line)| {
            let shard = line.text.strip_prefix("gives shard ")?.strip_suffix(reason)?;
            let takes = |one: &&Line| one.text.starts_with(&format!("takes shard {shard} over"));
            let next = lines[at..].iter().find(takes).unwrap();
            assert_ne!(next.who, line.who);
            Some((ttl, line.at, next.at))
        });
        given.collect::<Vec<_>>()
    };
    (0..2).flat_map(run).collect()
}

#[test]
fn whoever_leaves_is_followed_before_a_lease_would_have_ended() {
    let over = handed_over(|owner, _| mishap::Mishap::Leave(owner), " back: it leaves");
    assert!(!over.is_empty());
    assert!(over.iter().all(|(ttl, given, taken)| *taken < given.after(ttl / 2)), "{over:?}");
}

#[test]
fn whoever_does_not_reach_the_store_for_two_ttls_is_followed() {
    let cut = |owner| mishap::Cut { owner, cluster: None, way: mishap::Way::Back };
    let over = handed_over(
        |owner, ttl| mishap::Mishap::Cut(cut(owner), ttl * 5),
        " back: the store does not answer",
    );
    assert!(!over.is_empty());
    assert!(
        over.iter().all(|(ttl, given, taken)| {
            *given > Tick(10_000 + 2 * ttl)
                && *given < Tick(10_000 + 3 * ttl)
                && *taken < given.after(ttl / 2)
        }),
        "{over:?}"
    );
}

/// Two owners of one shard, whose barrier is raised for these epochs in this order; they hear of it in an order of its own.
fn take_overs(raised: &[(usize, u64)], heard: &[(usize, u64)]) -> Result<(), witness::Violation> {
    let mut witness = witness::Witness::default();
    let shard = Shard::all().next();
    raised.iter().for_each(|(owner, epoch)| witness.raised(*owner, shard, Epoch(*epoch)));
    heard.iter().try_for_each(|(owner, epoch)| witness.epochs_rise(*owner, shard, Epoch(*epoch)))
}

#[test]
fn epochs_rise_as_barriers_are_raised_whenever_owners_hear_of_it() {
    assert_eq!(take_overs(&[(0, 1), (1, 3)], &[(0, 1), (1, 3)]), Ok(()));
    assert_eq!(take_overs(&[(0, 1), (1, 3)], &[(1, 3), (0, 1)]), Ok(()));
    // What its owner never heard of is no take-over.
    assert_eq!(take_overs(&[(0, 3), (1, 1)], &[(1, 1)]), Ok(()));
    let falls = |raised: &[_], heard: &[_]| take_overs(raised, heard).expect_err("epochs fall").detail;
    assert_eq!(falls(&[(0, 3), (1, 1)], &[(0, 3), (1, 1)]), "1 after 3");
    assert_eq!(falls(&[(0, 3), (1, 1)], &[(1, 1), (0, 3)]), "1 after 3");
    assert_eq!(falls(&[(0, 3), (1, 3)], &[(1, 3), (0, 3)]), "3 after 3");
    assert_eq!(falls(&[(0, 3)], &[(1, 3)]), "3 was entered, and no barrier was raised for it");
}

/// The epochs in which shards were taken over, in the order in which their owners heard of it.
fn epochs(lines: &[story::Line]) -> BTreeMap<String, Vec<u64>> {
    let mut epochs = BTreeMap::<_, Vec<_>>::new();
    for line in lines {
        let told =
            line.text.strip_prefix("takes shard ").and_then(|text| text.split_once(" over, in epoch "));
        if let Some((shard, epoch)) = told {
            epochs.entry(shard.to_owned()).or_default().push(epoch.parse().unwrap());
        }
    }
    epochs
}

#[test]
fn an_owner_that_hears_late_of_its_barrier_breaks_no_promise() {
    for seed in [303_170, 767_446] {
        let (mut scenario, odds) = Scenario::draw(seed);
        scenario.mishaps.retain(|timed| matches!(timed.mishap, mishap::Mishap::Command(..)));
        let mut world = World::new(&scenario, Some(odds), true);
        world.run().unwrap();
        let (lines, _) = world.into_told();
        let falls = epochs(&lines).values().any(|of_one| !of_one.is_sorted());
        assert!(falls, "seed {seed}: nobody hears late");
    }
}

#[test]
fn what_heals_a_node_is_a_seal_there() {
    let (seat, nonce, ttl) = (Slot::Seat(0), Nonce(7), std::time::Duration::from_secs(2));
    let mut server = Server::new(clock::Clock::default());
    let mark = server.life(Tick(0)).mark;
    let heals = Request::Heal(vec![(seat, nonce, Epoch(4))]);
    let reply = server.answer(&heals, Some(&mark), ttl, Tick(0));
    assert!(matches!(reply, Reply::Seals(seals) if seals[..] == [(seat, Seal::Sealed(Epoch(4)))]));
}

/// The scenarios that were kept, with their files' names.
fn saved() -> Vec<(String, Saved)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let saved = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().unwrap().to_string_lossy().into_owned(), saved)
    };
    files.map(read).collect()
}

#[test]
fn with_all_rules_every_scenario_that_was_kept_holds() {
    assert!(saved().len() >= 10);
    for (name, saved) in saved() {
        if let Err(failure) = run(&saved.scenario, None) {
            panic!("{name}: {}\n{failure}", saved.shows);
        }
    }
}

fn whole(bounds: &Bounds) -> exhaustive::Found {
    let found = search(bounds, 300_000);
    assert!(found.is_complete, "{bounds:?}: {found}");
    found
}

#[test]
fn small_worlds_are_safe_and_come_to_rest_whatever_the_order() {
    for (kind, mode) in Kind::ALL.into_iter().flat_map(|kind| [(kind, Mode::Stream), (kind, Mode::Batch)]) {
        // A crash beside the late request is searched by `tests/run`: it takes several times as long.
        let bounds = Bounds { crashes: 0, ..Bounds::small(kind, mode) };
        let found = whole(&bounds);
        assert!(found.violation.is_none(), "{bounds:?}: {found}");
        assert!(found.states > 2_000, "{bounds:?}: {found}");
    }
}

#[test]
fn two_owners_of_one_epoch_are_safe_and_come_to_rest() {
    for mode in [Mode::Stream, Mode::Batch] {
        let bounds = Bounds { crashes: 0, take_overs: 0, twins: 1, ..Bounds::small(Kind::Objects, mode) };
        let found = whole(&bounds);
        assert!(found.violation.is_none(), "{bounds:?}: {found}");
        assert!(found.states > 2_000, "{bounds:?}: {found}");
    }
}

#[cfg(feature = "faults")]
mod rules {
    use std::collections::BTreeSet;

    use windlass_compiler::model::Mode;

    use super::{Bounds, Kind, Scenario, run, saved, search, simulate};
    use crate::fault::{Rule, without};

    /// How many seeds may pass before the promise that a rule protects is seen broken.
    const WITHIN: u64 = 1_000;

    fn check(rule: Rule, promise: &str) {
        check_seeds(0..WITHIN, rule, promise);
    }

    /// The same where lease nodes give the lease.
    fn check_leases(rule: Rule, promise: &str) {
        let has_nodes = |seed: &u64| Scenario::draw(*seed).0.team.is_some();
        check_seeds((0..2 * WITHIN).filter(has_nodes), rule, promise);
    }

    fn check_seeds(seeds: impl Iterator<Item = u64>, rule: Rule, promise: &str) {
        let mut others = BTreeSet::new();
        for seed in seeds {
            match without(rule, || simulate(seed)) {
                Err(failure) if failure.violation.invariant.split(' ').next() == Some(promise) => return,
                Err(failure) => others.extend([failure.violation.invariant]),
                Ok(_) => {}
            }
        }
        panic!("{rule:?} is off, and {promise} holds; broken was {others:?}");
    }

    #[test]
    fn without_its_rule_a_scenario_that_was_kept_breaks_as_it_did() {
        for (name, saved) in saved() {
            let Some(off) = &saved.without else { continue };
            let known = Rule::ALL.into_iter().find(|(_, name)| name == off);
            let (rule, _) = known.unwrap_or_else(|| panic!("{name}: there is no rule {off}"));
            let failure = without(rule, || run(&saved.scenario, None)).expect_err(&name);
            assert_eq!(failure.violation.invariant, saved.breaks, "{name}");
            assert_eq!(failure.violation.detail, saved.how, "{name}");
            let story: Vec<String> = failure.story.iter().map(ToString::to_string).collect();
            assert_eq!(story, saved.story, "{name}: it tells another story by now");
        }
    }

    #[test]
    fn without_its_rule_a_small_world_is_not_safe() {
        let small = |kind| Bounds { crashes: 0, ..Bounds::small(kind, Mode::Stream) };
        for (rule, bounds, promise) in [
            (Rule::RecordedUid, Bounds { mishaps: 1, ..small(Kind::Objects) }, "I10"),
            (Rule::CreateOnly, small(Kind::Tokens), "I4"),
            (Rule::IdsBeforeCalls, small(Kind::Ids), "I6"),
            (Rule::BurnOnStop, small(Kind::Ids), "I6"),
            (Rule::GuardAtStart, small(Kind::Names), "I4"),
            (Rule::SilenceIsNotAbsence, Bounds { silences: 1, ..small(Kind::Objects) }, "I6"),
            // Absences that were seen under an earlier epoch end an attempt that was made meanwhile.
            (Rule::AskAnew, Bounds { crashes: 1, late: 0, take_overs: 2, ..small(Kind::Objects) }, "I6"),
            // Absences that were seen before it was made end an attempt that another owner of that epoch has made.
            (Rule::AskAnew, Bounds { take_overs: 0, twins: 1, ..small(Kind::Objects) }, "I6"),
        ] {
            let found = without(rule, || search(&bounds, 300_000));
            let (violation, _) = found.violation.unwrap_or_else(|| panic!("{rule:?} is not missed"));
            assert_eq!(violation.invariant.split(' ').next(), Some(promise), "{rule:?}");
        }
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
    fn without_create_only_a_submission_removes_an_end() {
        check(Rule::CreateOnly, "I11");
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
    fn where_silence_counts_as_absence_an_end_that_is_shown_is_lost() {
        let is_lost = |seed| {
            let failure = without(Rule::SilenceIsNotAbsence, || simulate(seed)).err();
            failure.is_some_and(|failure| failure.violation.detail.contains("is recorded as lost"))
        };
        assert!((0..WITHIN).any(is_lost));
    }

    #[test]
    fn without_the_last_intent_a_stopped_job_is_started() {
        check(Rule::LastIntentWins, "R9");
    }

    #[test]
    fn without_epochs_an_owner_that_was_replaced_writes() {
        check(Rule::Epochs, "I3");
    }

    #[test]
    fn without_the_sealing_round_tokens_do_not_rise() {
        check_leases(Rule::SealingRound, "I2");
    }

    #[test]
    fn without_a_barrier_of_its_own_a_loser_fences_out_the_holder() {
        check_leases(Rule::TwoKeys, "I2");
    }

    #[test]
    fn where_a_node_that_forgot_counts_at_once_two_hold_a_lease() {
        check_leases(Rule::AmnesiaWaitsATtl, "L1");
    }

    #[test]
    fn without_a_last_look_a_call_is_made_after_the_lease() {
        check_leases(Rule::NoEffectAfterTheLease, "I13");
    }

    #[test]
    fn without_a_last_look_a_call_is_made_without_a_majority() {
        check_leases(Rule::NoEffectAfterTheLease, "I14");
    }

    #[test]
    fn where_a_late_submission_counts_as_absent_two_run_at_once() {
        check(Rule::IdsBeforeCalls, "I5");
    }

    #[test]
    fn without_a_burn_a_late_submission_runs_after_its_stop() {
        check(Rule::BurnOnStop, "I6");
    }

    #[test]
    fn without_a_guard_a_name_starts_twice() {
        check(Rule::GuardAtStart, "I4");
    }

    #[test]
    fn without_memory_an_id_starts_twice() {
        check(Rule::IdsAreKept, "I4");
    }
}
