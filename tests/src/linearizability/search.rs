//! The search for an order.

use std::collections::HashSet;

use super::{Operation, State};

/// An order: indices of operations, and what the record is after them.
pub(super) type Order = (Vec<usize>, State);

/// Finds an order of all known operations, and of those unknown ones that it takes, or the longest that there is.
/// The operations are sorted by their calls.
pub(super) fn order(before: State, operations: &[Operation]) -> Result<Order, Order> {
    let known = operations.iter().filter(|operation| operation.what.is_known()).count();
    let mut search = Search::new(before, operations);
    let mut longest = (Vec::new(), before);
    let mut start = 0;
    loop {
        if search.known == known {
            return Ok(search.order());
        }
        if let Some(index) = search.candidate(start) {
            search.take(index);
            start = 0;
            if search.path.len() > longest.0.len() {
                longest = search.order();
            }
        } else if let Some(index) = search.give_back() {
            start = index + 1;
        } else {
            return Err(longest);
        }
    }
}

struct Search<'a> {
    operations: &'a [Operation],
    taken: Vec<u64>,
    known: usize,
    state: State,
    path: Vec<(usize, State)>,
    /// Configurations from which no order was found, or is being looked for.
    seen: HashSet<(Vec<u64>, State)>,
}

impl<'a> Search<'a> {
    fn new(before: State, operations: &'a [Operation]) -> Self {
        let taken = vec![0; operations.len().div_ceil(64)];
        Self { operations, taken, known: 0, state: before, path: Vec::new(), seen: HashSet::new() }
    }

    fn order(&self) -> Order {
        (self.path.iter().map(|(index, _)| *index).collect(), self.state)
    }

    /// The first operation from `start` on that can be next and leads to where nobody has looked.
    fn candidate(&mut self, start: usize) -> Option<usize> {
        // Nothing can be next that was called after something else was answered.
        let mut horizon = u64::MAX;
        for index in 0..self.operations.len() {
            let operation = &self.operations[index];
            if operation.from > horizon {
                return None;
            }
            if self.is_taken(index) {
                continue;
            }
            horizon = horizon.min(operation.last());
            if index >= start && self.is_new(index) {
                return Some(index);
            }
        }
        None
    }

    fn is_new(&mut self, index: usize) -> bool {
        let Some(state) = self.operations[index].what.follows(self.state) else { return false };
        self.flip(index);
        let new = self.seen.insert((self.taken.clone(), state));
        self.flip(index);
        new
    }

    fn take(&mut self, index: usize) {
        let what = self.operations[index].what;
        let state = what.follows(self.state).expect("a candidate can be next");
        self.path.push((index, self.state));
        self.flip(index);
        self.state = state;
        self.known += usize::from(what.is_known());
    }

    /// Undoes the last step, and those before it which could not have been wrong: what can be next and changes
    /// nothing can be next in every order. Says from where on to look for another step.
    fn give_back(&mut self) -> Option<usize> {
        loop {
            let (index, state) = self.path.pop()?;
            let what = self.operations[index].what;
            self.flip(index);
            self.state = state;
            self.known -= usize::from(what.is_known());
            if !what.changes_nothing() {
                return Some(index);
            }
        }
    }

    fn is_taken(&self, index: usize) -> bool {
        self.taken[index / 64] & (1 << (index % 64)) != 0
    }

    fn flip(&mut self, index: usize) {
        self.taken[index / 64] ^= 1 << (index % 64);
    }
}
