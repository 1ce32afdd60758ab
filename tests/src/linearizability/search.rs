//! The search for an order.

use std::collections::HashSet;

use crate::seed::Random;

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
    /// The operations that are not taken, in their order, as a ring: behind the last and before the first stands
    /// one that is none.
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Names the set of those that are taken.
    taken: u128,
    known: usize,
    state: State,
    path: Vec<(usize, State)>,
    /// Configurations from which no order was found, or is being looked for.
    seen: HashSet<(u128, State)>,
}

impl<'a> Search<'a> {
    fn new(before: State, operations: &'a [Operation]) -> Self {
        let count = operations.len();
        let next = (1..=count).chain([0]).collect();
        let previous = [count].into_iter().chain(0..count).collect();
        let (path, seen) = (Vec::new(), HashSet::new());
        Self { operations, next, previous, taken: 0, known: 0, state: before, path, seen }
    }

    fn order(&self) -> Order {
        (self.path.iter().map(|(index, _)| *index).collect(), self.state)
    }

    /// The first operation from `start` on that can be next and leads to where nobody has looked.
    fn candidate(&mut self, start: usize) -> Option<usize> {
        let none = self.operations.len();
        // Nothing can be next that was called after something else was answered.
        let mut horizon = u64::MAX;
        let mut index = self.next[none];
        while index != none && self.operations[index].from <= horizon {
            horizon = horizon.min(self.operations[index].last());
            if index >= start && self.is_new(index) {
                return Some(index);
            }
            index = self.next[index];
        }
        None
    }

    fn is_new(&mut self, index: usize) -> bool {
        let state = self.operations[index].what.follows(self.state);
        state.is_some_and(|state| self.seen.insert((self.taken ^ name(index), state)))
    }

    fn take(&mut self, index: usize) {
        let what = self.operations[index].what;
        let state = what.follows(self.state).expect("a candidate can be next");
        self.path.push((index, self.state));
        self.taken ^= name(index);
        (self.next[self.previous[index]], self.previous[self.next[index]]) =
            (self.next[index], self.previous[index]);
        self.state = state;
        self.known += usize::from(what.is_known());
    }

    /// Undoes the last step, and those before it which could not have been wrong: what can be next and changes
    /// nothing can be next in every order. Says which was the last to be undone.
    fn give_back(&mut self) -> Option<usize> {
        loop {
            let (index, state) = self.path.pop()?;
            let what = self.operations[index].what;
            self.taken ^= name(index);
            (self.next[self.previous[index]], self.previous[self.next[index]]) = (index, index);
            self.state = state;
            self.known -= usize::from(what.is_known());
            if !what.changes_nothing() {
                return Some(index);
            }
        }
    }
}

/// A number by which an operation is known in a set: sets are compared by the sum of such numbers, which agree by
/// chance once in 2^128.
fn name(index: usize) -> u128 {
    let mut random = Random::new(index as u64);
    u128::from(random.draw()) << 64 | u128::from(random.draw())
}
