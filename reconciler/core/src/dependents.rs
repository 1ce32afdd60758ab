//! What a change of a record may change the decisions of: the one place that says on which records a decision rests.
//!
//! A decision ([`Fleet::decide`]) rests on what is wanted of its instance (its job's desired state, and its run), on its
//! status, and on the same three of each instance that it waits for. The end of a run rests on its instances, and what is
//! swept from a cluster on the records of its instance. Too many are told rather than one too few.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use windlass_compiler::name::JobId;

use crate::fleet::Fleet;
use crate::id::{Instance, RunId};
use crate::run::Run;
use crate::spec::Spec;

/// A record that was read or written, by what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touched {
    /// The status of an instance.
    Status(Instance),
    /// The desired state of a job.
    Desired(JobId),
    /// A run.
    Run(RunId),
}

/// Which jobs wait for which, and which runs go on.
#[derive(Debug, Default)]
pub struct Dependents {
    /// The jobs that wait for a job, or did in a spec that was replaced since all records were read.
    downstream: BTreeMap<JobId, Vec<JobId>>,
    open: BTreeSet<RunId>,
}

impl Dependents {
    /// Those of a fleet.
    pub fn of(fleet: &Fleet) -> Self {
        let mut dependents = Self::default();
        fleet.desired.values().for_each(|desired| dependents.learn(&desired.spec));
        fleet.runs.values().for_each(|run| dependents.follow(run));
        dependents
    }

    /// The runs that go on.
    pub fn open(&self) -> &BTreeSet<RunId> {
        &self.open
    }

    /// Takes in that a record of the fleet has changed. Returns the instances that may be decided otherwise than before.
    pub fn touch(&mut self, fleet: &Fleet, touched: &Touched) -> BTreeSet<Instance> {
        let mut found = BTreeSet::new();
        match touched {
            Touched::Status(instance) => {
                self.add_waiting(fleet, instance, &mut found);
                found.insert(instance.clone());
            }
            Touched::Desired(job) => {
                fleet.desired.get(job).into_iter().for_each(|desired| self.learn(&desired.spec));
                found.extend(self.instances(fleet, job));
                self.add_downstream(fleet, job, &mut found);
            }
            Touched::Run(id) => {
                let Some(run) = fleet.runs.get(id) else { return found };
                self.follow(run);
                for (instance, _) in run.instances() {
                    self.add_waiting(fleet, &instance, &mut found);
                    found.insert(instance);
                }
            }
        }
        found
    }

    fn learn(&mut self, spec: &Spec) {
        for edge in &spec.after {
            let waiting = self.downstream.entry(edge.job.clone()).or_default();
            if let Err(place) = waiting.binary_search(&spec.id) {
                waiting.insert(place, spec.id.clone());
            }
        }
    }

    fn follow(&mut self, run: &Run) {
        if run.ended.is_some() {
            self.open.remove(&run.id);
            return;
        }
        run.jobs.values().for_each(|bound| self.learn(&bound.spec));
        self.open.insert(run.id.clone());
    }

    /// Adds what waits for an instance: what is of the same logical time, and, where it is the latest one of its job,
    /// whatever has none of its own time ([`Fleet::upstream`]).
    fn add_waiting(&self, fleet: &Fleet, instance: &Instance, found: &mut BTreeSet<Instance>) {
        let Some(waiting) = self.downstream.get(&instance.job) else { return };
        if fleet.latest(&instance.job).as_ref() == Some(instance) {
            self.add_downstream(fleet, &instance.job, found);
        } else if let Some(time) = instance.run {
            found.extend(waiting.iter().map(|job| Instance::batch(job.clone(), time)));
        }
    }

    fn add_downstream(&self, fleet: &Fleet, job: &JobId, found: &mut BTreeSet<Instance>) {
        let waiting = self.downstream.get(job).into_iter().flatten();
        waiting.for_each(|job| found.extend(self.instances(fleet, job)));
    }

    /// The instances of a job that may be decided: the stream, and those in runs that go on.
    fn instances(&self, fleet: &Fleet, job: &JobId) -> impl Iterator<Item = Instance> {
        let at = |time| RunId { pipeline: job.pipeline.clone(), time };
        let open = self.open.range(at(Timestamp::MIN)..=at(Timestamp::MAX));
        let batches = open.filter_map(|id| fleet.runs.get(id)?.instance(job));
        std::iter::once(Instance::stream(job.clone())).chain(batches)
    }
}

