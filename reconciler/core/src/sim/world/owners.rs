//! What becomes of the owners: their turns, their writes and calls, and their deaths.

use crate::action::{Action, Outcome};
use crate::desired::Goal;
use crate::id::Instance;
use crate::observed::Observation;
use crate::sim::agenda::Tick;
use crate::sim::network;
use crate::sim::owner::Step;
use crate::sim::store::{Commit, Key, Transaction};

use super::{Check, Event, INTERVAL, PATIENCE, Who, World, broken_table};

impl World {
    pub(super) fn turn(&mut self, owner: usize) -> Check {
        if self.turns[owner] != Some(self.agenda.now()) {
            return Ok(());
        }
        self.turns[owner] = None;
        let free = self.owners[owner].is_up
            && self.owners[owner].has_heard
            && self.owners[owner].writing.is_none()
            && self.paused[owner] <= self.agenda.now();
        if !free {
            return Ok(());
        }
        if self.random.chance(self.odds.crash) {
            return self.fall(owner);
        }
        if self.random.chance(self.odds.pause) {
            self.pause(owner);
            return Ok(());
        }
        if !self.random.chance(self.odds.stale) {
            self.owners[owner].reading.refresh(&self.store);
        }
        self.step(owner)
    }

    pub(super) fn step(&mut self, owner: usize) -> Check {
        let now = self.agenda.now();
        let (epoch, op) = (self.owners[owner].epoch, self.op());
        let step = self.owners[owner].step(now).map_err(|illegal| broken_table(&illegal))?;
        match step {
            Step::Record(status) => {
                let transaction = self.owners[owner].reading.record(op, epoch, *status);
                self.send(owner, transaction);
            }
            Step::End(run) => {
                let transaction = self.owners[owner].reading.end(op, epoch, *run);
                self.send(owner, transaction);
            }
            Step::Call(instance, action, goal) => self.call(owner, instance, action, goal.as_ref())?,
            Step::CallFirst(instance, action, goal, status) => {
                self.call(owner, instance, action, Some(&goal))?;
                let transaction = self.owners[owner].reading.record(op, epoch, *status);
                self.send(owner, transaction);
            }
            Step::Wait(wake) => {
                if let Some(at) = wake {
                    self.hint(owner, Tick::of(at).0.saturating_sub(now.0).max(1));
                }
                return self.judge(owner);
            }
        }
        let next = self.random.between(1, 20);
        self.hint(owner, next);
        Ok(())
    }

    pub(super) fn call(
        &mut self,
        owner: usize,
        instance: Instance,
        action: Action,
        goal: Option<&Goal>,
    ) -> Check {
        if let Some(goal) = goal {
            self.witness.last_intent_wins(goal, &action)?;
        }
        let (who, call) = (self.who(owner), self.number());
        self.log(|| format!("owner {owner}: calls {} {} ({call})", action.verb(), action.name()));
        self.owners[owner].calling.insert(instance.clone(), call);
        let delay = network::delay(&mut self.random, &self.odds);
        if let Some(delay) = network::repeated(&mut self.random, &self.odds) {
            self.flying += 1;
            self.agenda.plan(delay, Event::Call(who, call, instance.clone(), Box::new(action.clone())));
        }
        self.flying += 1;
        self.agenda.plan(delay, Event::Call(who, call, instance.clone(), Box::new(action.clone())));
        self.agenda.plan(PATIENCE, Event::Return(who, call, instance, Box::new(action), None));
        Ok(())
    }

    pub(super) fn send(&mut self, owner: usize, transaction: Transaction) {
        let (who, number) = (self.who(owner), self.number());
        self.owners[owner].writing = Some(number);
        let keys = transaction.writes.iter().map(|write| write.key.clone()).collect();
        let delay = network::delay(&mut self.random, &self.odds);
        self.agenda.plan(delay, Event::Write(who, number, Box::new(transaction)));
        self.agenda.plan(PATIENCE, Event::Written(who, number, keys, None));
    }

    pub(super) fn returned(
        &mut self,
        who: Who,
        call: u64,
        instance: &Instance,
        action: &Action,
        outcome: Option<&Outcome>,
    ) {
        if !self.lives(who) || self.owners[who.0].calling.get(instance) != Some(&call) {
            return;
        }
        self.log(|| format!("owner {}: hears of {call}: {outcome:?}", who.0));
        let now = self.agenda.now();
        self.owners[who.0].returned(instance, action.name(), outcome, now);
        self.hint(who.0, 1);
    }

    pub(super) fn written(&mut self, who: Who, number: u64, keys: &[Key], commit: Option<Commit>) {
        if !self.lives(who) || self.owners[who.0].writing != Some(number) {
            return;
        }
        let owner = &mut self.owners[who.0];
        owner.writing = None;
        match commit {
            Some(Commit::Done) => owner.reading.absorb(&self.store, keys),
            // An outcome that is not known is settled by reading.
            Some(Commit::Conflict) | None => owner.reading.refresh(&self.store),
            Some(Commit::Fenced) => {
                self.log(|| format!("owner {}: is fenced", who.0));
                self.owners[who.0].fall();
                return;
            }
        }
        self.hint(who.0, 1);
    }

    pub(super) fn ask(&mut self, who: Who) {
        if !self.lives(who) {
            return;
        }
        let (now, delay) = (self.agenda.now(), network::delay(&mut self.random, &self.odds));
        self.agenda.plan(delay, Event::Question(who, now));
    }

    pub(super) fn answer(&mut self, who: Who, asked: Tick, words: Option<Vec<Observation>>) {
        if !self.lives(who) {
            return;
        }
        let now = self.agenda.now();
        let owner = &mut self.owners[who.0];
        owner.has_heard = true;
        owner.hear(asked, now, words);
        self.hint(who.0, 1);
        self.agenda.plan(INTERVAL, Event::Ask(who));
    }

    pub(super) fn rise(&mut self, owner: usize) -> Check {
        let epoch = self.store.raise();
        self.witness.epochs_rise(epoch)?;
        self.log(|| format!("owner {owner}: rises in epoch {epoch}"));
        self.owners[owner].rise(epoch);
        self.owners[owner].reading.refresh(&self.store);
        self.paused[owner] = Tick(0);
        self.ask(self.who(owner));
        Ok(())
    }

    pub(super) fn fall(&mut self, owner: usize) -> Check {
        self.log(|| format!("owner {owner}: dies"));
        self.owners[owner].fall();
        let delay = self.random.between(50, 5_000);
        let heir = self.either();
        self.agenda.plan(delay, Event::Rise(heir));
        Ok(())
    }

    pub(super) fn pause(&mut self, owner: usize) {
        let pause = self.random.between(100, 20_000);
        self.log(|| format!("owner {owner}: stands still for {pause} ms"));
        self.paused[owner] = self.agenda.now().after(pause);
        self.hint(owner, pause);
    }

    pub(super) fn hint(&mut self, owner: usize, delay: u64) {
        let at = self.agenda.now().after(delay);
        if self.turns[owner].is_none_or(|planned| at < planned) {
            self.turns[owner] = Some(at);
            self.agenda.plan(delay, Event::Turn(owner));
        }
    }
}
