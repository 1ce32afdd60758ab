//! The fewest operations that show a violation. Each step only forgets: whatever order explained more would explain
//! less, so what remains is still a violation of the whole.

use super::search::order;
use super::{Operation, State, Violation, What};

/// The violation that `operations`, sorted by their calls, are known to have.
pub(super) fn violation(before: State, operations: &[Operation]) -> Violation {
    let mut left: Vec<Known> = earliest(before, operations);
    while let Some(fewer) = step(before, &left) {
        left = fewer;
    }
    let explained = order(before, &plain(&left)).unwrap_or_else(|longest| longest);
    Violation { before, operations: left.iter().map(|known| known.original.clone()).collect(), explained }
}

/// An operation, and what of it is still remembered.
#[derive(Debug, Clone)]
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
    known.collect()
}

/// One thing less to remember, the latest that is not needed; none if everything is. Reads go first: a write that
/// only a read shows to have been done is harder to see.
fn step(before: State, of: &[Known]) -> Option<Vec<Known>> {
    let (reads, writes): (Vec<_>, Vec<_>) =
        (0..of.len()).rev().partition(|index| of[*index].what.changes_nothing());
    reads.into_iter().chain(writes).find_map(|index| {
        let fewer = forget(of, index)?;
        fails(before, &fewer).then_some(fewer)
    })
}

/// All but the answer of one operation; all but the operation, where it has none and nobody speaks of what it made.
fn forget(of: &[Known], index: usize) -> Option<Vec<Known>> {
    let mut fewer = of.to_vec();
    match less(of[index].what) {
        Some(what) if what != of[index].what => fewer[index].what = what,
        Some(What::Unknown { op, .. }) if of.iter().any(|other| speaks_of(other.what, op)) => return None,
        Some(_) | None => drop(fewer.remove(index)),
    }
    Some(fewer)
}

/// What is left of an operation without its answer.
fn less(what: What) -> Option<What> {
    match what {
        What::Read(_) | What::Conflict { .. } => None,
        What::Done { expect, made } => Some(What::Unknown { expect, op: made.op }),
        What::Unknown { .. } => Some(what),
    }
}

fn speaks_of(what: What, op: windlass_core::id::OpId) -> bool {
    let states = match what {
        What::Read(found) => [found, None],
        What::Conflict { expect, found } => [expect, found],
        What::Done { expect, made } => [expect, (made.op != op).then_some(made)],
        What::Unknown { expect, .. } => [expect, None],
    };
    states.into_iter().flatten().any(|version| version.op == op)
}
