//! Everything in a store, piece by piece: the texts of one piece at once are what a load needs most memory for.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use windlass_core::shard::Shard;

use crate::store::{Error, Key, Record, Store};

/// How many shards are asked for at once: for less waiting.
const AHEAD: usize = 4;

/// All records of kinds that have many. What a record refers to comes before it.
pub(super) fn pieces(store: &Arc<dyn Store>) -> impl Stream<Item = Result<Vec<Record>, Error>> + use<> {
    let (kinds, shards) = all(store.is_sharded());
    let (paged, sharded) = (Arc::clone(store), Arc::clone(store));
    let kinds = stream::iter(kinds).flat_map(move |kind| pages(Arc::clone(&paged), kind));
    let read = move |shard| {
        let store = Arc::clone(&sharded);
        async move { read(&*store, shard).await }
    };
    kinds.chain(stream::iter(shards).map(read).buffered(AHEAD))
}

/// Which kinds are read, and which shards after them: shard by shard where the store can; one that cannot would look
/// through everything for each.
fn all(sharded: bool) -> (Vec<&'static str>, Vec<Shard>) {
    match sharded {
        true => (vec![Key::APPLY], Shard::all().collect()),
        false => (Key::KINDS.into(), Vec::new()),
    }
}

/// The records of a kind, page by page.
fn pages(store: Arc<dyn Store>, kind: &'static str) -> impl Stream<Item = Result<Vec<Record>, Error>> {
    stream::try_unfold(Some(None), move |from| {
        let store = Arc::clone(&store);
        async move {
            let Some(from) = from else { return Ok(None) };
            let page = store.page(kind, from).await?;
            Ok(Some((page.records, page.next.map(Some))))
        }
    })
}

async fn read(store: &dyn Store, shard: Shard) -> Result<Vec<Record>, Error> {
    let mut records = store.scan_shard(shard).await?;
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
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let all_new = Transaction { op, fence: None, guards: Vec::new(), writes, history: Vec::new() };
        store.commit(&all_new).await.unwrap();
        for sharded in [false, true] {
            let mut found = Vec::new();
            let (kinds, shards) = all(sharded);
            for kind in kinds {
                let pages: Vec<_> = pages(Arc::clone(&store), kind).map(Result::unwrap).collect().await;
                found.extend(pages.into_iter().flatten().map(|one| one.key));
            }
            for shard in shards {
                found.extend(read(&*store, shard).await.unwrap().into_iter().map(|one| one.key));
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
