//! One transaction, from its first look to its last: done before, fenced, in conflict, or written.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::Fence;

use super::read;
use super::row::{counter, op, stored};
use super::site::Site;
use crate::fault;
use crate::store::{Commit, Entry, Error, Key, Moment, Transaction, Write};

/// How many transactions are remembered, to be answered again.
const COMMITS: i64 = 100_000;

/// How many changes of records are remembered, to be told to watchers.
const CHANGES: i64 = 50_000;

type Sql<'a> = rusqlite::Transaction<'a>;

/// What came of a transaction, and the moment of it where something was written.
pub(super) type Outcome = (Commit, Option<Moment>);

/// Commits a transaction; `compared` says whether expectations count.
pub(super) fn commit(
    connection: &mut Connection,
    site: &Site,
    transaction: &Transaction,
    compared: bool,
) -> Result<Outcome, Error> {
    site.unmoved()?;
    let failed = |error: rusqlite::Error| site.failed(&error);
    let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let outcome = attempt(&sql, transaction, compared).map_err(failed)?;
    if outcome.1.is_some() {
        fault::point("store.before-commit");
        sql.commit().map_err(|error| site.commit_failed(transaction.op, &error))?;
        fault::point("store.after-commit");
    }
    Ok(outcome)
}

/// Whether a transaction was done, for good: asked behind all that this process asked before, and if the answer is
/// no, what a failed write may have left in the log is overwritten, so that no recovery brings it back.
pub(super) fn settle(connection: &mut Connection, site: &Site, op: OpId) -> Result<bool, Error> {
    site.unmoved()?;
    let failed = |error: rusqlite::Error| site.failed(&error);
    let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if read::settled(&sql, op).map_err(failed)? {
        return Ok(true);
    }
    sql.execute("UPDATE meta SET value = value WHERE name = 'moment'", []).map_err(failed)?;
    sql.commit().map_err(failed)?;
    Ok(false)
}

/// Raises the barriers of all shards.
pub(super) fn raise(connection: &mut Connection, site: &Site) -> Result<Epoch, Error> {
    site.unmoved()?;
    connection
        .query_row(
            "UPDATE barrier SET epoch = (SELECT max(epoch) + 1 FROM barrier) RETURNING epoch",
            [],
            |row| counter(row, 0).map(Epoch),
        )
        .map_err(|error| site.failed(&error))
}

/// Raises the barrier of one shard, unless it is higher.
pub(super) fn fence(connection: &mut Connection, site: &Site, fence: Fence) -> Result<Epoch, Error> {
    site.unmoved()?;
    connection
        .query_row(
            "UPDATE barrier SET epoch = max(epoch, ?2) WHERE shard = ?1 RETURNING epoch",
            params![fence.shard.number(), stored(fence.epoch.0)],
            |row| counter(row, 0).map(Epoch),
        )
        .map_err(|error| site.failed(&error))
}

fn attempt(sql: &Sql<'_>, transaction: &Transaction, compared: bool) -> rusqlite::Result<Outcome> {
    if let Some(versions) = done(sql, transaction.op)? {
        return Ok((Commit::Done(versions), None));
    }
    if let Some(fence) = transaction.fence {
        let barrier = read::barrier(sql, fence.shard)?;
        if fence.epoch < barrier {
            return Ok((Commit::Fenced { barrier }, None));
        }
    }
    if compared && let Some(key) = unexpected(sql, transaction)? {
        return Ok((Commit::Conflict { key: key.clone(), found: read::record(sql, key)? }, None));
    }
    let (versions, moment) = perform(sql, transaction)?;
    Ok((Commit::Done(versions), Some(moment)))
}

/// What a transaction was answered when it was done before.
fn done(sql: &Sql<'_>, op: OpId) -> rusqlite::Result<Option<Vec<Version>>> {
    let mut statement = sql.prepare_cached("SELECT counters FROM commits WHERE op = ?1")?;
    let counters = statement.query_row([op.to_string()], |row| row.get::<_, String>(0)).optional()?;
    Ok(counters.map(|counters| {
        counters
            .split_ascii_whitespace()
            .flat_map(str::parse)
            .map(|counter| Version { counter, op })
            .collect()
    }))
}

