//! All records of a project at one moment, and what follows from them together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use windlass_compiler::diff::Recorded;
use windlass_compiler::model::Mode;
use windlass_compiler::name::{JobId, Name};

use crate::apply::Apply;
use crate::case::{Case, Moment, is_untried};
use crate::decide::{Decision, decide};
use crate::desired::{Desired, Goal, Intent};
use crate::edge::{Standing, Upstream};
use crate::id::{ApplyId, Instance, RunId};
use crate::observed::Sight;
pub use crate::outlook::{Outlook, Outlooks};
use crate::project::Project;
use crate::recovery::{Recovery, Stage};
use crate::run::Run;
use crate::shard::Shard;
use crate::spec::{Mark, Spec};
use crate::state::{IllegalEvent, State};
use crate::status::Status;
use crate::statuses::Statuses;

/// All records of a project.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// The project; none before the first apply.
    pub project: Option<Project>,
    /// Desired state by job, removed jobs included.
    pub desired: BTreeMap<JobId, Desired>,
    /// Runs of batches.
    pub runs: BTreeMap<RunId, Run>,
    /// Status by instance.
    pub statuses: Statuses,
    /// Journals of applies.
    pub applies: BTreeMap<ApplyId, Apply>,
    /// What the store has forgotten, where it ever went back in time.
    pub recovery: Option<Recovery>,
}

/// What is wanted of one instance, and what it would run.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is wanted.
    pub goal: &'a Goal,
    /// The goal's intent, unless the job says otherwise: what is left of a job that is gone, or that has become
    /// another, leaves as well. A run that was made while its job was being removed is such a thing.
    pub intent: Intent,
    /// The spec.
    pub spec: &'a Spec,
    /// The folder that relative paths in the spec are relative to.
    pub root: &'a str,
}

impl Fleet {
    /// The instances that may still need something: every stream that belongs to the project or is not yet gone,
    /// and every batch of a run that has not ended. In order of their names.
    pub fn active(&self) -> Vec<Instance> {
        let streams = self.desired.keys().map(|job| Instance::stream(job.clone()));
        let open = self.runs.values().filter(|run| run.ended.is_none());
        let batches = open.flat_map(Run::instances).map(|(instance, _)| instance);
        streams.chain(batches).filter(|instance| self.is_active(instance)).collect()
    }

    /// Whether an instance may still need something.
    pub fn is_active(&self, instance: &Instance) -> bool {
        let Some(wanted) = self.wanted(instance) else { return false };
        let is_there = match instance.run {
            None => wanted.spec.mode == Mode::Stream || self.is_left(instance),
            Some(_) => self.is_decided(instance),
        };
        is_there && (wanted.intent.belongs() || self.is_left(instance))
    }

