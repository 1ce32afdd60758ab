//! A simulated cluster: objects with names that are created once, uids, a suspended phase, and a will of their own.
//!
//! It answers calls at the moment at which they arrive; how late that is, and whether the answer arrives, is the
//! business of the network around it.

use std::collections::BTreeMap;

use windlass_compiler::model::{Engine, Job};

use crate::action::{Action, Create, Outcome};
use crate::fault::{Rule, is_off};
use crate::id::{ExternalName, Uid};
use crate::observed::{End, Label, Observation, Phase};
use crate::sim::agenda::Tick;

/// The command of a job that the cluster refuses to make.
pub const REFUSED: &str = "refused";

/// One object.
#[derive(Debug, Clone)]
pub struct Object {
    /// What the cluster shows of it.
    pub observation: Observation,
    /// What it runs.
    pub job: Job,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
}

/// Something that happened on the cluster.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An object was made, or made anew.
    Created(Uid, Label),
    /// An object was let run.
    Started(Uid, Label),
    /// An object was asked to stop, for the first time.
    Stopping(Uid, Label),
}

/// A cluster.
#[derive(Debug, Default)]
pub struct Cluster {
    objects: BTreeMap<ExternalName, Object>,
    made: u64,
    effects: Vec<Effect>,
}

impl Cluster {
    /// Its objects, in the order of their names.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// What it shows.
    pub fn list(&self) -> Vec<Observation> {
        self.objects.values().map(|object| object.observation.clone()).collect()
    }

    /// What happened since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Performs a call that has arrived.
    pub fn perform(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Create(create) => self.create(create),
            Action::Activate { name, uid } => self.activate(name, uid),
            Action::Stop { name, uid, .. } => self.stop(name, uid.as_ref()),
        }
    }

    /// The object of a uid, if it is still there.
    pub fn object(&mut self, uid: &Uid) -> Option<&mut Object> {
        self.objects.values_mut().find(|object| object.observation.uid == *uid)
    }

    /// The object of a name, if there is one.
    pub fn named(&mut self, name: &ExternalName) -> Option<&mut Object> {
        self.objects.get_mut(name)
    }

    /// Nothing is wrong with any of its objects any more.
    pub fn heal(&mut self, now: Tick) {
        let impaired = |object: &&mut Object| matches!(object.observation.phase, Phase::Impaired { .. });
        self.objects.values_mut().filter(impaired).for_each(|object| object.impair(now));
    }

    /// Deletes an object, and whatever of it was alive.
    pub fn delete(&mut self, name: &ExternalName) {
        self.objects.remove(name);
    }

    fn create(&mut self, create: &Create) -> Outcome {
        let Engine::Process(process) = &create.job.engine;
        if process.command.first().is_some_and(|command| command == REFUSED) {
            return Outcome::Refused { reason: "no such command".to_owned() };
        }
        if let Some(object) = self.objects.get_mut(&create.name) {
            // Without the rule, making an object again puts it back to its beginning, as an upsert does.
            if is_off(Rule::CreateOnly) {
                object.observation.phase = Phase::Suspended;
                object.is_stopping = false;
            }
            return Outcome::Done(object.observation.clone());
        }
        self.made += 1;
        let uid = Uid(format!("u{}", self.made));
        let (name, label) = (create.name.clone(), create.label.clone());
        let observation = Observation { name, uid: uid.clone(), label, phase: Phase::Suspended };
        self.effects.push(Effect::Created(uid, create.label.clone()));
        let object = Object { observation: observation.clone(), job: create.job.clone(), is_stopping: false };
        self.objects.insert(create.name.clone(), object);
        Outcome::Done(observation)
    }

    fn activate(&mut self, name: &ExternalName, uid: &Uid) -> Outcome {
        let Some(object) = self.objects.get_mut(name) else { return Outcome::Gone };
        let seen = &mut object.observation;
        if seen.uid != *uid && !is_off(Rule::RecordedUid) {
            return Outcome::Foreign(seen.clone());
        }
        if seen.phase == Phase::Suspended {
            seen.phase = Phase::Starting;
            self.effects.push(Effect::Started(seen.uid.clone(), seen.label.clone()));
        }
        Outcome::Done(seen.clone())
    }

    fn stop(&mut self, name: &ExternalName, uid: Option<&Uid>) -> Outcome {
        let Some(object) = self.objects.get_mut(name) else { return Outcome::Gone };
        let seen = &object.observation;
        if uid.is_some_and(|uid| *uid != seen.uid) {
            return Outcome::Foreign(seen.clone());
        }
        if !object.is_stopping && (seen.phase.is_alive() || seen.phase == Phase::Suspended) {
            object.is_stopping = true;
            self.effects.push(Effect::Stopping(seen.uid.clone(), seen.label.clone()));
        }
        Outcome::Done(object.observation.clone())
    }
}

impl Object {
    /// It runs, if nothing came in between.
    pub fn run(&mut self, now: Tick) {
        if self.observation.phase == Phase::Starting {
            self.observation.phase = Phase::Running { since: now.time() };
        }
    }

    /// It ends, if it is alive, or was stopped before it ran.
    pub fn end(&mut self, now: Tick, end: End) {
        let started = match self.observation.phase {
            Phase::Running { since } => Some(since),
            Phase::Impaired { .. } | Phase::Starting => None,
            Phase::Suspended if end == End::Stopped => None,
            _ => return,
        };
        self.observation.phase = Phase::Ended { at: now.time(), started, end };
    }

    /// It is gone without a word, if it was alive.
    pub fn vanish(&mut self) {
        if self.observation.phase.is_alive() {
            self.observation.phase = Phase::Vanished { reason: "the host was started anew".to_owned() };
        }
    }

    /// Something goes wrong with it, or right again.
    pub fn impair(&mut self, now: Tick) {
        let phase = &mut self.observation.phase;
        *phase = match phase {
            Phase::Running { .. } => Phase::Impaired { reason: "no checkpoint".to_owned() },
            Phase::Impaired { .. } => Phase::Running { since: now.time() },
            _ => return,
        };
    }
}
