//! Random sequences of calls, done to a store and to the one in memory: both must answer the same.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::{Fence, Shard};

use super::super::memory::Memory;
use super::super::{Entry, Expect, Head, Key, Moment, Query, Store, Transaction, Write};

/// One call.
#[derive(Debug, Clone)]
enum Call {
    Commit(Transaction),
    Read(Key),
    Scan(String),
    Settle(OpId),
    Written(u64),
    History(Query),
    Raise,
    Fence(Fence),
    Barrier(Shard),
    Head,
    Follows(Head, Vec<OpId>),
}

/// Compares a store, made anew for every sequence, with the one in memory.
pub(crate) fn same_answers_as_memory<B>(bench: impl AsyncFn() -> (Box<dyn Store>, B)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&vec(call(), 1..60), |calls| {
        let (store, _ground) = runtime.block_on(bench());
        let memory = Memory::new();
        for call in &calls {
            let (expected, found) =
                runtime.block_on(async { (answer(&memory, call).await, answer(&*store, call).await) });
            prop_assert_eq!(expected, found, "{:?}", call);
        }
        Ok(())
    });
    outcome.unwrap();
}

/// What a store answers, as text.
async fn answer(store: &dyn Store, call: &Call) -> String {
    match call {
        Call::Commit(transaction) => format!("{:?}", store.commit(transaction).await.unwrap()),
        Call::Read(key) => format!("{:?}", store.read(key).await.unwrap()),
        Call::Scan(prefix) => format!("{:?}", store.scan(prefix).await.unwrap()),
        Call::Settle(op) => format!("{:?}", store.settle(*op).await.unwrap()),
        Call::Written(since) => format!("{:?}", store.written(Moment(*since)).await.unwrap()),
        Call::History(query) => format!("{:?}", store.history(query).await.unwrap()),
        Call::Fence(fence) => format!("{:?}", store.fence(*fence).await.unwrap()),
        Call::Barrier(shard) => format!("{:?}", store.barrier(*shard).await.unwrap()),
        Call::Head => format!("{:?}", store.head().await.unwrap()),
        Call::Follows(seen, since) => format!("{:?}", store.follows(seen, since).await.unwrap()),
        Call::Raise => format!("{:?}", store.raise().await.unwrap()),
    }
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => transaction().prop_map(Call::Commit),
        2 => key().prop_map(Call::Read),
        1 => text().prop_map(Call::Scan),
        1 => op().prop_map(Call::Settle),
        1 => (0u64..40).prop_map(Call::Written),
        1 => query().prop_map(Call::History),
        1 => Just(Call::Raise),
        1 => fence().prop_map(Call::Fence),
        1 => shard().prop_map(Call::Barrier),
        1 => Just(Call::Head),
        1 => (head(), vec(op(), 0..3)).prop_map(|(seen, since)| Call::Follows(seen, since)),
    ]
}

/// Few keys, few operations and low numbers, so that they meet.
fn transaction() -> impl Strategy<Value = Transaction> {
    let guards = vec((key(), proptest::option::of(version())), 0..2);
    let parts = (op(), proptest::option::of(fence()), guards, vec(write(), 0..3), vec(entry(), 0..3));
    parts.prop_map(|(op, fence, guards, writes, history)| Transaction { op, fence, guards, writes, history })
}

fn fence() -> impl Strategy<Value = Fence> {
    (shard(), 0u64..6).prop_map(|(shard, epoch)| Fence { shard, epoch: Epoch(epoch) })
}

fn head() -> impl Strategy<Value = Head> {
    (0u64..12, proptest::option::of(op())).prop_map(|(moment, op)| Head { moment: Moment(moment), op })
}

fn shard() -> impl Strategy<Value = Shard> {
    (0u8..3).prop_map(|number| Shard::numbered(number).expect("there are more shards"))
}

fn write() -> impl Strategy<Value = Write> {
    let expect = prop_oneof![2 => Just(Expect::Absent), 3 => version().prop_map(Expect::Version)];
    (key(), expect, text()).prop_map(|(key, expect, text)| Write { key, expect, text })
}

fn entry() -> impl Strategy<Value = Entry> {
    let parts = ("[ab]", proptest::option::of(0u64..5), any::<i64>(), text());
    parts.prop_map(|(subject, sequence, at, text)| Entry { subject, sequence, at, text })
}

fn query() -> impl Strategy<Value = Query> {
    let parts = (proptest::option::of("[abc]"), 0u64..10, proptest::option::of(0usize..5));
    parts.prop_map(|(subject, after, last)| Query { subject, after, last })
}

fn key() -> impl Strategy<Value = Key> {
    "[ab]{1,2}".prop_map(Key::stored)
}

fn op() -> impl Strategy<Value = OpId> {
    (0u128..12).prop_map(OpId)
}

fn version() -> impl Strategy<Value = Version> {
    (1u64..4, op()).prop_map(|(counter, op)| Version { counter, op })
}

fn text() -> impl Strategy<Value = String> {
    "[ab\u{0}ü🚤]{0,3}"
}
