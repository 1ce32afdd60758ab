//! Whether a node's answers count: not while it may have forgotten a lock that is still valid.
//!
//! A node that lost its memory would give a lock away that somebody holds. Every such lock ends within a TTL, so
//! the node's answers are not counted until that long after the loss. How a loss is noticed:
//!
//! * *no mark*: whoever meets a node without a mark in its keys writes one, with the node's run and uptime. The
//!   memory is as young as its mark. A node that is used for the first time therefore waits a TTL, too: it looks the same
//!   as one that lost its disk.
//! * *another run than the mark's*: the process was restarted. If each write reaches the disk before its answer
//!   (`appendonly yes`, `appendfsync always`) and the mark survived, nothing is lost. Otherwise the end of what it knew
//!   may be missing, and it is as young as its process. This needs no earlier visit: the uptime says it.
//! * *a counter below one that we saw there*: an older copy of the keys. It is not counted for a TTL from then on.
//!
//! An older copy under `appendfsync always` that no replica alive has seen newer is not noticed. The uptime is that of
//! the node's wall clock, which its locks end by as well.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Moment, Resource, Terms};
use crate::fault::{self, Rule};
use crate::id::Epoch;

/// What is written into a node whose keys hold no mark. Written `<run> <seconds> <chance>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The run of the process, as it names itself.
    pub run: String,
    /// Its uptime then.
    pub uptime: Duration,
    /// Tells this memory from any other of the same run.
    pub chance: u64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:016x}", self.run, self.uptime.as_secs(), self.chance)
    }
}

/// A text that is no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mark of a lease node is unreadable")]
pub struct BadMark;

impl FromStr for Mark {
    type Err = BadMark;

    fn from_str(text: &str) -> Result<Self, BadMark> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(BadMark);
        let run = word()?.to_owned();
        let uptime = Duration::from_secs(word()?.parse().map_err(|_| BadMark)?);
        let chance = u64::from_str_radix(word()?, 16).map_err(|_| BadMark)?;
        Ok(Self { run, uptime, chance })
    }
}

/// A node as it describes itself on a new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The run of its process.
    pub run: String,
    /// How long that process is up.
    pub uptime: Duration,
    /// The mark in its keys, ours if there was none.
    pub mark: Mark,
    /// Whether each write is on disk before its answer.
    pub durable: bool,
}

impl Life {
    /// For how long its memory surely has no gap; without end if nothing tells of one.
    fn remembers(&self) -> Option<Duration> {
        match (self.mark.run == self.run, self.durable) {
            (true, _) => Some(self.uptime.saturating_sub(self.mark.uptime)),
            (false, false) => Some(self.uptime),
            (false, true) => None,
        }
    }
}

/// What one client knows of one node's memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    distrusted_until: Moment,
    seen: BTreeMap<Resource, Epoch>,
}

impl Memory {
    /// The node was met, on a new connection or after it said that its mark is another.
    pub fn met(&mut self, life: &Life, terms: &Terms, now: Moment) {
        if let Some(known) = life.remembers() {
            // An uptime is in whole seconds.
            let wait = (terms.ttl + Duration::from_secs(1)).saturating_sub(known);
            self.distrust(now.after(wait));
        }
    }

    /// The node counted `counter` for a resource. A count below an earlier one is an older copy.
    pub fn counted(&mut self, resource: &Resource, counter: Epoch, terms: &Terms, now: Moment) {
        let seen = self.seen.entry(resource.clone()).or_default();
        let regressed = counter < *seen;
        *seen = counter;
        if regressed {
            self.distrust(now.after(terms.ttl));
        }
    }

    /// Whether its answers count at `now`; otherwise from when on.
    pub fn distrusted(&self, now: Moment) -> Option<Moment> {
        let distrusted = now < self.distrusted_until && !fault::is_off(Rule::AmnesiaWaitsATtl);
        distrusted.then_some(self.distrusted_until)
    }

    fn distrust(&mut self, until: Moment) {
        self.distrusted_until = self.distrusted_until.max(until);
    }
}
