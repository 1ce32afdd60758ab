//! A simulated owner: what it knows, and the one step that it would take next.
//!
//! It steps as the engine does (one instance at a time, nothing while a call for it is under way, a pause before
//! the same call is made again), so what is found here holds there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_compiler::name::Name;

use crate::action::{Action, Create, Outcome};
use crate::case::Moment;
use crate::decide::{Decision, Waiting};
use crate::desired::Goal;
use crate::id::{Epoch, ExternalName, Instance};
use crate::observed::{Label, Observation, Sight};
use crate::recovery::{Recovery, ahead};
use crate::run::Run;
use crate::shard::Shard;
use crate::sights::{Sights, live};
use crate::sim::agenda::Tick;
use crate::sim::reading::Reading;
use crate::sim::recovering::{self, Recovering};
use crate::state::IllegalEvent;
use crate::status::Status;
use crate::sweep::sweep;

/// The pause before the same call is made again.
const PAUSE: u64 = 1000;

/// An owner, or what its host would be one on.
#[derive(Debug, Default)]
pub struct Owner {
    /// Counts its lives: what was sent by an earlier one finds nobody.
    pub life: u64,
    /// Whether it lives.
    pub is_up: bool,
    /// Its epoch.
    pub epoch: Epoch,
    /// What it has read.
    pub reading: Reading,
    /// What it has seen of each cluster that has answered, or failed to, in this life.
    pub sights: BTreeMap<Name, Sights<Tick>>,
    /// The write whose outcome it waits for.
    pub writing: Option<u64>,
    /// The calls whose outcomes it waits for.
    pub calling: BTreeMap<Instance, u64>,
    /// What it has asked for the sake of a store that went back.
    pub recovering: Recovering,
    /// Whether the records were read since anything was last heard of a cluster.
    pub is_fresh: bool,
    made: BTreeMap<ExternalName, (&'static str, Tick)>,
    /// What each instance waited for when it was last decided, where that is asked for.
    pub waits: Option<BTreeMap<Instance, Vec<Waiting>>>,
}

/// What an owner does next.
#[derive(Debug)]
pub enum Step {
    /// Records a status.
    Record(Box<Status>),
    /// Makes a call on a cluster, knowing what is wanted.
    Call(Instance, Name, Action, Option<Goal>),
    /// Makes a call, and records a status after that: only where a rule is off.
    CallFirst(Instance, Name, Action, Goal, Box<Status>),
    /// Marks the end of a run, or that it goes on.
    End(Box<Run>),
    /// Says how far a recovery is; under an epoch, unless it begins.
    Recover(Option<Epoch>, Box<Recovery>),
    /// Nothing, until its wall clock shows this or something happens.
    Wait(Option<Timestamp>),
}

impl Owner {
    /// Lives again, with nothing but an epoch.
    pub fn rise(&mut self, epoch: Epoch) {
        let waits = self.waits.take().map(|_| BTreeMap::new());
        *self = Self { life: self.life + 1, is_up: true, epoch, waits, ..Self::default() };
    }

    /// Dies: everything that it knew is gone.
    pub fn fall(&mut self) {
        let waits = self.waits.take().map(|_| BTreeMap::new());
        *self = Self { life: self.life + 1, waits, ..Self::default() };
    }

