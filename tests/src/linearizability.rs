//! Whether what was answered about one record can have happened: an order of all operations, each at one moment
//! between its call and its answer, in which every answer is right.
//!
//! The search is that of Wing and Gong (1993) with Lowe's memory of configurations (2017). Records are checked one
//! by one: a history is linearizable if and only if that of each record is (Herlihy and Wing 1990).

mod search;
mod shrink;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use windlass_core::id::{OpId, Version};

/// What a record is: its version, or that it is absent.
pub type State = Option<Version>;

/// One operation on a record. One that was tried again under its op is one operation, from the first call to the
/// last answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Who asked.
    pub who: String,
    /// When it was called, in microseconds of a clock that all share.
    pub from: u64,
    /// When it was answered. Of no meaning where no answer came.
    pub to: u64,
    /// What it was, and what came of it.
    pub what: What,
}

/// What an operation was, and what came of it. What was refused by its epoch says nothing about a record; a read
/// without an answer neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A read, and what it found.
    Read(State),
    /// A compare-and-set that was done.
    Done {
        /// What it expected.
        expect: State,
        /// What it made.
        made: Version,
    },
    /// A compare-and-set that was refused.
    Conflict {
        /// What it expected.
        expect: State,
        /// What was there instead.
        found: State,
    },
    /// A compare-and-set of which nothing is known. It may take effect at any moment after its call, or never.
    Unknown {
        /// What it expected.
        expect: State,
        /// The write.
        op: OpId,
    },
}

/// That no order explains the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What the record was before.
    pub before: State,
    /// The fewest operations that were found to be enough to see it, by the time of their calls.
    pub operations: Vec<Operation>,
    /// The longest order that explains some of them, as indices of `operations`, and what the record is then.
    pub explained: (Vec<usize>, State),
}

/// Looks for an order that explains these answers.
pub fn check(before: State, operations: &[Operation]) -> Result<(), Box<Violation>> {
    let mut operations = operations.to_vec();
    operations.sort_by_key(|operation| operation.from);
    search::order(before, &operations).map(drop).map_err(|_| Box::new(shrink::violation(before, &operations)))
}

/// Operations on many records, as they are recorded by many threads. All records are absent at first.
#[derive(Debug)]
pub struct History {
    began: Instant,
    records: Mutex<BTreeMap<String, Vec<Operation>>>,
}

impl Default for History {
    fn default() -> Self {
        Self { began: Instant::now(), records: Mutex::default() }
    }
}

impl History {
    /// The moment, for the call of an operation.
    pub fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Records an operation that was called at `from` and is answered now.
    pub fn record(&self, key: &str, who: &str, from: u64, what: What) {
        let operation = Operation { who: who.to_owned(), from, to: self.now(), what };
        let mut records = self.records.lock().expect("nobody panics while recording");
        records.entry(key.to_owned()).or_default().push(operation);
    }

    /// How many operations were recorded.
    pub fn len(&self) -> usize {
        self.records.lock().expect("nobody panics while recording").values().map(Vec::len).sum()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records whose answers no order explains, each with why.
    pub fn violations(&self) -> Vec<String> {
        let records = self.records.lock().expect("nobody panics while recording");
        let checked = records.iter().filter_map(|(key, of)| Some((key, check(None, of).err()?)));
        checked.map(|(key, violation)| format!("{key}: {violation}")).collect()
    }
}

impl What {
    /// What the record is after this, if this can happen to it now.
    fn follows(self, state: State) -> Option<State> {
        match self {
            Self::Read(found) => (found == state).then_some(state),
            Self::Conflict { expect, found } => (found == state && expect != state).then_some(state),
            Self::Done { expect, made } => {
                (expect == state && next(state, made.op) == made).then_some(Some(made))
            }
            Self::Unknown { expect, op } => (expect == state).then(|| Some(next(state, op))),
        }
    }

    /// Whether it is known to have happened.
    fn is_known(self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// Whether it leaves the record as it is.
    fn changes_nothing(self) -> bool {
        matches!(self, Self::Read(_) | Self::Conflict { .. })
    }
}

impl Operation {
    /// The last moment at which it may have happened.
    fn last(&self) -> u64 {
        if self.what.is_known() { self.to } else { u64::MAX }
    }
}

fn next(state: State, op: OpId) -> Version {
    Version { counter: state.map_or(0, |version| version.counter) + 1, op }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "no order of these operations explains their answers; before them: {}",
            Shown(self.before)
        )?;
        for (number, operation) in (1..).zip(&self.operations) {
            writeln!(f, "  {number:>2}. {operation}")?;
        }
        let (order, state) = &self.explained;
        let order: Vec<_> = order.iter().map(|index| (index + 1).to_string()).collect();
        let order = if order.is_empty() { "nothing".to_owned() } else { order.join(", ") };
        write!(f, "  the longest order is {order}; the record is then {}", Shown(*state))?;
        write!(f, ", and no operation that must come next agrees")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = if self.what.is_known() { self.to.to_string() } else { "?".to_owned() };
        write!(f, "{:<10} {:>9} to {:<9} {}", self.who, self.from, until, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Read(found) => write!(f, "reads {}", Shown(found)),
            Self::Done { expect, made } => write!(f, "makes {} of {}", Shown(Some(made)), Shown(expect)),
            Self::Conflict { expect, found } => {
                write!(f, "finds {} in place of {}", Shown(found), Shown(expect))
            }
            Self::Unknown { expect, op } => {
                write!(f, "makes {} of {}, perhaps", Shown(Some(next(expect, op))), Shown(expect))
            }
        }
    }
}

struct Shown(State);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => write!(f, "absent"),
            Some(Version { counter, op }) => write!(f, "{counter}-{:x}", op.0),
        }
    }
}

#[cfg(test)]
mod tests;
