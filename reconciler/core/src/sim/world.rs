//! Everything that a simulation holds, and what happens in it, event by event.

mod fate;
mod owners;

use windlass_compiler::model::{Job, Mode};

use crate::action::{Action, Outcome};
use crate::id::{Instance, OpId, Uid};
use crate::observed::{End, Observation};
use crate::sim::Summary;
use crate::sim::agenda::{Agenda, Tick};
use crate::sim::cluster::{Cluster, Effect};
use crate::sim::network;
use crate::sim::odds::Odds;
use crate::sim::owner::Owner;
use crate::sim::project;
use crate::sim::random::Random;
use crate::sim::store::{Commit, Key, Store, Transaction};
use crate::sim::user::{Command, User};
use crate::sim::witness::{Violation, Witness};
use crate::state::IllegalEvent;

/// How long things go wrong.
const CHAOS: u64 = 40_000;
/// When everything must be as it should be, at the latest: every message has arrived, every retry has been had.
const BOUND: u64 = CHAOS + 600_000;
/// How often a cluster is asked.
const INTERVAL: u64 = 1_000;
/// How long a call or a write is waited for.
const PATIENCE: u64 = 10_000;

/// A simulated world.
#[derive(Debug)]
pub struct World {
    random: Random,
    odds: Odds,
    agenda: Agenda<Event>,
    store: Store,
    cluster: Cluster,
    silent_until: Tick,
    owners: [Owner; 2],
    turns: [Option<Tick>; 2],
    paused: [Tick; 2],
    users: [User; 2],
    jobs: Vec<Job>,
    witness: Witness,
    numbers: u64,
    /// Calls that have not arrived yet.
    flying: u64,
    summary: Summary,
    log: Option<Vec<String>>,
}

/// Who, and in which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Who(usize, u64);

#[derive(Debug)]
enum Event {
    Turn(usize),
    Ask(Who),
    Question(Who, Tick),
    Answer(Who, Tick, Option<Vec<Observation>>),
    Call(Who, u64, Instance, Box<Action>),
    Return(Who, u64, Instance, Box<Action>, Option<Box<Outcome>>),
    Write(Who, u64, Box<Transaction>),
    Written(Who, u64, Vec<Key>, Option<Commit>),
    /// Somebody deletes an object, and a late copy of the call that made it makes it anew.
    Copied(Box<Action>),
    Runs(Uid),
    Ends(Uid, End),
    Thinks(usize),
    Submits(usize, Box<Command>, u64),
    Mishap,
    Rise(usize),
    Heal,
}

type Check = Result<(), Violation>;

impl World {
    /// The world of a seed, before anything has happened.
    pub fn new(seed: u64, logged: bool) -> Self {
        let mut random = Random::new(seed);
        let (odds, jobs) = (Odds::draw(&mut random), project::jobs(&mut random));
        let mut world = Self {
            random,
            odds,
            jobs,
            agenda: Agenda::default(),
            store: Store::default(),
            cluster: Cluster::default(),
            silent_until: Tick(0),
            owners: Default::default(),
            turns: [None; 2],
            paused: [Tick(0); 2],
            users: Default::default(),
            witness: Witness::default(),
            numbers: 0,
            flying: 0,
            summary: Summary::default(),
            log: logged.then(Vec::new),
        };
        world.begin();
        world
    }

    /// What was written down.
    pub fn into_log(self) -> Vec<String> {
        self.log.unwrap_or_default()
    }

    /// Lets everything happen, until all is as it should be.
    pub fn run(&mut self) -> Result<Summary, Violation> {
        while let Some(event) = self.agenda.advance() {
            self.summary.events += 1;
            self.happen(event)?;
            self.look()?;
            if self.summary.converged > Tick(0) {
                return Ok(self.summary);
            }
            if self.agenda.now() > Tick(BOUND) {
                break;
            }
        }
        Err(self.unsettled())
    }

