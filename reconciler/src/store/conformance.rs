//! What every store promises, as tests that know the trait alone. A store takes them all by `conformance!`.

mod differential;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use windlass_core::fault::Rule;
use windlass_core::id::{Epoch, OpId, Version};
use windlass_core::shard::{Fence, Shard};

use super::{
    Commit, Entry, Expect, Follows, Head, Key, Line, Moment, Query, Record, Store, Transaction, Write,
};

pub(crate) use differential::same_answers_as_memory;

/// Far longer than any wake-up takes; only a lost one waits for it.
const LOST: Duration = Duration::from_secs(20);

/// A store under test.
pub(crate) struct Bench {
    /// The store, empty.
    pub(crate) store: Arc<dyn Store>,
    /// Another handle to the same store, as another process has it; the same handle where there is no other.
    pub(crate) other: Arc<dyn Store>,
    /// What it lies in or runs on; gone with it.
    pub(crate) _ground: Box<dyn Any + Send>,
}

/// Runs every test of the suite on stores that `$bench` makes.
macro_rules! conformance {
    ($bench:expr) => {
        $crate::store::conformance::conformance! { $bench;
            a_record_reads_back_with_its_version
            a_write_counts_up
            absent_is_expected_only_once
            a_version_of_another_operation_is_refused
            a_lower_counter_is_refused
            a_missing_record_has_no_version
            a_guard_that_moved_refuses_all
            a_guard_of_absence_is_kept
            one_conflict_undoes_every_write
            a_key_is_written_once_in_a_transaction
            a_transaction_is_done_once
            a_done_transaction_stays_done_below_the_barrier
            a_done_transaction_settles
            a_refused_transaction_does_not_settle
            an_owner_below_the_barrier_is_fenced
            epochs_rise_for_everybody
            a_fence_holds_in_its_own_shard
            a_fence_is_never_lowered
            epochs_of_all_shards_rise_above_those_of_each
            a_shard_is_scanned_alone
            the_head_is_the_last_commit
            a_commit_that_was_seen_is_followed
            a_commit_that_never_was_is_not_followed
            a_scan_is_ordered_and_bounded_by_its_prefix
            pages_have_what_a_scan_has
            a_scan_sees_no_half_of_a_transaction
            unknown_keys_are_absent
            a_commit_wakes_a_watcher
            a_commit_elsewhere_wakes_a_watcher
            a_watcher_of_the_past_wakes_at_once
            written_names_what_changed
            written_does_not_know_the_future
            history_is_appended_once
            history_is_numbered_where_it_has_no_number
            history_is_asked_by_subject_and_place
            texts_of_any_size_and_script_are_kept
            racing_increments_lose_no_update
        }
    };
    ($bench:expr; $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::store::conformance::$name($bench).await;
            }
        )*
        #[test]
        fn without_compare_and_set_nothing_is_compared() {
            $crate::store::conformance::without_compare_and_set_nothing_is_compared(async || $bench);
        }
        #[test]
        fn without_epochs_nobody_is_fenced() {
            $crate::store::conformance::without_epochs_nobody_is_fenced(async || $bench);
        }
    };
}
pub(crate) use conformance;

fn key(name: &str) -> Key {
    Key::stored(name)
}

fn put(name: &str, expect: Expect, text: &str) -> Write {
    Write { key: key(name), expect, text: text.to_owned() }
}

fn new(name: &str) -> Write {
    put(name, Expect::Absent, "{}")
}

fn writes(op: u128, writes: Vec<Write>) -> Transaction {
    Transaction { op: OpId(op), fence: None, guards: Vec::new(), writes, history: Vec::new() }
}

fn version(counter: u64, op: u128) -> Version {
    Version { counter, op: OpId(op) }
}

fn at(counter: u64, op: u128) -> Expect {
    Expect::Version(version(counter, op))
}

fn entry(subject: &str, sequence: Option<u64>, text: &str) -> Entry {
    Entry { subject: subject.to_owned(), sequence, at: 1_795_000_000_000, text: text.to_owned() }
}

