//! Leases over nodes that are values, and a network that delays, loses and reorders: what must hold of their tokens
//! without any clock, and of their validity with good ones.
//!
//! Every scenario says what broke, if anything did, and runs with one rule off if it is asked to.

use std::time::Duration;

use windlass_core::fault::{self, Rule};
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::{Acquisition, Grant, Outcome, Reason, Seal, Step};
use windlass_core::lease::memory::{Life, Mark, Memory};
use windlass_core::lease::node::{Ask, Node};
use windlass_core::lease::{Hint, Moment, Nodes, Nonce, Resource, Terms};

use crate::rules::Verdict;
use crate::seed::Random;

const TTL: Duration = Duration::from_secs(15);
const START: Moment = Moment(Duration::ZERO);
/// How many schedules a scenario plays.
const SCHEDULES: u64 = 3000;

/// Runs `act` with the rule of this name switched off, or with all of them for a name that is none.
pub fn without<T>(off: &str, act: impl FnOnce() -> T) -> T {
    match Rule::ALL.iter().find(|(_, name)| *name == off) {
        Some((rule, _)) => fault::without(*rule, act),
        None => act(),
    }
}

fn resource() -> Resource {
    Resource("shard-0".to_owned())
}

/// I2: a token is handed out once, and one that was asked for after another was handed out is higher, on any
/// schedule, whatever the nodes' clocks do. Locks end at any moment here.
pub fn tokens_rise(off: &'static str) -> Verdict {
    without(off, || (0..SCHEDULES).try_for_each(|seed| Schedule::new(seed).play()))
}

/// One schedule of a few clients over a few nodes. A message is delivered at any later step, or never.
struct Schedule {
    seed: u64,
    random: Random,
    terms: Terms,
    nodes: Vec<Node>,
    clients: Vec<Option<Client>>,
    messages: Vec<Message>,
    nonces: u128,
    step: usize,
    completed: Vec<Completed>,
}

struct Client {
    acquisition: Acquisition,
    began: usize,
}

struct Completed {
    token: Epoch,
    began: usize,
    ended: usize,
}

/// On its way to a node or back.
#[derive(Debug, Clone)]
struct Message {
    client: usize,
    node: usize,
    nonce: Nonce,
    says: Says,
}