    /// What it does next. `time`: what its wall clock shows.
    pub fn step(&mut self, now: Tick, time: Timestamp) -> Result<Step, IllegalEvent> {
        if let Some(recovery) = self.reading.noticed(time) {
            return Ok(Step::Recover(None, Box::new(recovery)));
        }
        if let Some(recovery) = self.believe(time) {
            return Ok(Step::Recover(None, Box::new(recovery)));
        }
        if let Some(step) = self.recover(now, time)? {
            return Ok(step);
        }
        let mut wake = None;
        for instance in self.reading.fleet().active() {
            if self.is_frozen(&instance.job.pipeline) || self.calling.contains_key(&instance) {
                continue;
            }
            let Some((decision, goal)) = self.decide(&instance, time)? else { continue };
            wake = earlier(wake, decision.wake);
            if let Some(waits) = &mut self.waits {
                waits.insert(instance.clone(), decision.waiting);
            }
            match (decision.status, decision.action) {
                (Some(status), Some(action)) => {
                    let Some(cluster) = self.cluster_of(&instance, Some(&status)) else { continue };
                    return Ok(Step::CallFirst(instance, cluster, action, goal, status));
                }
                (Some(status), None) => return Ok(Step::Record(status)),
                (None, Some(action)) => {
                    let Some(cluster) = self.cluster_of(&instance, None) else { continue };
                    match self.make(&action, now) {
                        None => return Ok(Step::Call(instance, cluster, action, Some(goal))),
                        Some(pause) => wake = earlier(wake, Some(time + pause)),
                    }
                }
                (None, None) => {}
            }
        }
        Ok(self.end(time).or_else(|| self.sweep(now)).unwrap_or(Step::Wait(wake)))
    }

    /// Whether there is nothing to record and nothing to do, whatever was done just now.
    pub fn is_idle(&self, time: Timestamp) -> Result<bool, IllegalEvent> {
        for instance in self.reading.fleet().active() {
            if self.decide(&instance, time)?.is_some_and(|(decision, _)| !decision.is_nothing()) {
                return Ok(false);
            }
        }
        let fleet = self.reading.fleet();
        let mut seen = self.sights.values().flat_map(Sights::observations);
        Ok(seen.all(|seen| sweep(fleet, seen).is_none()) && self.over().is_none())
    }

    /// Whether nothing is done in the shard of a pipeline.
    fn is_frozen(&self, pipeline: &Name) -> bool {
        self.reading.fleet().frozen(Shard::of(pipeline)).is_some()
    }

    /// What is to be written down where a cluster knows what the store has forgotten.
    fn believe(&self, time: Timestamp) -> Option<Recovery> {
        let shown = self.sights.iter();
        let shown = shown.flat_map(|(name, sights)| sights.observations().map(move |one| (name, one)));
        let found = ahead(self.reading.fleet(), shown).filter(|_| self.is_fresh)?;
        let present = self.reading.fleet().recovery.as_ref();
        Recovery::noticed(present, present, time, &found.to_string(), Vec::new())
    }

    /// Takes the frozen shards as far as they can go now.
    fn recover(&mut self, now: Tick, time: Timestamp) -> Result<Option<Step>, IllegalEvent> {
        let moment = Moment { now: time, epoch: self.epoch };
        let step = self.recovering.step(self.reading.fleet(), &self.sights, now, moment)?;
        Ok(step.map(|step| match step {
            recovering::Step::Reopen(run) => Step::End(run),
            recovering::Step::Record(status) => Step::Record(status),
            recovering::Step::Advance(recovery) => Step::Recover(Some(self.epoch), recovery),
        }))
    }

    /// A cluster answered a question that was asked at `asked`; none if it was silent.
    pub fn hear(&mut self, cluster: &Name, asked: Tick, time: Timestamp, words: Option<Vec<Observation>>) {
        self.is_fresh = false;
        self.recovering.hear(cluster, asked, words.is_some());
        let fleet = self.reading.fleet();
        let words = words.ok_or_else(|| "no answer".to_owned());
        let sights = self.sights.entry(cluster.clone()).or_default();
        sights.take(asked, words, live(fleet, cluster), time);
    }

    /// A call came back; none if nobody knows what came of it.
    pub fn returned(
        &mut self,
        instance: &Instance,
        cluster: &Name,
        name: &ExternalName,
        outcome: Option<&Outcome>,
        now: Tick,
    ) {
        self.is_fresh = false;
        self.calling.remove(instance);
        if let Some(outcome) = outcome {
            self.sights.entry(cluster.clone()).or_default().fold(name, outcome, now);
        }
    }