/// The fence of an owner of every shard, in one of them.
fn fence(epoch: Epoch) -> Fence {
    Fence { shard: shard(7), epoch }
}

fn shard(number: u8) -> Shard {
    Shard::numbered(number).unwrap()
}

async fn done(store: &dyn Store, transaction: &Transaction) -> Vec<Version> {
    match store.commit(transaction).await.unwrap() {
        Commit::Done(versions) => versions,
        other => panic!("{other:?}"),
    }
}

async fn conflict(store: &dyn Store, transaction: &Transaction) -> (Key, Option<Record>) {
    match store.commit(transaction).await.unwrap() {
        Commit::Conflict { key, found } => (key, found),
        other => panic!("{other:?}"),
    }
}

async fn names(store: &dyn Store, prefix: &str) -> Vec<String> {
    let records = store.scan(prefix).await.unwrap();
    records.into_iter().map(|record| record.key.to_string()).collect()
}

/// Ends when something was committed; a wake-up that never comes fails the test.
async fn woken(store: &dyn Store, since: Moment) {
    tokio::time::timeout(LOST, store.changed(since)).await.expect("a wake-up was lost").unwrap();
}

pub(crate) async fn a_record_reads_back_with_its_version(bench: Bench) {
    done(&*bench.store, &writes(7, vec![put("a", Expect::Absent, r#"{"n":1}"#)])).await;
    let record = Record { key: key("a"), version: version(1, 7), text: Arc::from(r#"{"n":1}"#) };
    assert_eq!(bench.store.read(&key("a")).await.unwrap(), Some(record.clone()));
    assert_eq!(bench.other.read(&key("a")).await.unwrap(), Some(record));
}

pub(crate) async fn a_write_counts_up(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a"), new("b")])).await;
    let versions = done(&*bench.store, &writes(2, vec![put("b", at(1, 1), "2"), new("c")])).await;
    assert_eq!(versions, [version(2, 2), version(1, 2)]);
}

pub(crate) async fn absent_is_expected_only_once(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a")])).await;
    let (refused, found) = conflict(&*bench.store, &writes(2, vec![new("a")])).await;
    assert_eq!((refused, found.unwrap().version), (key("a"), version(1, 1)));
}

pub(crate) async fn a_version_of_another_operation_is_refused(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a")])).await;
    let (_, found) = conflict(&*bench.store, &writes(3, vec![put("a", at(1, 2), "stale")])).await;
    assert_eq!(&*found.unwrap().text, "{}");
}

pub(crate) async fn a_lower_counter_is_refused(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a")])).await;
    done(&*bench.store, &writes(2, vec![put("a", at(1, 1), "2")])).await;
    let (_, found) = conflict(&*bench.store, &writes(3, vec![put("a", at(1, 1), "3")])).await;
    assert_eq!(found.unwrap().version, version(2, 2));
}

pub(crate) async fn a_missing_record_has_no_version(bench: Bench) {
    let (refused, found) = conflict(&*bench.store, &writes(1, vec![put("a", at(1, 9), "x")])).await;
    assert_eq!((refused, found), (key("a"), None));
}

pub(crate) async fn a_guard_that_moved_refuses_all(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("read")])).await;
    done(&*bench.store, &writes(2, vec![put("read", at(1, 1), "2")])).await;
    let mut guarded = writes(3, vec![new("b")]);
    guarded.guards = vec![(key("read"), Some(version(1, 1)))];
    assert_eq!(conflict(&*bench.store, &guarded).await.0, key("read"));
    assert_eq!(bench.store.read(&key("b")).await.unwrap(), None);
    guarded.guards = vec![(key("read"), Some(version(2, 2)))];
    done(&*bench.store, &guarded).await;
}

pub(crate) async fn a_guard_of_absence_is_kept(bench: Bench) {
    let mut guarded = writes(1, vec![new("a")]);
    guarded.guards = vec![(key("none"), None)];
    done(&*bench.store, &guarded).await;
    guarded = writes(2, vec![new("b")]);
    guarded.guards = vec![(key("a"), None)];
    assert_eq!(conflict(&*bench.store, &guarded).await.0, key("a"));
}

pub(crate) async fn one_conflict_undoes_every_write(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("b")])).await;
    let moment = bench.store.moment().await.unwrap();
    let mut both = writes(2, vec![new("a"), new("b"), new("c")]);
    both.history = vec![entry("a", None, "{}")];
    assert_eq!(conflict(&*bench.store, &both).await.0, key("b"));
    assert_eq!(names(&*bench.store, "").await, ["b"]);
    assert_eq!(bench.store.history(&Query::default()).await.unwrap(), []);
    assert_eq!(bench.store.moment().await.unwrap(), moment);
}

