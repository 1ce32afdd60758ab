//! From selection expressions to recorded jobs and instances.

use std::collections::BTreeSet;

use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::operate::Target;

use super::args::SelectArgs;
use super::failure::Failure;
use super::select::{Expression, Subject, Universe};

/// The recorded jobs that are selected; an instance that is named with its time is meant alone.
pub fn targets(fleet: &Fleet, select: &[Expression], exclude: &[Expression]) -> Result<Vec<Target>, Failure> {
    let args = SelectArgs { select: select.to_vec(), exclude: exclude.to_vec() };
    let universe = universe(fleet);
    let selected = universe.select(&args)?;
    let jobs: BTreeSet<_> =
        selected.iter().filter(|one| one.instance.run.is_none()).map(|one| &one.instance.job).collect();
    let target = |subject: &&Subject| {
        let instance = subject.instance.run.is_some().then(|| subject.instance.clone());
        Target { job: subject.instance.job.clone(), instance }
    };
    // A glob that fits a job fits its instances as well; the job stands for them.
    let alone = |subject: &&&Subject| subject.instance.run.is_none() || !jobs.contains(&subject.instance.job);
    Ok(selected.iter().filter(alone).map(target).collect())
}

/// Everything recorded that can be selected: each job, and each instance of a batch.
pub fn universe(fleet: &Fleet) -> Universe {
    let belonging = || fleet.desired.values().filter(|desired| desired.goal.intent.belongs());
    let subject = |instance: Instance, spec: &windlass_compiler::model::Job| Subject {
        instance,
        cluster: spec.cluster.clone(),
        file: spec.origin.as_ref().map(|origin| origin.file.clone()),
        tags: spec.tags.clone(),
    };
    let jobs = belonging().map(|desired| subject(Instance::stream(desired.job().clone()), &desired.spec));
    let runs = fleet.runs.values().flat_map(|run| {
        run.instances().map(|(instance, bound)| subject(instance, &bound.spec)).collect::<Vec<_>>()
    });
    let edges = belonging().flat_map(|desired| {
        desired.spec.after.iter().map(|edge| (edge.job.clone(), desired.job().clone())).collect::<Vec<_>>()
    });
    Universe::new(jobs.chain(runs).collect(), edges)
}
