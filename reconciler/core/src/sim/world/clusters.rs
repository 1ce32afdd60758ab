//! What happens on the clusters: calls arrive, attempts live and end.

use windlass_compiler::model::Mode;

use crate::action::{Action, Create, Outcome};
use crate::id::Uid;
use crate::observed::End;
use crate::sim::agenda::Tick;
use crate::sim::cluster::{Call, Effect, Place as Spot};
use crate::sim::mishap::Way;
use crate::sim::place::{Lane, Place};
use crate::sim::random::Random;
use crate::sim::story::{self, Kind};
use crate::sim::trouble::Trouble;

use super::{Check, Event, Flight, PATIENCE, Who, World};

/// The places of what clusters leave to chance.
const LIFE: u64 = 0x11FE;
const HEARING: u64 = 0x4EA2;

impl World {
    /// Looks at what the last event did, and plans what follows on the clusters.
    pub(super) fn look(&mut self) -> Check {
        let mut all = Vec::new();
        for cluster in 0..self.clusters.len() {
            let effects = self.clusters[cluster].take_effects();
            for effect in &effects {
                let (label, text) = story::effect(effect);
                let name = self.clusters[cluster].name.to_string();
                self.tell(Kind::Effect, || name, Some(&label.instance), || text);
                self.follow(cluster, effect);
            }
            all.extend(effects);
        }
        self.witness.step(&mut self.store, &self.clusters, &all)
    }

    fn follow(&mut self, cluster: usize, effect: &Effect) {
        match effect {
            Effect::Created(..) | Effect::Accepted(..) => {}
            Effect::Started(spot, uid, _) => self.live(cluster, spot, uid),
            Effect::Stopping(spot, _) => {
                let mut random = self.life(spot, 1);
                let Some(object) = self.clusters[cluster].object(spot) else { return };
                let uid = object.observation.uid.clone();
                let delay = if self.rehearsal { 1_000 } else { random.between(20, 5_000) };
                self.agenda.plan(delay, Event::Ends(cluster, spot.clone(), uid, End::Stopped));
            }
        }
    }

    /// Plans the life of what was just let run.
    fn live(&mut self, cluster: usize, spot: &Spot, uid: &Uid) {
        self.summary.starts += 1;
        let mut random = self.life(spot, 2);
        let Some(object) = self.clusters[cluster].object(spot) else { return };
        let (job, attempt) = (object.job.id.clone(), object.observation.label.attempt);
        let mode = object.job.mode;
        let (runs, end) = match self.scenario.lives.get(&job) {
            Some(life) => {
                let end = if attempt.0 <= life.fails { failed() } else { End::Succeeded };
                (1_000, life.takes.map(|takes| (takes.max(1_001), end)))
            }
            None => {
                let chaos = self.agenda.now() < Tick(self.scenario.calm) && !self.rehearsal;
                let runs = random.between(20, 2_000);
                let ends = mode == Mode::Batch || (chaos && random.chance(350));
                let good = random.chance(if mode == Mode::Batch { 700 } else { 250 });
                let takes = random.between(100, 15_000);
                (runs, ends.then_some((takes, if good { End::Succeeded } else { failed() })))
            }
        };
        self.agenda.plan(runs, Event::Runs(cluster, spot.clone(), uid.clone()));
        if let Some((takes, end)) = end {
            self.agenda.plan(takes, Event::Ends(cluster, spot.clone(), uid.clone(), end));
        }
    }

    /// What chance has for one step of one object's life.
    fn life(&self, spot: &Spot, step: u64) -> Random {
        let letters = spot.0.as_str().bytes();
        let name = letters.fold(spot.1, |sum, letter| sum.wrapping_mul(0x0100_0193) ^ u64::from(letter));
        Random::at(self.scenario.seed, LIFE + step, name)
    }

    pub(super) fn runs(&mut self, cluster: usize, spot: &Spot, uid: &Uid) {
        let now = self.agenda.now();
        let object = self.clusters[cluster].object(spot).filter(|object| object.observation.uid == *uid);
        object.into_iter().for_each(|object| object.run(now));
    }

    pub(super) fn ends(&mut self, cluster: usize, spot: &Spot, uid: &Uid, end: End) {
        let (now, text) = (self.agenda.now(), story::end(&end));
        let object = self.clusters[cluster].object(spot).filter(|object| object.observation.uid == *uid);
        let Some(object) = object else { return };
        let label = object.observation.label.clone();
        if object.end(now, end) {
            let name = self.clusters[cluster].name.to_string();
            let text = || format!("attempt {} {text}", label.attempt);
            self.tell(Kind::Effect, || name, Some(&label.instance), text);
        }
    }