    fn begin(&mut self) {
        let first = Command::first(&self.jobs);
        self.agenda.plan(0, Event::Submits(0, Box::new(first), 0));
        self.agenda.plan(1, Event::Rise(0));
        self.agenda.plan(CHAOS, Event::Heal);
        for _ in 0..self.odds.mishaps {
            self.agenda.plan(self.random.below(CHAOS), Event::Mishap);
        }
        for _ in 0..self.odds.commands {
            let user = self.either();
            self.agenda.plan(self.random.between(100, CHAOS - 5_000), Event::Thinks(user));
        }
    }

    fn happen(&mut self, event: Event) -> Check {
        match event {
            Event::Turn(owner) => return self.turn(owner),
            Event::Ask(who) => self.ask(who),
            Event::Question(who, asked) => self.question(who, asked),
            Event::Answer(who, asked, words) => self.answer(who, asked, words),
            Event::Call(who, call, instance, action) => self.arrive(who, call, instance, action),
            Event::Return(who, call, instance, action, outcome) => {
                self.returned(who, call, &instance, &action, outcome.as_deref());
            }
            Event::Write(who, number, transaction) => self.write(who, number, *transaction),
            Event::Written(who, number, keys, commit) => self.written(who, number, &keys, commit),
            Event::Copied(action) => {
                self.log(|| format!("mishap: {} is deleted and made anew", action.name()));
                self.cluster.delete(action.name());
                self.cluster.perform(&action);
            }
            Event::Runs(uid) => {
                let now = self.agenda.now();
                self.cluster.object(&uid).into_iter().for_each(|object| object.run(now));
            }
            Event::Ends(uid, end) => {
                let now = self.agenda.now();
                self.log(|| format!("cluster: {uid} ends: {end:?}"));
                self.cluster.object(&uid).into_iter().for_each(|object| object.end(now, end.clone()));
            }
            Event::Thinks(user) => self.think(user),
            Event::Submits(user, command, tries) => return self.submit(user, command, tries),
            Event::Mishap => self.befall(),
            // After the last fault there is one owner.
            Event::Rise(owner) if self.agenda.now() < Tick(CHAOS) => return self.rise(owner),
            Event::Rise(_) => {}
            Event::Heal => return self.heal(),
        }
        Ok(())
    }

    /// Looks at what the last event did, and plans what follows on the cluster.
    fn look(&mut self) -> Check {
        let effects = self.cluster.take_effects();
        for effect in &effects {
            self.log(|| format!("cluster: {effect:?}"));
            match effect {
                Effect::Created(..) => {}
                Effect::Started(uid, _) => self.live(uid),
                Effect::Stopping(uid, _) => {
                    let delay = self.random.between(20, 5_000);
                    self.agenda.plan(delay, Event::Ends(uid.clone(), End::Stopped));
                }
            }
        }
        self.witness.step(&mut self.store, &self.cluster, &effects)
    }

    /// Plans the life of what was just let run.
    fn live(&mut self, uid: &Uid) {
        self.summary.starts += 1;
        let Some(object) = self.cluster.object(uid) else { return };
        let mode = object.job.mode;
        let (chaos, random) = (self.agenda.now() < Tick(CHAOS), &mut self.random);
        self.agenda.plan(random.between(20, 2_000), Event::Runs(uid.clone()));
        let ends = mode == Mode::Batch || (chaos && random.chance(350));
        if ends {
            let good = random.chance(if mode == Mode::Batch { 700 } else { 250 });
            let end = if good { End::Succeeded } else { End::Failed("exit status 1".to_owned()) };
            self.agenda.plan(random.between(100, 15_000), Event::Ends(uid.clone(), end));
        }
    }

    fn question(&mut self, who: Who, asked: Tick) {
        let silent = self.agenda.now() < self.silent_until;
        let words = (!silent).then(|| self.cluster.list());
        let delay = network::answer(&mut self.random, &self.odds);
        let (delay, words) = delay.map_or((PATIENCE, None), |delay| (delay, words));
        self.agenda.plan(delay, Event::Answer(who, asked, words));
    }

