//! Whether a file is the store that was initialised here: the only way to get a connection to it.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, Content};
use super::site::Site;
use super::{Open, busy, marker};
use crate::fault;
use crate::store::Error;

/// A store that was let in.
pub(super) struct Admitted {
    /// A connection, for writing unless the mode says otherwise.
    pub(super) connection: Connection,
    /// The store's identity.
    pub(super) lineage: String,
}

/// Opens the store at `site`, or says why not.
pub(super) fn admit(site: &Site, mode: Open) -> Result<Admitted, Error> {
    // The marker is read first: it is written last, so whoever sees it must find the database.
    let marked = marker::read(site)?;
    present(site, mode, marked.as_deref())?;
    let mut connection = connect(site, mode)?;
    let lineage = identify(site, mode, marked.as_deref(), &mut connection)?;
    whole(site, &connection)?;
    if writable(site, &connection)? {
        write_ahead(site, &connection)?;
    }
    Ok(Admitted { connection, lineage })
}

/// A second connection to a store that was let in, for reading.
pub(super) fn reader(site: &Site) -> Result<Connection, Error> {
    let connection = connect(site, Open::ReadOnly)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| site.failed(&error))?;
    Ok(connection)
}

/// Judges what can be seen without opening the file.
fn present(site: &Site, mode: Open, marked: Option<&str>) -> Result<(), Error> {
    match (fs::metadata(&site.database), marked) {
        (Ok(found), _) if !found.is_file() => Err(site.foreign()),
        (Ok(found), Some(_)) if found.len() == 0 => Err(emptied(site)),
        (Ok(found), None) if found.len() == 0 && mode != Open::Create => Err(none(site)),
        (Ok(_), _) => Ok(()),
        (Err(error), _) if error.kind() != io::ErrorKind::NotFound => Err(site.denied("opening it", &error)),
        (Err(_), Some(_)) => Err(missing(site)),
        (Err(_), None) if mode != Open::Create => Err(none(site)),
        (Err(_), None) => Ok(()),
    }
}

fn connect(site: &Site, mode: Open) -> Result<Connection, Error> {
    let access = match mode {
        Open::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Open::Existing => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Open::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepare = || {
        let mut connection = Connection::open_with_flags(&site.database, flags)?;
        busy::wait(&mut connection, busy::PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    };
    prepare().map_err(|error| site.failed(&error))
}

/// What is in the file, as of one moment.
fn examine(site: &Site, connection: &mut Connection) -> Result<Content, Error> {
    let failed = |error| site.failed(&error);
    let sql = connection.transaction().map_err(failed)?;
    schema::examine(&sql).map_err(failed)
}

/// Whether the file may be written: SQLite opens a file without that permission for reading.
fn writable(site: &Site, connection: &Connection) -> Result<bool, Error> {
    connection.is_readonly("main").map(|denied| !denied).map_err(|error| site.failed(&error))
}

/// The lineage of the store in the file, if it is the one that belongs here.
fn identify(
    site: &Site,
    mode: Open,
    marked: Option<&str>,
    connection: &mut Connection,
) -> Result<String, Error> {
    let mut content = examine(site, connection)?;
    if content == Content::Blank && marked.is_none() && mode == Open::Create {
        content = schema::initialise(connection, site)?;
    }
    match (content, marked) {
        (Content::Blank, Some(_)) => Err(emptied(site)),
        (Content::Blank, None) => Err(none(site)),
        (Content::Foreign, _) => Err(site.foreign()),
        (Content::Newer(format), _) => Err(newer(site, format)),
        (Content::Ours { lineage }, Some(marked)) if lineage == marked => Ok(lineage),
        (Content::Ours { lineage }, Some(marked)) => Err(swapped(site, &lineage, marked)),
        (Content::Ours { lineage }, None) => adopt(site, mode, lineage),
    }
}

/// Refuses a file that ends within a page, which SQLite would fill up with zeros. While there is a log, its end
/// may be under way.
fn whole(site: &Site, connection: &Connection) -> Result<(), Error> {
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let page = connection
        .pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))
        .map_err(|error| site.failed(&error))?;
    let logged = length(&site.folder().join(site.log())) > 0;
    match length(&site.database) % u64::from(page) {
        0 => Ok(()),
        _ if logged => Ok(()),
        _ => Err(site.damaged("its end is missing")),
    }
}

/// Completes an initialisation that died before the marker was written.
fn adopt(site: &Site, mode: Open, lineage: String) -> Result<String, Error> {
    if mode != Open::ReadOnly {
        marker::write(site, &lineage)?;
        fault::point("store.after-marker");
    }
    Ok(lineage)
}

/// Switches to a write-ahead log, which lets readers and one writer work at once. Kept in the file.
fn write_ahead(site: &Site, connection: &Connection) -> Result<(), Error> {
    let switch = || connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
    let journal: String = busy::retry(switch).map_err(|error| site.failed(&error))?;
    match journal.as_str() {
        "wal" => Ok(()),
        _ => Err(site.refused("its file system has no shared memory for SQLite: keep it on a local disk")),
    }
}

fn none(site: &Site) -> Error {
    site.refused("there is no store yet: the first `windlass apply` makes it")
}

fn missing(site: &Site) -> Error {
    site.refused(format!("the file is missing, although one was initialised here; {}", site.mend()))
}

fn emptied(site: &Site) -> Error {
    site.refused(format!("the file was emptied; {}", site.mend()))
}

fn newer(site: &Site, format: i64) -> Error {
    let known = schema::FORMAT;
    site.refused(format!("it has format {format}, this windlass knows up to {known}: use a newer windlass"))
}

fn swapped(site: &Site, found: &str, marked: &str) -> Error {
    let marker = site.marker.display();
    site.refused(format!(
        "the file is another store ({found}) than the one that was initialised here ({marked}): put the right \
         file back, or remove {marker} to accept this one"
    ))
}
