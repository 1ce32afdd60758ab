//! Many runs of the user's jobs, each with the faults of its seed, and what broke in them.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::Serialize;
use windlass_compiler::escape::{self, visible};
use windlass_compiler::model::{Job, Model};
use windlass_compiler::name::Name;
use windlass_compiler::style::Style;
use windlass_core::sim::kind::Kind;
use windlass_core::sim::saved::Saved;
use windlass_core::sim::scenario::Scenario;
use windlass_core::sim::story::Line;
use windlass_core::sim::witness::Violation;
use windlass_core::sim::world::{BOUND, World};
use windlass_core::sim::{Failure, rehearsal};

use super::super::paint::{Tone, paint};
use super::report::{Entry, entries, lines};

/// So many broken runs are told; the others are counted.
const TOLD: usize = 3;
/// No job is given longer than this to come to rest.
const LONGEST: u64 = 30 * 86_400_000;

/// What came of the runs.
pub(super) struct Found {
    runs: u64,
    seed: u64,
    events: u64,
    starts: u64,
    commands: u64,
    /// Runs in which an exception was made: see [`windlass_core::sim::Summary::is_excepted`].
    excepted: u64,
    pub(super) broken: Vec<Broken>,
}

/// A run that broke a promise.
pub(super) struct Broken {
    seed: u64,
    violation: Violation,
    /// The shortest story of it, for the first few.
    story: Option<Vec<Line>>,
}

/// Lets the jobs run on clusters of every kind, under whatever the seeds bring.
pub(super) fn search(model: &Model, jobs: &[Job], seed: u64, runs: u64) -> Found {
    let mut found = Found { runs, seed, events: 0, starts: 0, commands: 0, excepted: 0, broken: Vec::new() };
    for seed in seed..seed.saturating_add(runs) {
        let (scenario, odds) = Scenario::around(seed, clusters(model, seed), jobs.to_vec());
        let mut world = World::new(&scenario, Some(odds), false);
        world.give(bound(jobs));
        match world.run() {
            Ok(summary) => {
                found.events += summary.events;
                found.starts += summary.starts;
                found.commands += summary.commands;
                found.excepted += u64::from(summary.is_excepted);
            }
            Err(violation) => {
                let story = (found.broken.len() < TOLD).then(|| shortest(world, &violation));
                found.broken.push(Broken { seed, violation, story });
            }
        }
    }
    found
}

/// Every seed gives each cluster a kind.
fn clusters(model: &Model, seed: u64) -> IndexMap<Name, Kind> {
    let kinds = Kind::ALL.iter().cycle().skip(usize::try_from(seed % 4).unwrap_or(0));
    model.clusters.keys().cloned().zip(kinds.copied()).collect()
}

/// How long the jobs may take to come to rest: all of their retries, with the longest pauses.
fn bound(jobs: &[Job]) -> u64 {
    let one = |job: &Job| {
        let pause = job.retry.backoff.max.as_millis().saturating_add(60_000);
        pause.saturating_mul(u64::from(job.retry.attempts).saturating_add(1))
    };
    jobs.iter().fold(BOUND, |sum, job| sum.saturating_add(one(job))).min(LONGEST)
}

fn shortest(world: World, violation: &Violation) -> Vec<Line> {
    let (story, scenario) = world.into_told();
    let failure = Failure { scenario, violation: violation.clone(), story };
    let saved = Saved::of(&failure, None, "");
    rehearsal::tell(&saved.scenario)
}

impl Found {
    /// For people.
    pub(super) fn text(&self, full: bool, style: &Style) -> String {
        let mut text = String::new();
        for one in self.broken.iter().filter(|one| one.story.is_some()) {
            text += &lines(one.story.as_deref().unwrap_or_default(), full, style);
            let word = paint(style, Tone::Bad, &format!("seed {}", one.seed));
            let (promise, how) = (one.violation.invariant, visible(&one.violation.detail));
            writeln!(text, "{word}: {promise}: {how}\n").expect("a string takes all text");
        }
        let seeds: Vec<String> = self.broken.iter().map(|one| one.seed.to_string()).collect();
        let verdict = if seeds.is_empty() {
            paint(style, Tone::Good, "every promise held")
        } else {
            paint(style, Tone::Bad, &format!("promises were broken with the seeds {}", seeds.join(", ")))
        };
        let (first, last) = (self.seed, self.seed + self.runs.saturating_sub(1));
        let Self { events, starts, commands, runs, .. } = self;
        writeln!(
            text,
            "{runs} runs, seeds {first} to {last}: {events} events, {commands} commands, {starts} starts"
        )
        .expect("a string takes all text");
        if self.excepted > 0 {
            let gone =
                "the store and everybody who had read it went, and the number of an attempt was used again";
            writeln!(text, "in {} of them {gone}", self.excepted).expect("a string takes all text");
        }
        text + &verdict + "\n"
    }

    /// The same as JSON.
    pub(super) fn json(&self, full: bool) -> String {
        let document = Document {
            runs: self.runs,
            first_seed: self.seed,
            events: self.events,
            commands: self.commands,
            starts: self.starts,
            excepted: self.excepted,
            broken: self.broken.iter().map(|broken| broken.entry(full)).collect(),
        };
        escape::json(&document)
    }
}

impl Broken {
    fn entry(&self, full: bool) -> One<'_> {
        One {
            seed: self.seed,
            promise: self.violation.invariant,
            how: &self.violation.detail,
            story: entries(self.story.as_deref().unwrap_or_default(), full),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    runs: u64,
    first_seed: u64,
    events: u64,
    commands: u64,
    starts: u64,
    excepted: u64,
    broken: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    seed: u64,
    promise: &'a str,
    how: &'a str,
    story: Vec<Entry<'a>>,
}