    /// The latest instance of every job that belongs to the project, and whatever has yet to end: what an apply
    /// sees to its goal.
    pub fn present(&self) -> Vec<Instance> {
        let belonging = self.desired.values().filter(|desired| desired.goal.intent.belongs());
        let latest = belonging.filter_map(|desired| self.latest(desired.job()));
        latest.chain(self.active()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a shard waits for before anything is done in it; nothing, where it goes on as always.
    pub fn frozen(&self, shard: Shard) -> Option<Stage> {
        self.recovery.as_ref().map(|recovery| recovery.stage(shard)).filter(|stage| *stage != Stage::Thawed)
    }

    /// Whether an instance is on its way from one state to another.
    pub fn is_between(&self, instance: &Instance) -> bool {
        self.statuses.get(instance).is_some_and(|status| status.state.is_between())
    }

    /// Whether an instance is still there: one that was begun and has not ended.
    fn is_left(&self, instance: &Instance) -> bool {
        self.statuses.get(instance).is_some_and(|status| !status.state.is_final())
    }

    /// Whether anything is still decided of an instance: not of one whose run has ended.
    pub fn is_decided(&self, instance: &Instance) -> bool {
        instance.run_id().is_none_or(|id| self.runs.get(&id).is_some_and(|run| run.ended.is_none()))
    }

    /// What is wanted of an instance; none if nothing ever was.
    pub fn wanted(&self, instance: &Instance) -> Option<Wanted<'_>> {
        match instance.run_id() {
            None => {
                let desired = self.desired.get(&instance.job)?;
                let left = (desired.spec.mode == Mode::Batch).then_some(Intent::Remove);
                Some(wanted(&desired.goal, left, &desired.spec, &desired.root))
            }
            Some(id) => {
                let run = self.runs.get(&id)?;
                let bound = run.jobs.get(&instance.job.job)?;
                Some(wanted(&bound.goal, self.left(&instance.job), &bound.spec, &run.root))
            }
        }
    }

    /// How a job has left the project, if it has.
    fn left(&self, job: &JobId) -> Option<Intent> {
        self.desired.get(job).map(|desired| desired.goal.intent).filter(|intent| !intent.belongs())
    }

    /// The latest instance of a job: the stream itself, or the batch in its latest run.
    pub fn latest(&self, job: &JobId) -> Option<Instance> {
        let desired = self.desired.get(job)?;
        match desired.spec.mode {
            Mode::Stream => Some(Instance::stream(job.clone())),
            Mode::Batch => self.runs_of(&job.pipeline).rev().find_map(|run| run.instance(job)),
        }
    }

    /// What is recorded, as a plan is compared with it.
    pub fn recorded(&self) -> Recorded {
        let belonging = self.desired.values().filter(|desired| desired.goal.intent.belongs());
        belonging.map(|desired| desired.spec.recorded(desired.is_protected())).collect()
    }

    /// The spec of that mark, if its job or the run that is recorded is bound to it.
    pub fn spec(&self, run: &RunId, job: &JobId, mark: Mark) -> Option<&Spec> {
        let wanted = self.desired.get(job).map(|desired| &desired.spec);
        let bound = || self.runs.get(run)?.jobs.get(&job.job).map(|bound| &bound.spec);
        let is = |spec: &&Spec| spec.mark == mark;
        wanted.filter(is).or_else(|| bound().filter(is))
    }

    /// Gives back the room that the way in which the records came has left between them.
    pub fn compact(&mut self) {
        fn packed<K: Ord, V>(map: &mut BTreeMap<K, V>) {
            *map = std::mem::take(map).into_iter().collect();
        }
        packed(&mut self.desired);
        packed(&mut self.runs);
    }

    /// The runs of a pipeline, in order of logical time.
    pub fn runs_of<'a>(&'a self, pipeline: &'a Name) -> impl DoubleEndedIterator<Item = &'a Run> {
        let at = |time| RunId { pipeline: pipeline.clone(), time };
        self.runs.range(at(Timestamp::MIN)..=at(Timestamp::MAX)).map(|(_, run)| run)
    }

    /// Decides an instance: on all that these records say, and on `sight`, what its cluster says of the current
    /// attempt. None where nothing was ever wanted of it.
    pub fn decide(
        &self,
        instance: &Instance,
        sight: impl FnOnce(&Status) -> Sight,
        hold: Option<&str>,
        moment: Moment,
    ) -> Result<Option<Decision>, IllegalEvent> {
        let (Some(project), Some(wanted)) = (&self.project, self.wanted(instance)) else { return Ok(None) };
        let fresh = Status::new(instance.clone());
        let status = self.statuses.get(instance).unwrap_or(&fresh);
        let case = Case {
            project: &project.name,
            instance,
            goal: wanted.goal,
            intent: wanted.intent,
            spec: wanted.spec,
            root: wanted.root,
            status,
            sight: &sight(status),
            upstreams: &self.upstreams(instance),
            hold,
        };
        decide(&case, moment).map(Some)
    }

    /// What an instance waits for, and how that stands.
    pub fn upstreams(&self, instance: &Instance) -> Vec<Upstream> {
        let Some(wanted) = self.wanted(instance) else { return Vec::new() };
        let edges = wanted.spec.after.iter().cloned();
        edges.map(|edge| Upstream { standing: self.standing(instance, &edge.job), edge }).collect()
    }

    /// The instance of `job` that `instance` waits for: the one of the same logical time if there is one, or
    /// else the latest.
    pub fn upstream(&self, instance: &Instance, job: &JobId) -> Option<Instance> {
        let same = instance.run.map(|time| RunId { pipeline: job.pipeline.clone(), time });
        let same = same.and_then(|id| self.runs.get(&id)).and_then(|run| run.instance(job));
        same.or_else(|| self.latest(job))
    }

    /// Whether what a status says rests on how an instance in `others` stands, for which its own waits: it begins an
    /// attempt that is not on record, or begins none.
    pub fn rests_on(&self, status: &Status, others: &BTreeSet<Instance>) -> bool {
        let before = self.statuses.get(&status.instance).map(Status::attempt_number).unwrap_or_default();
        let follows = status.attempt_number() > before || matches!(status.state, State::Skipped { .. });
        let Some(wanted) = self.wanted(&status.instance).filter(|_| follows) else { return false };
        let mut upstreams =
            wanted.spec.after.iter().filter_map(|edge| self.upstream(&status.instance, &edge.job));
        upstreams.any(|upstream| others.contains(&upstream))
    }

    fn standing(&self, instance: &Instance, job: &JobId) -> Option<Standing> {
        let desired = self.desired.get(job).filter(|desired| desired.goal.intent.belongs())?;
        let mode = desired.spec.mode;
        let Some(upstream) = self.upstream(instance, job) else { return Some(Standing::new(mode)) };
        let Some(status) = self.statuses.get(&upstream) else { return Some(Standing::new(mode)) };
        let current = self.wanted(&upstream).is_none_or(|wanted| is_current(wanted.goal, status));
        Some(Standing::of(mode, status, current))
    }

    /// Whether edges still hold an instance back: nothing of it was started since its job came into the project.
    pub fn is_untried(&self, instance: &Instance) -> bool {
        let status = self.statuses.get(instance);
        let wanted = self.wanted(instance);
        status.zip(wanted).is_none_or(|(status, wanted)| is_untried(wanted.goal, status))
    }

    /// Where an instance is on its way. Whoever asks of several takes [`Self::outlooks`].
    pub fn outlook(&self, instance: &Instance) -> Outlook {
        self.outlooks().of(instance)
    }

    /// Where instances are on their way: each is judged once, however many are asked about.
    pub fn outlooks(&self) -> Outlooks<'_> {
        Outlooks::new(self)
    }