    pub(super) fn question(&mut self, who: Who, cluster: usize, number: u64, asked: Tick) {
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Answer, cluster });
        if self.is_silent(cluster) || !self.is_open(who.0, Some(cluster), Way::Back) {
            return;
        }
        if hap.trouble == Some(Trouble::Lost) {
            return self.unheard(cluster, "the answer about all that it holds is lost");
        }
        let delay = hap.arrival();
        let words = self.clusters[cluster].list();
        self.agenda.plan(delay, Event::Answer(who, cluster, number, asked, Some(words)));
    }

    pub(super) fn unheard(&mut self, cluster: usize, text: &str) {
        let name = self.clusters[cluster].name.to_string();
        self.tell(Kind::Detail, || name, None, || text.to_owned());
    }

    pub(super) fn arrive(&mut self, flight: Box<Flight>) -> Check {
        self.flying -= 1;
        let (owner, cluster, now) = (flight.who.0, flight.cluster, self.agenda.now());
        let silent = self.is_silent(cluster);
        // A cluster that answers nobody may still hear.
        if silent && Random::at(self.scenario.seed, HEARING, flight.number).chance(500) {
            return Ok(());
        }
        let ended = self.clusters[cluster].ended(flight.call.action.name());
        let outcome = self.clusters[cluster].perform(&flight.call, now);
        self.witness.what_has_ended_stays(&self.store, &self.clusters[cluster], &ended)?;
        self.submitted(cluster, &flight.call);
        let hap = self.luck.at(Place { owner, lane: Lane::Return, cluster });
        let lost = hap.trouble == Some(Trouble::Lost) || !self.is_open(owner, Some(cluster), Way::Back);
        if lost && !silent {
            let (name, verb) = (self.clusters[cluster].name.to_string(), flight.call.action.verb());
            let text = || format!("the answer to {verb} is lost");
            self.tell(Kind::Fault, || name, Some(&flight.instance), text);
        }
        if lost || silent {
            return Ok(());
        }
        let delay = hap.arrival();
        self.agenda.plan(delay, Event::Return(flight, Some(Box::new(outcome))));
        Ok(())
    }

    /// What was accepted starts now, if nothing came between.
    pub(super) fn proceed(&mut self, cluster: usize, spot: &Spot, brief: &Create) -> Check {
        self.flying -= 1;
        let ended = self.clusters[cluster].ended(&brief.name);
        self.clusters[cluster].proceed(spot, brief);
        self.witness.what_has_ended_stays(&self.store, &self.clusters[cluster], &ended)
    }

    /// What a call has submitted starts later, if nothing comes between.
    fn submitted(&mut self, cluster: usize, call: &Call) {
        let Some(brief) = &call.brief else { return };
        for spot in self.clusters[cluster].accepted() {
            let delay = self.life(&spot, 0).between(20, 2_000);
            self.flying += 1;
            self.agenda.plan(delay, Event::Proceeds(cluster, spot, brief.clone()));
        }
    }

    /// Somebody deletes an object, and a late copy of the call that made it makes it anew.
    pub(super) fn copied(&mut self, cluster: usize, call: &Call) {
        let now = self.agenda.now();
        if !self.clusters[cluster].kind.has_two_phases() || !matches!(call.action, Action::Create(_)) {
            return;
        }
        let name = self.clusters[cluster].name.to_string();
        let text = || format!("{} is deleted, and made anew by a late copy", call.action.name());
        self.tell(Kind::Fault, || name, None, text);
        self.clusters[cluster].delete(call.action.name(), now);
        self.clusters[cluster].perform(call, now);
    }

    /// What a call meets on its way to a cluster.
    pub(super) fn travel(&mut self, flight: &Flight) {
        let (owner, cluster) = (flight.who.0, flight.cluster);
        let hap = self.luck.at(Place { owner, lane: Lane::Call, cluster });
        self.agenda.plan(PATIENCE, Event::Return(Box::new(flight.clone()), None));
        if !self.is_open(owner, Some(cluster), Way::Out) {
            return;
        }
        let fault = |text: String| (Kind::Fault, text);
        let (delays, told) = match hap.trouble {
            Some(Trouble::Lost) => (Vec::new(), Some(fault("the call is lost".to_owned()))),
            Some(Trouble::Late(late)) => {
                (vec![late], Some(fault(format!("the call is {} under way", story::span(late)))))
            }
            Some(Trouble::Twice(later)) => (
                vec![hap.delay, later],
                Some(fault(format!("the call arrives, and once more after {}", story::span(later)))),
            ),
            Some(Trouble::Anew(later)) => {
                let copy = Box::new(flight.call.clone());
                self.agenda.plan(hap.delay + later, Event::Copied(cluster, copy));
                (vec![hap.delay], None)
            }
            Some(Trouble::Error) => {
                let reason = "500 Internal Server Error".to_owned();
                let outcome = Outcome::Unknown { reason };
                self.agenda
                    .plan(hap.delay + 1, Event::Return(Box::new(flight.clone()), Some(Box::new(outcome))));
                (vec![hap.delay], Some(fault("the call is done, and answered with an error".to_owned())))
            }
            _ => (vec![hap.delay], None),
        };
        if let Some((kind, text)) = told {
            let name = self.clusters[cluster].name.to_string();
            self.tell(kind, || name, Some(&flight.instance), || text);
        }
        for delay in delays {
            self.flying += 1;
            self.agenda.plan(delay, Event::Call(Box::new(flight.clone())));
        }
    }
}

fn failed() -> End {
    End::Failed("exit status 1".to_owned())
}