pub(crate) async fn a_key_is_written_once_in_a_transaction(bench: Bench) {
    let (refused, found) = conflict(&*bench.store, &writes(1, vec![new("a"), new("a")])).await;
    assert_eq!((refused, found), (key("a"), None));
}

pub(crate) async fn a_transaction_is_done_once(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a")])).await;
    let mut again = writes(2, vec![put("a", at(1, 1), "2"), new("b")]);
    again.history = vec![entry("a", None, "{}")];
    let first = done(&*bench.store, &again).await;
    done(&*bench.store, &writes(3, vec![put("a", at(2, 2), "3")])).await;
    assert_eq!(done(&*bench.store, &again).await, first);
    assert_eq!(done(&*bench.other, &again).await, first);
    assert_eq!(&*bench.store.read(&key("a")).await.unwrap().unwrap().text, "3");
    assert_eq!(bench.store.history(&Query::default()).await.unwrap().len(), 1);
}

pub(crate) async fn a_done_transaction_stays_done_below_the_barrier(bench: Bench) {
    let epoch = bench.store.raise().await.unwrap();
    let owned = Transaction { fence: Some(fence(epoch)), ..writes(1, vec![new("a")]) };
    let first = done(&*bench.store, &owned).await;
    bench.store.raise().await.unwrap();
    assert_eq!(done(&*bench.store, &owned).await, first);
}

pub(crate) async fn a_done_transaction_settles(bench: Bench) {
    done(&*bench.store, &writes(u128::MAX, vec![new("a")])).await;
    done(&*bench.store, &writes(5, vec![])).await;
    for store in [&bench.store, &bench.other] {
        assert!(store.settle(OpId(u128::MAX)).await.unwrap());
        assert!(store.settle(OpId(5)).await.unwrap());
        assert!(!store.settle(OpId(6)).await.unwrap());
    }
}

pub(crate) async fn a_refused_transaction_does_not_settle(bench: Bench) {
    conflict(&*bench.store, &writes(1, vec![put("a", at(1, 9), "x")])).await;
    assert!(!bench.store.settle(OpId(1)).await.unwrap());
    // Refused is not done: the same transaction may succeed later.
    done(&*bench.store, &writes(9, vec![new("a")])).await;
    done(&*bench.store, &writes(1, vec![put("a", at(1, 9), "x")])).await;
}

pub(crate) async fn an_owner_below_the_barrier_is_fenced(bench: Bench) {
    let old = bench.store.raise().await.unwrap();
    let barrier = bench.other.raise().await.unwrap();
    let late = Transaction { fence: Some(fence(old)), ..writes(1, vec![new("a")]) };
    assert_eq!(bench.store.commit(&late).await.unwrap(), Commit::Fenced { barrier });
    assert_eq!(bench.store.read(&key("a")).await.unwrap(), None);
    assert!(!bench.store.settle(OpId(1)).await.unwrap());
    done(&*bench.store, &Transaction { fence: Some(fence(barrier)), ..writes(2, vec![new("a")]) }).await;
    done(&*bench.store, &writes(3, vec![new("by a user")])).await;
}

pub(crate) async fn epochs_rise_for_everybody(bench: Bench) {
    for expected in 1..5 {
        let store = if expected % 2 == 0 { &bench.store } else { &bench.other };
        assert_eq!(store.raise().await.unwrap(), Epoch(expected));
    }
}

