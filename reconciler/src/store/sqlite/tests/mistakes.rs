//! Files that were removed, emptied, cut, swapped or never ours; disks that are full; folders that are gone.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use rusqlite::Connection;
use windlass_core::id::OpId;

use super::{Open, Place, Sqlite, fill, insert};
use crate::store::{Commit, Error, Key, Store};

const MODES: [Open; 3] = [Open::Create, Open::Existing, Open::ReadOnly];

/// A store that holds something, closed again.
async fn used() -> Place {
    let place = Place::new();
    fill(&place.open(), 50).await;
    place
}

#[track_caller]
fn check(place: &Place, problem: &str) {
    for mode in MODES {
        let reason = place.refusal(mode);
        assert!(reason.contains(problem), "{mode:?}: {reason}");
    }
}

#[tokio::test]
async fn no_store_is_not_an_empty_store() {
    let place = Place::new();
    for mode in [Open::Existing, Open::ReadOnly] {
        assert!(place.refusal(mode).contains("there is no store yet"));
        assert!(!place.database().exists());
    }
}

#[tokio::test]
async fn a_missing_file_is_refused() {
    let place = used().await;
    fs::remove_file(place.database()).unwrap();
    check(&place, "the file is missing, although one was initialised here; restore the folder");
    fs::remove_file(place.marker()).unwrap();
    place.open();
}

#[tokio::test]
async fn an_emptied_file_is_refused() {
    let place = used().await;
    File::create(place.database()).unwrap();
    check(&place, "the file was emptied; restore the folder");
}

