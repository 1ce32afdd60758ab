//! Chance, place by place: how long each message takes and what goes wrong with it, drawn from a seed or told by a
//! scenario.
//!
//! What is drawn at one place depends on the seed, the place and how often it was come by, and on nothing else. So the
//! faults that struck in a drawn run, told again without the draw, give the same run, and fewer of them give one that
//! differs only by what they caused.

use std::collections::BTreeMap;

use windlass_compiler::model::Job;

use crate::sim::odds::Odds;
use crate::sim::place::{Lane, Place};
use crate::sim::random::Random;
use crate::sim::trouble::{Strike, Trouble};
use crate::sim::user::Command;

/// The latest that a message arrives.
pub const LATEST: u64 = 30_000;

/// The chances of one run.
#[derive(Debug)]
pub struct Luck {
    seed: u64,
    odds: Option<Odds>,
    told: BTreeMap<(Place, u64), Trouble>,
    counts: Vec<u64>,
    struck: Vec<Strike>,
    jobs: Vec<Job>,
}

/// What happens to one message, or at one step.
#[derive(Debug)]
pub struct Hap {
    /// How long it takes if nothing goes wrong.
    pub delay: u64,
    /// What goes wrong.
    pub trouble: Option<Trouble>,
}

impl Hap {
    /// How long a message takes that arrives once.
    pub fn arrival(&self) -> u64 {
        match self.trouble {
            Some(Trouble::Late(late)) => late,
            _ => self.delay,
        }
    }
}

impl Luck {
    /// The chances of a seed: what goes wrong is drawn by `odds`, or told.
    pub fn new(seed: u64, odds: Option<Odds>, told: &[Strike], jobs: &[Job]) -> Self {
        let told = told.iter().map(|strike| ((strike.place, strike.nth), strike.trouble.clone())).collect();
        Self { seed, odds, told, counts: Vec::new(), struck: Vec::new(), jobs: jobs.to_vec() }
    }

    /// What went wrong so far, place by place.
    pub fn into_struck(self) -> Vec<Strike> {
        self.struck
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.odds = None;
        self.told.clear();
    }

    /// Comes by a place.
    pub fn at(&mut self, place: Place) -> Hap {
        let index = index(place);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        let nth = self.counts[index];
        self.counts[index] += 1;
        let mut random = Random::at(self.seed, index as u64 + 1, nth);
        let delay = random.between(1, 30);
        let trouble = match &self.odds {
            Some(odds) => draw(&mut random, odds, place.lane, &self.jobs),
            None => self.told.get(&(place, nth)).cloned(),
        };
        if let (Some(trouble), true) = (&trouble, self.odds.is_some()) {
            self.struck.push(Strike { place, nth, trouble: trouble.clone() });
        }
        Hap { delay, trouble }
    }
}

/// Steps of two owners and messages of all clusters, numbered; then those of lease nodes and of what rests on leases.
/// What a number stands for never changes: all that a seed draws hangs on it.
fn index(place: Place) -> usize {
    const OF_CLUSTERS: usize = 7;
    const CLUSTERS: usize = 32;
    const OF_LEASES: usize = 5;
    let (lane, pair) = (place.lane as usize, place.cluster * 2 + place.owner);
    match lane.checked_sub(OF_CLUSTERS) {
        None => pair * OF_CLUSTERS + lane,
        Some(lane) => CLUSTERS * 2 * OF_CLUSTERS + pair * OF_LEASES + lane,
    }
}

fn draw(random: &mut Random, odds: &Odds, lane: Lane, jobs: &[Job]) -> Option<Trouble> {
    match lane {
        Lane::Step => step(random, odds, jobs),
        Lane::Call => message(random, odds, odds.repeated).or_else(|| call(random, odds)),
        Lane::Write | Lane::Lease => message(random, odds, odds.repeated),
        Lane::Ack | Lane::Question | Lane::Answer | Lane::Return => message(random, odds, 0),
        Lane::Leased | Lane::Raise | Lane::Raised => message(random, odds, 0),
        Lane::Begin => pause(random, odds),
    }
}

fn step(random: &mut Random, odds: &Odds, jobs: &[Job]) -> Option<Trouble> {
    if random.chance(odds.crash) {
        let heir = usize::try_from(random.below(2)).unwrap_or(0);
        return Some(Trouble::Crash { heir, after: random.between(50, 5_000) });
    }
    if let Some(pause) = pause(random, odds) {
        return Some(pause);
    }
    if random.chance(odds.command) {
        return Some(Trouble::Command(Command::any(random, jobs)));
    }
    random.chance(odds.stale).then_some(Trouble::Stale)
}

fn pause(random: &mut Random, odds: &Odds) -> Option<Trouble> {
    random.chance(odds.pause).then(|| Trouble::Pause(random.between(100, 20_000)))
}

fn message(random: &mut Random, odds: &Odds, repeated: u64) -> Option<Trouble> {
    if random.chance(odds.lost) {
        return Some(Trouble::Lost);
    }
    if random.chance(odds.late) {
        let at_most = *random.pick(&[300, 4000, LATEST]).unwrap_or(&LATEST);
        return Some(Trouble::Late(random.between(30, at_most)));
    }
    random.chance(repeated).then(|| Trouble::Twice(random.between(30, LATEST)))
}

fn call(random: &mut Random, odds: &Odds) -> Option<Trouble> {
    if random.chance(odds.error) {
        return Some(Trouble::Error);
    }
    random.chance(odds.repeated / 4).then(|| Trouble::Anew(random.between(1, 60)))
}