pub(crate) async fn a_fence_holds_in_its_own_shard(bench: Bench) {
    let (one, two) = (shard(1), shard(2));
    assert_eq!(bench.store.barrier(one).await.unwrap(), Epoch(0));
    let newer = Fence { shard: one, epoch: Epoch(5) };
    assert_eq!(bench.other.fence(newer).await.unwrap(), Epoch(5));
    assert_eq!(bench.store.barrier(one).await.unwrap(), Epoch(5));
    assert_eq!(bench.store.barrier(two).await.unwrap(), Epoch(0));
    let late = |shard| Transaction {
        fence: Some(Fence { shard, epoch: Epoch(4) }),
        ..writes(1, vec![put("a", Expect::Absent, "{}")])
    };
    assert_eq!(bench.store.commit(&late(one)).await.unwrap(), Commit::Fenced { barrier: Epoch(5) });
    done(&*bench.store, &late(two)).await;
}

pub(crate) async fn a_fence_is_never_lowered(bench: Bench) {
    let at = |epoch| Fence { shard: shard(63), epoch: Epoch(epoch) };
    for (asked, answered) in [(3, 3), (3, 3), (2, 3), (9, 9), (0, 9)] {
        assert_eq!(bench.store.fence(at(asked)).await.unwrap(), Epoch(answered));
    }
}

pub(crate) async fn epochs_of_all_shards_rise_above_those_of_each(bench: Bench) {
    bench.store.fence(Fence { shard: shard(3), epoch: Epoch(40) }).await.unwrap();
    assert_eq!(bench.other.raise().await.unwrap(), Epoch(41));
    for shard in Shard::all() {
        assert_eq!(bench.store.barrier(shard).await.unwrap(), Epoch(41));
    }
    assert_eq!(bench.store.fence(fence(Epoch(12))).await.unwrap(), Epoch(41));
}

pub(crate) async fn a_scan_is_ordered_and_bounded_by_its_prefix(bench: Bench) {
    let all = ["run0", "run/b", "run/", "run/a", "run", "run/\u{10ffff}", "run/ü", "rum/z", "run/a/b", "s"];
    done(&*bench.store, &writes(1, all.into_iter().map(new).collect())).await;
    let wanted = ["run/", "run/a", "run/a/b", "run/b", "run/ü", "run/\u{10ffff}"];
    assert_eq!(names(&*bench.store, "run/").await, wanted);
    assert_eq!(names(&*bench.store, "run/a").await, ["run/a", "run/a/b"]);
    assert_eq!(names(&*bench.store, "t").await, [""; 0]);
    assert_eq!(names(&*bench.other, "").await.len(), all.len());
}

pub(crate) async fn pages_have_what_a_scan_has(bench: Bench) {
    let all =
        (0..1_001).map(|number| format!("run/{number:04}")).chain(["run".to_owned(), "run0".to_owned()]);
    done(&*bench.store, &writes(1, all.map(|name| new(&name)).collect())).await;
    let (mut found, mut from, mut op) = (Vec::new(), None, 1);
    loop {
        let page = bench.store.page("run/", from).await.unwrap();
        assert!(page.records.is_sorted_by(|one, next| one.key < next.key));
        found.extend(page.records.into_iter().map(|record| record.key.to_string()));
        let Some(next) = page.next else { break };
        from = Some(next);
        // What comes meanwhile takes nothing away from the pages that follow.
        op += 1;
        done(&*bench.other, &writes(op, vec![new(&format!("run/!{op}"))])).await;
    }
    found.sort();
    let before = names(&*bench.store, "run/0").await.into_iter().chain(names(&*bench.store, "run/1").await);
    assert_eq!(found, before.collect::<Vec<_>>());
}

