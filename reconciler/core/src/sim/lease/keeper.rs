//! What an owner does for its leases, one thing after another: it keeps its seat and its shards, takes those that it
//! should have, and gives the others back. Live, that is `lease/replicas/keeper.rs` and `lease/redlock/`; who sits is
//! seen without delay here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::id::Epoch;
use crate::lease::acquisition::{Acquisition, Grant, Outcome, Step};
use crate::lease::memory::{Mark, Memory};
use crate::lease::renewal::{Renewal, Renewed};
use crate::lease::{Hint, Moment, Nonce, Tenure, Terms};
use crate::shard::{Fence, Shard};
use crate::sim::agenda::Tick;
use crate::sim::clock::Now;
use crate::sim::lease::NODES;
use crate::sim::lease::server::{Reply, Request, Server, Slot};
use crate::sim::owned::Own;

/// What is to be done for it.
#[derive(Debug)]
pub enum Order {
    /// Every node is to be asked; who has not answered after a patience is silent.
    Ask(u64, Request),
    /// A node, or every one, is to be told something.
    Tell(Option<usize>, Request),
    /// The barrier of a shard is to be raised.
    Raise(u64, Fence),
    /// An acquisition was completed that was begun at a time.
    Completed(Slot, Tick, Epoch),
    /// A shard is ours, or is so for longer.
    Keep(Shard, Own),
    /// A shard is no longer ours, and why.
    Lose(Shard, &'static str),
    /// It is to turn again at once.
    Again,
    /// It is to turn again after a pause.
    Rest,
}

/// What it sees when it turns.
pub struct View<'a> {
    /// When.
    pub now: Now,
    /// Whether the other owner is there; none where that cannot be seen.
    pub other_sits: Option<bool>,
    /// The barrier of a shard; none while the store does not answer.
    pub barrier: &'a dyn Fn(Shard) -> Option<Epoch>,
}

/// What an owner knows of its leases.
#[derive(Debug)]
pub struct Keeper {
    me: usize,
    terms: Terms,
    shards: Arc<[Shard]>,
    links: [Link; NODES],
    tenures: BTreeMap<Slot, Tenure>,
    round: Option<Round>,
    /// The last renewal, whose answers tell what to heal.
    healing: Option<(u64, BTreeMap<Slot, Renewal>)>,
    renewed: Moment,
    /// When the store answered last; none before the first turn.
    reached: Option<Moment>,
    failures: u32,
}

/// What is known of one node.
#[derive(Debug, Default)]
struct Link {
    met: Option<(u64, Mark)>,
    memory: Memory,
}

/// What is under way.
#[derive(Debug)]
struct Round {
    number: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Taking { asked: Tick, tries: BTreeMap<Slot, Acquisition>, got: BTreeMap<Slot, Tenure> },
    Renewing(BTreeMap<Slot, Renewal>),
    Entering(BTreeMap<Shard, Tenure>),
}

/// What owners are called where shards are shared out.
const NAMES: [&str; 2] = ["owner-1", "owner-2"];

impl Keeper {
    /// One that has nothing.
    pub fn new(me: usize, terms: Terms, shards: Arc<[Shard]>) -> Self {
        Self {
            me,
            terms,
            shards,
            links: Default::default(),
            tenures: BTreeMap::new(),
            round: None,
            healing: None,
            renewed: Moment::default(),
            reached: None,
            failures: 0,
        }
    }

    /// A connection to a node: a new one where its process is another, or its keys were found empty.
    pub fn connect(&mut self, node: usize, server: &mut Server, now: Now) {
        let link = &mut self.links[node];
        if link.met.as_ref().is_some_and(|(run, _)| *run == server.run()) {
            return;
        }
        let life = server.life(now.tick);
        link.memory.met(&life, &self.terms, now.clock);
        link.met = Some((server.run(), life.mark));
    }

    /// The process of a node and its mark, as they were met.
    pub fn met(&self, node: usize) -> Option<&(u64, Mark)> {
        self.links[node].met.as_ref()
    }

    /// Whether a node's answers count.
    pub fn trusts(&self, node: usize, clock: Moment) -> bool {
        self.links[node].memory.distrusted(clock).is_none()
    }

