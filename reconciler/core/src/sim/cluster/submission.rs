//! Clusters that cannot hold a job suspended: submitting an attempt is letting it run, once for each identity.

use crate::action::{Action, Create, Outcome};
use crate::fault::{Rule, is_off};
use crate::observed::{End, Observation, Phase};
use crate::sim::agenda::Tick;
use crate::sim::kind::{Kind, unsubmitted_one};

use super::{Cluster, Effect, Object, Place, is_refused, refused};

impl Cluster {
    pub(super) fn submission(&mut self, action: &Action, brief: &Create, now: Tick) -> Outcome {
        match action {
            // The identity is a function of the attempt: there is nothing to ask the cluster for.
            Action::Create(_) if is_refused(&brief.job) => refused(),
            Action::Create(_) => Outcome::Done(free(brief)),
            Action::Activate { .. } => self.submit(brief),
            Action::Stop { .. } => self.burn(brief, now),
        }
    }

    fn submit(&mut self, brief: &Create) -> Outcome {
        if is_refused(&brief.job) {
            return refused();
        }
        let known = self.named(&brief.name).map(|object| object.observation.clone());
        match (self.kind, known) {
            (Kind::Names, known) => self.queue(brief, known),
            (_, Some(known)) if !is_off(Rule::CreateOnly) => Outcome::Done(known),
            (Kind::Ids, _) => self.accept(brief),
            (Kind::Tokens | Kind::Objects, _) => self.begin(brief),
        }
    }

    /// An id that was accepted is not durable yet, and shown as suspended: it is asked for again until it is.
    fn accept(&mut self, brief: &Create) -> Outcome {
        let place = (brief.name.clone(), 0);
        let mut object = Object::new(free(brief), brief.job.clone());
        object.is_durable = false;
        self.effects.push(Effect::Accepted(place.clone(), brief.label.clone()));
        self.objects.insert(place, object);
        Outcome::Done(free(brief))
    }

    fn begin(&mut self, brief: &Create) -> Outcome {
        let observation = Observation { phase: Phase::Starting, ..free(brief) };
        self.place((brief.name.clone(), 0), observation.clone(), brief);
        Outcome::Done(observation)
    }

    /// Every submission is another run, which reaches its guard later.
    fn queue(&mut self, brief: &Create, known: Option<Observation>) -> Outcome {
        self.made += 1;
        let (place, queued) =
            ((brief.name.clone(), self.made), Observation { phase: Phase::Starting, ..free(brief) });
        self.effects.push(Effect::Accepted(place.clone(), brief.label.clone()));
        self.queue.insert(place, queued.clone());
        Outcome::Done(known.unwrap_or(queued))
    }

    fn place(&mut self, place: Place, observation: Observation, brief: &Create) {
        let (uid, label) = (observation.uid.clone(), observation.label.clone());
        self.effects.push(Effect::Started(place.clone(), uid, label));
        self.objects.insert(place, Object::new(observation, brief.job.clone()));
    }

    /// What was accepted starts now, if nothing came between: an id becomes durable, a run reaches its guard.
    pub fn proceed(&mut self, place: &Place, brief: &Create) {
        let is_free = !self.is_known(&brief.name);
        self.queue.remove(place);
        match self.kind {
            Kind::Names if is_free || is_off(Rule::GuardAtStart) => {
                let observation = Observation { phase: Phase::Starting, ..free(brief) };
                self.place(place.clone(), observation, brief);
            }
            // Its guard does not let it pass: another run of the attempt has, or a stop has taken its place.
            Kind::Names => {}
            _ => {
                let Some(object) = self.objects.get_mut(place) else { return };
                if object.observation.phase == Phase::Suspended {
                    object.is_durable = true;
                    object.observation.phase = Phase::Starting;
                    let (uid, label) = (object.observation.uid.clone(), object.observation.label.clone());
                    self.effects.push(Effect::Started(place.clone(), uid, label));
                }
            }
        }
    }

    /// A stop takes the identity of what was not submitted, so that nothing late can run under it.
    fn burn(&mut self, brief: &Create, now: Tick) -> Outcome {
        let stopped = Phase::Ended { at: now.time(), started: None, end: End::Stopped };
        if is_off(Rule::BurnOnStop) && !self.is_known(&brief.name) {
            return Outcome::Done(Observation { phase: stopped, ..free(brief) });
        }
        let place = (brief.name.clone(), 0);
        let Some((place, object)) =
            self.objects.range_mut(place.clone()..=(brief.name.clone(), u64::MAX)).next()
        else {
            let mut object = Object::new(Observation { phase: stopped, ..free(brief) }, brief.job.clone());
            object.ended = Some(now);
            let observation = object.observation.clone();
            self.objects.insert(place, object);
            return Outcome::Done(observation);
        };
        if object.observation.phase == Phase::Suspended {
            object.end(now, End::Stopped);
        } else if !object.is_stopping && object.observation.phase.is_alive() {
            object.is_stopping = true;
            self.effects.push(Effect::Stopping(place.clone(), brief.label.clone()));
        }
        Outcome::Done(object.observation.clone())
    }
}

fn free(brief: &Create) -> Observation {
    unsubmitted_one(brief.name.clone(), brief.label.clone())
}