pub(crate) async fn a_shard_is_scanned_alone(bench: Bench) {
    let all =
        ["status/orders.b", "project", "run/orders@1", "status/ledger.a", "apply/orders", "desired/orders.a"];
    done(&*bench.store, &writes(1, all.into_iter().map(new).collect())).await;
    for (pipeline, wanted) in [
        ("orders", &["desired/orders.a", "run/orders@1", "status/orders.b"][..]),
        ("ledger", &["status/ledger.a"]),
        ("nobody", &[]),
    ] {
        let records = bench.other.scan_shard(Shard::of_text(pipeline)).await.unwrap();
        let names: Vec<_> = records.iter().map(|record| record.key.as_str()).collect();
        assert_eq!(names, wanted);
    }
    assert_eq!(names(&*bench.store, "status/orders.").await, ["status/orders.b"]);
    assert_eq!(names(&*bench.store, "apply/").await, ["apply/orders"]);
}

pub(crate) async fn the_head_is_the_last_commit(bench: Bench) {
    assert_eq!(bench.store.head().await.unwrap(), Head::default());
    done(&*bench.store, &writes(7, vec![new("a")])).await;
    done(&*bench.other, &writes(9, vec![])).await;
    conflict(&*bench.store, &writes(11, vec![new("a")])).await;
    done(&*bench.store, &writes(7, vec![new("a")])).await;
    let head = Head { moment: bench.store.moment().await.unwrap(), op: Some(OpId(9)) };
    assert_eq!(bench.store.head().await.unwrap(), head);
    assert_eq!(bench.other.head().await.unwrap(), head);
}

pub(crate) async fn a_commit_that_was_seen_is_followed(bench: Bench) {
    let mut seen = vec![bench.store.head().await.unwrap()];
    for op in 1..5 {
        done(&*bench.store, &writes(op, vec![new(&op.to_string())])).await;
        seen.push(bench.store.head().await.unwrap());
    }
    for head in &seen {
        let since = [OpId(4), OpId(2)];
        let now = seen[4];
        assert_eq!(bench.other.follows(head, &since).await.unwrap(), Follows::Yes { now }, "{head:?}");
    }
}

pub(crate) async fn a_commit_that_never_was_is_not_followed(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a")])).await;
    let first = bench.store.head().await.unwrap();
    done(&*bench.store, &writes(2, vec![new("b")])).await;
    let now = bench.store.head().await.unwrap();
    let other = Some(OpId(77));
    for (seen, expected) in [
        (Head { op: other, ..first }, Follows::Forked { now }),
        (Head { op: other, ..now }, Follows::Forked { now }),
        (Head { moment: Moment(now.moment.0 + 1), op: other }, Follows::Behind { now }),
        (Head { moment: Moment(u64::MAX), op: None }, Follows::Behind { now }),
    ] {
        assert_eq!(bench.other.follows(&seen, &[]).await.unwrap(), expected, "{seen:?}");
    }
    let (since, lacks) = ([OpId(2), OpId(77)], Follows::Lacks { op: OpId(77), now });
    for seen in [Head::default(), first, now] {
        assert_eq!(bench.other.follows(&seen, &since).await.unwrap(), lacks, "{seen:?}");
    }
}

pub(crate) async fn a_scan_sees_no_half_of_a_transaction(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a"), new("b")])).await;
    let write = async {
        for n in 2..60 {
            let text = n.to_string();
            let both =
                vec![put("a", at(n - 1, n as u128 - 1), &text), put("b", at(n - 1, n as u128 - 1), &text)];
            done(&*bench.store, &writes(n as u128, both)).await;
        }
    };
    let look = async {
        for _ in 0..60 {
            let records = bench.other.scan("").await.unwrap();
            assert_eq!(records[0].version, records[1].version);
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(write, look);
}

pub(crate) async fn unknown_keys_are_absent(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("ab")])).await;
    for name in ["", "a", "abc", "AB", "b"] {
        assert_eq!(bench.store.read(&key(name)).await.unwrap(), None, "{name}");
    }
}

pub(crate) async fn a_commit_wakes_a_watcher(bench: Bench) {
    let since = bench.store.moment().await.unwrap();
    let change = writes(1, vec![new("a")]);
    tokio::join!(woken(&*bench.store, since), done(&*bench.store, &change));
    assert!(bench.store.moment().await.unwrap() > since);
}