    /// All that a call of an action has to carry where it is the whole submission: what its driver knows beside it.
    pub fn brief(&self, instance: &Instance, name: &ExternalName) -> Option<Box<Create>> {
        let fleet = self.reading.fleet();
        let (project, wanted) = (fleet.project.as_ref()?, fleet.wanted(instance)?);
        let shown = self.sights.values().find_map(|sights| match sights.of(name) {
            Sight::Seen(seen) => Some(seen.label.clone()),
            _ => None,
        });
        let recorded = fleet.statuses.get(instance).and_then(|status| status.attempt.as_ref());
        let label = recorded.filter(|attempt| attempt.name == *name).map(|attempt| Label {
            project: project.name.clone(),
            instance: instance.clone(),
            attempt: attempt.number,
            generation: attempt.generation,
        });
        Some(Box::new(Create {
            name: name.clone(),
            label: label.or(shown)?,
            job: wanted.spec.job(),
            root: wanted.root.to_owned(),
        }))
    }

    fn cluster_of(&self, instance: &Instance, fresh: Option<&Status>) -> Option<Name> {
        let fleet = self.reading.fleet();
        let status = fresh.or_else(|| fleet.statuses.get(instance));
        let attempt = status.and_then(|status| status.attempt.as_ref());
        attempt
            .map(|attempt| attempt.cluster.clone())
            .or_else(|| fleet.wanted(instance).map(|wanted| wanted.spec.cluster.clone()))
    }

    fn decide(&self, instance: &Instance, time: Timestamp) -> Result<Option<(Decision, Goal)>, IllegalEvent> {
        let fleet = self.reading.fleet();
        let sight = |status: &Status| {
            let of = |attempt: &crate::status::Attempt| {
                Some(self.sights.get(&attempt.cluster)?.of(&attempt.name).clone())
            };
            status.attempt.as_ref().and_then(of).unwrap_or(Sight::Unseen)
        };
        let decision = fleet.decide(instance, sight, None, Moment { now: time, epoch: self.epoch })?;
        Ok(decision.zip(fleet.wanted(instance).map(|wanted| wanted.goal.clone())))
    }

    /// Notes a call; or says how long it has to wait, if the same one was made just now.
    fn make(&mut self, action: &Action, now: Tick) -> Option<std::time::Duration> {
        match self.made.get(action.name()) {
            Some((verb, until)) if *verb == action.verb() && now < *until => {
                Some(std::time::Duration::from_millis(until.0 - now.0))
            }
            _ => {
                self.made.insert(action.name().clone(), (action.verb(), now.after(PAUSE)));
                None
            }
        }
    }

    fn over(&self) -> Option<&Run> {
        let fleet = self.reading.fleet();
        fleet
            .runs
            .values()
            .find(|run| run.ended.is_none() && fleet.is_over(run) && !self.is_frozen(&run.id.pipeline))
    }

    fn end(&self, time: Timestamp) -> Option<Step> {
        self.over().map(|run| Step::End(Box::new(Run { ended: Some(time), ..run.clone() })))
    }

    fn sweep(&mut self, now: Tick) -> Option<Step> {
        let fleet = self.reading.fleet();
        let seen = self
            .sights
            .iter()
            .flat_map(|(cluster, sights)| sights.observations().map(move |seen| (cluster, seen)));
        let found = seen.filter_map(|(cluster, seen)| {
            let (action, _) = sweep(fleet, seen)?;
            Some((seen.label.instance.clone(), cluster.clone(), action))
        });
        let free = found.filter(|(instance, ..)| {
            !self.is_frozen(&instance.job.pipeline) && !self.calling.contains_key(instance)
        });
        let found: Vec<_> = free.collect();
        let (instance, cluster, action) =
            found.into_iter().find(|(_, _, action)| self.make(action, now).is_none())?;
        Some(Step::Call(instance, cluster, action, None))
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
