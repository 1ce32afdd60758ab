//! The lease of a simulation, in one of two kinds.
//!
//! *At will*: whoever asks gets it, whoever holds it, and it covers everything. That is the hardest case for everything
//! else: nothing may rest on there being one owner. *Nodes*: a lease for each shard over three nodes, which forget, hang,
//! are cut off, and whose clocks jump. The nodes and all that is concluded from their answers are those of
//! [`crate::lease`]; the order of what an owner asks is that of `lease/replicas/keeper.rs`.

pub mod keeper;
pub mod server;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_compiler::model::Job;

use crate::id::Epoch;
use crate::lease::{self, Terms};
use crate::shard::Shard;
use crate::sim::agenda::Tick;
use crate::sim::clock::Clock;
use crate::sim::lease::keeper::Keeper;
use crate::sim::lease::server::Server;
use crate::sim::mishap::{FURTHEST, Parting, Way};
use crate::sim::random::Random;

/// How many nodes there are.
pub const NODES: usize = 3;

/// The lease.
#[derive(Debug)]
pub enum Lease {
    /// The last epoch that was given to whoever asked.
    AtWill(Epoch),
    /// What lease nodes know, and owners of them.
    Nodes(Box<Nodes>),
}

/// What a scenario says of its lease nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// How long a lock lasts that nobody extends, in milliseconds.
    pub ttl: u64,
    /// How much faster than the world each owner counts, in millionths.
    #[serde(default)]
    pub hosts: [i64; 2],
    /// The same of each node.
    #[serde(default)]
    pub nodes: [i64; NODES],
}

impl Team {
    /// One whose clocks drift apart by less than a lease allows for.
    pub fn draw(random: &mut Random) -> Self {
        let ttl = *random.pick(&[2_000, 4_000, 8_000]).unwrap_or(&4_000);
        let mut drift = || i64::try_from(random.below(9_001)).unwrap_or(0) - 4_500;
        Self { ttl, hosts: [drift(), drift()], nodes: [drift(), drift(), drift()] }
    }

    /// What all owners have agreed on.
    pub fn terms(&self) -> Terms {
        Terms::new(lease::Nodes::Three, Duration::from_millis(self.ttl))
    }

    /// How much later everything is as it should be than without a lease that ends: locks have to end, also those that
    /// were set by a clock that was ahead, a node that forgot has to be believed again, and everybody has to have renewed
    /// and read.
    pub fn settling(&self) -> u64 {
        const RESYNC: u64 = 30_000;
        self.ttl * 8 / 3 + 1_000 + RESYNC + FURTHEST
    }
}

/// The nodes, and what each owner knows of them.
#[derive(Debug)]
pub struct Nodes {
    /// What all owners have agreed on.
    pub terms: Terms,
    /// The shards in which there is anything.
    pub shards: Arc<[Shard]>,
    /// What owners count their leases on.
    pub hosts: [Clock; 2],
    /// The nodes.
    pub servers: [Server; NODES],
    /// What owners do with them.
    pub keepers: [Keeper; 2],
    /// When each owner turns to its leases next.
    pub turns: [Option<Tick>; 2],
    partings: Vec<(Parting, Tick)>,
}

impl Nodes {
    /// The nodes of a project with these jobs.
    pub fn new(team: &Team, jobs: &[Job]) -> Self {
        let mut shards: Vec<Shard> = jobs.iter().map(|job| Shard::of(&job.id.pipeline)).collect();
        shards.sort_unstable();
        shards.dedup();
        let (terms, shards) = (team.terms(), Arc::<[Shard]>::from(shards));
        let clock = |drift| Clock { ahead: 0, drift };
        Self {
            hosts: team.hosts.map(clock),
            servers: team.nodes.map(|drift| Server::new(clock(drift))),
            keepers: [0, 1].map(|me| Keeper::new(me, terms, Arc::clone(&shards))),
            turns: [None; 2],
            partings: Vec::new(),
            terms,
            shards,
        }
    }

    /// An owner begins anew, and knows nothing.
    pub fn forget(&mut self, owner: usize) {
        self.keepers[owner] = Keeper::new(owner, self.terms, Arc::clone(&self.shards));
    }

    /// A way between an owner and a node is cut until a time.
    pub fn part(&mut self, parting: Parting, until: Tick) {
        self.partings.push((parting, until));
    }

    /// Whether something gets through between an owner and a node.
    pub fn is_open(&self, owner: usize, node: usize, way: Way, now: Tick) -> bool {
        !self.partings.iter().any(|(parting, until)| {
            now < *until
                && (parting.owner, parting.node) == (owner, node)
                && (parting.way == Way::Both || parting.way == way)
        })
    }

    /// Whether an owner and a node hear of each other at once.
    pub fn is_near(&self, owner: usize, node: usize, now: Tick) -> bool {
        let is_open = |way| self.is_open(owner, node, way, now);
        is_open(Way::Out) && is_open(Way::Back) && !self.servers[node].hangs(now)
    }

    /// Whether the other owner is there, as a majority of the nodes shows it to one; none where too few answer.
    pub fn sits(&self, other: usize, now: Tick) -> Option<bool> {
        let near = (0..NODES).filter(|node| self.is_near(1 - other, *node, now));
        let shown: Vec<bool> = near.map(|node| self.servers[node].is_seated(other, now)).collect();
        let majority = self.terms.nodes.majority();
        (shown.len() >= majority).then(|| shown.iter().filter(|sits| **sits).count() >= majority)
    }

    /// Nothing is wrong with nodes, ways and clocks any more.
    pub fn heal(&mut self, now: Tick) {
        self.partings.clear();
        self.servers.iter_mut().for_each(|server| server.heal(now));
    }
}
