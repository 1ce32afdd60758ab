//! What owners and lease nodes say to each other, and what comes of it: which shards an owner has, and since when.

use crate::action::Outcome;
use crate::fault::{Rule, is_off};
use crate::id::Epoch;
use crate::lease::acquisition::Grant;
use crate::lease::memory::Mark;
use crate::lease::renewal::Extension;
use crate::shard::{Fence, Shard};
use crate::sim::agenda::Tick;
use crate::sim::lease::keeper::{Order, View};
use crate::sim::lease::server::{Reply, Request};
use crate::sim::lease::{Lease, NODES, Nodes};
use crate::sim::mishap::{Parting, Way};
use crate::sim::owned::{Own, Owned};
use crate::sim::place::{Lane, Place};
use crate::sim::random::Random;
use crate::sim::story::{self, Kind};
use crate::sim::trouble::Trouble;

use super::{Check, Event, Flight, PATIENCE, TAKE_OVER, Who, World, owner_name};

/// The place of the pauses between two tries.
const PAUSES: u64 = 0x9A05E;

/// What happens between owners, lease nodes, and the barriers of the store.
#[derive(Debug)]
pub(super) enum Talk {
    /// An owner turns to its leases.
    Turn(usize),
    /// Something arrives at a node: at the process that it was sent to, for the keys with that mark.
    Asks(Who, usize, Letter),
    /// A node's answer arrives.
    Says(Who, usize, u64, Reply),
    /// Whoever has not answered by now is silent.
    Silence(Who, u64, Reply),
    /// The barrier of a shard is to be raised.
    Raise(Who, u64, Fence),
    /// The store has told it; or has not, for long.
    Raised(Who, u64, Shard, Option<Epoch>),
    /// A call that waited for its turn is made.
    Begin(Box<Flight>),
    /// An owner leaves, once nothing is under way between it and the nodes.
    Leave(Who),
}

/// What is sent to a node.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    number: u64,
    run: u64,
    mark: Mark,
    request: Request,
}

impl World {
    pub(super) fn nodes(&mut self) -> Option<&mut Nodes> {
        match &mut self.lease {
            Lease::AtWill(_) => None,
            Lease::Nodes(nodes) => Some(nodes),
        }
    }

    pub(super) fn talk(&mut self, talk: Talk) -> Check {
        // A host that stands still hears when it goes on.
        let hears = match &talk {
            Talk::Says(who, ..) | Talk::Silence(who, ..) | Talk::Raised(who, ..) | Talk::Leave(who) => {
                Some(who.0)
            }
            Talk::Begin(flight) => Some(flight.who.0),
            Talk::Turn(_) | Talk::Asks(..) | Talk::Raise(..) => None,
        };
        if let Some(owner) = hears
            && self.agenda.now() < self.paused[owner]
        {
            let left = self.paused[owner].0 - self.agenda.now().0;
            self.agenda.plan(left, Event::Lease(Box::new(talk)));
            return Ok(());
        }
        match talk {
            Talk::Turn(owner) => self.turn_to_leases(owner),
            Talk::Asks(who, node, letter) => self.asked(who, node, letter),
            Talk::Says(who, node, number, reply) => self.heard(who, node, number, reply),
            Talk::Silence(who, number, reply) => self.unanswered(who, number, &reply),
            Talk::Raise(who, number, fence) => self.raise(who, number, fence),
            Talk::Raised(who, number, shard, barrier) => self.raised(who, number, shard, barrier),
            Talk::Begin(flight) => self.begin_call(&flight),
            Talk::Leave(who) => self.leave(who),
        }
    }

    fn plan(&mut self, delay: u64, talk: Talk) {
        self.agenda.plan(delay, Event::Lease(Box::new(talk)));
    }

    /// An owner turns to its leases soon.
    fn turn_later(&mut self, owner: usize, delay: u64) {
        let at = self.agenda.now().after(delay);
        let Some(nodes) = self.nodes() else { return };
        if nodes.turns[owner].is_none_or(|planned| at < planned) {
            nodes.turns[owner] = Some(at);
            self.plan(delay, Talk::Turn(owner));
        }
    }

