//! From selection expressions to recorded jobs and instances.

use std::collections::BTreeSet;

use windlass_core::desired::Desired;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::operate::Target;
use windlass_core::spec::Spec;

use super::args::SelectArgs;
use super::named::Named;
use super::select::{Expression, NoMatch, Subject, Universe};

/// The recorded jobs that are selected; an instance that is named with its time is meant alone.
pub fn targets(fleet: &Fleet, select: &SelectArgs) -> Result<Vec<Target>, NoMatch> {
    of_universe(&universe(fleet, |desired| desired.goal.intent.belongs()), select)
}

/// Which instances a command shows, of all that was ever recorded.
#[derive(Debug, Clone)]
pub struct Scope {
    /// All without it.
    only: Option<Vec<Target>>,
    without: Vec<Target>,
}

impl Scope {
    /// What is selected, removed jobs included.
    pub fn of(fleet: &Fleet, select: &SelectArgs) -> Result<Self, NoMatch> {
        let universe = universe(fleet, |_| true);
        let all = |expressions: &[Expression]| match expressions {
            [] => Ok(None),
            some => of_universe(&universe, &SelectArgs::default().with(some)).map(Some),
        };
        Ok(Self { only: all(&select.select)?, without: all(&select.exclude)?.unwrap_or_default() })
    }

    /// This one as well.
    #[must_use]
    pub fn with(mut self, named: Named) -> Self {
        let target = match named {
            Named::Job(job) => Target { job, instance: None },
            Named::Instance(instance) => Target { job: instance.job.clone(), instance: Some(instance) },
        };
        self.only.get_or_insert_default().push(target);
        self
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.only.is_none() && self.without.is_empty()
    }

    /// Whether an instance is shown.
    pub fn holds(&self, instance: &Instance) -> bool {
        let any = |targets: &[Target]| targets.iter().any(|target| covers(target, instance));
        self.only.as_deref().is_none_or(any) && !any(&self.without)
    }

    /// Whether what is written about a subject is shown. What is about no job is shown where everything is.
    pub fn holds_subject(&self, subject: &str) -> bool {
        subject.parse().map_or(self.only.is_none(), |instance| self.holds(&instance))
    }
}

fn covers(target: &Target, instance: &Instance) -> bool {
    target.instance.as_ref().map_or(target.job == instance.job, |one| one == instance)
}

fn of_universe(universe: &Universe, select: &SelectArgs) -> Result<Vec<Target>, NoMatch> {
    let selected = universe.select(select)?;
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

/// What can be selected of what is recorded: each of these jobs, and each instance of a batch.
fn universe(fleet: &Fleet, counts: fn(&Desired) -> bool) -> Universe {
    let counting = || fleet.desired.values().filter(|desired| counts(desired));
    let subject = |instance: Instance, spec: &Spec| Subject { instance, ..Subject::of_job(&spec.job()) };
    let jobs = counting().map(|desired| subject(Instance::stream(desired.job().clone()), &desired.spec));
    let runs = fleet.runs.values().flat_map(|run| {
        run.instances().map(|(instance, bound)| subject(instance, &bound.spec)).collect::<Vec<_>>()
    });
    let edges = counting().flat_map(|desired| {
        desired.spec.after.iter().map(|edge| (edge.job.clone(), desired.job().clone())).collect::<Vec<_>>()
    });
    Universe::new(jobs.chain(runs).collect(), edges)
}

#[cfg(test)]
mod tests {
    use windlass_core::desired::Intent;

    use super::*;
    use crate::cli::sample::Sample;

    /// A stream that was removed, one that was not, and a batch in two runs.
    fn fleet() -> Fleet {
        let sample = Sample::default().stream("orders.ingest").stream("orders.totals");
        let sample = sample.batch("orders.settle", "2026-11-22T02:00Z");
        let sample = sample.batch("orders.settle", "2026-11-23T02:00Z");
        sample.intent("orders.ingest", Intent::Remove).fleet
    }

    /// `line` holds expressions; those behind `!` exclude.
    fn args(line: &str) -> SelectArgs {
        let (exclude, select): (Vec<&str>, Vec<&str>) =
            line.split_whitespace().partition(|word| word.starts_with('!'));
        let parse = |word: &str| word.trim_start_matches('!').parse().unwrap();
        let select = select.into_iter().map(parse).collect();
        SelectArgs { select, exclude: exclude.into_iter().map(parse).collect() }
    }

    #[test]
    fn a_scope_shows_what_is_selected_and_was_ever_recorded() {
        let subjects =
            ["orders.ingest", "orders.totals", "orders.settle", "orders.settle@2026-11-22T02:00Z", "-"];
        for (line, expected) in [
            ("", "orders.ingest orders.totals orders.settle orders.settle@2026-11-22T02:00Z -"),
            ("orders.ingest", "orders.ingest"),
            ("orders.settle", "orders.settle orders.settle@2026-11-22T02:00Z"),
            ("orders.settle@2026-11-22T02:00Z", "orders.settle@2026-11-22T02:00Z"),
            ("orders.settle@2026-11-23T02:00Z", ""),
            ("!orders.settle@2026-11-22T02:00Z", "orders.ingest orders.totals orders.settle -"),
            ("orders !orders.settle !orders.ingest", "orders.totals"),
        ] {
            let scope = Scope::of(&fleet(), &args(line)).unwrap();
            let held: Vec<_> = subjects.into_iter().filter(|subject| scope.holds_subject(subject)).collect();
            assert_eq!(held.join(" "), expected, "{line}");
        }
        assert!(Scope::of(&fleet(), &args("nothing")).is_err());
    }

    #[test]
    fn only_what_belongs_is_a_target() {
        let names = |line: &str| {
            let targets = targets(&fleet(), &args(line)).unwrap().into_iter();
            let name = |one: Target| one.instance.map_or_else(|| one.job.to_string(), |one| one.to_string());
            targets.map(name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("orders"), "orders.settle orders.totals");
        assert_eq!(names("!orders.settle"), "orders.totals");
        assert!(targets(&fleet(), &args("orders.ingest")).is_err());
    }
}
