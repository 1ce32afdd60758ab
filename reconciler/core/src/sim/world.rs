//! Everything that a simulation holds, and what happens in it, event by event.

mod clusters;
mod fate;
mod leases;
mod owners;
mod thawing;
mod users;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use windlass_compiler::model::{self, Job};
use windlass_compiler::name::Name;

use crate::action::{Create, Outcome};
use crate::fleet::Fleet;
use crate::id::{Epoch, Instance, OpId, Uid};
use crate::observed::{End, Observation};
use crate::shard::Fence;
use crate::sim::Summary;
use crate::sim::agenda::{Agenda, Tick};
use crate::sim::clock::{Clock, Now};
use crate::sim::cluster::{Call, Cluster, Place as Spot};
use crate::sim::lease::{Lease, Nodes, Team};
use crate::sim::luck::Luck;
use crate::sim::mishap::{Cut, Mishap, Timed, Way};
use crate::sim::odds::Odds;
use crate::sim::owner::Owner;
use crate::sim::project;
use crate::sim::scenario::Scenario;
use crate::sim::store::{Commit, Key, Store, Transaction};
use crate::sim::story::{self, Kind, Line};
use crate::sim::user::{Command, User};
use crate::sim::witness::{Memory, Violation, Witness};
use crate::state::IllegalEvent;
use leases::Talk;

/// When everything must be as it should be after the last fault, at the latest: every message has arrived, every
/// retry has been had.
pub const BOUND: u64 = 600_000;
/// How often a cluster is asked.
const INTERVAL: u64 = 1_000;
/// The same when it has taken longer than [`BOUND`] already.
const SELDOM: u64 = 30_000;
/// How long a call, a write or an answer is waited for.
const PATIENCE: u64 = 10_000;
/// How long nobody owns what a dead owner held.
const TAKE_OVER: u64 = 15_000;

/// A simulated world.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    recorded: IndexMap<Name, model::Cluster>,
    luck: Luck,
    agenda: Agenda<Event>,
    store: Store,
    lease: Lease,
    clusters: Vec<Cluster>,
    silent: Vec<Tick>,
    cuts: Vec<(Cut, Tick)>,
    clocks: [Clock; 2],
    owners: [Owner; 2],
    asking: [Vec<u64>; 2],
    turns: [Option<Tick>; 2],
    paused: [Tick; 2],
    users: [User; 2],
    witness: Witness,
    numbers: u64,
    /// Calls that have not arrived yet, and submissions that have not started.
    flying: u64,
    /// How much longer leases take to settle.
    settling: u64,
    bound: u64,
    /// A rehearsal ends at its time, not when everything is at rest, and nothing heals by itself.
    rehearsal: bool,
    /// Who waits for the recovery of the store.
    thawing: [bool; 2],
    /// The specs, as their last apply that was acknowledged had them.
    tree: Vec<Job>,
    /// What instances were last said to wait for.
    waiting: BTreeMap<Instance, Vec<String>>,
    summary: Summary,
    befallen: Vec<Timed>,
    told: Option<Vec<Line>>,
}

/// Who, and in which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Who(usize, u64);

/// A call under way.
#[derive(Debug, Clone)]
struct Flight {
    who: Who,
    number: u64,
    instance: Instance,
    cluster: usize,
    call: Call,
    /// What it is made under.
    fence: Fence,
}

/// A write under way, as its writer knows it.
#[derive(Debug)]
struct Sent {
    op: OpId,
    keys: Vec<Key>,
    fence: Option<Fence>,
}

impl Sent {
    fn of(transaction: &Transaction) -> Self {
        let keys = transaction.writes.iter().map(|write| write.key.clone()).collect();
        Self { op: transaction.op, keys, fence: transaction.fence }
    }
}

#[derive(Debug)]
enum Event {
    Turn(usize),
    Ask(Who, usize),
    Question(Who, usize, u64, Tick),
    Answer(Who, usize, u64, Tick, Option<Vec<Observation>>),
    Call(Box<Flight>),
    Return(Box<Flight>, Option<Box<Outcome>>),
    Write(Who, u64, Box<Transaction>),
    Written(Who, u64, Sent, Option<Commit>),
    /// Something between owners and lease nodes.
    Lease(Box<Talk>),
    /// A user looks how far the recovery is.
    Thaws(usize),
    /// Somebody deletes an object, and a late copy of the call that made it makes it anew.
    Copied(usize, Box<Call>),
    Proceeds(usize, Spot, Box<Create>),
    Runs(usize, Spot, Uid),
    Ends(usize, Spot, Uid, End),
    Submits(usize, Box<Command>, u64),
    Mishap(Option<Box<Mishap>>, u64),
    Rise(usize),
    Heal,
}