    /// An owner begins with nothing, and asks for what it should have.
    pub(super) fn join(&mut self, owner: usize) {
        let Some(nodes) = self.nodes() else { return };
        nodes.forget(owner);
        nodes.turns[owner] = None;
        let owned = Owned::nothing_of(nodes.shards.clone());
        self.owners[owner].rise(owned);
        self.tell(Kind::Fault, || owner_name(owner), None, || "begins".to_owned());
        self.turn_later(owner, 1);
    }

    fn turn_to_leases(&mut self, owner: usize) -> Check {
        let now = self.at(owner);
        let reads = self.reads_store(owner);
        let number = self.number();
        let Lease::Nodes(nodes) = &mut self.lease else { return Ok(()) };
        if nodes.turns[owner] != Some(now.tick) || !self.owners[owner].is_up {
            return Ok(());
        }
        nodes.turns[owner] = None;
        if now.tick < self.paused[owner] {
            let left = self.paused[owner].0 - now.tick.0;
            self.turn_later(owner, left);
            return Ok(());
        }
        let barrier = |shard| reads.then(|| self.store.barrier(shard));
        let other_sits = nodes.sits(1 - owner, now.tick);
        let view = View { now, other_sits, barrier: &barrier };
        let orders = nodes.keepers[owner].turn(&view, number);
        self.follow_orders(owner, orders)
    }

    fn follow_orders(&mut self, owner: usize, orders: Vec<Order>) -> Check {
        let who = self.who(owner);
        for order in orders {
            match order {
                Order::Ask(number, request) => {
                    let Some(nodes) = self.nodes() else { return Ok(()) };
                    let patience = u64::try_from(nodes.terms.patience().as_millis()).unwrap_or(0);
                    self.plan(patience, Talk::Silence(who, number, request.silence()));
                    (0..NODES).for_each(|node| self.post(who, node, number, &request));
                }
                Order::Tell(node, request) => {
                    let to = node.map_or(0..NODES, |node| node..node + 1);
                    to.for_each(|node| self.post(who, node, 0, &request));
                }
                Order::Raise(number, fence) => self.send_barrier(who, number, fence),
                Order::Completed(slot, asked, token) => {
                    let text = || format!("gets {} from a majority, with token {token}", slot.resource());
                    self.tell(Kind::Detail, || owner_name(owner), None, text);
                    self.witness.leases.tokens_rise(slot, asked, self.agenda.now(), token)?;
                }
                Order::Keep(shard, own) => self.keep(owner, shard, own)?,
                Order::Lose(shard, reason) => {
                    let text = || format!("gives shard {shard} back: {reason}");
                    self.tell(Kind::Fault, || owner_name(owner), None, text);
                    self.owners[owner].owned.lose(shard);
                }
                Order::Again => self.turn_later(owner, 1),
                Order::Rest => {
                    let (clock, number) = (self.at(owner).clock, self.number());
                    let random = Random::at(self.scenario.seed, PAUSES, number).next();
                    let Some(nodes) = self.nodes() else { return Ok(()) };
                    let pause = nodes.keepers[owner].pause(clock, (random >> 32) as u32);
                    self.turn_later(owner, u64::try_from(pause.as_millis()).unwrap_or(0) + 1);
                }
            }
        }
        Ok(())
    }

    /// A shard is an owner's, or is so for longer.
    fn keep(&mut self, owner: usize, shard: Shard, own: Own) -> Check {
        // What the store has told too late is over already.
        if self.at(owner).clock >= own.until {
            return Ok(());
        }
        let other = self.at(1 - owner).clock;
        let theirs = self.owners[1 - owner].owned.own(shard, other).map(|own| own.epoch);
        self.witness.leases.one_holder(shard, own.epoch, theirs)?;
        if self.owners[owner].keep(shard, own) {
            let text = || format!("takes shard {shard} over, in epoch {}", own.epoch);
            self.tell(Kind::Fault, || owner_name(owner), None, text);
            self.summary.take_overs += 1;
            if self.store.returns() == 0 || !self.witness.leases.has_forgotten() {
                self.witness.epochs_rise(owner, Some(shard), own.epoch)?;
            }
            let fence = Fence { shard, epoch: own.epoch };
            self.summary.repeated += u64::from(self.witness.leases.entered(owner, fence, own.nonce));
        }
        self.hint(owner, 1);
        Ok(())
    }