    /// Whether every instance of a run has ended, and has taken in what is wanted of it. One that leaves the project
    /// is not decided any more once it has ended, nor one that is forgotten at all: there is nothing to take in.
    pub fn is_over(&self, run: &Run) -> bool {
        // From the last one on: what others wait for has mostly ended, and what waits has not.
        run.instances().rev().all(|(instance, bound)| {
            let status = self.statuses.get(&instance);
            match effective(&bound.goal, self.left(&instance.job)) {
                Intent::Forget => true,
                Intent::Remove => status.is_none_or(|status| status.state.is_final()),
                Intent::Run | Intent::Stop | Intent::Suspend => status.is_some_and(|status| {
                    status.state.is_final()
                        && status.state != State::Suspended
                        && status.observed_generation == bound.goal.generation
                }),
            }
        })
    }
}

fn wanted<'a>(goal: &'a Goal, left: Option<Intent>, spec: &'a Spec, root: &'a str) -> Wanted<'a> {
    Wanted { goal, intent: effective(goal, left), spec, root }
}

/// What a goal wants, or what has become of its job.
fn effective(goal: &Goal, left: Option<Intent>) -> Intent {
    left.filter(|_| goal.intent.belongs()).unwrap_or(goal.intent)
}

/// Whether a status has taken in what is wanted, with an attempt that is not out of date. What waits, or was skipped, has
/// none yet: the last one is of an earlier time.
pub fn is_current(goal: &Goal, status: &Status) -> bool {
    let is_before_any = matches!(status.state, State::Waiting { .. } | State::Skipped { .. });
    let dated = status.attempt.as_ref().is_some_and(|attempt| attempt.generation < goal.replace);
    let dated = dated && !is_before_any;
    status.observed_generation == goal.generation && !(dated && goal.intent == Intent::Run)
}

#[cfg(test)]
mod tests;
