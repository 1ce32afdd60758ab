//! The tables, and how a file is known to hold them: an application id, a format version and a lineage.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use windlass_core::shard::Shard;

use super::site::Site;
use crate::fault;
use crate::store::Error;

/// Marks a file as a store of ours; `file` and SQLite show it. "Wndl".
const APPLICATION: i64 = 0x576e_646c;

/// The format that is written. A file of a higher one is refused.
pub(super) const FORMAT: i64 = 1;

const TABLES: &str = include_str!("schema.sql");

/// What is in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing at all.
    Blank,
    /// A store of a format that we know.
    Ours {
        /// Its lineage.
        lineage: String,
    },
    /// A store of a newer format.
    Newer(i64),
    /// Somebody else's database.
    Foreign,
}

/// Looks what is in the file. In a transaction, since another process may be making it a store.
pub(super) fn examine(sql: &Transaction<'_>) -> rusqlite::Result<Content> {
    let application = pragma(sql, "application_id")?;
    let format = pragma(sql, "user_version")?;
    let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match application {
        0 if tables == 0 => Content::Blank,
        APPLICATION if format > FORMAT => Content::Newer(format),
        APPLICATION => Content::Ours { lineage: lineage(sql)? },
        _ => Content::Foreign,
    })
}

/// Makes an empty file a store, unless another process was faster; either way the file is then what
/// [`examine`] says. All of it is one transaction, so a process that dies here leaves an empty file or a store.
pub(super) fn initialise(connection: &mut Connection, site: &Site) -> Result<Content, Error> {
    let failed = |error: rusqlite::Error| site.failed(&error);
    let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if examine(&sql).map_err(failed)? == Content::Blank {
        create(&sql).map_err(failed)?;
    }
    let content = examine(&sql).map_err(failed)?;
    fault::point("store.before-initialise");
    sql.commit().map_err(failed)?;
    fault::point("store.after-initialise");
    Ok(content)
}

fn create(sql: &Transaction<'_>) -> rusqlite::Result<()> {
    sql.execute_batch(TABLES)?;
    sql.execute(
        "INSERT INTO meta (name, value) VALUES
           ('format', ?1), ('lineage', lower(hex(randomblob(16)))), ('moment', 0)",
        [FORMAT],
    )?;
    for shard in Shard::all() {
        sql.execute("INSERT INTO barrier (shard, epoch) VALUES (?1, 0)", [shard.number()])?;
    }
    sql.pragma_update(None, "application_id", APPLICATION)?;
    sql.pragma_update(None, "user_version", FORMAT)
}

fn lineage(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |row| row.get(0))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
