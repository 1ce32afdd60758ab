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
use crate::fault::{Rule, is_off};
use crate::id::{ExternalName, Instance};
use crate::lease::Moment as Count;
use crate::observed::{Label, Observation, Sight};
use crate::recovery::{Rebuilt, Recovery, ahead};
use crate::run::Run;
use crate::shard::{Fence, Shard};
use crate::sights::{Heard, Sights, live};
use crate::sim::agenda::Tick;
use crate::sim::clock::Now;
use crate::sim::owned::{Own, Owned};
use crate::sim::reading::Reading;
use crate::sim::recovering::Recovering;
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
    /// What it owns.
    pub owned: Owned,
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
    /// When each cluster was asked for its last answer, or silence.
    heard: BTreeMap<Name, Tick>,
    made: BTreeMap<ExternalName, (&'static str, Tick)>,
    /// What each instance waited for when it was last decided, where that is asked for.
    pub waits: Option<BTreeMap<Instance, Vec<Waiting>>>,
}

/// What an owner does next.
#[derive(Debug)]
pub enum Step {
    /// Records a status.
    Record(Fence, Box<Status>),
    /// Makes a call on a cluster, knowing what is wanted.
    Call(Fence, Instance, Name, Action, Option<Goal>),
    /// Makes a call, and records a status after that: only where a rule is off.
    CallFirst(Fence, Instance, Name, Action, Goal, Box<Status>),
    /// Marks the end of a run, or that it goes on.
    End(Fence, Box<Run>),
    /// Begins a recovery, or adds to its findings.
    Recover(Box<Recovery>),
    /// Records what was rebuilt in a shard, and how far the recovery is with that.
    Rebuild(Fence, Rebuilt, Box<Recovery>),
    /// Nothing, until its wall clock shows this or something happens.
    Wait(Option<Timestamp>),
}

impl Owner {
    /// Lives again, with nothing but what it owns.
    pub fn rise(&mut self, owned: Owned) {
        let waits = self.waits.take().map(|_| BTreeMap::new());
        *self = Self { life: self.life + 1, is_up: true, owned, waits, ..Self::default() };
    }

    /// Dies: everything that it knew is gone.
    pub fn fall(&mut self) {
        let waits = self.waits.take().map(|_| BTreeMap::new());
        *self = Self { life: self.life + 1, waits, ..Self::default() };
    }

    /// What it does next.
    pub fn step(&mut self, at: Now) -> Result<Step, IllegalEvent> {
        let Now { tick: now, time, clock } = at;
        if let Some(recovery) = self.reading.noticed(time) {
            return Ok(Step::Recover(Box::new(recovery)));
        }
        if let Some(recovery) = self.believe(time) {
            return Ok(Step::Recover(Box::new(recovery)));
        }
        if let Some(step) = self.recover(at)? {
            return Ok(step);
        }
        let mut wake = None;
        for instance in self.reading.fleet().active() {
            let Some(fence) = self.fence(&instance.job.pipeline, clock) else { continue };
            if self.calling.contains_key(&instance) || !self.is_heard(&instance) {
                continue;
            }
            let Some((decision, goal)) = self.decide(&instance, fence, time)? else { continue };
            wake = earlier(wake, decision.wake);
            if let Some(waits) = &mut self.waits {
                waits.insert(instance.clone(), decision.waiting);
            }
            match (decision.status, decision.action) {
                (Some(status), Some(action)) => {
                    let Some(cluster) = self.cluster_of(&instance, Some(&status)) else { continue };
                    return Ok(Step::CallFirst(fence, instance, cluster, action, goal, status));
                }
                (Some(status), None) => return Ok(Step::Record(fence, status)),
                (None, Some(action)) => {
                    let Some(cluster) = self.cluster_of(&instance, None) else { continue };
                    match self.make(&action, now) {
                        None => return Ok(Step::Call(fence, instance, cluster, action, Some(goal))),
                        Some(pause) => wake = earlier(wake, Some(time + pause)),
                    }
                }
                (None, None) => {}
            }
        }
        Ok(self.end(at).or_else(|| self.sweep(at)).unwrap_or(Step::Wait(wake)))
    }

    /// Whether there is nothing to record and nothing to do, whatever was done just now.
    pub fn is_idle(&self, at: Now) -> Result<bool, IllegalEvent> {
        for instance in self.reading.fleet().active() {
            let Some(fence) = self.owned.fence(Shard::of_instance(&instance), at.clock) else {
                return Ok(false);
            };
            if self.decide(&instance, fence, at.time)?.is_some_and(|(decision, _)| !decision.is_nothing()) {
                return Ok(false);
            }
        }
        let fleet = self.reading.fleet();
        let mut seen = self.sights.values().flat_map(Sights::observations);
        Ok(seen.all(|seen| sweep(fleet, seen).is_none()) && self.over(at.clock).is_none())
    }