    /// Sends something to a node, on a connection to it.
    fn post(&mut self, who: Who, node: usize, number: u64, request: &Request) {
        let now = self.at(who.0);
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Lease, cluster: node });
        let Lease::Nodes(nodes) = &mut self.lease else { return };
        if !nodes.is_open(who.0, node, Way::Out, now.tick) {
            return;
        }
        let (near, keeper) = (nodes.is_near(who.0, node, now.tick), &mut nodes.keepers[who.0]);
        if near {
            keeper.connect(node, &mut nodes.servers[node], now);
        }
        let Some((run, mark)) = keeper.met(node).cloned() else { return };
        if matches!(request, Request::Lock(..)) && !keeper.trusts(node, now.clock) {
            return;
        }
        let letter = Letter { number, run, mark, request: request.clone() };
        for delay in self.delays(hap.delay, hap.trouble, who, node) {
            self.plan(delay, Talk::Asks(who, node, letter.clone()));
        }
    }

    /// When a message to a node arrives.
    fn delays(&mut self, delay: u64, trouble: Option<Trouble>, who: Who, node: usize) -> Vec<u64> {
        let (delays, text) = match trouble {
            Some(Trouble::Lost) => (Vec::new(), "does not arrive".to_owned()),
            Some(Trouble::Late(late)) => (vec![late], format!("is {} under way", story::span(late))),
            Some(Trouble::Twice(later)) => {
                (vec![delay, later], format!("arrives, and once more after {}", story::span(later)))
            }
            _ => return vec![delay],
        };
        let text = || format!("what it asks of {} {text}", node_name(node));
        self.tell(Kind::Detail, || owner_name(who.0), None, text);
        delays
    }

    fn asked(&mut self, who: Who, node: usize, letter: Letter) -> Check {
        let now = self.agenda.now();
        let Lease::Nodes(nodes) = &mut self.lease else { return Ok(()) };
        let (ttl, server) = (nodes.terms.ttl, &mut nodes.servers[node]);
        // The connection broke with the process that it was to.
        if server.run() != letter.run {
            return Ok(());
        }
        if server.hangs(now) {
            let left = server.hangs_until().0 - now.0;
            self.plan(left, Talk::Asks(who, node, letter));
            return Ok(());
        }
        let reply = server.answer(&letter.request, Some(&letter.mark), ttl, now);
        let is_open = nodes.is_open(who.0, node, Way::Back, now);
        self.judge_node(node, &letter.request, &reply)?;
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Leased, cluster: node });
        if letter.number == 0 || hap.trouble == Some(Trouble::Lost) || !is_open {
            return Ok(());
        }
        let delay = hap.arrival();
        self.plan(delay, Talk::Says(who, node, letter.number, reply));
        Ok(())
    }

    /// What a node's answer says of the node.
    fn judge_node(&mut self, node: usize, request: &Request, reply: &Reply) -> Check {
        let now = self.agenda.now();
        match (request, reply) {
            (Request::Lock(claims, _), Reply::Locks(grants)) => {
                for ((_, nonce), (_, grant)) in claims.iter().zip(grants) {
                    if matches!(grant, Grant::Granted(_)) {
                        self.witness.leases.granted(*nonce, node, now);
                    }
                }
            }
            (Request::Extend(claims), Reply::Extensions(extensions)) => {
                for ((_, nonce), (_, extension)) in claims.iter().zip(extensions) {
                    if *extension == Extension::Extended {
                        self.witness.leases.granted(*nonce, node, now);
                    }
                }
            }
            // What heals a node seals there, too: a holder whose lock ended there is followed by that.
            (Request::Seal(claims) | Request::Heal(claims), Reply::Seals(seals)) => {
                for ((slot, _, token), (_, seal)) in claims.iter().zip(seals) {
                    self.witness.leases.barriers_rise(node, *slot, *token, *seal)?;
                }
            }
            _ => return Ok(()),
        }
        self.no_loser_fences_out(node)
    }

    /// I2: whoever tries and loses does not fence out who holds.
    fn no_loser_fences_out(&mut self, node: usize) -> Check {
        let Lease::Nodes(nodes) = &self.lease else { return Ok(()) };
        for shard in nodes.shards.iter() {
            for owner in 0..self.owners.len() {
                let clock = nodes.hosts[owner].count(self.agenda.now());
                let Some(own) = self.owners[owner].owned.own(*shard, clock) else { continue };
                let admits = nodes.servers[node].admits(*shard, own.epoch);
                self.witness.leases.holder_is_admitted(node, *shard, own.epoch, admits)?;
            }
        }
        Ok(())
    }

    fn heard(&mut self, who: Who, node: usize, number: u64, reply: Reply) -> Check {
        if !self.lives(who) {
            return Ok(());
        }
        let now = self.at(who.0);
        let Some(nodes) = self.nodes() else { return Ok(()) };
        let orders = nodes.keepers[who.0].hear(node, number, reply, now);
        self.follow_orders(who.0, orders)
    }

    fn unanswered(&mut self, who: Who, number: u64, reply: &Reply) -> Check {
        for node in 0..NODES {
            self.heard(who, node, number, reply.clone())?;
        }
        if !self.lives(who) {
            return Ok(());
        }
        let Some(nodes) = self.nodes() else { return Ok(()) };
        let orders = nodes.keepers[who.0].heal(number);
        self.follow_orders(who.0, orders)
    }

    fn send_barrier(&mut self, who: Who, number: u64, fence: Fence) {
        self.plan(PATIENCE, Talk::Raised(who, number, fence.shard, None));
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Raise, cluster: 0 });
        if hap.trouble == Some(Trouble::Lost) || !self.is_open(who.0, None, Way::Out) {
            return;
        }
        let delay = hap.arrival();
        self.plan(delay, Talk::Raise(who, number, fence));
    }

    fn raise(&mut self, who: Who, number: u64, fence: Fence) -> Check {
        let barrier = self.store.raise(fence);
        self.store.remember(self.agenda.now());
        if barrier == fence.epoch {
            self.witness.raised(who.0, Some(fence.shard), fence.epoch);
        }
        let hap = self.luck.at(Place { owner: who.0, lane: Lane::Raised, cluster: 0 });
        if hap.trouble == Some(Trouble::Lost) || !self.is_open(who.0, None, Way::Back) {
            return Ok(());
        }
        let delay = hap.arrival();
        self.plan(delay, Talk::Raised(who, number, fence.shard, Some(barrier)));
        Ok(())
    }

    fn raised(&mut self, who: Who, number: u64, shard: Shard, barrier: Option<Epoch>) -> Check {
        if !self.lives(who) {
            return Ok(());
        }
        let now = self.at(who.0);
        let Some(nodes) = self.nodes() else { return Ok(()) };
        let orders = nodes.keepers[who.0].raised(number, shard, barrier, now);
        self.follow_orders(who.0, orders)
    }

    /// A write of an owner was refused: somebody newer was in the shard.
    pub(super) fn step_down(&mut self, owner: usize, fence: Fence) -> Check {
        let Some(nodes) = self.nodes() else { return Ok(()) };
        let orders = nodes.keepers[owner].fenced(fence);
        self.follow_orders(owner, orders)
    }

    /// An owner gives everything back and is gone. Calls of its may be under way still.
    fn leave(&mut self, who: Who) -> Check {
        const LOOK: u64 = 10;
        let owner = who.0;
        // After the last fault there is one owner, who stays.
        let stays = !self.rehearsal && self.agenda.now() >= Tick(self.scenario.calm);
        if stays || !self.lives(who) {
            return Ok(());
        }
        let orders = match &mut self.lease {
            Lease::AtWill(_) => Vec::new(),
            Lease::Nodes(nodes) if nodes.keepers[owner].is_busy() => {
                self.plan(LOOK, Talk::Leave(who));
                return Ok(());
            }
            Lease::Nodes(nodes) => nodes.keepers[owner].step_back("it leaves"),
        };
        self.follow_orders(owner, orders)?;
        self.tell(Kind::Fault, || owner_name(owner), None, || "leaves".to_owned());
        self.owners[owner].fall();
        self.agenda.plan(0, Event::Rise(1 - owner));
        self.agenda.plan(TAKE_OVER, Event::Rise(owner));
        Ok(())
    }

    /// A lease node forgets what it knew.
    pub(super) fn forget_node(&mut self, node: usize, restarts: bool) {
        let now = self.agenda.now();
        let text = if restarts { "starts anew, empty" } else { "is emptied" };
        self.tell(Kind::Fault, || node_name(node), None, || text.to_owned());
        self.witness.leases.forgot(node);
        if let Some(nodes) = self.nodes() {
            nodes.servers[node].forget(restarts, now);
        }
    }

    /// A lease node stands still.
    pub(super) fn hang_node(&mut self, node: usize, millis: u64) {
        let until = self.agenda.now().after(millis);
        let text = || format!("stands still for {}", story::span(millis));
        self.tell(Kind::Fault, || node_name(node), None, text);
        if let Some(nodes) = self.nodes() {
            nodes.servers[node].hang(until);
        }
    }

    /// A lease node's clock jumps.
    pub(super) fn shift_node(&mut self, node: usize, millis: i64) {
        let text = || story::jump(millis);
        self.tell(Kind::Fault, || node_name(node), None, text);
        self.witness.leases.jumped();
        if let Some(nodes) = self.nodes() {
            nodes.servers[node].jump(millis);
        }
    }

    /// A way between an owner and a lease node is cut.
    pub(super) fn part(&mut self, parting: Parting, millis: u64) {
        let until = self.agenda.now().after(millis);
        let node = node_name(parting.node);
        let text = || format!("{} {node} do not get through for {}", parting.way, story::span(millis));
        self.tell(Kind::Fault, || owner_name(parting.owner), None, text);
        if let Some(nodes) = self.nodes() {
            nodes.part(parting, until);
        }
    }

    /// All lease nodes are well, and everybody reaches them.
    pub(super) fn heal_nodes(&mut self) {
        let now = self.agenda.now();
        // Locks that were to end by a clock that was wrong end at another time.
        self.witness.leases.jumped();
        if let Some(nodes) = self.nodes() {
            nodes.heal(now);
        }
    }

    /// Whether every shard has an owner, for long enough to have seen what is missing, and every node counts.
    pub(super) fn is_leased(&mut self, owner: usize) -> bool {
        let now = self.at(owner);
        let Lease::Nodes(nodes) = &self.lease else { return true };
        // Its first question may have been lost before everything healed.
        let has_looked = |own: &Own| own.since.after(2 * PATIENCE) < now.tick;
        let owns = |shard: &Shard| self.owners[owner].owned.own(*shard, now.clock).is_some_and(has_looked);
        let counts = |node| nodes.keepers[owner].trusts(node, now.clock);
        nodes.shards.iter().all(owns) && (0..NODES).all(counts)
    }

    /// Makes a call, at once or when its turn comes, if its shard is the owner's then.
    pub(super) fn make(&mut self, flight: Flight) -> Check {
        if matches!(self.lease, Lease::AtWill(_)) {
            self.travel(&flight);
            return Ok(());
        }
        let owner = flight.who.0;
        let hap = self.luck.at(Place { owner, lane: Lane::Begin, cluster: 0 });
        let Some(Trouble::Pause(millis)) = hap.trouble else { return self.begin_call(&flight) };
        self.pause(owner, millis);
        self.plan(millis, Talk::Begin(Box::new(flight)));
        Ok(())
    }

    fn begin_call(&mut self, flight: &Flight) -> Check {
        if !self.lives(flight.who) {
            return Ok(());
        }
        let (owner, fence) = (flight.who.0, flight.fence);
        let now = self.at(owner);
        let holds = self.owners[owner].owned.holds(fence, now.clock);
        if !holds && !is_off(Rule::NoEffectAfterTheLease) {
            let reason = "its shard is no longer ours; nothing was asked".to_owned();
            let outcome = Some(Box::new(Outcome::Unknown { reason }));
            self.agenda.plan(0, Event::Return(Box::new(flight.clone()), outcome));
            return Ok(());
        }
        let ttl = self.scenario.team.as_ref().map_or(0, |team| team.ttl);
        let verb = flight.call.action.verb();
        let since = Tick(now.tick.0.saturating_sub(ttl * 3 / 2));
        self.witness.leases.majority_is_behind(owner, fence, verb, since)?;
        self.witness.leases.no_effect_after_the_end(fence, verb, holds)?;
        self.travel(flight);
        Ok(())
    }
}

fn node_name(node: usize) -> String {
    format!("node {}", node + 1)
}
