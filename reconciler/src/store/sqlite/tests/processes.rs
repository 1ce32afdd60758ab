//! Several processes on one file, some of which are killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, io, process};

use windlass_core::id::OpId;

use super::{Open, Place, Sqlite, insert};
use crate::store::{Commit, Expect, Key, Store};

/// Says where the process below finds the store, and what it is to do.
const DATABASE: &str = "WINDLASS_TEST_STORE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill() {
    let place = Place::new();
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let mut child = committing(&place.database());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = |line: io::Result<String>| line.unwrap().strip_prefix("done ").map(str::to_owned);
        acknowledged.extend(lines.by_ref().filter_map(told).take(5 + round * 3));
        child.kill().unwrap();
        // What it acknowledged before it died counts as well.
        acknowledged.extend(lines.filter_map(told));
        child.wait().unwrap();
    }
    let store = place.try_open(Open::Existing).unwrap();
    for op in &acknowledged {
        assert!(store.settle(op.parse::<OpId>().unwrap()).await.unwrap(), "{op} was lost");
        assert!(store.read(&Key::stored(format!("key/{op}"))).await.unwrap().is_some(), "{op} was lost");
    }
    assert!(acknowledged.len() >= 5 * 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_store() {
    let place = Place::new();
    let ours = place.open();
    let children = [committing(&place.database()), committing(&place.database())];
    let mut seen = crate::store::Moment(0);
    while ours.scan("key/").await.unwrap().len() < 60 {
        ours.changed(seen).await.unwrap();
        seen = ours.written(seen).await.unwrap().1.moment;
        assert!(matches!(ours.commit(&next(&ours).await).await.unwrap(), Commit::Done(_)));
    }
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let counter = ours.read(&Key::stored("ours")).await.unwrap().unwrap();
    assert_eq!(*counter.text, counter.version.counter.to_string());
}

/// Counts our own record up: others write, but never this one.
async fn next(store: &Sqlite) -> crate::store::Transaction {
    let record = store.read(&Key::stored("ours")).await.unwrap();
    let counter = record.as_ref().map_or(0, |record| record.version.counter) + 1;
    let mut transaction = insert(u128::from(counter), "ours", &counter.to_string());
    transaction.writes[0].expect = record.map_or(Expect::Absent, |record| Expect::Version(record.version));
    transaction
}

/// A process that commits until it is killed, and tells each commit once it is acknowledged.
fn committing(database: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "store::sqlite::tests::processes::commit_until_killed", "--ignored", "--nocapture"])
        .env(DATABASE, database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "the other process of the tests above"]
#[expect(clippy::print_stdout, reason = "tells the test that started it")]
async fn commit_until_killed() {
    let store = Sqlite::open(&PathBuf::from(env::var_os(DATABASE).unwrap()), Open::Create).unwrap();
    // Bounded, so that it ends when nobody is left to kill it.
    for number in 1..5000 {
        let op = OpId(u128::from(process::id()) << 64 | number);
        store.commit(&insert(op.0, &format!("key/{op}"), "{}")).await.unwrap();
        println!("done {op}");
    }
}
