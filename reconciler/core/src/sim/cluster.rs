//! A simulated cluster: what it holds, and what comes of a call at the moment at which it arrives. How late that is,
//! and whether the answer arrives, is the business of the network around it.

mod submission;

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_compiler::model::{Engine, Job};
use windlass_compiler::name::Name;

use crate::action::{Action, Create, Outcome};
use crate::fault::{Rule, is_off};
use crate::id::{ExternalName, Uid};
use crate::observed::{End, Label, Observation, Phase};
use crate::sim::agenda::Tick;
use crate::sim::kind::Kind;

/// The command of a job that the cluster refuses to make.
pub const REFUSED: &str = "refused";

/// How long a cluster without two phases remembers what has ended: longer than any request travels.
pub const RETENTION: u64 = 45_000;

/// A call, as it travels.
#[derive(Debug, Clone)]
pub struct Call {
    /// What was decided.
    pub action: Action,
    /// What the driver of a cluster without two phases sends along with every call: there, letting an attempt run
    /// is submitting all of it, and ending one that was not submitted is taking its identity.
    pub brief: Option<Box<Create>>,
}

/// One object.
#[derive(Debug, Clone)]
pub struct Object {
    /// What the cluster shows of it.
    pub observation: Observation,
    /// What it runs.
    pub job: Arc<Job>,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// Whether the cluster would still know it after a restart.
    pub is_durable: bool,
    /// When it ended.
    pub ended: Option<Tick>,
}

/// Something that happened on the cluster.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An object was made, or made anew.
    Created(Uid, Label),
    /// An object was accepted, and will start if nothing comes between.
    Accepted(Place, Label),
    /// An object was let run.
    Started(Place, Uid, Label),
    /// An object was asked to stop, for the first time.
    Stopping(Place, Label),
}

/// Where an object is found: its name, and which of that name. Names are used once except where a cluster has no
/// identities.
pub type Place = (ExternalName, u64);

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: Name,
    /// How it tells attempts apart.
    pub kind: Kind,
    objects: BTreeMap<Place, Object>,
    /// Runs that were submitted and have not come to their guard.
    queue: BTreeMap<Place, Observation>,
    made: u64,
    effects: Vec<Effect>,
}

impl Cluster {
    /// A cluster that holds nothing.
    pub fn new(name: Name, kind: Kind) -> Self {
        Self { name, kind, objects: BTreeMap::new(), queue: BTreeMap::new(), made: 0, effects: Vec::new() }
    }

