//! What servers and networks do, and what comes of it.

use std::sync::Arc;

use windlass_core::id::OpId;

use super::proxy::{Mode, Proxy};
use super::server::Server;
use super::{Ground, history, insert, open, reason};
use crate::store::redis::Open;
use crate::store::{Commit, Error, Follows, Key, Moment, Query, Store};

async fn through_proxy(ground: &Ground) -> (Proxy, crate::store::redis::Redis) {
    let proxy = Proxy::start(ground.server.port).await;
    let url = format!("redis://127.0.0.1:{}/0?prefix=test", proxy.port);
    let store = open(&url, ground.folder.path(), Open::Create).await.unwrap();
    // A server that does not know the script does nothing at the first request.
    store.commit(&insert(1000, "known")).await.unwrap();
    (proxy, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_settled_as_done() {
    let ground = Ground::new();
    let (proxy, store) = through_proxy(&ground).await;
    proxy.set(Mode::LoseAnswers);
    let lost = store.commit(&insert(1, "a")).await;
    assert!(matches!(lost, Err(Error::Unknown { op: OpId(1), .. })), "{lost:?}");
    proxy.set(Mode::Pass);
    assert!(store.settle(OpId(1)).await.unwrap());
    assert!(matches!(store.commit(&insert(1, "a")).await.unwrap(), Commit::Done(_)));
    assert_eq!(store.moment().await.unwrap(), Moment(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_comes_after_it_was_settled_is_not_done() {
    let ground = Ground::new();
    let (mut proxy, store) = through_proxy(&ground).await;
    proxy.set(Mode::HoldRequests);
    let lost = store.commit(&insert(1, "a")).await;
    assert!(matches!(lost, Err(Error::Unknown { .. })), "{lost:?}");
    proxy.set(Mode::Pass);
    assert!(!store.settle(OpId(1)).await.unwrap());
    proxy.release().await;
    assert_eq!(store.read(&Key::stored("a")).await.unwrap(), None);
    assert_eq!(store.moment().await.unwrap(), Moment(1));
    // Asked anew after that, it is done.
    assert!(matches!(store.commit(&insert(1, "a")).await.unwrap(), Commit::Done(_)));
    assert!(store.settle(OpId(1)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_comes_late_and_was_not_settled_is_done() {
    let ground = Ground::new();
    let (mut proxy, store) = through_proxy(&ground).await;
    proxy.set(Mode::HoldRequests);
    store.commit(&insert(1, "a")).await.unwrap_err();
    proxy.set(Mode::Pass);
    proxy.release().await;
    assert!(store.settle(OpId(1)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_is_told_after_its_connection_was_cut() {
    let ground = Ground::new();
    let store = Arc::new(ground.open().await);
    let other = ground.open().await;
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.changed(Moment(0)).await }
    });
    ground.server.say("CLIENT KILL TYPE normal").unwrap();
    loop {
        // The connection that was killed is noticed with the first request on it.
        match other.commit(&insert(1, "a")).await {
            Ok(Commit::Done(_)) => break,
            Ok(other) => panic!("{other:?}"),
            Err(_) => {}
        }
    }
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap().ok();
    assert_eq!(store.moment().await.unwrap(), Moment(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_are_taught_again_after_a_flush() {
    let ground = Ground::new();
    let store = ground.open().await;
    for op in 1..4 {
        ground.server.say("SCRIPT FLUSH").unwrap();
        assert!(matches!(store.commit(&insert(op, &op.to_string())).await.unwrap(), Commit::Done(_)));
        ground.server.say("SCRIPT FLUSH").unwrap();
        assert!(store.settle(OpId(op)).await.unwrap());
        ground.server.say("SCRIPT FLUSH").unwrap();
        assert!(store.read(&Key::stored(op.to_string())).await.unwrap().is_some());
        ground.server.say("SCRIPT FLUSH").unwrap();
        assert_eq!(store.raise().await.unwrap().0, op as u64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_refuses_whole_commits_and_answers_reads() {
    let ground = Ground::new();
    let store = ground.open().await;
    store.commit(&insert(1, "a")).await.unwrap();
    ground.server.say("CONFIG SET maxmemory 1").unwrap();
    let mut two = insert(2, "b");
    two.history = vec![history("b")];
    let full = store.commit(&two).await;
    assert!(matches!(full, Err(Error::Unavailable { .. })), "{full:?}");
    assert!(reason(&full.unwrap_err()).contains("memory is full"));
    assert_eq!(store.scan("").await.unwrap().len(), 1);
    assert_eq!(store.history(&Query::default()).await.unwrap(), []);
    assert!(!store.settle(OpId(2)).await.unwrap());
    ground.server.say("CONFIG SET maxmemory 0").unwrap();
    assert!(matches!(store.commit(&two).await.unwrap(), Commit::Done(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_emptied_while_it_is_used_is_refused() {
    let ground = Ground::new();
    let store = ground.open().await;
    store.commit(&insert(1, "a")).await.unwrap();
    let head = store.head().await.unwrap();
    ground.server.say("FLUSHALL").unwrap();
    let outcomes = [
        store.read(&Key::stored("a")).await.err(),
        store.scan("").await.err(),
        store.commit(&insert(2, "b")).await.err(),
        store.settle(OpId(1)).await.err(),
        store.moment().await.err(),
        store.follows(&head, &[]).await.err(),
        store.written(Moment(0)).await.err(),
        store.history(&Query::default()).await.err(),
        store.raise().await.err(),
        store.changed(Moment(1)).await.err(),
    ];
    for (place, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(outcome, Some(Error::Refused { .. })), "{place}: {outcome:?}");
    }
    assert_eq!(ground.server.say("DBSIZE").unwrap(), ":0\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_noticed_and_nothing_is_lost() {
    let mut ground = Ground::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = ground.open().await;
    store.commit(&insert(1, "a")).await.unwrap();
    let (head, life) = (store.head().await.unwrap(), store.incarnation().await.unwrap());
    Arc::get_mut(&mut ground.server).unwrap().restart();
    let moment = loop {
        // The first request finds the old connection dead.
        if let Ok(moment) = store.moment().await {
            break moment;
        }
    };
    assert_eq!(moment, Moment(1));
    assert_ne!(store.incarnation().await.unwrap(), life);
    assert_eq!(store.follows(&head, &[]).await.unwrap(), Follows::Yes { now: head });
    store.commit(&insert(2, "b")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_went_back_in_time_is_noticed() {
    let mut ground = Ground::new();
    let store = ground.open().await;
    store.commit(&insert(1, "a")).await.unwrap();
    ground.server.say("SAVE").unwrap();
    store.commit(&insert(2, "b")).await.unwrap();
    let seen = store.head().await.unwrap();
    Arc::get_mut(&mut ground.server).unwrap().restart();
    let now = loop {
        if let Ok(now) = store.head().await {
            break now;
        }
    };
    assert_eq!(store.follows(&seen, &[]).await.unwrap(), Follows::Behind { now });
    store.commit(&insert(3, "c")).await.unwrap();
    let now = store.head().await.unwrap();
    assert_eq!(store.follows(&seen, &[]).await.unwrap(), Follows::Forked { now });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_is_bounded() {
    let ground = Ground::new();
    let store = ground.open_bounded(100, 100).await;
    for op in 1..=300 {
        let mut one = insert(op, &op.to_string());
        one.history = vec![history("orders.a")];
        store.commit(&one).await.unwrap();
    }
    let now = store.head().await.unwrap();
    let early = crate::store::Head { moment: Moment(1), op: Some(OpId(1)) };
    assert_eq!(store.follows(&early, &[]).await.unwrap(), Follows::Forgotten { now });
    assert_eq!(store.written(Moment(0)).await.unwrap(), (None, now));
    assert!(!store.settle(OpId(1)).await.unwrap());
    for op in 201..=300 {
        assert!(store.settle(OpId(op)).await.unwrap(), "{op}");
    }
    let known = store.written(Moment(250)).await.unwrap().0.unwrap();
    assert_eq!(known.len(), 50);
    let lines = store.history(&Query::default()).await.unwrap();
    assert!((100..300).contains(&lines.len()), "{}", lines.len());
    assert_eq!(lines.last().unwrap().position, 300);
    assert_eq!(lines.last().unwrap().entry.sequence, Some(300));
    assert!(ground.server.say("HGET {test}:meta dropped").unwrap().starts_with('$'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_of_ten_thousand_jobs_is_one_transaction() {
    let ground = Ground::new();
    let store = ground.open().await;
    let mut all = insert(1, "desired/p0.job");
    for n in 1..10_000 {
        all.writes.extend(insert(1, &format!("desired/p{}.job-{n}", n % 200)).writes);
        all.history.push(history(&format!("p{}.job-{n}", n % 200)));
    }
    let Commit::Done(versions) = store.commit(&all).await.unwrap() else { panic!("it was not done") };
    assert_eq!(versions.len(), 10_000);
    assert_eq!(store.commit(&all).await.unwrap(), Commit::Done(versions));
    assert_eq!(store.written(Moment(0)).await.unwrap().0.unwrap().len(), 10_000);
    assert_eq!(store.scan("desired/").await.unwrap().len(), 10_000);
    assert_eq!(store.history(&Query::default()).await.unwrap().len(), 9_999);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_says_where_to_write() {
    let ground = Ground::new();
    ground.open().await.commit(&insert(1, "a")).await.unwrap();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &ground.server.port.to_string()]);
    replica.until("INFO replication", "master_link_status:up");
    let url = format!("redis://127.0.0.1:{}/0?prefix=test", replica.port);
    let store = open(&url, ground.folder.path(), Open::Existing).await.unwrap();
    assert!(store.read(&Key::stored("a")).await.unwrap().is_some());
    let refused = store.commit(&insert(2, "b")).await;
    assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    assert!(store.incarnation().await.unwrap().unwrap().ends_with("/slave"));
}