#[cfg(test)]
mod tests {
    use windlass_compiler::model::{Mode, When};

    use super::*;
    use crate::sample::{after, at, desired, job, run};

    /// What is touched, by name, in a pipeline of a stream `a` and batches `b` and `c` behind it, one after the other,
    /// with two runs of both, and one of `c` alone.
    fn check(touched: &str, expected: &[&str]) {
        let mut fleet = Fleet::default();
        let jobs = [
            job("p.a", Mode::Stream),
            after(job("p.b", Mode::Batch), &[("p.a", When::Met)]),
            after(job("p.c", Mode::Batch), &[("p.b", When::Met)]),
        ];
        for (second, jobs) in [(0, &jobs[1..]), (60, &jobs[1..]), (120, &jobs[2..])] {
            let mut run = run(jobs);
            run.id.time = at(second);
            fleet.runs.insert(run.id.clone(), run);
        }
        fleet.desired = jobs.map(|job| (job.id.clone(), desired(job))).into();
        let mut dependents = Dependents::of(&fleet);
        let touched = match touched.split_once(' ').expect("a kind and a name") {
            ("status", name) => Touched::Status(name.parse().unwrap()),
            ("desired", name) => Touched::Desired(name.parse().unwrap()),
            (_, name) => Touched::Run(name.parse().unwrap()),
        };
        let found = dependents.touch(&fleet, &touched);
        let found: Vec<_> = found.iter().map(Instance::to_string).collect();
        assert_eq!(found, expected, "{touched:?}");
    }

    const B: [&str; 3] = ["p.b", "p.b@1970-01-01T00:00Z", "p.b@1970-01-01T00:01Z"];
    const C: [&str; 4] = ["p.c", "p.c@1970-01-01T00:00Z", "p.c@1970-01-01T00:01Z", "p.c@1970-01-01T00:02Z"];

    #[test]
    fn a_record_touches_its_own_instances_and_what_waits_for_them() {
        check("status p.a", &[&["p.a"], &B[..]].concat());
        // The first run's batch is waited for in that run alone; the latest one also where there is none.
        check("status p.b@1970-01-01T00:00Z", &[B[1], C[1]]);
        check("status p.b@1970-01-01T00:01Z", &[&[B[2]], &C[..]].concat());
        check("status p.c@1970-01-01T00:00Z", &[C[1]]);
        check("desired p.a", &[&["p.a"], &B[..]].concat());
        check("desired p.b", &[&B[..], &C[..]].concat());
        check("desired p.c", &C);
        check("run p@1970-01-01T00:00Z", &[B[1], C[1]]);
        check("run p@1970-01-01T00:01Z", &[&[B[2]], &C[..]].concat());
        check("run p@1970-01-01T00:02Z", &[C[3]]);
        check("run q@1970-01-01T00:02Z", &[]);
    }

    #[test]
    fn edges_of_a_spec_that_a_run_is_bound_to_count_as_long_as_it_goes_on() {
        let (upstream, free) = (job("p.a", Mode::Batch), job("p.b", Mode::Batch));
        let bound = after(free.clone(), &[("p.a", When::Met)]);
        let wanted = [upstream.clone(), free].map(|job| (job.id.clone(), desired(job))).into();
        let mut fleet = Fleet { desired: wanted, ..Fleet::default() };
        let mut run = run(&[upstream, bound]);
        fleet.runs.insert(run.id.clone(), run.clone());
        let touched = Touched::Status("p.a@1970-01-01T00:00Z".parse().unwrap());
        let mut dependents = Dependents::of(&fleet);
        assert!(dependents.touch(&fleet, &touched).contains(&"p.b@1970-01-01T00:00Z".parse().unwrap()));
        run.ended = Some(at(1));
        fleet.runs.insert(run.id.clone(), run.clone());
        dependents.touch(&fleet, &Touched::Run(run.id.clone()));
        assert!(dependents.open().is_empty());
        assert_eq!(Dependents::of(&fleet).touch(&fleet, &touched).len(), 1);
    }
}
