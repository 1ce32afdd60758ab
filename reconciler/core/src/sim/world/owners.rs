//! What becomes of the owners: their turns, their writes and calls, and their deaths.

use windlass_compiler::name::Name;

use crate::action::{Action, Outcome};
use crate::desired::Goal;
use crate::id::{Epoch, Instance};
use crate::observed::Observation;
use crate::shard::{Fence, Shard};
use crate::sights::Heard;
use crate::sim::agenda::Tick;
use crate::sim::cluster::Call;
use crate::sim::lease::Lease;
use crate::sim::mishap::Way;
use crate::sim::owned::Owned;
use crate::sim::owner::Step;
use crate::sim::place::{Lane, Place};
use crate::sim::store::{Commit, Transaction};
use crate::sim::story::{self, Kind, Recorded};
use crate::sim::trouble::Trouble;

use super::thawing::KEEPER;
use super::{
    Check, Event, Flight, INTERVAL, PATIENCE, SELDOM, Sent, TAKE_OVER, Who, World, broken_table, owner_name,
};

impl World {
    pub(super) fn turn(&mut self, owner: usize) -> Check {
        if self.turns[owner] != Some(self.agenda.now()) {
            return Ok(());
        }
        self.turns[owner] = None;
        let one = &self.owners[owner];
        let free = one.is_up
            && one.sights.len() == self.clusters.len()
            && one.writing.is_none()
            && self.paused[owner] <= self.agenda.now();
        if !free {
            return Ok(());
        }
        match self.luck.at(Place { owner, lane: Lane::Step, cluster: 0 }).trouble {
            Some(Trouble::Crash { heir, after }) => {
                self.fall(owner);
                self.agenda.plan(after, Event::Rise(heir));
                // Of a team, whoever lives is an heir, and whoever dies is started anew.
                if matches!(self.lease, Lease::Nodes(_)) {
                    self.agenda.plan(TAKE_OVER, Event::Rise(owner));
                }
                return Ok(());
            }
            Some(Trouble::Pause(millis)) => {
                self.pause(owner, millis);
                return Ok(());
            }
            Some(Trouble::Stale) => {
                let text = || "decides without reading what is new".to_owned();
                self.tell(Kind::Detail, || owner_name(owner), None, text);
            }
            Some(Trouble::Command(command)) => {
                self.read(owner);
                self.interfere(command)?;
            }
            _ => self.read(owner),
        }
        self.step(owner)
    }

    /// An owner reads what is new, if the store can be reached.
    fn read(&mut self, owner: usize) {
        if self.reads_store(owner) {
            self.owners[owner].reading.refresh(&self.store);
            self.owners[owner].owned.read();
            self.owners[owner].is_fresh = true;
        }
    }

    pub(super) fn reads_store(&self, owner: usize) -> bool {
        self.is_open(owner, None, Way::Out) && self.is_open(owner, None, Way::Back)
    }

    fn step(&mut self, owner: usize) -> Check {
        let (now, op) = (self.at(owner), self.op());
        let step = self.owners[owner].step(now).map_err(|illegal| broken_table(&illegal))?;
        self.tell_waits(owner);
        match step {
            Step::Record(fence, status) => {
                let transaction = self.owners[owner].reading.record(op, fence, *status);
                self.send(owner, transaction);
            }
            Step::End(fence, run) => {
                let transaction = self.owners[owner].reading.end(op, fence, *run);
                self.send(owner, transaction);
            }
            Step::Call(fence, instance, cluster, action, goal) => {
                self.call(owner, fence, instance, &cluster, action, goal.as_ref())?;
            }
            Step::CallFirst(fence, instance, cluster, action, goal, status) => {
                self.call(owner, fence, instance, &cluster, action, Some(&goal))?;
                let transaction = self.owners[owner].reading.record(op, fence, *status);
                self.send(owner, transaction);
            }
            Step::Recover(recovery) => {
                let transaction = self.owners[owner].reading.recover(op, *recovery);
                self.send(owner, transaction);
            }
            Step::Rebuild(fence, rebuilt, recovery) => {
                let transaction = self.owners[owner].reading.rebuild(op, fence, rebuilt, *recovery);
                self.send(owner, transaction);
            }
            Step::Wait(wake) => {
                if let Some(at) = wake {
                    self.hint(owner, self.clocks[owner].until(now.tick, at));
                }
                return self.judge(owner);
            }
        }
        self.hint(owner, 5);
        Ok(())
    }

