//! Everything that a run depends on: a project, clusters, clocks, and all that goes wrong. The same scenario gives the
//! same run, event by event.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_compiler::model::Job;
use windlass_compiler::name::{JobId, Name};

use crate::sim::kind::Kind;
use crate::sim::lease::{NODES, Team};
use crate::sim::mishap::{self, Mishap, Timed};
use crate::sim::odds::Odds;
use crate::sim::project;
use crate::sim::random::Random;
use crate::sim::trouble::Strike;

/// When everything heals, unless a scenario says otherwise.
pub const CALM: u64 = 40_000;

/// A world before anything has happened, and what will go wrong in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Decides everything that is left to chance: how long messages and jobs take.
    pub seed: u64,
    /// The clusters.
    pub clusters: IndexMap<Name, Kind>,
    /// The jobs that are applied first.
    pub jobs: Vec<Job>,
    /// How much faster than the world each owner's wall clock goes, in millionths.
    #[serde(default, skip_serializing_if = "is_even")]
    pub drift: [i64; 2],
    /// The lease nodes; none where the lease is given at will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
    /// When it begins, in milliseconds; all times count from the same moment.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub begins: u64,
    /// When everything heals: the clocks, the ways, the clusters. After that one owner is left.
    pub calm: u64,
    /// How long jobs take and how often they fail, where chance does not decide it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lives: BTreeMap<JobId, Life>,
    /// What befalls the world at times of its own, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mishaps: Vec<Timed>,
    /// What goes wrong at single messages and steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strikes: Vec<Strike>,
}

/// How a job's attempts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// How long an attempt takes, in milliseconds; none for one that does not end by itself.
    pub takes: Option<u64>,
    /// How many attempts fail before one succeeds.
    pub fails: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_even(drift: &[i64; 2]) -> bool {
    *drift == [0, 0]
}

/// At most one in a hundred, which is what a lease allows for.
fn drift(random: &mut Random) -> i64 {
    i64::try_from(random.below(20_001)).unwrap_or(0) - 10_000
}

const DRAFT: u64 = 0x5EED;
const TEAM: u64 = 0x7EA3;
/// The place of the mishaps of a run; each is drawn at its time.
pub const MISHAPS: u64 = 0x0F47E;

/// The lease nodes of a seed: one in three has some. They are drawn by themselves, so that the others stay what they were.
fn team(seed: u64) -> Option<Team> {
    let mut random = Random::at(seed, TEAM, 0);
    random.chance(333).then(|| Team::draw(&mut random))
}

/// Replicas are updated one by one, or all at once.
fn leaves(random: &mut Random) -> Vec<Timed> {
    let leave = |random: &mut Random| {
        let owner = usize::try_from(random.below(2)).unwrap_or(0);
        Timed { at: random.below(CALM), mishap: Mishap::Leave(owner) }
    };
    (0..random.below(3)).map(|_| leave(random)).collect()
}

/// Now and then the store goes back and all nodes are emptied: nothing is left that tells of the last epochs.
fn amnesia(random: &mut Random) -> Vec<Timed> {
    if !random.chance(40) {
        return Vec::new();
    }
    let at = random.between(5_000, CALM - 2_000);
    let nodes = (0..NODES).map(|node| Mishap::Forget(node, true));
    let rollback = Mishap::Rollback(random.between(100, 8_000));
    nodes.chain([rollback]).map(|mishap| Timed { at, mishap }).collect()
}

impl Scenario {
    /// The scenario of a seed, and the odds that draw the rest of it while it runs.
    pub fn draw(seed: u64) -> (Self, Odds) {
        let mut random = Random::at(seed, DRAFT, 0);
        let clusters = project::clusters(&mut random);
        let mut jobs = project::jobs(&mut random, &clusters);
        if team(seed).is_some() {
            project::more(&mut Random::at(seed, TEAM, 1), &mut jobs);
        }
        Self::around(seed, clusters, jobs)
    }

    /// The same for jobs and clusters that are given.
    pub fn around(seed: u64, clusters: IndexMap<Name, Kind>, jobs: Vec<Job>) -> (Self, Odds) {
        let mut random = Random::at(seed, DRAFT, 1);
        let odds = Odds::draw(&mut random);
        let drift = [drift(&mut random), drift(&mut random)];
        let mut mishaps: Vec<Timed> = (0..odds.commands)
            .map(|_| Timed {
                at: random.between(100, CALM - 5_000),
                mishap: mishap::command(&mut random, &jobs),
            })
            .collect();
        for _ in 0..odds.rollbacks {
            let at = random.between(5_000, CALM - 2_000);
            let oblivion = random.chance(300).then_some(Mishap::Oblivion);
            let rollback = Mishap::Rollback(random.between(100, 4_000));
            mishaps.extend(oblivion.into_iter().chain([rollback]).map(|mishap| Timed { at, mishap }));
        }
        if team(seed).is_some() {
            mishaps.extend(leaves(&mut Random::at(seed, TEAM, 2)));
            mishaps.extend(amnesia(&mut Random::at(seed, TEAM, 3)));
        }
        let scenario = Self {
            seed,
            clusters,
            jobs,
            drift,
            team: team(seed),
            begins: 0,
            calm: CALM,
            lives: BTreeMap::new(),
            mishaps,
            strikes: Vec::new(),
        };
        (scenario, odds)
    }

    /// Whether the store goes back in time, so that its past has to be kept.
    pub fn goes_back(&self) -> bool {
        self.mishaps.iter().any(|timed| matches!(timed.mishap, Mishap::Rollback(_)))
    }
}