    /// How long nothing is to be done, if nothing happens.
    pub fn pause(&self, clock: Moment, random: u32) -> Duration {
        let until = clock.until(self.renewed.after(self.terms.renewal()));
        match self.failures {
            0 => until,
            failures => until.min(self.terms.pause(failures - 1, random)),
        }
    }

    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        self.round.is_some()
    }

    /// Its turn. `number` names what it begins.
    pub fn turn(&mut self, view: &View<'_>, number: u64) -> Vec<Order> {
        if self.is_busy() {
            return Vec::new();
        }
        if self.renewed.after(self.terms.renewal()) <= view.now.clock {
            self.renewed = view.now.clock;
            if !self.tenures.is_empty() {
                return self.renew(view.now, number);
            }
        }
        if self.is_cut_off(view) {
            // Others may be able to reach the store.
            let mut orders = self.step_back("the store does not answer");
            orders.push(Order::Rest);
            return orders;
        }
        let Some(other_sits) = view.other_sits else {
            self.failures += 1;
            return vec![Order::Rest];
        };
        let wanted = self.wanted(other_sits);
        let unwanted = self.tenures.keys().filter(|slot| !wanted.contains(slot)).copied().collect();
        let mut orders = self.give_back(unwanted);
        let missing: Vec<Slot> = match self.tenures.contains_key(&Slot::Seat(self.me)) {
            false => vec![Slot::Seat(self.me)],
            true => wanted.into_iter().filter(|slot| !self.tenures.contains_key(slot)).collect(),
        };
        orders.extend(self.take(&missing, view, number));
        orders
    }

    /// Whether the store has not answered for two TTLs.
    fn is_cut_off(&mut self, view: &View<'_>) -> bool {
        let now = view.now.clock;
        let answers = self.shards.iter().all(|shard| (view.barrier)(*shard).is_some());
        let reached = self.reached.filter(|_| !answers).unwrap_or(now);
        self.reached = Some(reached);
        reached.until(now) > self.terms.ttl * 2
    }

    /// Its seat, and the shards that it should have.
    fn wanted(&self, other_sits: bool) -> BTreeSet<Slot> {
        let seated = [Some(NAMES[self.me]), other_sits.then_some(NAMES[1 - self.me])];
        let is_ours = |shard: &Shard| shard.chosen(seated.into_iter().flatten()) == Some(NAMES[self.me]);
        let shards = self.shards.iter().copied().filter(is_ours).map(Slot::Shard);
        shards.chain([Slot::Seat(self.me)]).collect()
    }

    fn renew(&mut self, now: Now, number: u64) -> Vec<Order> {
        let begin = |(slot, tenure): (&Slot, &Tenure)| (*slot, Renewal::begin(self.terms, tenure, now.clock));
        let renewals = self.tenures.iter().map(begin).collect();
        let claims = self.tenures.iter().map(|(slot, tenure)| (*slot, tenure.nonce)).collect();
        self.round = Some(Round { number, stage: Stage::Renewing(renewals) });
        let mut orders = vec![Order::Ask(number, Request::Extend(claims))];
        orders.extend(self.renewed(now));
        orders
    }

    fn take(&mut self, missing: &[Slot], view: &View<'_>, number: u64) -> Vec<Order> {
        if missing.is_empty() {
            self.failures = 0;
            return vec![Order::Rest];
        }
        let barriers = missing.iter().map(|slot| match slot {
            Slot::Seat(_) => Some(Epoch(0)),
            Slot::Shard(shard) => (view.barrier)(*shard).map(Epoch::next),
        });
        let lowest = barriers.reduce(|one, other| Some(one?.max(other?))).flatten();
        let Some(hint) = lowest.and_then(|lowest| Hint::new(lowest).ok()) else {
            self.failures += 1;
            return vec![Order::Rest];
        };
        let nonces = (0..).map(|nth| Nonce(u128::from(number) << 8 | nth));
        let claims: Vec<(Slot, Nonce)> = missing.iter().copied().zip(nonces).collect();
        let begin =
            |(slot, nonce): &(Slot, Nonce)| (*slot, Acquisition::begin(self.terms, *nonce, view.now.clock));
        let tries = claims.iter().map(begin).collect();
        let stage = Stage::Taking { asked: view.now.tick, tries, got: BTreeMap::new() };
        self.round = Some(Round { number, stage });
        vec![Order::Ask(number, Request::Lock(claims, hint))]
    }

    /// A node answers, or has not.
    pub fn hear(&mut self, node: usize, number: u64, reply: Reply, now: Now) -> Vec<Order> {
        match reply {
            Reply::Emptied => {
                self.links[node].met = None;
                Vec::new()
            }
            Reply::Locks(grants) => self.locked(node, number, grants, now),
            Reply::Seals(seals) => {
                let mut steps = Vec::new();
                if let Some(Stage::Taking { tries, .. }) = stage(&mut self.round, number) {
                    for (slot, seal) in seals {
                        let step = tries.get_mut(&slot).map(|one| one.sealed(node, seal, now.clock));
                        steps.extend(step.map(|step| (slot, step)));
                    }
                }
                self.step(number, steps, now)
            }
            Reply::Extensions(extensions) => {
                let renewals = match (stage(&mut self.round, number), &mut self.healing) {
                    (Some(Stage::Renewing(renewals)), _) => renewals,
                    (_, Some((last, renewals))) if *last == number => renewals,
                    _ => return Vec::new(),
                };
                for (slot, extension) in extensions {
                    if let Some(renewal) = renewals.get_mut(&slot) {
                        renewal.answered(node, extension, now.clock);
                    }
                }
                self.renewed(now)
            }
            Reply::Done => Vec::new(),
        }
    }

    fn locked(&mut self, node: usize, number: u64, grants: Vec<(Slot, Grant)>, now: Now) -> Vec<Order> {
        let memory = &mut self.links[node].memory;
        for (slot, grant) in &grants {
            if let Grant::Granted(counter) = grant {
                memory.counted(&slot.resource(), *counter, &self.terms, now.clock);
            }
        }
        let is_counted = memory.distrusted(now.clock).is_none();
        let mut steps = Vec::new();
        if let Some(Stage::Taking { tries, .. }) = stage(&mut self.round, number) {
            for (slot, grant) in grants {
                let grant = if is_counted { grant } else { Grant::Silent };
                let step = tries.get_mut(&slot).map(|one| one.locked(node, grant, now.clock));
                steps.extend(step.map(|step| (slot, step)));
            }
        }
        self.step(number, steps, now)
    }

    /// Takes the steps of an acquisition.
    fn step(&mut self, number: u64, steps: Vec<(Slot, Step)>, now: Now) -> Vec<Order> {
        let Some(Stage::Taking { asked, tries, got }) = stage(&mut self.round, number) else {
            return Vec::new();
        };
        let (mut orders, mut seals) = (Vec::new(), Vec::new());
        for (slot, step) in steps {
            let Some(nonce) = tries.get(&slot).map(Acquisition::nonce) else { continue };
            match step {
                Step::Wait => {}
                Step::Seal(token) => seals.push((slot, nonce, token)),
                Step::Done(Outcome::Held { token, until }) => {
                    orders.push(Order::Completed(slot, *asked, token));
                    got.insert(slot, Tenure { resource: slot.resource(), nonce, token, until });
                }
                Step::Done(Outcome::Lost { release, .. }) => {
                    if release {
                        orders.push(Order::Tell(None, Request::Release(vec![(slot, nonce)])));
                    }
                }
            }
        }
        if !seals.is_empty() {
            orders.push(Order::Ask(number, Request::Seal(seals)));
        }
        if tries.values().all(Acquisition::is_decided) {
            let (tried, got) = (tries.len(), std::mem::take(got));
            self.failures = if got.len() == tried { 0 } else { self.failures + 1 };
            orders.extend(self.enter(number, got, now));
        }
        orders
    }

    /// What was got is ours once its barrier is raised.
    fn enter(&mut self, number: u64, got: BTreeMap<Slot, Tenure>, now: Now) -> Vec<Order> {
        let (mut orders, mut entering) = (Vec::new(), BTreeMap::new());
        let sits = got.contains_key(&Slot::Seat(self.me)) && got[&Slot::Seat(self.me)].holds(now.clock);
        for (slot, tenure) in got {
            match slot {
                Slot::Seat(_) => drop(self.tenures.insert(slot, tenure)),
                Slot::Shard(shard) => {
                    orders.push(Order::Raise(number, Fence { shard, epoch: tenure.token }));
                    entering.insert(shard, tenure);
                }
            }
        }
        if entering.is_empty() {
            self.round = None;
            orders.push(if sits { Order::Again } else { Order::Rest });
        } else {
            self.round = Some(Round { number, stage: Stage::Entering(entering) });
        }
        orders
    }

    /// The store tells the barrier of a shard that was to be raised, or nothing.
    pub fn raised(&mut self, number: u64, shard: Shard, barrier: Option<Epoch>, now: Now) -> Vec<Order> {
        let Some(Stage::Entering(entering)) = stage(&mut self.round, number) else { return Vec::new() };
        let Some(tenure) = entering.remove(&shard) else { return Vec::new() };
        let is_last = entering.is_empty();
        let mut orders = Vec::new();
        if barrier == Some(tenure.token) {
            orders.push(Order::Keep(shard, own(&tenure, now)));
            self.tenures.insert(Slot::Shard(shard), tenure);
        } else {
            self.failures += 1;
            let release = Request::Release(vec![(Slot::Shard(shard), tenure.nonce)]);
            orders.push(Order::Tell(None, release));
        }
        if is_last {
            self.round = None;
            orders.push(Order::Rest);
        }
        orders
    }

    /// Takes in what renewals came to, once all are decided.
    fn renewed(&mut self, now: Now) -> Vec<Order> {
        let Some(Round { stage: Stage::Renewing(renewals), .. }) = &self.round else { return Vec::new() };
        if renewals.values().any(|renewal| renewal.decided().is_none()) {
            return Vec::new();
        }
        let Some(Round { number, stage: Stage::Renewing(renewals) }) = self.round.take() else {
            return Vec::new();
        };
        let mut orders = Vec::new();
        for (slot, renewal) in &renewals {
            match renewal.decided() {
                Some(Renewed::Until(until)) => {
                    let Some(tenure) = self.tenures.get_mut(slot) else { continue };
                    tenure.until = until;
                    if let Slot::Shard(shard) = slot {
                        orders.push(Order::Keep(*shard, own(tenure, now)));
                    }
                }
                Some(Renewed::Kept(_)) | None => {}
                Some(Renewed::Ended) => orders.extend(self.release(*slot, "its lease has ended")),
            }
        }
        self.healing = Some((number, renewals));
        orders.push(Order::Again);
        orders
    }

    /// Everybody was heard who will be: gives nodes the locks again that they lost.
    pub fn heal(&mut self, number: u64) -> Vec<Order> {
        let Some((_, renewals)) = self.healing.take_if(|(last, _)| *last == number) else {
            return Vec::new();
        };
        let mut missing: BTreeMap<usize, Vec<(Slot, Nonce, Epoch)>> = BTreeMap::new();
        for (slot, renewal) in &renewals {
            // What was given back in the meantime must stay free.
            let Some(tenure) = self.tenures.get(slot) else { continue };
            for node in renewal.to_heal() {
                missing.entry(node).or_default().push((*slot, tenure.nonce, tenure.token));
            }
        }
        let heal = |(node, claims)| Order::Tell(Some(node), Request::Heal(claims));
        missing.into_iter().map(heal).collect()
    }

    /// Somebody newer was in a shard.
    pub fn fenced(&mut self, fence: Fence) -> Vec<Order> {
        let slot = Slot::Shard(fence.shard);
        let is_old = self.tenures.get(&slot).is_some_and(|tenure| tenure.token <= fence.epoch);
        if is_old { self.release(slot, "it was replaced") } else { Vec::new() }
    }

    fn give_back(&mut self, slots: Vec<Slot>) -> Vec<Order> {
        slots.into_iter().flat_map(|slot| self.release(slot, "it is the other's")).collect()
    }

    /// Gives everything back, the seat last: who sits may have shards.
    pub fn step_back(&mut self, reason: &'static str) -> Vec<Order> {
        let slots: Vec<Slot> = self.tenures.keys().rev().copied().collect();
        slots.into_iter().flat_map(|slot| self.release(slot, reason)).collect()
    }

    /// First nothing is done under it any more, then others may have it.
    fn release(&mut self, slot: Slot, reason: &'static str) -> Vec<Order> {
        let Some(tenure) = self.tenures.remove(&slot) else { return Vec::new() };
        let lost = match slot {
            Slot::Seat(_) => None,
            Slot::Shard(shard) => Some(Order::Lose(shard, reason)),
        };
        let release = Order::Tell(None, Request::Release(vec![(slot, tenure.nonce)]));
        lost.into_iter().chain([release]).collect()
    }
}

/// What is under way, if it is of that number.
fn stage(round: &mut Option<Round>, number: u64) -> Option<&mut Stage> {
    round.as_mut().filter(|round| round.number == number).map(|round| &mut round.stage)
}

fn own(tenure: &Tenure, now: Now) -> Own {
    let Tenure { nonce, token, until, .. } = *tenure;
    Own { epoch: token, nonce, until, since: now.tick, is_read: false }
}