    /// Says what waits, where that has changed and is asked for.
    fn tell_waits(&mut self, owner: usize) {
        let Some(waits) = &self.owners[owner].waits else { return };
        let now: Vec<_> = waits
            .iter()
            .map(|(one, waits)| (one.clone(), story::awaited(waits), story::waits(waits)))
            .collect();
        for (instance, awaited, waits) in now {
            let known = self.waiting.insert(instance.clone(), awaited.clone());
            if !awaited.is_empty() && known.as_ref() != Some(&awaited) {
                let text = || format!("waits: {}", waits.join(", and "));
                self.tell(Kind::Wait, || owner_name(owner), Some(&instance), text);
            }
        }
    }

    fn call(
        &mut self,
        owner: usize,
        fence: Fence,
        instance: Instance,
        cluster: &Name,
        action: Action,
        goal: Option<&Goal>,
    ) -> Check {
        if let Some(goal) = goal {
            self.witness.last_intent_wins(goal, &action)?;
        }
        let Some(cluster) = self.clusters.iter().position(|one| one.name == *cluster) else { return Ok(()) };
        let phases = self.clusters[cluster].kind.has_two_phases();
        let brief = if phases { None } else { self.owners[owner].brief(&instance, action.name()) };
        if !phases && brief.is_none() {
            return Ok(());
        }
        let (who, number) = (self.who(owner), self.number());
        let (verb, on) = (action.verb(), self.clusters[cluster].name.to_string());
        let text = || format!("calls {verb} of {} on {on}", action.name());
        self.tell(Kind::Call, || owner_name(owner), Some(&instance), text);
        self.owners[owner].calling.insert(instance.clone(), number);
        self.make(Flight { who, number, instance, cluster, call: Call { action, brief }, fence })
    }

    fn send(&mut self, owner: usize, transaction: Transaction) {
        let (who, number) = (self.who(owner), self.number());
        self.owners[owner].writing = Some(number);
        let sent = Sent::of(&transaction);
        self.agenda.plan(PATIENCE, Event::Written(who, number, sent, None));
        let hap = self.luck.at(Place { owner, lane: Lane::Write, cluster: 0 });
        if !self.is_open(owner, None, Way::Out) {
            return;
        }
        let delays = match hap.trouble {
            Some(Trouble::Lost) => Vec::new(),
            Some(Trouble::Late(late)) => vec![late],
            Some(Trouble::Twice(later)) => vec![hap.delay, later],
            _ => vec![hap.delay],
        };
        if delays != [hap.delay] {
            let text = || match delays.as_slice() {
                [] => "what it writes does not arrive".to_owned(),
                [late] => format!("what it writes is {} under way", story::span(*late)),
                [_, later, ..] => {
                    format!("what it writes arrives, and once more after {}", story::span(*later))
                }
            };
            self.tell(Kind::Fault, || owner_name(owner), None, text);
        }
        for delay in delays {
            self.agenda.plan(delay, Event::Write(who, number, Box::new(transaction.clone())));
        }
    }

