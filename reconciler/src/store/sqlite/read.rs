//! What is read. Every question is one statement, or one transaction, and so is answered as of one moment.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params};
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::Shard;

use super::row::{counter, op, stored};
use crate::store::{Cursor, Entry, Follows, Head, Key, Line, Moment, Page, Query, Record};

/// So many records are in a page: some hundred kilobytes of text.
const PAGE: i64 = 500;

/// A number that the store keeps about itself.
pub(super) fn meta(sql: &Connection, name: &str) -> rusqlite::Result<u64> {
    sql.prepare_cached("SELECT value FROM meta WHERE name = ?1")?.query_row([name], |row| counter(row, 0))
}

/// The present moment.
pub(super) fn moment(sql: &Connection) -> rusqlite::Result<Moment> {
    meta(sql, "moment").map(Moment)
}

/// The barrier of a shard.
pub(super) fn barrier(sql: &Connection, shard: Shard) -> rusqlite::Result<Epoch> {
    sql.prepare_cached("SELECT epoch FROM barrier WHERE shard = ?1")?
        .query_row([shard.number()], |row| counter(row, 0).map(Epoch))
}

/// One record.
pub(super) fn record(sql: &Connection, key: &Key) -> rusqlite::Result<Option<Record>> {
    sql.prepare_cached("SELECT key, counter, op, text FROM record WHERE key = ?1")?
        .query_row([key.as_str()], as_record)
        .optional()
}

/// All records of a prefix.
pub(super) fn scan(sql: &Connection, prefix: &str) -> rusqlite::Result<Vec<Record>> {
    records(sql, prefix, prefix, -1)
}

/// A page of the records of a prefix.
pub(super) fn page(sql: &Connection, prefix: &str, from: Option<Cursor>) -> rusqlite::Result<Page> {
    let from = from.map_or_else(|| prefix.to_owned(), |from| from.0);
    let records = records(sql, prefix, &from, PAGE)?;
    // No text stands between a key and the same one with a zero at its end.
    let next = records.last().filter(|_| stored(records.len() as u64) == PAGE);
    Ok(Page { next: next.map(|last| Cursor(format!("{}\0", last.key))), records })
}

/// The first records of a prefix whose keys do not stand before `from`.
fn records(sql: &Connection, prefix: &str, from: &str, most: i64) -> rusqlite::Result<Vec<Record>> {
    // Every text stands before every blob.
    let end = behind(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
    sql.prepare_cached(
        "SELECT key, counter, op, text FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
    )?
    .query_map(params![from, end, most], as_record)?
    .collect()
}

/// Whether a transaction was done.
pub(super) fn settled(sql: &Connection, op: OpId) -> rusqlite::Result<bool> {
    sql.prepare_cached("SELECT 1 FROM commits WHERE op = ?1")?.exists([op.to_string()])
}

/// The last commit.
pub(super) fn head(sql: &Connection) -> rusqlite::Result<Head> {
    let last = sql
        .prepare_cached("SELECT moment, op FROM commits ORDER BY moment DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { moment: Moment(counter(row, 0)?), op: Some(op(row, 1)?) }))
        .optional()?;
    Ok(last.unwrap_or_default())
}

/// Whether a commit is in the history of this store, and what was done since.
pub(super) fn follows(sql: &mut Connection, seen: &Head, since: &[OpId]) -> rusqlite::Result<Follows> {
    let sql = sql.transaction()?;
    let there = sql
        .prepare_cached("SELECT op FROM commits WHERE moment = ?1")?
        .query_row([stored(seen.moment.0)], |row| op(row, 0))
        .optional()?;
    let mut missing = None;
    for op in since {
        if missing.is_none() && !settled(&sql, *op)? {
            missing = Some(*op);
        }
    }
    Ok(Follows::judge(seen, head(&sql)?, there, missing))
}

/// The keys that were written after a moment, while these are remembered, and the last commit then.
pub(super) fn written(sql: &mut Connection, since: Moment) -> rusqlite::Result<(Option<Vec<Key>>, Head)> {
    let sql = sql.transaction()?;
    let now = head(&sql)?;
    let keys = if since <= now.moment && remembers(&sql, since)? { Some(keys(&sql, since)?) } else { None };
    Ok((keys, now))
}

/// Whether all changes after a moment are remembered: nothing was forgotten yet, or only what came before. The
/// oldest moment that is remembered may itself be incomplete.
fn remembers(sql: &Connection, since: Moment) -> rusqlite::Result<bool> {
    let oldest = sql
        .prepare_cached("SELECT place, moment FROM changes ORDER BY place LIMIT 1")?
        .query_row([], |row| Ok((counter(row, 0)?, Moment(counter(row, 1)?))))
        .optional()?;
    Ok(oldest.is_none_or(|(place, moment)| place <= 1 || since >= moment))
}

fn keys(sql: &Connection, since: Moment) -> rusqlite::Result<Vec<Key>> {
    sql.prepare_cached("SELECT DISTINCT key FROM changes WHERE moment > ?1 ORDER BY key")?
        .query_map([stored(since.0)], |row| row.get::<_, String>(0).map(Key::stored))?
        .collect()
}

/// Lines of history.
pub(super) fn history(sql: &Connection, query: &Query) -> rusqlite::Result<Vec<Line>> {
    let after = stored(query.after);
    let last = query.last.map_or(-1, |last| stored(last as u64));
    match &query.subject {
        None => lines(sql, "position > ?1", params![after, last]),
        Some(subject) => lines(sql, "position > ?1 AND subject = ?3", params![after, last, subject]),
    }
}

fn lines(sql: &Connection, wanted: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Line>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT position, subject, sequence, at, text FROM history WHERE {wanted} ORDER BY position DESC LIMIT ?2"
    ))?;
    let mut lines: Vec<Line> = statement.query_map(values, as_line)?.collect::<rusqlite::Result<_>>()?;
    lines.reverse();
    Ok(lines)
}

fn as_line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let sequence = Some(counter(row, 2)?);
    let entry = Entry { subject: row.get(1)?, sequence, at: row.get(3)?, text: row.get(4)? };
    Ok(Line { position: counter(row, 0)?, entry })
}

fn as_record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let version = Version { counter: counter(row, 1)?, op: op(row, 2)? };
    let text = Arc::from(row.get_ref(3)?.as_str()?);
    Ok(Record { key: Key::stored(row.get::<_, String>(0)?), version, text })
}

/// The first text that stands behind all texts with this prefix; `None` if there is none. Texts are ordered by
/// their code points, here and in SQLite.
fn behind(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        for (prefix, end) in [
            ("", None),
            ("run/", Some("run0")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(behind(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