#[derive(Debug, Clone)]
enum Says {
    Acquire,
    Granted(Grant),
    Seal(Epoch),
    Sealed(Seal),
    Release,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let nodes = Nodes::new([1, 3, 3, 5][random.below(4) as usize]).expect("an allowed number");
        let clients = 2 + random.below(3) as usize;
        Self {
            seed,
            terms: Terms::new(nodes, TTL),
            nodes: (0..nodes.count()).map(|_| used(random.below(5))).collect(),
            clients: (0..clients).map(|_| None).collect(),
            messages: Vec::new(),
            nonces: 0,
            step: 0,
            completed: Vec::new(),
            random,
        }
    }

    fn play(mut self) -> Verdict {
        for step in 0..300 {
            self.step = step;
            match self.random.below(20) {
                0 => self.begin(),
                1 => self.forget_a_lock(),
                2 => drop(self.draw()),
                _ => self.deliver()?,
            }
        }
        Ok(())
    }

    /// A client that has given up, or holds, tries anew; what it had sent is still under way.
    fn begin(&mut self) {
        let client = self.random.below(self.clients.len() as u64) as usize;
        self.nonces += 1;
        let acquisition = Acquisition::begin(self.terms, Nonce(self.nonces), START);
        if let Some(before) = self.clients[client].replace(Client { acquisition, began: self.step }) {
            self.send(client, before.acquisition.nonce(), &Says::Release);
        }
        self.send(client, Nonce(self.nonces), &Says::Acquire);
    }

    /// A lock ends, by whatever clock.
    fn forget_a_lock(&mut self) {
        let node = self.random.below(self.nodes.len() as u64) as usize;
        self.nodes[node].force_release(&resource());
    }

    fn send(&mut self, client: usize, nonce: Nonce, says: &Says) {
        let message = |node| Message { client, node, nonce, says: says.clone() };
        self.messages.extend((0..self.nodes.len()).map(message));
    }

    fn draw(&mut self) -> Option<Message> {
        let count = self.messages.len() as u64;
        (count > 0).then(|| self.messages.swap_remove(self.random.below(count) as usize))
    }

    fn deliver(&mut self) -> Verdict {
        let Some(message) = self.draw() else { return Ok(()) };
        let (node, nonce) = (message.node, message.nonce);
        match message.says.clone() {
            Says::Acquire => {
                let ask = Ask { nonce, ttl: TTL, hint: Hint::LOWEST, holder: "a client" };
                let grant = self.nodes[node].acquire(&resource(), &ask, START);
                self.messages.push(Message { says: Says::Granted(grant), ..message });
            }
            Says::Seal(token) => {
                let seal = self.nodes[node].seal(&resource(), nonce, token, START);
                self.messages.push(Message { says: Says::Sealed(seal), ..message });
            }
            Says::Release => {
                self.nodes[node].release(&resource(), nonce, START);
            }
            Says::Granted(grant) => return self.hear(&message, |ours| ours.locked(node, grant, START)),
            Says::Sealed(seal) => return self.hear(&message, |ours| ours.sealed(node, seal, START)),
        }
        Ok(())
    }

    fn hear(&mut self, message: &Message, act: impl FnOnce(&mut Acquisition) -> Step) -> Verdict {
        let Some(client) = &mut self.clients[message.client] else { return Ok(()) };
        if client.acquisition.nonce() != message.nonce {
            return Ok(());
        }
        let began = client.began;
        match act(&mut client.acquisition) {
            Step::Wait | Step::Done(Outcome::Lost { release: false, .. }) => {}
            Step::Seal(token) => self.send(message.client, message.nonce, &Says::Seal(token)),
            Step::Done(Outcome::Lost { release: true, .. }) => {
                self.send(message.client, message.nonce, &Says::Release)
            }
            Step::Done(Outcome::Held { token, .. }) => {
                return self.complete(Completed { token, began, ended: self.step });
            }
        }
        Ok(())
    }

    fn complete(&mut self, new: Completed) -> Verdict {
        let breaks =
            |old: &&Completed| old.token == new.token || (old.ended < new.began && old.token >= new.token);
        if let Some(old) = self.completed.iter().find(breaks) {
            return Err(format!(
                "token {} was handed out after token {} (seed {})",
                new.token, old.token, self.seed
            ));
        }
        self.completed.push(new);
        Ok(())
    }
}

/// A node that has given so many locks away: nodes count differently.
fn used(times: u64) -> Node {
    let mut node = Node::default();
    for _ in 0..times {
        let ask = Ask { nonce: Nonce(0), ttl: TTL, hint: Hint::LOWEST, holder: "one before" };
        node.acquire(&resource(), &ask, START);
        node.release(&resource(), Nonce(0), START);
    }
    node
}

/// A lease that was reached too late leaves no lock behind, which would keep everybody away for a TTL.
pub fn a_late_acquisition_leaves_no_lock(off: &'static str) -> Verdict {
    without(off, || {
        let (mut node, nonce) = (Node::default(), Nonce(1));
        let mut acquisition = Acquisition::begin(Terms::new(Nodes::One, TTL), nonce, START);
        let late = START.after(TTL);
        let ask = Ask { nonce, ttl: TTL, hint: Hint::LOWEST, holder: "a slow one" };
        let arrived = START.after(TTL - Duration::from_secs(1));
        let grant = node.acquire(&resource(), &ask, arrived);
        let Step::Seal(token) = acquisition.locked(0, grant, arrived) else {
            return Err("a lock that was given was not sealed".to_owned());
        };
        let seal = node.seal(&resource(), nonce, token, late);
        match acquisition.sealed(0, seal, late) {
            Step::Done(Outcome::Lost { reason: Reason::Late, release }) if release => {
                node.release(&resource(), nonce, late);
            }
            Step::Done(Outcome::Lost { reason: Reason::Late, .. }) => {}
            other => return Err(format!("a late acquisition came to {other:?}")),
        }
        match node.holder(&resource(), late) {
            None => Ok(()),
            Some(holder) => Err(format!("{holder} keeps the lock for a TTL and does not know it")),
        }
    })
}

