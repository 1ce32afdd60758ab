//! Simulates many seeds and counts what was broken.
//!
//! `simulate RUNS [FIRST-SEED]` counts; one run that breaks something tells its story.
//! `simulate RUNS FIRST-SEED without RULE PROMISE FILE SHOWS` looks for seeds that break a promise (`I5`)
//! without a rule (`none`: with all of them), and saves the shortest scenario of the first of them. Needs the feature `faults`.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

#[cfg(feature = "faults")]
use windlass_core::sim::Failure;
use windlass_core::sim::simulate;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|text| text.parse().ok());
    let (runs, first) = (number(0).unwrap_or(10_000), number(1).unwrap_or(0));
    match args.get(2..) {
        Some([word, rule, promise, file, shows]) if word == "without" => {
            save(first..first + runs, rule, promise, file, shows)
        }
        _ => count(first..first + runs),
    }
}

/// Counts; fails if a promise was broken that is not known to be.
fn count(seeds: std::ops::Range<u64>) -> ExitCode {
    let (began, runs, first) = (Instant::now(), seeds.end - seeds.start, seeds.start);
    let mut tally: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let (mut events, mut starts, mut commands, mut take_overs, mut repeated) = (0, 0, 0, 0, 0);
    let mut code = ExitCode::SUCCESS;
    for seed in seeds {
        let broken = match simulate(seed) {
            Ok(summary) => {
                events += summary.events;
                starts += summary.starts;
                commands += summary.commands;
                take_overs += summary.take_overs;
                repeated += summary.repeated;
                summary.is_excepted.then(|| "excepted: nothing was left of an attempt".to_owned())
            }
            Err(failure) => {
                code = ExitCode::FAILURE;
                if runs == 1 {
                    println!("{failure}");
                }
                Some(failure.violation.invariant.to_owned())
            }
        };
        if let Some(broken) = broken {
            tally.entry(broken).or_insert((0, seed)).0 += 1;
        }
    }
    let took = began.elapsed();
    println!(
        "{runs} runs from seed {first}: {events} events, {starts} starts, {commands} commands, \
         {take_overs} shards taken over, \
         {repeated} in an epoch that had been, {took:.1?}"
    );
    for (broken, (times, seed)) in tally {
        println!("{times:>6} × {broken}, first with seed {seed}");
    }
    code
}

/// The shortest story of so many is saved.
#[cfg(feature = "faults")]
const CHOICE: usize = 25;

#[cfg(feature = "faults")]
fn save(seeds: std::ops::Range<u64>, rule: &str, promise: &str, file: &str, shows: &str) -> ExitCode {
    use windlass_core::fault::{Rule, without};
    use windlass_core::sim::saved::Saved;

    let off = Rule::ALL.into_iter().find(|(_, name)| *name == rule).map(|(rule, _)| rule);
    let shorten = |failure: Box<Failure>| Saved::of(&failure, off.map(|_| rule.to_owned()), shows);
    let find = || {
        let found = seeds.clone().filter_map(|seed| breaks(seed, promise)).take(CHOICE);
        found.map(shorten).min_by_key(|saved| saved.story.len())
    };
    let saved = match off {
        Some(off) => without(off, find),
        None => find(),
    };
    match saved {
        Some(saved) => {
            for line in &saved.story {
                println!("{line}");
            }
            println!("{}: {}", saved.breaks, saved.how);
            std::fs::write(file, saved.to_text()).expect("the file can be written");
        }
        None => {
            println!("{promise} holds without {rule}, from seed {} to {}", seeds.start, seeds.end);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(feature = "faults"))]
fn save(_: std::ops::Range<u64>, _: &str, _: &str, _: &str, _: &str) -> ExitCode {
    println!("this build has no switches: build it with --features faults");
    ExitCode::FAILURE
}

#[cfg(feature = "faults")]
fn breaks(seed: u64, promise: &str) -> Option<Box<Failure>> {
    let failure = simulate(seed).err()?;
    let number = failure.violation.invariant.split(' ').next();
    (number == Some(promise)).then_some(failure)
}
