//! The fewest operations that show a violation. Each step only forgets: whatever order explained more would explain
//! less, so what remains is still a violation of the whole.

use std::collections::BTreeMap;
use std::ops::Range;

use windlass_core::id::OpId;

use super::search::order;
use super::{Operation, State, Violation, What};

/// The violation that `operations`, sorted by their calls, are known to have.
pub(super) fn violation(before: State, operations: &[Operation]) -> Violation {
    let mut left = earliest(before, operations);
    // The answer that nothing explains is the last one. With it in its place, everything shortly before it can be
    // forgotten at once.
    let last = left.iter().filter(|known| known.what.is_known()).map(|known| known.original.to).max();
    let others = |known: &Known| Some(known.original.to) != last;
    loop {
        let known = left.clone();
        // Reads go first: a write that only a read shows to have been done is harder to see.
        left = pass(before, left, |known| known.what.changes_nothing() && others(known));
        left = pass(before, left, others);
        if left == known {
            break;
        }
    }
    let explained = order(before, &plain(&left)).unwrap_or_else(|longest| longest);
    Violation { before, operations: left.into_iter().map(|known| known.original).collect(), explained }
}

/// An operation, and what of it is still remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    original: Operation,
    what: What,
}

fn plain(of: &[Known]) -> Vec<Operation> {
    of.iter().map(|known| Operation { what: known.what, ..known.original.clone() }).collect()
}

fn fails(before: State, of: &[Known]) -> bool {
    order(before, &plain(of)).is_err()
}

/// What was known at the earliest moment at which it is a violation.
fn earliest(before: State, operations: &[Operation]) -> Vec<Known> {
    let mut moments: Vec<u64> = operations.iter().map(|operation| operation.to).collect();
    moments.sort_unstable();
    let first = moments.partition_point(|moment| !fails(before, &until(operations, *moment)));
    until(operations, moments.get(first).copied().unwrap_or(u64::MAX))
}

fn until(operations: &[Operation], moment: u64) -> Vec<Known> {
    let called = operations.iter().filter(|operation| operation.from <= moment);
    let known = called.filter_map(|original| {
        let forgotten = original.last() > moment;
        let what = if forgotten { less(original.what)? } else { original.what };
        Some(Known { original: original.clone(), what })
    });
    spoken_of(known.collect())
}

/// Forgets what is not needed, in halves, quarters and so on, the latest first.
fn pass(before: State, mut left: Vec<Known>, may: impl Fn(&Known) -> bool) -> Vec<Known> {
    let mut size = left.len();
    while size > 0 {
        let mut end = left.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            if left[start..end].iter().any(&may) {
                let fewer = forget(&left, start..end, &may);
                if fewer != left && fails(before, &fewer) {
                    left = fewer;
                }
            }
            end = start.min(left.len());
        }
        size /= 2;
    }
    left
}

fn forget(of: &[Known], range: Range<usize>, may: impl Fn(&Known) -> bool) -> Vec<Known> {
    let fewer = of.iter().enumerate().filter_map(|(index, known)| {
        let forgotten = range.contains(&index) && may(known);
        let what = if forgotten { less(known.what)? } else { known.what };
        Some(Known { what, ..known.clone() })
    });
    spoken_of(fewer.collect())
}

/// What is left of an operation without its answer.
fn less(what: What) -> Option<What> {
    match what {
        What::Read(_) | What::Conflict { .. } => None,
        What::Done { expect, made } => Some(What::Unknown { expect, op: made.op }),
        What::Unknown { .. } => Some(what),
    }
}

/// These without writes of which nothing is known and of whose versions nobody speaks: nothing could come behind
/// them, so an order is as good without them.
fn spoken_of(mut of: Vec<Known>) -> Vec<Known> {
    loop {
        let mut speakers: BTreeMap<OpId, usize> = BTreeMap::new();
        of.iter()
            .flat_map(|known| speaks_of(known.what))
            .for_each(|op| *speakers.entry(op).or_default() += 1);
        let count = of.len();
        // Whoever speaks of a write was called later, almost always, so that one round is enough.
        for index in (0..count).rev() {
            if let What::Unknown { expect, op } = of[index].what
                && speakers.get(&op).is_none_or(|count| *count == 0)
            {
                if let Some(speaks) = expect.and_then(|version| speakers.get_mut(&version.op)) {
                    *speaks -= 1;
                }
                of.remove(index);
            }
        }
        if of.len() == count {
            return of;
        }
    }
}

/// The writes of others that an operation speaks of.
fn speaks_of(what: What) -> impl Iterator<Item = OpId> {
    let states = match what {
        What::Read(found) => [found, None],
        What::Conflict { expect, found } => [expect, found],
        What::Done { expect, .. } | What::Unknown { expect, .. } => [expect, None],
    };
    states.into_iter().flatten().map(|version| version.op)
}
