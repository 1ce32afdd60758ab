//! The store of a team keeps the contract on a real server, and survives what servers do.

mod faults;
mod opening;
mod proxy;
mod server;
mod topologies;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use windlass_core::id::OpId;

use super::address::Address;
use super::commit::Bounds;
use super::{Open, Redis};
use crate::store::conformance::{Bench, conformance, same_answers_as_memory};
use crate::store::{Entry, Error, Expect, Key, Store, Transaction, Write};
use server::Server;

async fn bench() -> Bench {
    let ground = Ground::new();
    let (store, other) = (Arc::new(ground.open().await), Arc::new(ground.open().await));
    Bench { store, other, _ground: Box::new(ground) }
}

conformance!(bench().await);

#[test]
fn answers_are_those_of_the_store_in_memory() {
    let server = Arc::new(Server::start(&[]));
    let count = std::cell::Cell::new(0);
    same_answers_as_memory(async || {
        count.set(count.get() + 1);
        let ground = Ground::on(Arc::clone(&server), &format!("case-{}", count.get()));
        (Box::new(ground.open().await) as Box<dyn Store>, ground)
    });
}

/// A server, a place on it, and a folder for the marker.
struct Ground {
    server: Arc<Server>,
    prefix: String,
    folder: TempDir,
}

impl Ground {
    fn new() -> Self {
        Self::on(Arc::new(Server::start(&[])), "test")
    }

    fn with(settings: &[&str]) -> Self {
        Self::on(Arc::new(Server::start(settings)), "test")
    }

    fn on(server: Arc<Server>, prefix: &str) -> Self {
        Self { server, prefix: prefix.to_owned(), folder: TempDir::new().unwrap() }
    }

    async fn open(&self) -> Redis {
        self.try_open(Open::Create).await.unwrap()
    }

    async fn try_open(&self, mode: Open) -> Result<Redis, Error> {
        open(
            &format!("redis://127.0.0.1:{}/0?prefix={}", self.server.port, self.prefix),
            self.folder.path(),
            mode,
        )
        .await
    }
}

impl Ground {
    /// A store that remembers no more than so many transactions and lines.
    async fn open_bounded(&self, transactions: u64, lines: u64) -> Redis {
        let mut store = self.open().await;
        Arc::get_mut(&mut store.inner).unwrap().bounds = Bounds { transactions, lines };
        store
    }

    /// Removes the marker.
    fn forget(&self) {
        for file in fs::read_dir(self.folder.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

/// Writes one new record.
fn insert(op: u128, name: &str) -> Transaction {
    let write = Write { key: Key::stored(name), expect: Expect::Absent, text: "{}".to_owned() };
    Transaction { op: OpId(op), fence: None, guards: Vec::new(), writes: vec![write], history: Vec::new() }
}

fn history(subject: &str) -> Entry {
    Entry { subject: subject.to_owned(), sequence: None, at: 7, text: "{}".to_owned() }
}

/// What an error says, without the store.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable { reason, .. }
        | Error::ReadOnly { reason, .. }
        | Error::Refused { reason, .. }
        | Error::Unknown { reason, .. } => reason.clone(),
    }
}

async fn open(url: &str, marks: &Path, mode: Open) -> Result<Redis, Error> {
    Redis::open(Address::parse(url, |_| None).unwrap(), marks, mode).await
}
