//! A lease node of a simulation: the node itself, and what may happen to its process and its clock.

use std::time::Duration;

use crate::id::Epoch;
use crate::lease::acquisition::{Grant, Seal};
use crate::lease::memory::{Life, Mark};
use crate::lease::node::{Ask, Node};
use crate::lease::renewal::Extension;
use crate::lease::{Hint, Moment, Nonce, Resource};
use crate::shard::Shard;
use crate::sim::agenda::Tick;
use crate::sim::clock::Clock;

/// What a lease is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The sign that an owner is there.
    Seat(usize),
    /// A shard.
    Shard(Shard),
}

impl Slot {
    /// Its name on the nodes.
    pub fn resource(self) -> Resource {
        Resource(match self {
            Self::Seat(owner) => format!("seat-{owner}"),
            Self::Shard(shard) => format!("shard-{shard}"),
        })
    }
}

/// What a node is asked to do, for many leases at once.
#[derive(Debug, Clone)]
pub enum Request {
    /// To lock them, counting from the hint at least.
    Lock(Vec<(Slot, Nonce)>, Hint),
    /// To seal them.
    Seal(Vec<(Slot, Nonce, Epoch)>),
    /// To give the locks another TTL.
    Extend(Vec<(Slot, Nonce)>),
    /// To lock and seal again what a majority says is somebody's.
    Heal(Vec<(Slot, Nonce, Epoch)>),
    /// To remove the locks.
    Release(Vec<(Slot, Nonce)>),
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Its keys were emptied since it was met.
    Emptied,
    /// To a lock.
    Locks(Vec<(Slot, Grant)>),
    /// To a seal, or to what heals.
    Seals(Vec<(Slot, Seal)>),
    /// To an extension.
    Extensions(Vec<(Slot, Extension)>),
    /// That it is done.
    Done,
}

impl Request {
    /// What silence comes to.
    pub fn silence(&self) -> Reply {
        match self {
            Self::Lock(claims, _) => {
                Reply::Locks(claims.iter().map(|(slot, _)| (*slot, Grant::Silent)).collect())
            }
            Self::Seal(claims) => {
                Reply::Seals(claims.iter().map(|(slot, ..)| (*slot, Seal::Silent)).collect())
            }
            Self::Extend(claims) => {
                Reply::Extensions(claims.iter().map(|(slot, _)| (*slot, Extension::Silent)).collect())
            }
            Self::Heal(_) | Self::Release(_) => Reply::Done,
        }
    }

    /// Whether only a node is to do it whose keys still hold the mark with which it was met.
    fn needs_mark(&self) -> bool {
        matches!(self, Self::Lock(..) | Self::Heal(_))
    }
}

/// A node.
#[derive(Debug)]
pub struct Server {
    node: Node,
    clock: Clock,
    /// Counts its processes.
    run: u64,
    /// When its process has begun, by its clock.
    born: Moment,
    hangs_until: Tick,
}

impl Server {
    /// A node that has been there for long.
    pub fn new(clock: Clock) -> Self {
        let mark = Mark { run: "0".to_owned(), uptime: Duration::ZERO, chance: 0 };
        let mut node = Node::default();
        node.mark = Some(mark);
        Self { node, clock, run: 0, born: Moment::default(), hangs_until: Tick(0) }
    }

    /// Which process of its own it is.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Whether it does nothing at a time, not even hear.
    pub fn hangs(&self, now: Tick) -> bool {
        now < self.hangs_until
    }

    /// When it goes on.
    pub fn hangs_until(&self) -> Tick {
        self.hangs_until
    }

    /// As it describes itself on a new connection. Whoever comes first leaves a mark.
    pub fn life(&mut self, now: Tick) -> Life {
        let up = self.born.until(self.clock.count(now));
        let (run, uptime) = (self.run.to_string(), Duration::from_secs(up.as_secs()));
        let fresh = || Mark { run: run.clone(), uptime, chance: now.0 };
        let mark = self.node.mark.get_or_insert_with(fresh).clone();
        Life { run, uptime, mark, durable: false }
    }

    /// Whether an owner's seat is taken.
    pub fn is_seated(&self, owner: usize, now: Tick) -> bool {
        self.node.holder(&Slot::Seat(owner).resource(), self.clock.count(now)).is_some()
    }

    /// Whether what carries a token may be written in a shard.
    pub fn admits(&self, shard: Shard, token: Epoch) -> bool {
        self.node.admits(&Slot::Shard(shard).resource(), token)
    }

    /// Does what it is asked. `mark`: that of its keys when it was met by whoever asks.
    pub fn answer(&mut self, request: &Request, mark: Option<&Mark>, ttl: Duration, now: Tick) -> Reply {
        if request.needs_mark() && mark != self.node.mark.as_ref() {
            return Reply::Emptied;
        }
        let (now, node) = (self.clock.count(now), &mut self.node);
        let ask = |nonce: Nonce, hint| Ask { nonce, ttl, hint, holder: "owner" };
        match request {
            Request::Lock(claims, hint) => {
                let lock = |(slot, nonce): &(Slot, Nonce)| {
                    (*slot, node.acquire(&slot.resource(), &ask(*nonce, *hint), now))
                };
                Reply::Locks(claims.iter().map(lock).collect())
            }
            Request::Seal(claims) => {
                let seal = |(slot, nonce, token): &(Slot, Nonce, Epoch)| {
                    (*slot, node.seal(&slot.resource(), *nonce, *token, now))
                };
                Reply::Seals(claims.iter().map(seal).collect())
            }
            Request::Extend(claims) => {
                let extend =
                    |(slot, nonce): &(Slot, Nonce)| (*slot, node.extend(&slot.resource(), *nonce, ttl, now));
                Reply::Extensions(claims.iter().map(extend).collect())
            }
            Request::Heal(claims) => {
                let heal = |(slot, nonce, token): &(Slot, Nonce, Epoch)| {
                    node.acquire(&slot.resource(), &ask(*nonce, Hint::LOWEST), now);
                    (*slot, node.seal(&slot.resource(), *nonce, *token, now))
                };
                Reply::Seals(claims.iter().map(heal).collect())
            }
            Request::Release(claims) => {
                for (slot, nonce) in claims {
                    node.release(&slot.resource(), *nonce, now);
                }
                Reply::Done
            }
        }
    }

    /// Stands still until a time. What comes meanwhile is heard then.
    pub fn hang(&mut self, until: Tick) {
        self.hangs_until = until;
    }

    /// Forgets everything; with its process, or while that goes on.
    pub fn forget(&mut self, restarts: bool, now: Tick) {
        self.node = Node::default();
        if restarts {
            self.run += 1;
            self.born = self.clock.count(now);
            self.hangs_until = Tick(0);
        }
    }

    /// Its clock jumps by so many milliseconds.
    pub fn jump(&mut self, by: i64) {
        self.clock.ahead += by;
    }

    /// It goes on, and its clock is right again, but for its drift.
    pub fn heal(&mut self, now: Tick) {
        self.hangs_until = self.hangs_until.min(now);
        self.clock.ahead = 0;
    }
}
