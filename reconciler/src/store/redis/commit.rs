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
    let Inner { lineage, bounds, .. } = store;
    let op = transaction.op;
    let guards = if compared { transaction.guards.as_slice() } else { &[] };
    let mut call = Call::new(&COMMIT, touched(&store.keys, transaction, guards));
    call.arg(lineage).shown(op);
    match transaction.fence.filter(|_| !is_off(Rule::Epochs)) {
        Some(fence) => call.shown(format_args!("barrier:{}", fence.shard)).shown(fence.epoch.0),
        None => call.arg("").shown(0),
    };
    let Ticket { process, number } = ticket;
    call.shown(format_args!("{process} {number} {} {}", bounds.transactions, bounds.lines));
    for (key, version) in guards {
        expected(call.arg(key.as_str()), *version).arg("");
    }
    for write in &transaction.writes {
        let version = write.expect.version();
        call.arg(write.key.as_str());
        if compared {
            expected(&mut call, version)
        } else {
            call.arg("*")
        };
        call.shown(format_args!("{} {op} {}", next(version, op).counter, write.text));
    }
    for entry in &transaction.history {
        call.arg(&entry.subject);
        match entry.sequence {
            Some(number) => call.shown(format_args!("{} {number}", entry.at)),
            None => call.shown(entry.at),
        };
        call.arg(&entry.text);
    }
    call
}

/// The keys of a transaction, in the order of its parts.
fn touched(keys: &Keys, transaction: &Transaction, guards: &[(Key, Option<Version>)]) -> Vec<String> {
    let mut all = vec![keys.meta.clone(), keys.refused.clone(), keys.events.clone()];
    all.extend(guards.iter().map(|(key, _)| keys.records_of(key)));
    all.extend(transaction.writes.iter().map(|write| keys.records_of(&write.key)));
    for entry in &transaction.history {
        let (history, numbers) = keys.history_of(&entry.subject);
        all.extend([history, numbers]);
    }
    all
}

/// The call that settles a transaction.
pub(super) fn settle(keys: &Keys, lineage: &str, ticket: &Ticket, op: OpId) -> Call {
    let mut call = Call::new(&SETTLE, [&keys.meta, &keys.refused]);
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
pub(super) fn outcome(
    transaction: &Transaction,
    word: &str,
    mut reply: Reply,
    dropped: &mut u64,
) -> Result<Outcome, String> {
    let op = transaction.op;
    let commit = match word {
        "done" => {
            *dropped = reply.rest(Reply::number::<u64>)?.into_iter().sum();
            let writes = transaction.writes.iter();
            Commit::Done(writes.map(|write| next(write.expect.version(), op)).collect())
        }
        "written" => Commit::Done(reply.rest(|reply| Ok(Version { counter: reply.number()?, op }))?),
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

/// The version that a record has once it was written by `op`, where it had the one that was expected.
fn next(version: Option<Version>, op: OpId) -> Version {
    Version { counter: version.map_or(0, |version| version.counter) + 1, op }
}

/// Adds how a record of this version begins as it is stored: nothing for no record.
fn expected(call: &mut Call, version: Option<Version>) -> &mut Call {
    match version {
        Some(version) => call.shown(format_args!("{} {} ", version.counter, version.op)),
        None => call.arg(""),
    }
}
