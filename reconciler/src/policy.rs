//! What an apply refuses, whoever confirms it.

use windlass_compiler::diff::{Changes, Effect, Kind};
use windlass_core::fleet::Fleet;

/// So many removals are done without asking for the number, unless they are all that there is.
const FREE_REMOVALS: usize = 3;

/// What a user has allowed.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// So many removals.
    pub destroy: Option<usize>,
    /// State loss of these jobs.
    pub state_loss: Vec<String>,
}

/// Why changes are refused, one sentence each; none if they are not.
pub fn refusals(fleet: &Fleet, changes: &Changes, allowed: &Allowed) -> Vec<String> {
    let mut reasons = Vec::new();
    for change in &changes.changes {
        if change.kind == Kind::Remove && change.protected {
            reasons.push(format!("{0} is protected; `windlass unprotect {0}` first", change.job));
        }
        let named = allowed.state_loss.iter().any(|job| *job == change.job.to_string());
        if change.effect == Effect::StateLoss && !named {
            reasons.push(format!("{0} would lose state; `--allow state-loss:{0}` allows it", change.job));
        }
        if change.effect == Effect::Refused {
            reasons
                .push(format!("{} cannot turn from stream to batch or back; give it a new name", change.job));
        }
    }
    reasons.extend(too_many(fleet, changes, allowed));
    reasons.extend(other_project(fleet, changes));
    reasons
}

fn too_many(fleet: &Fleet, changes: &Changes, allowed: &Allowed) -> Option<String> {
    let removals = changes.changes.iter().filter(|change| change.kind == Kind::Remove).count();
    let recorded = fleet.desired.values().filter(|desired| desired.goal.intent.belongs()).count();
    let many = removals > FREE_REMOVALS || (removals > 0 && removals == recorded);
    (many && allowed.destroy.is_none_or(|limit| removals > limit)).then(|| {
        format!("it would remove {removals} of {recorded} jobs; `--allow-destroy {removals}` allows it")
    })
}

/// Why changes are for another store, if they are: one holds one project in one environment, as long as anything of
/// that is left.
pub fn other_project(fleet: &Fleet, changes: &Changes) -> Option<String> {
    let project = fleet.project.as_ref()?;
    let here = |environment: Option<&windlass_compiler::name::Name>| {
        environment.map_or("no environment".to_owned(), |name| format!("environment {name}"))
    };
    if project.name != changes.project {
        return Some(format!("this store holds the project {}, not {}", project.name, changes.project));
    }
    (project.environment != changes.environment && !is_empty(fleet)).then(|| {
        format!(
            "this store holds {}, the plan is for {}; give each environment a store of its own (`--store`)",
            here(project.environment.as_ref()),
            here(changes.environment.as_ref())
        )
    })
}

/// Whether nothing belongs to the project, and nothing of it runs.
fn is_empty(fleet: &Fleet) -> bool {
    fleet.desired.values().all(|desired| !desired.goal.intent.belongs()) && fleet.active().is_empty()
}

#[cfg(test)]
mod tests {
    use windlass_compiler::diff::diff;
    use windlass_compiler::plan::Plan;
    use windlass_core::desired::Intent;
    use windlass_core::state::State;

    use super::*;
    use crate::cli::sample::Sample;

    /// What refuses a plan without jobs for an environment.
    fn check(sample: Sample, project: &str, environment: &str, refused: bool) {
        let plan = Plan::new(project.parse().unwrap(), environment.parse().ok(), []).unwrap();
        let changes = diff(&sample.fleet.recorded(), &plan);
        let reason = other_project(&sample.fleet, &changes);
        assert_eq!(reason.is_some(), refused, "{project} {environment}: {reason:?}");
    }

    #[test]
    fn a_store_holds_one_environment_as_long_as_anything_of_it_is_left() {
        let stream = || Sample::default().project().stream("p.s");
        let removed = |sample: Sample| sample.intent("p.s", Intent::Remove);
        check(stream(), "shop", "prod", false);
        check(stream(), "shop", "dev", true);
        check(removed(stream().running("p.s", "02:00:00")), "shop", "dev", true);
        check(removed(stream()).state("p.s", "02:00:00", State::Stopped, 1), "shop", "dev", false);
        check(removed(stream()).state("p.s", "02:00:00", State::Stopped, 1), "bakery", "prod", true);
    }
}
