//! The embedded store keeps the contract, and is not taken in by a file that is not its own.

mod mistakes;
mod processes;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use windlass_core::id::OpId;

use super::{Open, Sqlite};
use crate::store::conformance::{Bench, conformance, same_answers_as_memory};
use crate::store::{Commit, Error, Expect, Key, Moment, Store, Transaction, Write};

fn bench() -> Bench {
    let place = Place::new();
    Bench { store: Arc::new(place.open()), other: Arc::new(place.open()), _ground: Box::new(place.folder) }
}

conformance!(bench());

/// A folder for a store.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn marker(&self) -> PathBuf {
        self.folder.path().join("store.id")
    }

    fn open(&self) -> Sqlite {
        self.try_open(Open::Create).unwrap()
    }

    fn try_open(&self, mode: Open) -> Result<Sqlite, Error> {
        Sqlite::open(&self.database(), mode)
    }

    /// Why the store is refused.
    fn refusal(&self, mode: Open) -> String {
        match self.try_open(mode).err() {
            Some(Error::Refused { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// Writes one new record.
fn insert(op: u128, name: &str, text: &str) -> Transaction {
    let write = Write { key: Key::stored(name), expect: Expect::Absent, text: text.to_owned() };
    Transaction { op: OpId(op), fence: None, guards: vec![], writes: vec![write], history: vec![] }
}

/// Writes `count` records of a kilobyte, each in a transaction of its own.
async fn fill(store: &Sqlite, count: u128) {
    for op in 0..count {
        let commit = store.commit(&insert(op, &format!("key/{op:05}"), &"x".repeat(1024))).await.unwrap();
        assert!(matches!(commit, Commit::Done(_)));
    }
}

#[test]
fn it_answers_like_the_store_in_memory() {
    same_answers_as_memory(async || {
        let place = Place::new();
        (Box::new(place.open()) as Box<dyn Store>, place.folder)
    });
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let place = Place::new();
    let store = place.open();
    let lineage = store.lineage().to_owned();
    fill(&store, 3).await;
    let (moment, epoch) = (store.moment().await.unwrap(), store.raise().await.unwrap());
    let records = store.scan("").await.unwrap();
    drop(store);
    let store = place.try_open(Open::Existing).unwrap();
    assert_eq!(store.lineage(), lineage);
    assert_eq!(store.scan("").await.unwrap(), records);
    assert_eq!(store.moment().await.unwrap(), moment);
    assert!(store.settle(OpId(2)).await.unwrap());
    assert!(store.raise().await.unwrap() > epoch);
}

#[tokio::test]
async fn changes_that_were_forgotten_are_not_made_up() {
    let place = Place::new();
    let store = place.open();
    fill(&store, 4).await;
    let forget = |sql: &mut rusqlite::Connection| sql.execute("DELETE FROM changes WHERE place <= 2", []);
    store.writer.as_ref().unwrap().run(forget).await.unwrap().unwrap();
    assert_eq!(store.written(Moment(2)).await.unwrap().0, None);
    let known = store.written(Moment(3)).await.unwrap().0.unwrap();
    assert_eq!(known, [Key::stored("key/00003")]);
}

#[tokio::test]
async fn settling_waits_for_a_commit_that_nobody_waits_for() {
    let place = Place::new();
    let store = place.open();
    for op in 0..20 {
        let change = insert(op, &op.to_string(), "{}");
        let mut commit = store.commit(&change);
        // Asked once, then dropped: the thread does it all the same.
        let _ = std::future::poll_fn(|context| std::task::Poll::Ready(commit.as_mut().poll(context))).await;
        drop(commit);
        assert!(store.settle(OpId(op)).await.unwrap());
    }
}

#[tokio::test]
async fn people_can_read_it() {
    let place = Place::new();
    fill(&place.open(), 1).await;
    let sql = rusqlite::Connection::open(place.database()).unwrap();
    let query = "SELECT key, counter, op, length(text) FROM record";
    let row: (String, i64, String, i64) =
        sql.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    assert_eq!(row, ("key/00000".to_owned(), 1, OpId(0).to_string(), 1024));
}