type Check = Result<(), Violation>;

impl World {
    /// The world of a scenario before anything has happened. `odds` draw what goes wrong beside what it says;
    /// `told`: what happens is written down.
    pub fn new(scenario: &Scenario, odds: Option<Odds>, told: bool) -> Self {
        let names = scenario.clusters.iter();
        let clusters: Vec<Cluster> = names.map(|(name, kind)| Cluster::new(name.clone(), *kind)).collect();
        let clock = |owner: usize| Clock { ahead: 0, drift: scenario.drift[owner] };
        let settling = scenario.team.as_ref().map_or(0, Team::settling);
        let mut world = Self {
            recorded: project::recorded(&scenario.clusters),
            luck: Luck::new(scenario.seed, odds, &scenario.strikes, &scenario.jobs),
            agenda: Agenda::from(Tick(scenario.begins)),
            store: if scenario.goes_back() { Store::that_goes_back() } else { Store::default() },
            lease: match &scenario.team {
                None => Lease::AtWill(Epoch::default()),
                Some(team) => Lease::Nodes(Box::new(Nodes::new(team, &scenario.jobs))),
            },
            silent: vec![Tick(0); clusters.len()],
            cuts: Vec::new(),
            clocks: [clock(0), clock(1)],
            owners: Default::default(),
            asking: [vec![0; clusters.len()], vec![0; clusters.len()]],
            turns: [None; 2],
            paused: [Tick(0); 2],
            users: Default::default(),
            witness: Witness::default(),
            numbers: 0,
            flying: 0,
            settling,
            bound: scenario.calm + BOUND + settling,
            rehearsal: false,
            thawing: [false; 2],
            tree: Vec::new(),
            waiting: BTreeMap::new(),
            summary: Summary::default(),
            befallen: Vec::new(),
            told: told.then(Vec::new),
            clusters,
            scenario: scenario.clone(),
        };
        world.begin(odds);
        world
    }

    /// What was written down, and all that went wrong, told as a scenario.
    pub fn into_told(self) -> (Vec<Line>, Scenario) {
        let (mishaps, strikes) = (self.befallen, self.luck.into_struck());
        (self.told.unwrap_or_default(), Scenario { mishaps, strikes, ..self.scenario })
    }

    /// Everything must be as it should be so many milliseconds after the last fault, instead of [`BOUND`].
    pub fn give(&mut self, bound: u64) {
        self.bound = self.scenario.calm.saturating_add(bound).saturating_add(self.settling);
    }

    /// Lets everything happen, until all is as it should be.
    pub fn run(&mut self) -> Result<Summary, Violation> {
        while let Some(event) = self.agenda.advance() {
            self.summary.events += 1;
            self.happen(event)?;
            self.forget();
            self.look()?;
            if self.summary.converged > Tick(0) {
                return Ok(self.summary);
            }
            if self.agenda.now() > Tick(self.bound) {
                break;
            }
        }
        Err(self.unsettled())
    }

    /// What nothing is left of is forgotten, once the store has gone back in time.
    fn forget(&mut self) {
        if self.store.returns() == 0 {
            return;
        }
        let owners = self.owners.iter().map(|owner| &owner.reading);
        let readings = owners.chain(self.users.iter().map(|user| &user.reading)).collect();
        self.witness.forget(&Memory { store: &self.store, clusters: &self.clusters, readings });
        self.summary.is_excepted = self.witness.has_excepted();
    }

    /// Lets everything happen until a moment: a rehearsal, in which nothing heals that was not said to.
    pub(crate) fn rehearse(&mut self, until: Tick) -> Result<Summary, Violation> {
        self.rehearsal = true;
        self.owners.iter_mut().for_each(|owner| owner.waits = Some(BTreeMap::new()));
        while let Some(event) = self.agenda.advance().filter(|_| self.agenda.now() <= until) {
            self.summary.events += 1;
            self.happen(event)?;
            self.look()?;
        }
        Ok(self.summary)
    }

    /// The records, as they are.
    pub(crate) fn fleet(&self) -> Fleet {
        let mut reading = crate::sim::reading::Reading::default();
        reading.refresh(&self.store);
        reading.fleet().clone()
    }

    /// How often each instance has started on any cluster.
    pub(crate) fn starts(&self) -> BTreeMap<Instance, u64> {
        self.witness.starts()
    }

    /// What an instance waits for, by the last word of whoever owns it.
    pub(crate) fn waits(&self, instance: &Instance) -> Vec<String> {
        let owners = self.owners.iter().filter(|owner| owner.is_up);
        let latest = owners.max_by_key(|owner| owner.owned.epoch()).and_then(|owner| owner.waits.as_ref());
        latest.and_then(|waits| waits.get(instance)).map(|waits| story::waits(waits)).unwrap_or_default()
    }

