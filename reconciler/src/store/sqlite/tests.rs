//! The embedded store keeps the contract, and is not taken in by a file that is not its own.

use std::sync::Arc;

use tempfile::TempDir;

use super::{Open, Sqlite};
use crate::store::conformance::{Bench, conformance, same_answers_as_memory};

fn bench() -> Bench {
    let folder = TempDir::new().unwrap();
    let open = || Arc::new(Sqlite::open(&folder.path().join("store.db"), Open::Create).unwrap());
    Bench { store: open(), other: open(), _folder: Some(folder) }
}

conformance!(bench());

#[test]
fn it_answers_like_the_store_in_memory() {
    same_answers_as_memory(|| {
        let folder = TempDir::new().unwrap();
        (Box::new(Sqlite::open(&folder.path().join("store.db"), Open::Create).unwrap()), folder)
    });
}
