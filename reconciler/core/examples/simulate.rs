//! Simulates many seeds and counts what was broken: `simulate [RUNS] [FIRST SEED]`.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::collections::BTreeMap;
use std::time::Instant;

use windlass_core::sim::simulate;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let (runs, first) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(0));
    let began = Instant::now();
    let mut tally: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let (mut events, mut starts, mut commands) = (0, 0, 0);
    for seed in first..first + runs {
        let broken = match simulate(seed) {
            Ok(summary) => {
                events += summary.events;
                starts += summary.starts;
                commands += summary.commands;
                summary.excepted.map(|invariant| format!("known, after a rollback: {invariant}"))
            }
            Err(failure) => {
                let gone_back = if failure.scenario.goes_back() { " (rollback)" } else { "" };
                Some(format!("{}{gone_back}", failure.violation.invariant))
            }
        };
        if let Some(broken) = broken {
            tally.entry(broken).or_insert((0, seed)).0 += 1;
        }
    }
    let took = began.elapsed();
    println!("{runs} runs from seed {first}: {events} events, {starts} starts, {commands} commands, {took:.1?}");
    for (broken, (times, seed)) in tally {
        println!("{times:>6} × {broken}, first with seed {seed}");
    }
}