    fn begin(&mut self, odds: Option<Odds>) {
        let first = Command::first(&self.scenario.jobs);
        self.agenda.plan(0, Event::Submits(0, Box::new(first), 0));
        self.agenda.plan(1, Event::Rise(0));
        if self.scenario.team.is_some() {
            self.agenda.plan(50, Event::Rise(1));
        }
        self.agenda.plan(self.scenario.calm, Event::Heal);
        for (nth, timed) in (0..).zip(self.scenario.mishaps.clone()) {
            let delay = timed.at.saturating_sub(self.scenario.begins);
            self.agenda.plan(delay, Event::Mishap(Some(Box::new(timed.mishap)), nth));
        }
        for nth in 0..odds.map_or(0, |odds| odds.mishaps) {
            self.agenda.plan(self.time_of(nth), Event::Mishap(None, nth));
        }
    }

    fn happen(&mut self, event: Event) -> Check {
        match event {
            Event::Turn(owner) => return self.turn(owner),
            Event::Ask(who, cluster) => self.ask(who, cluster),
            Event::Question(who, cluster, number, asked) => self.question(who, cluster, number, asked),
            Event::Answer(who, cluster, number, asked, words) => {
                self.answer(who, cluster, number, asked, words);
            }
            Event::Call(flight) => return self.arrive(flight),
            Event::Return(flight, outcome) => self.returned(&flight, outcome.as_deref()),
            Event::Write(who, number, transaction) => self.write(who, number, *transaction),
            Event::Written(who, number, sent, commit) => return self.written(who, number, &sent, commit),
            Event::Lease(talk) => return self.talk(*talk),
            Event::Thaws(user) => return self.thaw(user),
            Event::Copied(cluster, call) => self.copied(cluster, &call),
            Event::Proceeds(cluster, spot, brief) => return self.proceed(cluster, &spot, &brief),
            Event::Runs(cluster, spot, uid) => self.runs(cluster, &spot, &uid),
            Event::Ends(cluster, spot, uid, end) => self.ends(cluster, &spot, &uid, end),
            Event::Submits(user, command, tries) => return self.submit(user, command, tries),
            Event::Mishap(mishap, nth) => return self.befall(mishap.map(|one| *one), nth),
            // After the last fault there is one owner.
            Event::Rise(owner) if self.rehearsal || self.agenda.now() < Tick(self.scenario.calm) => {
                return self.rise(owner);
            }
            Event::Rise(_) => {}
            Event::Heal if self.rehearsal => {}
            Event::Heal => return self.heal(),
        }
        Ok(())
    }

    /// Whether something gets through between an owner and a cluster, or the store.
    fn is_open(&self, owner: usize, cluster: Option<usize>, way: Way) -> bool {
        let now = self.agenda.now();
        !self.cuts.iter().any(|(cut, until)| {
            now < *until
                && cut.owner == owner
                && cut.cluster == cluster
                && (cut.way == Way::Both || cut.way == way)
        })
    }

    fn is_silent(&self, cluster: usize) -> bool {
        self.agenda.now() < self.silent[cluster]
    }

    fn tell(
        &mut self,
        kind: Kind,
        who: impl FnOnce() -> String,
        about: Option<&Instance>,
        text: impl FnOnce() -> String,
    ) {
        let at = self.agenda.now();
        if let Some(told) = &mut self.told {
            let about = about.cloned();
            let text = about.as_ref().map_or_else(String::new, |about| format!("{about}: ")) + &text();
            told.push(Line { at, who: who(), about, kind, text });
        }
    }

    fn who(&self, owner: usize) -> Who {
        Who(owner, self.owners[owner].life)
    }

    fn lives(&self, who: Who) -> bool {
        self.owners[who.0].is_up && self.owners[who.0].life == who.1
    }

    fn time(&self, owner: usize) -> jiff::Timestamp {
        self.clocks[owner].show(self.agenda.now())
    }

    /// The moment, as an owner's host has it.
    fn at(&self, owner: usize) -> Now {
        let tick = self.agenda.now();
        let clock = match &self.lease {
            Lease::AtWill(_) => Clock::default(),
            Lease::Nodes(nodes) => nodes.hosts[owner],
        };
        Now { tick, time: self.time(owner), clock: clock.count(tick) }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn op(&mut self) -> OpId {
        OpId(self.number().into())
    }
}

fn owner_name(owner: usize) -> String {
    format!("owner {}", owner + 1)
}

fn broken_table(illegal: &IllegalEvent) -> Violation {
    Violation { invariant: "every event has its place in the table", detail: illegal.to_string() }
}
