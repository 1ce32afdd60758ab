//! What goes wrong when, drawn from a seed: a story of faults, each with its healing, never more at once than a
//! budget allows. It knows no processes: whoever plays it binds its parts to real ones (`nemesis/act.rs` has what
//! is the same everywhere).

pub mod act;
mod draw;
mod words;

use std::thread;
use std::time::{Duration, Instant};

use crate::proxy::Way;

pub use draw::{Budget, Scene};

/// A part of a system. Numbers start at 0; what is printed starts at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A replica of the service.
    Service(u8),
    /// A Redis server, by what it does: after a fail-over, primary and replica are each other's names.
    Server(Server),
}

/// A Redis server, by what it does: after a fail-over, primary and replica are each other's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// One of the masters that leases are taken on.
    LeaseNode(u8),
    /// The store's primary.
    Primary,
    /// The store's replica.
    Replica,
}

/// The connections that one part opens to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Who opens them.
    pub from: Part,
    /// Whom they reach.
    pub to: Server,
}

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Of a replica of the service.
    Service(u8, ServiceFault),
    /// Of a server.
    Server(Server, ServerFault),
    /// Of a link.
    Link(Link, LinkFault),
    /// The store's replica falls behind, then takes the place of its primary, which is lost. It is healed by
    /// making the old primary the replica of the new one.
    StaleFailOver {
        /// For how long it gets nothing before it takes over.
        behind: Duration,
    },
}

/// What goes wrong with a replica of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFault {
    /// It is killed; it is healed by starting it.
    Kill,
    /// It is stopped for a while.
    Pause,
}

/// What goes wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    /// It is killed; it is healed by starting it with what it had or less.
    Kill(Loss),
    /// It is stopped for a while.
    Pause,
    /// Its wall clock jumps; it is healed by showing the true time.
    Jump {
        /// To the future, or to the past.
        forward: bool,
        /// How far.
        by: Duration,
    },
    /// It refuses writes for want of memory.
    Full,
    /// It forgets its scripts. There is nothing to heal.
    FlushScripts,
}

/// What goes wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Every byte is late, in both directions.
    Delay(Duration),
    /// Nothing arrives in one direction.
    Hold(Way),
    /// Nothing arrives in either direction.
    Cut,
    /// Its connections are dead without a word, and new ones too.
    HalfOpen,
    /// Connections are reset and refused.
    Refuse,
    /// Connections are reset once. There is nothing to heal.
    Reset,
    /// Few bytes a second arrive, in both directions.
    Throttle(u64),
}

/// What a killed server finds missing when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// The last so many bytes that it wrote.
    Tail(u64),
    /// All since a copy that was made before.
    SinceCopy,
}

/// What happens to a fault in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It begins.
    Breaks,
    /// Its second half begins: the stale replica takes over.
    Worsens,
    /// It ends.
    Heals,
}

/// A step of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When, from the beginning.
    pub at: Duration,
    /// The number of the fault: its steps share it.
    pub number: usize,
    /// The fault.
    pub fault: Fault,
    /// What happens to it.
    pub turn: Turn,
}

/// What goes wrong when. At its end everything is healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// The steps, in the order of their times.
    pub steps: Vec<Step>,
}

impl Story {
    /// Plays all steps at their times. `wait` returns at a time from the beginning, `act` does a step.
    pub fn play(&self, mut wait: impl FnMut(Duration), mut act: impl FnMut(&Step)) {
        for step in &self.steps {
            wait(step.at);
            act(step);
        }
    }

    /// Plays all steps at their times by the clock. A step that takes long delays those behind it.
    pub fn play_live(&self, act: impl FnMut(&Step)) {
        let began = Instant::now();
        self.play(|at| thread::sleep(at.saturating_sub(began.elapsed())), act);
    }
}

impl Step {
    /// Whether a process is killed in it.
    pub fn kills(&self) -> bool {
        match self.fault {
            Fault::Service(_, ServiceFault::Kill) | Fault::Server(_, ServerFault::Kill(_)) => {
                self.turn == Turn::Breaks
            }
            Fault::StaleFailOver { .. } => self.turn == Turn::Worsens,
            Fault::Service(..) | Fault::Server(..) | Fault::Link(..) => false,
        }
    }
}

impl Fault {
    /// Whether it lasts until it is healed.
    pub fn lasts(self) -> bool {
        !matches!(self, Self::Server(_, ServerFault::FlushScripts) | Self::Link(_, LinkFault::Reset))
    }
}

#[cfg(test)]
mod tests;
