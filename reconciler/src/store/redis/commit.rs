//! One transaction as the arguments of its script, and what its answer means.

use windlass_core::fault::{Rule, is_off};
use windlass_core::id::{Epoch, OpId, Version};

use super::Inner;
use super::keys::Keys;
use super::reply::{self, Reply};
use super::request::Ticket;
use super::script::{COMMIT, Call, SETTLE};
use crate::store::{Commit, Key, Transaction};

/// How much is remembered of what is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Transactions: their ids, to be answered again, and their changes, to be told to watchers.
    pub(super) transactions: u64,
    /// Lines of history in each shard, at least; 64 times as many in all.
    pub(super) lines: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { transactions: 20_000, lines: 20_000 }
    }
}

/// How many requests that came to nothing are remembered, to be refused when they come late.
const REFUSED: u64 = 10_000;

/// The call that commits a transaction; `compared` says whether expectations count.
pub(super) fn call(store: &Inner, ticket: &Ticket, transaction: &Transaction, compared: bool) -> Call {
    let Inner { keys, lineage, bounds, .. } = store;
    let mut call = Call::new(&COMMIT, [&keys.meta, &keys.ops, &keys.refused, &keys.events]);
    call.arg(lineage).shown(transaction.op).arg(&ticket.process).shown(ticket.number);
    match transaction.fence.filter(|_| !is_off(Rule::Epochs)) {
        Some(fence) => call.shown(fence.shard).shown(fence.epoch.0),
        None => call.arg("").shown(0),
    };
    call.shown(u8::from(compared)).shown(bounds.transactions).shown(bounds.lines);
    call.shown(transaction.guards.len()).shown(transaction.writes.len()).shown(transaction.history.len());
    for (key, version) in &transaction.guards {
        record(&mut call, keys, key, *version);
    }
    for write in &transaction.writes {
        record(&mut call, keys, &write.key, write.expect.version()).arg(&write.text);
    }
    for entry in &transaction.history {
        let (history, numbers) = keys.history_of(&entry.subject);
        let (history, numbers) = (call.key(history), call.key(numbers));
        call.shown(history).shown(numbers).arg(&entry.subject);
        match entry.sequence {
            Some(number) => call.shown(number),
            None => call.arg(""),
        };
        call.shown(entry.at).arg(&entry.text);
    }
    call
}

/// The call that settles a transaction.
pub(super) fn settle(keys: &Keys, lineage: &str, ticket: &Ticket, op: OpId) -> Call {
    let mut call = Call::new(&SETTLE, [&keys.meta, &keys.ops, &keys.refused]);
    call.arg(lineage).shown(op).arg(&ticket.process).shown(ticket.number).shown(REFUSED);
    call
}

/// What a commit was answered.
pub(super) enum Outcome {
    /// An ordinary outcome.
    Commit(Commit),
    /// It was settled as not done before it came.
    Late,
}

/// Reads the answer of the script. `dropped`: so many old lines of history had to go.
pub(super) fn outcome(op: OpId, word: &str, mut reply: Reply, dropped: &mut u64) -> Result<Outcome, String> {
    let commit = match word {
        "done" => {
            *dropped = reply.number()?;
            let version = |reply: &mut Reply| Ok(Version { counter: reply.number()?, op });
            Commit::Done(reply.rest(version)?)
        }
        "conflict" => {
            let (key, value) = (Key::stored(reply.text()?), reply.text()?);
            let found = match value.as_str() {
                "" => None,
                value => Some(reply::record(key.clone(), value)?),
            };
            Commit::Conflict { key, found }
        }
        "fenced" => Commit::Fenced { barrier: Epoch(reply.number()?) },
        "late" => return Ok(Outcome::Late),
        other => return Err(format!("a commit was answered with {other:?}")),
    };
    Ok(Outcome::Commit(commit))
}

/// Names a record and the version that it has to have, as that is stored: nothing for no record.
fn record<'a>(call: &'a mut Call, keys: &Keys, key: &Key, version: Option<Version>) -> &'a mut Call {
    let number = call.key(keys.records_of(key));
    call.shown(number).arg(key.as_str());
    match version {
        Some(version) => call.shown(format_args!("{} {}", version.counter, version.op)),
        None => call.arg(""),
    }
}
