//! Small worlds, searched completely: one job, two owners, and every order in which reads, decisions, writes, calls,
//! crashes, take-overs, late requests, ends and a user's stop can come.
//!
//! The decisions are the real ones ([`crate::decide`], [`crate::sweep`]), the cluster is the simulator's. Time stands
//! still: patience and pauses are over at once, so whatever may happen in time may happen now. States that no decision
//! and no promise can tell apart are one state (see `member.rs` and `state.rs`). After each move the promises are checked;
//! in the end, that from every state there is a way to rest.

mod member;
mod moves;
mod promises;
mod state;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use windlass_compiler::model::Mode;

pub use moves::Move;
pub use state::State;

use crate::sim::kind::Kind;
use crate::sim::witness::Violation;

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The kind of the cluster.
    pub kind: Kind,
    /// The job's mode.
    pub mode: Mode,
    /// How many attempts may follow a failure or a loss.
    pub retries: u32,
    /// How many times an owner dies, with what it has sent still under way.
    pub crashes: u8,
    /// How many requests (writes, calls) an owner gives up while they are under way.
    pub late: u8,
    /// How many times a second owner takes over from one that lives.
    pub take_overs: u8,
    /// How many times a second owner begins beside one that lives, under the same epoch.
    pub twins: u8,
    /// How many times a user stops the job, or starts it again.
    pub commands: u8,
    /// How many times the cluster cleans up, an object is deleted, or its master starts anew.
    pub mishaps: u8,
    /// How many questions are not answered.
    pub silences: u8,
}

impl Bounds {
    /// Two owners, one job, one crash, one late request, one stop.
    pub fn small(kind: Kind, mode: Mode) -> Self {
        Self {
            kind,
            mode,
            retries: 0,
            crashes: 1,
            late: 1,
            take_overs: 1,
            twins: 0,
            commands: 1,
            mishaps: 0,
            silences: 0,
        }
    }
}

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// How many states there are within the bounds.
    pub states: usize,
    /// How many moves between them.
    pub moves: usize,
    /// The longest of the shortest ways to a state.
    pub depth: usize,
    /// Whether all of them were seen.
    pub is_complete: bool,
    /// The first promise that was broken, with the shortest way there.
    pub violation: Option<(Violation, Vec<String>)>,
}

/// One state that was seen: how it was come by first.
struct Seen {
    from: u32,
    by: Move,
    depth: u32,
}

/// Searches everything within `bounds`, or as many as `limit` states of it.
pub fn search(bounds: &Bounds, limit: usize) -> Found {
    let mut search = Search::default();
    let first = State::first(bounds);
    search.reach(&first, 0, Move::Begin);
    search.frontier.push_back((0, first));
    while let Some((index, state)) = search.frontier.pop_front() {
        if state.is_at_rest() {
            search.rests.push(index);
        }
        for made in state.moves() {
            let mut next = state.clone();
            let judged = next.make(&made);
            let (to, is_new) = search.reach(&next, index, made);
            search.ways.push((index, to));
            if let Err(violation) = judged {
                return search.found(Some((violation, search.way(to))), true);
            }
            if is_new {
                search.frontier.push_back((to, next));
            }
        }
        if search.seen.len() > limit {
            return search.found(None, false);
        }
    }
    let stuck = search.stuck().map(|index| (no_rest(), search.way(index)));
    search.found(stuck, true)
}

fn no_rest() -> Violation {
    Violation {
        invariant: "I12 everything converges",
        detail: "from here there is no way to rest".to_owned(),
    }
}

#[derive(Default)]
struct Search {
    indices: BTreeMap<u128, u32>,
    seen: Vec<Seen>,
    frontier: VecDeque<(u32, State)>,
    ways: Vec<(u32, u32)>,
    rests: Vec<u32>,
}

impl Search {
    /// The index of a state, and whether it is new.
    fn reach(&mut self, state: &State, from: u32, by: Move) -> (u32, bool) {
        let next = u32::try_from(self.seen.len()).unwrap_or(u32::MAX);
        let index = *self.indices.entry(state.fingerprint()).or_insert(next);
        if index == next {
            let depth = self.seen.get(from as usize).map_or(0, |seen| seen.depth + 1);
            self.seen.push(Seen { from, by, depth });
        }
        (index, index == next)
    }

    /// The moves that lead to a state.
    fn way(&self, to: u32) -> Vec<String> {
        let mut moves = Vec::new();
        let mut at = to;
        while at != 0 {
            let seen = &self.seen[at as usize];
            moves.push(seen.by.to_string());
            at = seen.from;
        }
        moves.reverse();
        moves
    }

    /// The first state from which no way leads to rest.
    fn stuck(&self) -> Option<u32> {
        let mut back: Vec<Vec<u32>> = vec![Vec::new(); self.seen.len()];
        for (from, to) in &self.ways {
            back[*to as usize].push(*from);
        }
        let mut good = vec![false; self.seen.len()];
        let mut left = self.rests.clone();
        while let Some(index) = left.pop() {
            if !std::mem::replace(&mut good[index as usize], true) {
                left.extend(&back[index as usize]);
            }
        }
        good.iter().position(|good| !good).and_then(|index| u32::try_from(index).ok())
    }

    fn found(&self, violation: Option<(Violation, Vec<String>)>, is_complete: bool) -> Found {
        Found {
            states: self.seen.len(),
            moves: self.ways.len(),
            depth: self.seen.last().map_or(0, |seen| seen.depth as usize),
            is_complete,
            violation,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.is_complete { "" } else { ", and not all of them" };
        write!(f, "{} states, {} moves, depth {}{whole}", self.states, self.moves, self.depth)?;
        if let Some((violation, way)) = &self.violation {
            for (number, made) in (1..).zip(way) {
                write!(f, "\n{number:>4}  {made}")?;
            }
            write!(f, "\n{}: {}", violation.invariant, violation.detail)?;
        }
        Ok(())
    }
}
