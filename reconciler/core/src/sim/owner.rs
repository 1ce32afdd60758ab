//! A simulated owner: what it knows, and the one step that it would take next.
//!
//! It steps as the engine does (one instance at a time, nothing while a call for it is under way, a pause before
//! the same call is made again), so what is found here holds there.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::action::{Action, Outcome};
use crate::case::Moment;
use crate::decide::Decision;
use crate::desired::Goal;
use crate::id::{Epoch, ExternalName, Instance};
use crate::observed::{Observation, Sight};
use crate::run::Run;
use crate::sights::{Sights, live};
use crate::sim::agenda::Tick;
use crate::sim::reading::Reading;
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
    /// What it has seen.
    pub sights: Sights<Tick>,
    /// Whether its cluster has answered, or failed to, in this life.
    pub has_heard: bool,
    /// The write whose outcome it waits for.
    pub writing: Option<u64>,
    /// The calls whose outcomes it waits for.
    pub calling: BTreeMap<Instance, u64>,
    made: BTreeMap<ExternalName, (&'static str, Tick)>,
}

/// What an owner does next.
#[derive(Debug)]
pub enum Step {
    /// Records a status.
    Record(Box<Status>),
    /// Makes a call, knowing what is wanted.
    Call(Instance, Action, Option<Goal>),
    /// Makes a call, and records a status after that: only where a rule is off.
    CallFirst(Instance, Action, Goal, Box<Status>),
    /// Marks the end of a run.
    End(Box<Run>),
    /// Nothing, until this time comes or something happens.
    Wait(Option<Timestamp>),
}

impl Owner {
    /// Lives again, with nothing but an epoch.
    pub fn rise(&mut self, epoch: Epoch) {
        *self = Self { life: self.life + 1, is_up: true, epoch, ..Self::default() };
    }

    /// Dies: everything that it knew is gone.
    pub fn fall(&mut self) {
        *self = Self { life: self.life + 1, ..Self::default() };
    }

    /// What it does next.
    pub fn step(&mut self, now: Tick) -> Result<Step, IllegalEvent> {
        let mut wake = None;
        for instance in self.reading.fleet().active() {
            if self.calling.contains_key(&instance) {
                continue;
            }
            let Some((decision, goal)) = self.decide(&instance, now)? else { continue };
            wake = earlier(wake, decision.wake);
            match (decision.status, decision.action) {
                (Some(status), Some(action)) => {
                    return Ok(Step::CallFirst(instance, action, goal, status));
                }
                (Some(status), None) => return Ok(Step::Record(status)),
                (None, Some(action)) => match self.make(&action, now) {
                    None => return Ok(Step::Call(instance, action, Some(goal))),
                    Some(at) => wake = earlier(wake, Some(at.time())),
                },
                (None, None) => {}
            }
        }
        Ok(self.end(now).or_else(|| self.sweep(now)).unwrap_or(Step::Wait(wake)))
    }

    /// Whether there is nothing to record and nothing to do, whatever was done just now.
    pub fn is_idle(&self, now: Tick) -> Result<bool, IllegalEvent> {
        for instance in self.reading.fleet().active() {
            if self.decide(&instance, now)?.is_some_and(|(decision, _)| !decision.is_nothing()) {
                return Ok(false);
            }
        }
        let fleet = self.reading.fleet();
        let swept = self.sights.observations().all(|seen| sweep(fleet, seen).is_none());
        Ok(swept && self.over().is_none())
    }

    /// The cluster answered a question that was asked at `asked`; none if it was silent.
    pub fn hear(&mut self, asked: Tick, now: Tick, words: Option<Vec<Observation>>) {
        let fleet = self.reading.fleet();
        let words = words.ok_or_else(|| "no answer".to_owned());
        let clusters = fleet.project.iter().flat_map(|project| project.clusters.keys());
        let names: Vec<_> = clusters.flat_map(|cluster| live(fleet, cluster)).collect();
        self.sights.take(asked, words, names.into_iter(), now.time());
    }

    /// A call came back; none if nobody knows what came of it.
    pub fn returned(
        &mut self,
        instance: &Instance,
        name: &ExternalName,
        outcome: Option<&Outcome>,
        now: Tick,
    ) {
        self.calling.remove(instance);
        if let Some(outcome) = outcome {
            self.sights.fold(name, outcome, now);
        }
    }

    fn decide(&self, instance: &Instance, now: Tick) -> Result<Option<(Decision, Goal)>, IllegalEvent> {
        let fleet = self.reading.fleet();
        let sight = |status: &Status| match &status.attempt {
            Some(attempt) => self.sights.of(&attempt.name).clone(),
            None => Sight::Unseen,
        };
        let decision = fleet.decide(instance, sight, None, Moment { now: now.time(), epoch: self.epoch })?;
        Ok(decision.zip(fleet.wanted(instance).map(|wanted| wanted.goal.clone())))
    }

    /// Notes a call; or says when it may be made, if the same one was made just now.
    fn make(&mut self, action: &Action, now: Tick) -> Option<Tick> {
        match self.made.get(action.name()) {
            Some((verb, until)) if *verb == action.verb() && now < *until => Some(*until),
            _ => {
                self.made.insert(action.name().clone(), (action.verb(), now.after(PAUSE)));
                None
            }
        }
    }

    fn over(&self) -> Option<&Run> {
        let fleet = self.reading.fleet();
        fleet.runs.values().find(|run| run.ended.is_none() && fleet.is_over(run))
    }

    fn end(&self, now: Tick) -> Option<Step> {
        self.over().map(|run| Step::End(Box::new(Run { ended: Some(now.time()), ..run.clone() })))
    }

    fn sweep(&mut self, now: Tick) -> Option<Step> {
        let fleet = self.reading.fleet();
        let found = self.sights.observations().filter_map(|seen| {
            let (action, _) = sweep(fleet, seen)?;
            Some((seen.label.instance.clone(), action))
        });
        let free = found.filter(|(instance, _)| !self.calling.contains_key(instance));
        let found: Vec<_> = free.collect();
        let (instance, action) = found.into_iter().find(|(_, action)| self.make(action, now).is_none())?;
        Some(Step::Call(instance, action, None))
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