    fn arrive(&mut self, who: Who, call: u64, instance: Instance, action: Box<Action>) {
        self.flying -= 1;
        let silent = self.agenda.now() < self.silent_until;
        if silent && self.random.chance(500) {
            return;
        }
        let outcome = self.cluster.perform(&action);
        if matches!(*action, Action::Create(_)) && self.random.chance(self.odds.repeated / 4) {
            self.agenda.plan(self.random.between(1, 60), Event::Copied(action.clone()));
        }
        self.log(|| format!("cluster: {call} {} {}", action.verb(), action.name()));
        if let Some(delay) = network::answer(&mut self.random, &self.odds).filter(|_| !silent) {
            self.agenda.plan(delay, Event::Return(who, call, instance, action, Some(Box::new(outcome))));
        }
    }

    fn write(&mut self, who: Who, number: u64, transaction: Transaction) {
        let keys: Vec<Key> = transaction.writes.iter().map(|write| write.key.clone()).collect();
        let written = self.log.is_some().then(|| transaction.writes.clone());
        let commit = self.store.commit(transaction);
        self.log(|| {
            format!("store: owner {}: {}: {commit:?}", who.0, written.map(describe).unwrap_or_default())
        });
        if let Some(delay) = network::answer(&mut self.random, &self.odds) {
            self.agenda.plan(delay, Event::Written(who, number, keys, Some(commit)));
        }
    }

    fn think(&mut self, user: usize) {
        self.users[user].reading.refresh(&self.store);
        let command = Command::any(&mut self.random, &self.jobs);
        self.agenda.plan(self.random.between(1, 1_500), Event::Submits(user, Box::new(command), 0));
    }

    fn submit(&mut self, user: usize, command: Box<Command>, tries: u64) -> Check {
        let (op, now, number) = (self.op(), self.agenda.now(), self.number());
        let mutation = command.write(self.users[user].reading.fleet(), now, number);
        if mutation.is_empty() {
            return Ok(());
        }
        let notes = mutation.notes.clone();
        let commit = self.store.commit(self.users[user].reading.commit(op, mutation));
        self.log(|| format!("user {user}: {}: {commit:?}", command.name()));
        self.users[user].reading.refresh(&self.store);
        match commit {
            Commit::Done => {
                self.summary.commands += 1;
                self.hint(0, 5);
                self.hint(1, 5);
                self.witness.commands_stay(&self.store, &notes)
            }
            _ => {
                self.agenda.plan(self.random.between(1, 50), Event::Submits(user, command, tries + 1));
                Ok(())
            }
        }
    }

    fn log(&mut self, line: impl FnOnce() -> String) {
        let now = self.agenda.now().0;
        if let Some(log) = &mut self.log {
            log.push(format!("{:>4}.{:03} {}", now / 1000, now % 1000, line()));
        }
    }

    fn who(&self, owner: usize) -> Who {
        Who(owner, self.owners[owner].life)
    }

    fn lives(&self, who: Who) -> bool {
        self.owners[who.0].is_up && self.owners[who.0].life == who.1
    }

    fn either(&mut self) -> usize {
        usize::try_from(self.random.below(2)).unwrap_or(0)
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn op(&mut self) -> OpId {
        OpId(self.number().into())
    }
}

fn broken_table(illegal: &IllegalEvent) -> Violation {
    Violation { invariant: "every event has its place in the table", detail: illegal.to_string() }
}

fn describe(writes: Vec<crate::sim::store::Write>) -> String {
    use crate::sim::store::Record;
    let one = |write: crate::sim::store::Write| match write.record {
        Record::Status(status) => format!(
            "{} is {:?} (attempt {}, generation {})",
            status.instance,
            status.state,
            status.attempt_number(),
            status.observed_generation
        ),
        Record::Run(run) => format!("run {} ends", run.id),
        _ => format!("{:?}", write.key),
    };
    writes.into_iter().map(one).collect::<Vec<_>>().join(", ")
}