pub(crate) async fn a_commit_elsewhere_wakes_a_watcher(bench: Bench) {
    let since = bench.store.moment().await.unwrap();
    let change = writes(1, vec![new("a")]);
    tokio::join!(woken(&*bench.store, since), done(&*bench.other, &change));
    let (keys, _) = bench.store.written(since).await.unwrap();
    assert_eq!(keys, Some(vec![key("a")]));
}

pub(crate) async fn a_watcher_of_the_past_wakes_at_once(bench: Bench) {
    let since = bench.store.moment().await.unwrap();
    let mut told = writes(1, vec![]);
    told.history = vec![entry("a", None, "{}")];
    done(&*bench.store, &told).await;
    woken(&*bench.store, since).await;
    woken(&*bench.other, since).await;
}

pub(crate) async fn written_names_what_changed(bench: Bench) {
    done(&*bench.store, &writes(1, vec![new("a"), new("b")])).await;
    let since = bench.store.moment().await.unwrap();
    let (keys, now) = bench.store.written(since).await.unwrap();
    assert_eq!((keys, now), (Some(vec![]), bench.store.head().await.unwrap()));
    done(&*bench.store, &writes(2, vec![new("d"), put("b", at(1, 1), "2")])).await;
    done(&*bench.other, &writes(3, vec![put("b", at(2, 2), "3")])).await;
    let (keys, now) = bench.store.written(since).await.unwrap();
    assert_eq!(keys, Some(vec![key("b"), key("d")]));
    assert_eq!(bench.store.written(now.moment).await.unwrap(), (Some(vec![]), now));
    assert_eq!(now, bench.store.head().await.unwrap());
}

pub(crate) async fn written_does_not_know_the_future(bench: Bench) {
    let now = bench.store.head().await.unwrap();
    for ahead in [now.moment.0 + 1, u64::MAX] {
        assert_eq!(bench.store.written(Moment(ahead)).await.unwrap(), (None, now));
        // A moment that never was: the store went back in time, so there is something to read again.
        woken(&*bench.store, Moment(ahead)).await;
    }
}

pub(crate) async fn history_is_appended_once(bench: Bench) {
    let mut told = writes(1, vec![]);
    told.history = vec![entry("a", Some(1), "first"), entry("a", Some(2), "second")];
    done(&*bench.store, &told).await;
    told = writes(2, vec![]);
    told.history = vec![entry("a", Some(2), "again"), entry("b", Some(1), "b"), entry("a", Some(3), "third")];
    done(&*bench.other, &told).await;
    let lines = bench.store.history(&Query::default()).await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.entry.text.as_str()).collect();
    assert_eq!(texts, ["first", "second", "b", "third"]);
    assert_eq!(lines[3].entry, entry("a", Some(3), "third"));
    assert!(lines.is_sorted_by(|one, next| one.position < next.position));
}

pub(crate) async fn history_is_numbered_where_it_has_no_number(bench: Bench) {
    let mut told = writes(1, vec![]);
    told.history = [None, Some(7), None, Some(3), None].map(|number| entry("a", number, "{}")).to_vec();
    told.history.push(entry("b", None, "{}"));
    done(&*bench.store, &told).await;
    let lines = bench.store.history(&Query::default()).await.unwrap();
    let numbers: Vec<_> = lines.iter().filter_map(|line| line.entry.sequence).collect();
    assert_eq!(numbers, [1, 7, 8, 3, 9, 1]);
}

pub(crate) async fn history_is_asked_by_subject_and_place(bench: Bench) {
    let mut told = writes(1, vec![]);
    told.history = ["a", "b", "a", "a", "b"].map(|subject| entry(subject, None, "{}")).to_vec();
    done(&*bench.store, &told).await;
    let all = bench.store.history(&Query::default()).await.unwrap();
    for subject in [None, Some("a"), Some("b"), Some("c")] {
        for after in [0, all[0].position, all[2].position, all[4].position, u64::MAX] {
            for last in [None, Some(0), Some(1), Some(2), Some(usize::MAX)] {
                let query = Query { subject: subject.map(str::to_owned), after, last };
                assert_eq!(bench.other.history(&query).await.unwrap(), expected(&all, &query), "{query:?}");
            }
        }
    }
}