    pub(super) fn write(&mut self, who: Who, number: u64, transaction: Transaction) {
        let sent = Sent::of(&transaction);
        let records = if self.told.is_some() { story::records(&transaction) } else { Vec::new() };
        let begins = transaction.fence.is_none();
        let commit = self.store.commit(transaction);
        let now = self.agenda.now();
        self.store.remember(now);
        if begins && commit == Commit::Done {
            self.follow_recovery(KEEPER);
        }
        for Recorded { about, kind, text } in records {
            let (kind, text) = match commit {
                Commit::Done => (kind, format!("records {text}")),
                Commit::Conflict => {
                    (Kind::Detail, format!("has read an older version, and may not record {text}"))
                }
                Commit::Fenced => (Kind::Detail, format!("was replaced, and may not record {text}")),
            };
            self.tell(kind, || owner_name(who.0), about.as_ref(), || text);
        }
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Ack, cluster: 0 });
        if hap.trouble == Some(Trouble::Lost) || !self.is_open(who.0, None, Way::Back) {
            self.tell(
                Kind::Fault,
                || "store".to_owned(),
                None,
                || "the answer to the write is lost".to_owned(),
            );
            return;
        }
        let delay = hap.arrival();
        self.agenda.plan(delay, Event::Written(who, number, sent, Some(commit)));
    }

    pub(super) fn returned(&mut self, flight: &Flight, outcome: Option<&Outcome>) {
        let Flight { who, number, instance, cluster, call, .. } = flight;
        if !self.lives(*who) || self.owners[who.0].calling.get(instance) != Some(number) {
            return;
        }
        let text = || format!("hears of {}: {}", call.action.verb(), story::outcome(outcome));
        self.tell(Kind::Detail, || owner_name(who.0), Some(instance), text);
        let (now, name) = (self.agenda.now(), self.clusters[*cluster].name.clone());
        self.owners[who.0].returned(instance, &name, call.action.name(), outcome, now);
        self.hint(who.0, 1);
    }

    pub(super) fn written(&mut self, who: Who, number: u64, sent: &Sent, commit: Option<Commit>) -> Check {
        if !self.lives(who) || self.owners[who.0].writing != Some(number) {
            return Ok(());
        }
        let owner = &mut self.owners[who.0];
        owner.writing = None;
        match commit {
            Some(Commit::Done) => owner.reading.acknowledged(&self.store, sent.op, &sent.keys),
            // An outcome that is not known is settled by reading.
            Some(Commit::Conflict) | None => self.read(who.0),
            Some(Commit::Fenced) => {
                self.tell(Kind::Detail, || owner_name(who.0), None, || "steps down".to_owned());
                if let (Lease::Nodes(_), Some(fence)) = (&self.lease, sent.fence) {
                    self.step_down(who.0, fence)?;
                } else {
                    self.owners[who.0].fall();
                    return Ok(());
                }
            }
        }
        self.hint(who.0, 1);
        Ok(())
    }

    pub(super) fn ask(&mut self, who: Who, cluster: usize) {
        if !self.lives(who) {
            return;
        }
        let (now, number) = (self.agenda.now(), self.number());
        self.asking[who.0][cluster] = number;
        self.agenda.plan(PATIENCE, Event::Answer(who, cluster, number, now, None));
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Question, cluster });
        if hap.trouble == Some(Trouble::Lost) || !self.is_open(who.0, Some(cluster), Way::Out) {
            self.unheard(cluster, "a question about all that it holds does not arrive");
            return;
        }
        let delay = hap.arrival();
        self.agenda.plan(delay, Event::Question(who, cluster, number, now));
    }

    pub(super) fn answer(
        &mut self,
        who: Who,
        cluster: usize,
        number: u64,
        asked: Tick,
        words: Option<Vec<Observation>>,
    ) {
        if !self.lives(who) || self.asking[who.0][cluster] != number {
            return;
        }
        self.asking[who.0][cluster] = 0;
        let (kind, name) = (self.clusters[cluster].kind, self.clusters[cluster].name.clone());
        let heard = Heard { asked, taken: self.agenda.now(), now: self.time(who.0) };
        let owner = &mut self.owners[who.0];
        let words = words.map(|mut shown| {
            kind.complete(&mut shown, owner.reading.fleet(), &name);
            shown
        });
        owner.hear(&name, heard, words);
        self.hint(who.0, 1);
        let late = self.agenda.now() > Tick(self.scenario.calm + super::BOUND);
        let pause = if late && !self.rehearsal { SELDOM } else { INTERVAL };
        self.agenda.plan(pause, Event::Ask(who, cluster));
    }

    pub(super) fn rise(&mut self, owner: usize) -> Check {
        match &mut self.lease {
            // Whoever is there goes on.
            Lease::Nodes(_) if self.owners[owner].is_up => return Ok(()),
            Lease::Nodes(_) => self.join(owner),
            Lease::AtWill(last) => {
                let epoch = last.next();
                *last = epoch;
                self.take_over(owner, epoch)?;
            }
        }
        self.owners[owner].reading.refresh(&self.store);
        self.paused[owner] = Tick(0);
        for cluster in 0..self.clusters.len() {
            self.ask(self.who(owner), cluster);
        }
        Ok(())
    }

    /// An owner takes everything over, from whoever believes that it still is the owner.
    fn take_over(&mut self, owner: usize, epoch: Epoch) -> Check {
        for shard in Shard::all() {
            self.store.raise(Fence { shard, epoch });
        }
        let now = self.agenda.now();
        self.store.remember(now);
        self.witness.raised(owner, None, epoch);
        self.witness.epochs_rise(owner, None, epoch)?;
        self.tell(Kind::Fault, || owner_name(owner), None, || format!("takes over, in epoch {epoch}"));
        self.owners[owner].rise(Owned::Everything(epoch));
        Ok(())
    }

    pub(super) fn fall(&mut self, owner: usize) {
        self.tell(Kind::Fault, || owner_name(owner), None, || "dies".to_owned());
        self.owners[owner].fall();
    }

    pub(super) fn pause(&mut self, owner: usize, millis: u64) {
        self.tell(
            Kind::Fault,
            || owner_name(owner),
            None,
            || format!("stands still for {}", story::span(millis)),
        );
        self.paused[owner] = self.agenda.now().after(millis);
        self.hint(owner, millis);
        if self.rehearsal && millis > TAKE_OVER {
            self.agenda.plan(TAKE_OVER, Event::Rise(1 - owner));
        }
    }

    pub(super) fn hint(&mut self, owner: usize, delay: u64) {
        let at = self.agenda.now().after(delay);
        if self.turns[owner].is_none_or(|planned| at < planned) {
            self.turns[owner] = Some(at);
            self.agenda.plan(delay, Event::Turn(owner));
        }
    }
}