#[tokio::test]
async fn a_database_without_tables_is_refused() {
    let place = used().await;
    fs::remove_file(place.database()).unwrap();
    Connection::open(place.database()).unwrap().execute_batch("VACUUM").unwrap();
    Connection::open(place.database()).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
    check(&place, "the file was emptied");
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let place = used().await;
    let whole = fs::metadata(place.database()).unwrap().len();
    for length in [whole - 1, whole - 4096, whole / 2, 4096, 4095, 511, 100, 1] {
        File::options().write(true).open(place.database()).unwrap().set_len(length).unwrap();
        check(&place, "; restore the folder");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_while_it_is_used_is_refused() {
    let place = Place::new();
    let store = place.open();
    fill(&store, 50).await;
    drop(place.open());
    File::options().write(true).open(place.database()).unwrap().set_len(100).unwrap();
    let reader = place.try_open(Open::ReadOnly);
    match reader {
        Err(Error::Refused { .. }) => {}
        Err(other) => panic!("{other}"),
        // What stands in the log is still whole.
        Ok(reader) => assert_eq!(reader.scan("").await.unwrap().len(), 50),
    }
}

#[tokio::test]
async fn a_file_that_is_overwritten_is_refused() {
    let place = used().await;
    let file = File::options().write(true).open(place.database()).unwrap();
    file.write_all_at(&[0x5a; 4096], 4096).unwrap();
    let refused = match place.try_open(Open::Existing) {
        Err(error) => error,
        Ok(store) => store.commit(&insert(99, "a", "{}")).await.unwrap_err(),
    };
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn somebody_elses_file_is_refused_and_left_alone() {
    for marked in [false, true] {
        let place = if marked { used().await } else { Place::new() };
        let problem = if marked { "not what was initialised here" } else { "no Windlass store" };
        fs::write(place.database(), "name,amount\n".repeat(100)).unwrap();
        check(&place, problem);
        fs::remove_file(place.database()).unwrap();
        let sql = Connection::open(place.database()).unwrap();
        sql.execute_batch("CREATE TABLE other (a)").unwrap();
        drop(sql);
        let before = fs::read(place.database()).unwrap();
        check(&place, problem);
        assert_eq!(fs::read(place.database()).unwrap(), before);
        fs::remove_file(place.database()).unwrap();
        fs::create_dir(place.database()).unwrap();
        check(&place, problem);
    }
}

#[tokio::test]
async fn another_store_is_refused_until_it_is_accepted() {
    let (place, other) = (used().await, used().await);
    fs::copy(other.database(), place.database()).unwrap();
    check(&place, "the file is another store (");
    fs::remove_file(place.marker()).unwrap();
    let lineage = fs::read_to_string(other.marker()).unwrap();
    assert_eq!(place.open().lineage(), lineage.trim());
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let place = used().await;
    Connection::open(place.database()).unwrap().pragma_update(None, "user_version", 7).unwrap();
    check(&place, "it has format 7, this windlass knows up to 1: use a newer windlass");
}

#[tokio::test]
async fn a_missing_table_is_refused() {
    let place = used().await;
    Connection::open(place.database()).unwrap().execute_batch("DROP TABLE meta").unwrap();
    check(&place, "the file is damaged (no such table: meta");
}

#[tokio::test]
async fn a_spoilt_marker_is_refused() {
    let place = used().await;
    for spoilt in [&b""[..], b"hello\n", b"\xff\xff"] {
        fs::write(place.marker(), spoilt).unwrap();
        check(&place, "store.id is damaged");
    }
}

#[tokio::test]
async fn an_initialisation_that_died_is_completed() {
    let place = Place::new();
    // Before anything was written.
    File::create(place.database()).unwrap();
    let lineage = place.open().lineage().to_owned();
    // Before the marker.
    fs::remove_file(place.marker()).unwrap();
    for mode in [Open::ReadOnly, Open::Existing, Open::Create] {
        assert_eq!(place.try_open(mode).unwrap().lineage(), lineage);
        assert_eq!(place.marker().exists(), mode != Open::ReadOnly);
    }
}

#[test]
fn many_that_initialise_at_once_make_one_store() {
    for _ in 0..10 {
        let place = Place::new();
        let lineages: Vec<String> = std::thread::scope(|scope| {
            let open = || place.try_open(Open::Create).unwrap().lineage().to_owned();
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(lineages.iter().all(|lineage| *lineage == lineages[0]), "{lineages:?}");
        let left = fs::read_dir(place.folder.path()).unwrap();
        let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|name| name.starts_with("store.id")).collect::<Vec<_>>(), ["store.id"]);
    }
}

#[tokio::test]
async fn what_is_opened_for_reading_is_not_written() {
    let place = used().await;
    let store = place.try_open(Open::ReadOnly).unwrap();
    assert_eq!(store.scan("key/").await.unwrap().len(), 50);
    assert!(matches!(store.commit(&insert(99, "a", "{}")).await, Err(Error::ReadOnly { .. })));
    assert!(matches!(store.raise().await, Err(Error::ReadOnly { .. })));
}

#[tokio::test]
async fn a_database_that_may_not_be_written_says_so() {
    let place = used().await;
    let store = place.open();
    write(&store, |sql| sql.pragma_update(None, "query_only", true)).await;
    let error = store.commit(&insert(99, "a", "{}")).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    assert_eq!(store.scan("").await.unwrap().len(), 50);
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let place = used().await;
    let store = place.open();
    let pages: i64 = write(&store, |sql| sql.pragma_query_value(None, "page_count", |row| row.get(0))).await;
    write(&store, move |sql| {
        sql.pragma_update_and_check(None, "max_page_count", pages + 3, |row| row.get::<_, i64>(0))
    })
    .await;
    let big = insert(99, "big", &"x".repeat(100_000));
    let error = store.commit(&big).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { reason, .. } if reason.contains("the disk is full")),
        "{error}"
    );
    assert!(!store.settle(OpId(99)).await.unwrap());
    assert_eq!(store.scan("").await.unwrap().len(), 50);
    write(&store, |sql| {
        sql.pragma_update_and_check(None, "max_page_count", 1 << 30, |row| row.get::<_, i64>(0))
    })
    .await;
    assert!(matches!(store.commit(&big).await.unwrap(), Commit::Done(_)));
}

#[tokio::test]
async fn a_writer_that_never_ends_makes_the_store_busy() {
    let place = used().await;
    let store = place.open();
    let patience = std::time::Duration::from_millis(20);
    write(&store, move |sql| super::super::busy::wait(sql, patience)).await;
    let other = Connection::open(place.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit(&insert(99, "a", "{}")).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { reason, .. } if reason.contains("busy")), "{error}");
    // Who only reads does not wait.
    assert_eq!(store.read(&Key::stored("a")).await.unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    assert!(matches!(store.commit(&insert(99, "a", "{}")).await.unwrap(), Commit::Done(_)));
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_file_that_is_gone() {
    let place = used().await;
    let store = place.open();
    let moved = place.folder.path().join("moved.db");
    fs::rename(place.database(), &moved).unwrap();
    let error = store.commit(&insert(99, "a", "{}")).await.unwrap_err().to_string();
    assert!(error.contains("was removed while it was in use"), "{error}");
    assert!(store.scan("").await.is_err() && store.raise().await.is_err());
    fs::copy(&moved, place.database()).unwrap();
    let error = store.commit(&insert(99, "a", "{}")).await.unwrap_err().to_string();
    assert!(error.contains("was replaced while it was in use"), "{error}");
}

#[tokio::test]
async fn a_missing_folder_is_not_available() {
    let place = Place::new();
    let nowhere = place.folder.path().join("none/store.db");
    let error = Sqlite::open(&nowhere, Open::Create).err().unwrap();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}

/// Does something with the connection that writes.
async fn write<T: Send + 'static>(
    store: &Sqlite,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
) -> T {
    store.writer.as_ref().unwrap().run(work).await.unwrap().unwrap()
}