fn expected(all: &[Line], query: &Query) -> Vec<Line> {
    let about = |line: &&Line| query.subject.as_ref().is_none_or(|subject| line.entry.subject == *subject);
    let lines: Vec<_> =
        all.iter().filter(about).filter(|line| line.position > query.after).cloned().collect();
    let skipped = lines.len().saturating_sub(query.last.unwrap_or(usize::MAX));
    lines[skipped..].to_vec()
}

pub(crate) async fn texts_of_any_size_and_script_are_kept(bench: Bench) {
    let big = "x".repeat(5 << 20);
    let texts = ["", "ünï\u{10ffff}cødé 注文 🚤", "a\0b\n\r\"'\\;--", &big];
    for (op, text) in texts.into_iter().enumerate() {
        let name = if text.len() < 100 { text } else { "big" };
        done(&*bench.store, &writes(op as u128, vec![put(name, Expect::Absent, text)])).await;
        let record = bench.other.read(&key(name)).await.unwrap().unwrap();
        assert!(*record.text == *text && record.key == key(name), "{name:?}");
    }
}

pub(crate) async fn racing_increments_lose_no_update(bench: Bench) {
    const EACH: u64 = 40;
    done(&*bench.store, &writes(u128::MAX, vec![put("n", Expect::Absent, "0")])).await;
    let racers = [(&bench.store, 1), (&bench.other, 2), (&bench.store, 3), (&bench.other, 4)];
    let tasks = racers.map(|(store, racer)| tokio::spawn(increment(Arc::clone(store), racer, EACH)));
    for task in tasks {
        task.await.unwrap();
    }
    let record = bench.store.read(&key("n")).await.unwrap().unwrap();
    assert_eq!((&*record.text, record.version.counter), ("160", 161));
}

async fn increment(store: Arc<dyn Store>, racer: u128, times: u64) {
    let mut op = racer << 64;
    for _ in 0..times {
        loop {
            op += 1;
            let record = store.read(&key("n")).await.unwrap().unwrap();
            let next = record.text.parse::<u64>().unwrap() + 1;
            let change = put("n", Expect::Version(record.version), &next.to_string());
            if let Commit::Done(_) = store.commit(&writes(op, vec![change])).await.unwrap() {
                break;
            }
        }
    }
}

/// The switch is one of the calling thread, so all of it runs there.
fn notices(rule: Rule, broken: impl AsyncFn() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let broken = || runtime.block_on(broken());
    assert!(!broken());
    #[cfg(feature = "faults")]
    assert!(windlass_core::fault::without(rule, broken));
    #[cfg(not(feature = "faults"))]
    assert!(!windlass_core::fault::is_off(rule));
}

pub(crate) fn without_compare_and_set_nothing_is_compared(bench: impl AsyncFn() -> Bench) {
    notices(Rule::CompareAndSet, async || {
        let bench = bench().await;
        done(&*bench.store, &writes(1, vec![new("a")])).await;
        let overwritten = bench.store.commit(&writes(2, vec![put("a", at(9, 9), "lost")])).await.unwrap();
        overwritten == Commit::Done(vec![version(2, 2)])
    });
}

pub(crate) fn without_epochs_nobody_is_fenced(bench: impl AsyncFn() -> Bench) {
    notices(Rule::Epochs, async || {
        let bench = bench().await;
        let old = bench.store.raise().await.unwrap();
        bench.other.raise().await.unwrap();
        let late = Transaction { fence: Some(fence(old)), ..writes(1, vec![new("a")]) };
        bench.store.commit(&late).await.unwrap() == Commit::Done(vec![version(1, 1)])
    });
}