    /// Its objects, in the order of their names.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// Where its objects are, in the same order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.objects.keys()
    }

    /// What it shows.
    pub fn list(&self) -> Vec<Observation> {
        let queued = self.queue.values().filter(|queued| !self.is_known(&queued.name));
        queued.chain(self.objects.values().map(|object| &object.observation)).cloned().collect()
    }

    /// What happened since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Where something was accepted by the last call.
    pub fn accepted(&self) -> Vec<Place> {
        let spots = self.effects.iter().filter_map(|effect| match effect {
            Effect::Accepted(place, _) => Some(place.clone()),
            _ => None,
        });
        spots.collect()
    }

    /// Performs a call that has arrived.
    pub fn perform(&mut self, call: &Call, now: Tick) -> Outcome {
        match (&call.action, &call.brief) {
            (action, Some(brief)) => self.submission(action, brief, now),
            (Action::Create(create), None) => self.create(create),
            (Action::Activate { name, uid }, None) => self.activate(name, uid),
            (Action::Stop { name, uid, .. }, None) => self.stop(name, uid.as_ref()),
        }
    }

    /// The object at a place, if it is still there.
    pub fn object(&mut self, place: &Place) -> Option<&mut Object> {
        self.objects.get_mut(place)
    }

    /// The object of a name, if there is one.
    pub fn named(&mut self, name: &ExternalName) -> Option<&mut Object> {
        self.objects.range_mut((name.clone(), 0)..=(name.clone(), u64::MAX)).next().map(|(_, object)| object)
    }

    /// What has ended under a name, and where.
    pub fn ended(&self, name: &ExternalName) -> Vec<(Place, Label)> {
        let objects = self.objects.range((name.clone(), 0)..=(name.clone(), u64::MAX));
        let ended = objects.filter(|(_, object)| object.observation.phase.is_over());
        ended.map(|(place, object)| (place.clone(), object.observation.label.clone())).collect()
    }

    fn is_known(&self, name: &ExternalName) -> bool {
        self.objects.range((name.clone(), 0)..=(name.clone(), u64::MAX)).next().is_some()
    }

    /// Nothing is wrong with any of its objects any more.
    pub fn heal(&mut self, now: Tick) {
        let impaired = |object: &&mut Object| matches!(object.observation.phase, Phase::Impaired { .. });
        self.objects.values_mut().filter(impaired).for_each(|object| object.impair(now));
    }

    /// Somebody deletes an object, and whatever of it was alive. A cluster that knows ids or tokens kills it and
    /// remembers them.
    pub fn delete(&mut self, name: &ExternalName, now: Tick) {
        if self.kind.has_two_phases() {
            self.objects.retain(|(other, _), _| other != name);
        } else if let Some(object) = self.named(name) {
            object.end(now, End::Stopped);
        }
    }

    /// The cluster cleans up: what has ended is gone. One without two phases keeps it for [`RETENTION`].
    pub fn collect(&mut self, now: Tick) {
        let at_once = self.kind.has_two_phases() || is_off(Rule::IdsAreKept);
        let kept = |object: &Object| match object.ended {
            Some(ended) => !at_once && now.0 < ended.0 + RETENTION,
            None => !object.observation.phase.is_over(),
        };
        self.objects.retain(|_, object| kept(object));
    }

    /// The cluster's master starts anew: what it had accepted and not written down is gone.
    pub fn restart(&mut self) {
        self.objects.retain(|_, object| object.is_durable);
    }

    fn create(&mut self, create: &Create) -> Outcome {
        if is_refused(&create.job) {
            return refused();
        }
        if let Some(object) = self.named(&create.name) {
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
        self.objects.insert((create.name.clone(), 0), Object::new(observation.clone(), create.job.clone()));
        Outcome::Done(observation)
    }

    fn activate(&mut self, name: &ExternalName, uid: &Uid) -> Outcome {
        let place = (name.clone(), 0);
        let Some(object) = self.objects.get_mut(&place) else { return Outcome::Gone };
        let seen = &mut object.observation;
        if seen.uid != *uid && !is_off(Rule::RecordedUid) {
            return Outcome::Foreign(seen.clone());
        }
        if seen.phase == Phase::Suspended {
            seen.phase = Phase::Starting;
            self.effects.push(Effect::Started(place, seen.uid.clone(), seen.label.clone()));
        }
        Outcome::Done(seen.clone())
    }

    fn stop(&mut self, name: &ExternalName, uid: Option<&Uid>) -> Outcome {
        let place = (name.clone(), 0);
        let Some(object) = self.objects.get_mut(&place) else { return Outcome::Gone };
        let seen = &object.observation;
        if uid.is_some_and(|uid| *uid != seen.uid) {
            return Outcome::Foreign(seen.clone());
        }
        if !object.is_stopping && (seen.phase.is_alive() || seen.phase == Phase::Suspended) {
            object.is_stopping = true;
            self.effects.push(Effect::Stopping(place, seen.label.clone()));
        }
        Outcome::Done(object.observation.clone())
    }
}

impl Object {
    fn new(observation: Observation, job: Job) -> Self {
        Self { observation, job: Arc::new(job), is_stopping: false, is_durable: true, ended: None }
    }

    /// It runs, if nothing came in between.
    pub fn run(&mut self, now: Tick) {
        if self.observation.phase == Phase::Starting {
            self.observation.phase = Phase::Running { since: now.time() };
        }
    }

    /// It ends, if it is alive, or was stopped before it ran. Says whether it did.
    pub fn end(&mut self, now: Tick, end: End) -> bool {
        let started = match self.observation.phase {
            Phase::Running { since } => Some(since),
            Phase::Impaired { .. } | Phase::Starting => None,
            Phase::Suspended if end == End::Stopped => None,
            _ => return false,
        };
        self.observation.phase = Phase::Ended { at: now.time(), started, end };
        self.ended = Some(now);
        // How something ended is written down before it counts as ended.
        self.is_durable = true;
        true
    }

    /// It is gone without a word, if it was alive.
    pub fn vanish(&mut self, now: Tick) {
        if self.observation.phase.is_alive() {
            self.observation.phase = Phase::Vanished { reason: "the host was started anew".to_owned() };
            self.ended = Some(now);
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

fn is_refused(job: &Job) -> bool {
    let Engine::Process(process) = &job.engine;
    process.command.first().is_some_and(|command| command == REFUSED)
}

fn refused() -> Outcome {
    Outcome::Refused { reason: "no such command".to_owned() }
}