    /// Takes notice of a shard that is ours, or is so for longer. What the last owners wrote and did may be newer than
    /// what was read, and seen, before it was.
    pub fn keep(&mut self, shard: Shard, own: Own) -> bool {
        let is_new = self.owned.keep(shard, own);
        if is_new && !is_off(Rule::AskAnew) {
            self.sights.values_mut().for_each(Sights::forget_absences);
        }
        is_new
    }

    /// What is written under in the shard of a pipeline; none where nothing is done there.
    fn fence(&self, pipeline: &Name, clock: Count) -> Option<Fence> {
        let shard = Shard::of(pipeline);
        self.owned.fence(shard, clock).filter(|_| self.reading.fleet().frozen(shard).is_none())
    }

    /// Whether the cluster of an instance has answered, or failed to, since its shard is ours.
    fn is_heard(&self, instance: &Instance) -> bool {
        let since = self.owned.since(Shard::of_instance(instance));
        let cluster = self.cluster_of(instance, None);
        is_off(Rule::AskAnew)
            || cluster.is_none_or(|cluster| self.heard.get(&cluster).is_some_and(|asked| *asked >= since))
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
    fn recover(&mut self, at: Now) -> Result<Option<Step>, IllegalEvent> {
        let step = self.recovering.step(self.reading.fleet(), &self.sights, &self.owned, at)?;
        Ok(step.map(|(fence, rebuilt, recovery)| Step::Rebuild(fence, rebuilt, Box::new(recovery))))
    }

    /// A cluster answered a question that was asked at `asked`; none if it was silent.
    pub fn hear(&mut self, cluster: &Name, heard: Heard<Tick>, words: Option<Vec<Observation>>) {
        let asked = heard.asked;
        self.is_fresh = false;
        self.recovering.hear(cluster, asked, words.is_some());
        self.heard.insert(cluster.clone(), asked);
        let fleet = self.reading.fleet();
        let words = words.ok_or_else(|| "no answer".to_owned());
        let sights = self.sights.entry(cluster.clone()).or_default();
        sights.take(heard, words, live(fleet, cluster));
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

    fn decide(
        &self,
        instance: &Instance,
        fence: Fence,
        time: Timestamp,
    ) -> Result<Option<(Decision, Goal)>, IllegalEvent> {
        let fleet = self.reading.fleet();
        let sight = |status: &Status| {
            let of = |attempt: &crate::status::Attempt| {
                Some(self.sights.get(&attempt.cluster)?.of(&attempt.name).clone())
            };
            status.attempt.as_ref().and_then(of).unwrap_or(Sight::Unseen)
        };
        let decision = fleet.decide(instance, sight, None, Moment { now: time, epoch: fence.epoch })?;
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

    fn over(&self, clock: Count) -> Option<(Fence, &Run)> {
        let fleet = self.reading.fleet();
        let mut over = fleet.runs.values().filter(|run| run.ended.is_none() && fleet.is_over(run));
        over.find_map(|run| Some((self.fence(&run.id.pipeline, clock)?, run)))
    }

    fn end(&self, at: Now) -> Option<Step> {
        let (fence, run) = self.over(at.clock)?;
        Some(Step::End(fence, Box::new(Run { ended: Some(at.time), ..run.clone() })))
    }

    fn sweep(&mut self, at: Now) -> Option<Step> {
        let fleet = self.reading.fleet();
        let seen = self
            .sights
            .iter()
            .flat_map(|(cluster, sights)| sights.observations().map(move |seen| (cluster, seen)));
        let found = seen.filter_map(|(cluster, seen)| {
            let (action, _) = sweep(fleet, seen)?;
            Some((seen.label.instance.clone(), cluster.clone(), action))
        });
        let free = found.filter_map(|(instance, cluster, action)| {
            let fence = self.fence(&instance.job.pipeline, at.clock)?;
            let free = !self.calling.contains_key(&instance) && self.is_heard(&instance);
            free.then_some((fence, instance, cluster, action))
        });
        let found: Vec<_> = free.collect();
        let (fence, instance, cluster, action) =
            found.into_iter().find(|(.., action)| self.make(action, at.tick).is_none())?;
        Some(Step::Call(fence, instance, cluster, action, None))
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
