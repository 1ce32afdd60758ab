//! A failing scenario with all that is not needed for its failure left out: the story that a person reads.

use windlass_compiler::model::Job;
use windlass_compiler::units::Duration;

use crate::sim::mishap::Mishap;
use crate::sim::scenario::Scenario;
use crate::sim::world::World;

/// The smallest scenario found that breaks the same promise. It is the same one if nothing can be left out.
pub fn shrink(scenario: &Scenario, promise: &str) -> Scenario {
    let mut smallest = scenario.clone();
    loop {
        let before = size(&smallest);
        leave_out(&mut smallest, promise, |one| &mut one.mishaps);
        leave_out(&mut smallest, promise, |one| &mut one.strikes);
        drop_jobs(&mut smallest, promise);
        for change in [plain_jobs, even_clocks, one_cluster, without_lives, at_will] {
            try_change(&mut smallest, promise, change);
        }
        if size(&smallest) == before {
            return smallest;
        }
    }
}

fn size(scenario: &Scenario) -> usize {
    scenario.mishaps.len() + scenario.strikes.len() + scenario.jobs.len() + scenario.clusters.len()
}

fn breaks(scenario: &Scenario, promise: &str) -> bool {
    World::new(scenario, None, false).run().is_err_and(|violation| violation.invariant == promise)
}

fn try_change(scenario: &mut Scenario, promise: &str, change: fn(&mut Scenario)) -> bool {
    let mut changed = scenario.clone();
    change(&mut changed);
    let better = changed != *scenario && breaks(&changed, promise);
    if better {
        *scenario = changed;
    }
    better
}

/// Leaves out halves, then quarters, and so on down to single entries.
fn leave_out<T: Clone>(scenario: &mut Scenario, promise: &str, list: fn(&mut Scenario) -> &mut Vec<T>) {
    let mut chunk = list(scenario).len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < list(scenario).len() {
            let mut fewer = scenario.clone();
            let to = (from + chunk).min(list(&mut fewer).len());
            list(&mut fewer).drain(from..to);
            if breaks(&fewer, promise) {
                *scenario = fewer;
            } else {
                from = to;
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
}

fn drop_jobs(scenario: &mut Scenario, promise: &str) {
    let ids: Vec<_> = scenario.jobs.iter().map(|job| job.id.clone()).collect();
    for id in ids.iter().rev() {
        let mut fewer = scenario.clone();
        fewer.jobs.retain(|job| job.id != *id);
        fewer.jobs.iter_mut().for_each(|job| job.after.retain(|edge| edge.job != *id));
        if !fewer.jobs.is_empty() && breaks(&fewer, promise) {
            *scenario = fewer;
        }
    }
}

fn plain_jobs(scenario: &mut Scenario) {
    let plain = |job: &mut Job| {
        job.timeout = None;
        job.retry.within = None;
        job.retry.backoff.min = Duration::from_millis(0);
    };
    scenario.jobs.iter_mut().for_each(plain);
}

fn even_clocks(scenario: &mut Scenario) {
    scenario.drift = [0, 0];
    if let Some(team) = &mut scenario.team {
        (team.hosts, team.nodes) = Default::default();
    }
}

/// The lease is given at will: where that breaks the same, nodes have nothing to do with it.
fn at_will(scenario: &mut Scenario) {
    scenario.team = None;
}

fn without_lives(scenario: &mut Scenario) {
    scenario.lives.clear();
}

/// The last cluster goes, where nothing is said of it.
fn one_cluster(scenario: &mut Scenario) {
    let last = scenario.clusters.len() - 1;
    let name = scenario.clusters.get_index(last).map(|(name, _)| name.clone());
    let used = scenario.jobs.iter().any(|job| Some(&job.cluster) == name.as_ref())
        || scenario
            .strikes
            .iter()
            .any(|strike| !strike.place.lane.is_of_a_node() && strike.place.cluster == last)
        || scenario.mishaps.iter().any(|timed| is_about(&timed.mishap, last));
    if last > 0 && !used {
        scenario.clusters.pop();
    }
}

fn is_about(mishap: &Mishap, cluster: usize) -> bool {
    match mishap {
        Mishap::Delete(one, _)
        | Mishap::Vanish(one, _)
        | Mishap::Fail(one, _)
        | Mishap::Impair(one, _)
        | Mishap::Collect(one)
        | Mishap::Restart(one)
        | Mishap::Silence(one, _) => *one == cluster,
        Mishap::Cut(cut, _) => cut.cluster == Some(cluster),
        Mishap::Harm(..)
        | Mishap::StoreAway(_)
        | Mishap::Jump(..)
        | Mishap::Crash(_)
        | Mishap::Leave(_)
        | Mishap::Pause(..)
        | Mishap::Rise(_)
        | Mishap::Rollback(_)
        | Mishap::Forget(..)
        | Mishap::Hang(..)
        | Mishap::Shift(..)
        | Mishap::Part(..)
        | Mishap::Oblivion
        | Mishap::Command(..) => false,
    }
}