/// Whoever tries and loses does not fence out whoever holds.
pub fn losers_do_not_fence_out_the_holder(off: &'static str) -> Verdict {
    without(off, || {
        let mut nodes = vec![Node::default(); 3];
        let ask = |nonce| Ask { nonce: Nonce(nonce), ttl: TTL, hint: Hint::LOWEST, holder: "somebody" };
        for node in &mut nodes {
            node.acquire(&resource(), &ask(1), START);
            node.seal(&resource(), Nonce(1), Epoch(1), START);
        }
        // Two nodes lost the lock to their clocks; a contender is given it there, and gives it back.
        for node in &mut nodes[1..] {
            node.force_release(&resource());
            node.acquire(&resource(), &ask(2), START);
            node.release(&resource(), Nonce(2), START);
        }
        match nodes.iter().filter(|node| node.admits(&resource(), Epoch(1))).count() {
            3 => Ok(()),
            admitting => Err(format!("a loser fenced out the holder: {admitting} of 3 nodes admit it")),
        }
    })
}

/// With good clocks there is one holder at a time, also when a node forgets everything.
pub fn a_forgetful_node_gives_no_second_lease(off: &'static str) -> Verdict {
    without(off, || {
        let terms = Terms::new(Nodes::Three, TTL);
        let mut nodes = vec![Node::default(); 3];
        let mut memories: Vec<Memory> = vec![Memory::default(); 3];
        // Node 2 is away.
        let first = acquire(&mut nodes[..2], &memories, &terms, Nonce(1), START);
        let Outcome::Held { until, .. } = first else { return Err(format!("nobody holds it: {first:?}")) };
        // Node 1 is emptied, node 2 is back, and somebody else meets both.
        let later = START.after(Duration::from_secs(5));
        nodes[1] = Node::default();
        memories[1].met(&new_life(), &terms, later);
        match acquire(&mut nodes, &memories, &terms, Nonce(2), later) {
            Outcome::Held { .. } if later < until => Err("two hold the same lease".to_owned()),
            Outcome::Held { .. } | Outcome::Lost { .. } => {
                // It is not kept out for ever.
                match acquire(&mut nodes, &memories, &terms, Nonce(3), later.after(TTL * 2)) {
                    Outcome::Held { .. } => Ok(()),
                    Outcome::Lost { reason, .. } => Err(format!("nobody gets it any more: {reason:?}")),
                }
            }
        }
    })
}

fn new_life() -> Life {
    let mark = Mark { run: "b".to_owned(), uptime: Duration::ZERO, chance: 1 };
    Life { run: "b".to_owned(), uptime: Duration::ZERO, mark, durable: false }
}

/// Acquires at one moment over the nodes that are there, and releases if it fails.
fn acquire(nodes: &mut [Node], memories: &[Memory], terms: &Terms, nonce: Nonce, now: Moment) -> Outcome {
    let mut acquisition = Acquisition::begin(*terms, nonce, now);
    let ask = Ask { nonce, ttl: terms.ttl, hint: Hint::LOWEST, holder: "somebody" };
    let mut token = None;
    let mut outcome = None;
    for (at, memory) in memories.iter().enumerate() {
        let grant = match nodes.get_mut(at) {
            Some(node) if memory.distrusted(now).is_none() => node.acquire(&resource(), &ask, now),
            Some(_) | None => Grant::Silent,
        };
        match acquisition.locked(at, grant, now) {
            Step::Wait => {}
            Step::Seal(sealed) => token = Some(sealed),
            Step::Done(done) => outcome = Some(done),
        }
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        let seal = token.map_or(Seal::Silent, |token| node.seal(&resource(), nonce, token, now));
        if let Step::Done(done) = acquisition.sealed(at, seal, now) {
            outcome = Some(done);
        }
    }
    let outcome = outcome.expect("every node has answered");
    if let Outcome::Lost { release: true, .. } = outcome {
        for node in nodes {
            node.release(&resource(), nonce, now);
        }
    }
    outcome
}
