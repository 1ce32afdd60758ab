//! Everything in a store, piece by piece: the texts of one piece at once are what a load needs most memory for.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use windlass_core::shard::Shard;

use crate::store::{Error, Key, Record, Store};

/// How many shards are asked for at once: for less waiting.
const AHEAD: usize = 4;

/// What is read at once.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Kind(&'static str),
    Shard(Shard),
}

/// All records of kinds that have many. What a record refers to comes before it.
pub(super) fn pieces(store: &Arc<dyn Store>) -> impl Stream<Item = Result<Vec<Record>, Error>> + use<> {
    let (store, sharded) = (Arc::clone(store), store.is_sharded());
    let read = move |piece| {
        let store = Arc::clone(&store);
        async move { read(&*store, piece).await }
    };
    stream::iter(all(sharded)).map(read).buffered(if sharded { AHEAD } else { 1 })
}

/// Shard by shard where the store can: one that cannot would look through everything for each.
fn all(sharded: bool) -> Vec<Piece> {
    match sharded {
        true => [Piece::Kind(Key::APPLY)].into_iter().chain(Shard::all().map(Piece::Shard)).collect(),
        false => Key::KINDS.into_iter().map(Piece::Kind).collect(),
    }
}

async fn read(store: &dyn Store, piece: Piece) -> Result<Vec<Record>, Error> {
    let mut records = match piece {
        Piece::Kind(prefix) => store.scan(prefix).await?,
        Piece::Shard(shard) => store.scan_shard(shard).await?,
    };
    records.sort_by_key(|record| Key::KINDS.iter().position(|kind| record.key.name(kind).is_some()));
    Ok(records)
}

#[cfg(test)]
mod tests {
    use windlass_core::id::OpId;

    use super::*;
    use crate::store::memory::Memory;
    use crate::store::{Expect, Transaction, Write};

    #[tokio::test]
    async fn all_is_read_once_and_after_what_it_refers_to() {
        let keys = [
            "apply/1",
            "desired/ledger.a",
            "desired/orders.a",
            "run/orders@1",
            "spec/orders.a:00ff",
            "status/ledger.a",
            "status/orders.a@1",
        ];
        let write =
            |key: &str| Write { key: Key::stored(key), expect: Expect::Absent, text: "{}".to_owned() };
        let (op, writes) = (OpId(1), keys.map(write).into());
        let store = Memory::new();
        let all_new = Transaction { op, fence: None, guards: Vec::new(), writes, history: Vec::new() };
        store.commit(&all_new).await.unwrap();
        for sharded in [false, true] {
            let mut found = Vec::new();
            for piece in all(sharded) {
                found.extend(read(&store, piece).await.unwrap().into_iter().map(|one| one.key));
            }
            let place = |key: &str| found.iter().position(|one| one.as_str() == key).unwrap();
            assert!(keys.map(place).iter().all(|one| *one >= place("apply/1")), "{found:?}");
            assert!(place("desired/orders.a") < place("spec/orders.a:00ff"), "{found:?}");
            assert!(place("spec/orders.a:00ff") < place("run/orders@1"), "{found:?}");
            assert!(place("run/orders@1") < place("status/orders.a@1"), "{found:?}");
            assert_eq!(found.len(), keys.len(), "{found:?}");
        }
    }
}