/// The first record that is not as expected. A key that is written twice never is.
fn unexpected<'a>(sql: &Sql<'_>, transaction: &'a Transaction) -> rusqlite::Result<Option<&'a Key>> {
    for (key, expected) in &transaction.guards {
        if version(sql, key)? != *expected {
            return Ok(Some(key));
        }
    }
    let mut seen = BTreeSet::new();
    for write in &transaction.writes {
        if version(sql, &write.key)? != write.expect.version() || !seen.insert(&write.key) {
            return Ok(Some(&write.key));
        }
    }
    Ok(None)
}

fn version(sql: &Sql<'_>, key: &Key) -> rusqlite::Result<Option<Version>> {
    sql.prepare_cached("SELECT counter, op FROM record WHERE key = ?1")?
        .query_row([key.as_str()], |row| Ok(Version { counter: counter(row, 0)?, op: op(row, 1)? }))
        .optional()
}

fn perform(sql: &Sql<'_>, transaction: &Transaction) -> rusqlite::Result<(Vec<Version>, Moment)> {
    let moment = sql
        .prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'moment' RETURNING value")?
        .query_row([], |row| counter(row, 0).map(Moment))?;
    let write = |write| self::write(sql, transaction.op, moment, write);
    let versions: Vec<Version> = transaction.writes.iter().map(write).collect::<rusqlite::Result<_>>()?;
    for entry in &transaction.history {
        append(sql, entry)?;
    }
    remember(sql, transaction.op, moment, &versions)?;
    forget(sql, moment)?;
    Ok((versions, moment))
}

fn write(sql: &Sql<'_>, op: OpId, moment: Moment, write: &Write) -> rusqlite::Result<Version> {
    let counter = sql
        .prepare_cached(
            "INSERT INTO record (key, counter, op, text) VALUES (?1, 1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET counter = counter + 1, op = excluded.op, text = excluded.text
             RETURNING counter",
        )?
        .query_row(params![write.key.as_str(), op.to_string(), write.text], |row| counter(row, 0))?;
    sql.prepare_cached("INSERT INTO changes (moment, key) VALUES (?1, ?2)")?
        .execute(params![stored(moment.0), write.key.as_str()])?;
    Ok(Version { counter, op })
}

fn append(sql: &Sql<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let Entry { subject, sequence, at, text } = entry;
    sql.prepare_cached(
        "INSERT INTO history (subject, sequence, at, text)
         VALUES (?1, coalesce(?2, (SELECT coalesce(max(sequence), 0) + 1 FROM history WHERE subject = ?1)), ?3, ?4)
         ON CONFLICT (subject, sequence) DO NOTHING",
    )?
    .execute(params![subject, sequence.map(stored), at, text])?;
    Ok(())
}

fn remember(sql: &Sql<'_>, op: OpId, moment: Moment, versions: &[Version]) -> rusqlite::Result<()> {
    let counters: Vec<String> = versions.iter().map(|version| version.counter.to_string()).collect();
    sql.prepare_cached("INSERT INTO commits (moment, op, counters) VALUES (?1, ?2, ?3)")?
        .execute(params![stored(moment.0), op.to_string(), counters.join(" ")])?;
    Ok(())
}

/// Keeps what is remembered bounded.
fn forget(sql: &Sql<'_>, moment: Moment) -> rusqlite::Result<()> {
    sql.prepare_cached("DELETE FROM commits WHERE moment <= ?1")?.execute([stored(moment.0) - COMMITS])?;
    sql.prepare_cached("DELETE FROM changes WHERE place <= (SELECT max(place) FROM changes) - ?1")?
        .execute([CHANGES])?;
    Ok(())
}
