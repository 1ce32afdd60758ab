//! What befalls the world at a time of its own: clusters, owners, clocks and the ways between them, and what users ask.

use std::fmt;

use serde::{Deserialize, Serialize};
use windlass_compiler::model::Job;
use windlass_compiler::name::JobId;

use crate::id::ExternalName;
use crate::sim::cluster::Cluster;
use crate::sim::lease::NODES;
use crate::sim::luck::LATEST;
use crate::sim::random::Random;
use crate::sim::user::Command;

/// Something that befalls the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// Somebody deletes an object on a cluster.
    Delete(usize, ExternalName),
    /// The process behind an object is gone, and nobody knows how it ended.
    Vanish(usize, ExternalName),
    /// What runs ends without success.
    Fail(usize, ExternalName),
    /// A job runs badly, or well again.
    Impair(usize, ExternalName),
    /// The same to whatever a job has on a cluster at that time.
    Harm(JobId, Harm),
    /// A cluster cleans up what has ended.
    Collect(usize),
    /// A cluster's master starts anew, and has forgotten what it had only accepted.
    Restart(usize),
    /// A cluster answers nobody for so many milliseconds; every second call that arrives is done all the same.
    Silence(usize, u64),
    /// A way is cut for so many milliseconds.
    Cut(Cut, u64),
    /// Nobody reaches the store for so many milliseconds.
    StoreAway(u64),
    /// An owner's wall clock jumps by so many milliseconds.
    Jump(usize, i64),
    /// An owner dies, and nobody rises for it by itself.
    Crash(usize),
    /// An owner leaves: it gives everything that it has to whoever comes next. It comes again later.
    Leave(usize),
    /// An owner stands still for so many milliseconds.
    Pause(usize, u64),
    /// An owner takes over from whoever believes that it still is the owner.
    Rise(usize),
    /// The store shows what it was so many milliseconds ago, and has forgotten the rest.
    Rollback(u64),
    /// A lease node forgets everything; with its process, or while that goes on.
    Forget(usize, bool),
    /// A lease node stands still for so many milliseconds: it hears what comes meanwhile afterwards.
    Hang(usize, u64),
    /// A lease node's clock jumps by so many milliseconds.
    Shift(usize, i64),
    /// A way to a lease node is cut for so many milliseconds.
    Part(Parting, u64),
    /// Everybody who has read the store is gone, and with them all memory of what was in it.
    Oblivion,
    /// A user reads, thinks for so many milliseconds, and commits a command.
    Command(usize, u64, Command),
}

/// What befalls an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Somebody deletes it.
    Delete,
    /// It is gone without a word.
    Vanish,
    /// It fails.
    Fail,
    /// It runs badly, or well again.
    Impair,
}

impl Harm {
    /// The mishap of one object.
    pub fn of(self, cluster: usize, name: ExternalName) -> Mishap {
        match self {
            Self::Delete => Mishap::Delete(cluster, name),
            Self::Vanish => Mishap::Vanish(cluster, name),
            Self::Fail => Mishap::Fail(cluster, name),
            Self::Impair => Mishap::Impair(cluster, name),
        }
    }
}

/// A way between an owner and the store, or a cluster, and which direction of it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The owner.
    pub owner: usize,
    /// The cluster; none for the store.
    pub cluster: Option<usize>,
    /// What does not get through.
    pub way: Way,
}

/// A way between an owner and a lease node, and which direction of it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// The owner.
    pub owner: usize,
    /// The node.
    pub node: usize,
    /// What does not get through.
    pub way: Way,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Requests.
    Out,
    /// Answers.
    Back,
    /// Both.
    Both,
}

/// Something that befalls the world, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// When, in milliseconds from the beginning.
    pub at: u64,
    /// What.
    pub mishap: Mishap,
}

/// The furthest that a wall clock jumps.
pub const FURTHEST: u64 = 120_000;

/// One that is possible now.
pub fn draw(random: &mut Random, clusters: &[Cluster]) -> Option<Mishap> {
    let cluster = usize::try_from(random.below(clusters.len() as u64)).unwrap_or(0);
    let owner = usize::try_from(random.below(2)).unwrap_or(0);
    let names: Vec<ExternalName> =
        clusters[cluster].objects().map(|one| one.observation.name.clone()).collect();
    let one = |random: &mut Random| random.pick(&names).cloned();
    Some(match random.below(14) {
        0 | 1 => Mishap::Delete(cluster, one(random)?),
        2 => Mishap::Vanish(cluster, one(random)?),
        3 => Mishap::Impair(cluster, one(random)?),
        4 | 5 => Mishap::Silence(cluster, random.between(500, 25_000)),
        6 => Mishap::Collect(cluster),
        7 => Mishap::Restart(cluster),
        8 | 9 => {
            let cluster = random.chance(500).then_some(cluster);
            let way = way(random);
            Mishap::Cut(Cut { owner, cluster, way }, random.between(500, LATEST))
        }
        10 => {
            let by = jump(random);
            Mishap::Jump(owner, by)
        }
        _ => Mishap::Rise(owner),
    })
}

/// One that befalls a lease node, or the way to it.
pub fn of_a_node(random: &mut Random) -> Mishap {
    let owner = usize::try_from(random.below(2)).unwrap_or(0);
    let node = usize::try_from(random.below(NODES as u64)).unwrap_or(0);
    match random.below(8) {
        0 | 1 => Mishap::Forget(node, random.chance(700)),
        2 | 3 => Mishap::Hang(node, random.between(500, LATEST)),
        4 => Mishap::Shift(node, jump(random)),
        _ => Mishap::Part(Parting { owner, node, way: way(random) }, random.between(500, LATEST)),
    }
}

fn way(random: &mut Random) -> Way {
    *random.pick(&[Way::Out, Way::Back, Way::Both]).unwrap_or(&Way::Both)
}

fn jump(random: &mut Random) -> i64 {
    let by = i64::try_from(random.between(0, 2 * FURTHEST)).unwrap_or(0);
    by - i64::try_from(FURTHEST).unwrap_or(0)
}

/// A command at a time of its own.
pub fn command(random: &mut Random, jobs: &[Job]) -> Mishap {
    let user = usize::try_from(random.below(2)).unwrap_or(0);
    Mishap::Command(user, random.between(1, 1_500), Command::any(random, jobs))
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Out => "requests to",
            Self::Back => "answers from",
            Self::Both => "requests to and answers from",
        })
    }
}
