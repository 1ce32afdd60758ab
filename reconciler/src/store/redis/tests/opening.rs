//! Which servers are let in, and what is said of those that are not.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::server::Server;
use super::{Ground, insert, open, reason};
use crate::store::redis::{Open, Redis};
use crate::store::{Error, Store};

async fn refusal(ground: &Ground, mode: Open) -> String {
    match ground.try_open(mode).await.err() {
        Some(error @ Error::Refused { .. }) => reason(&error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_made_only_when_asked() {
    let ground = Ground::new();
    assert!(refusal(&ground, Open::Existing).await.contains("there is no store yet"));
    assert_eq!(ground.server.say("DBSIZE").unwrap(), ":0\r\n");
    let made = ground.open().await;
    let again = ground.try_open(Open::Existing).await.unwrap();
    assert_eq!(made.lineage(), again.lineage());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_store_is_refused_until_its_marker_is_removed() {
    let ground = Ground::new();
    ground.open().await.commit(&insert(1, "a")).await.unwrap();
    ground.server.say("FLUSHALL").unwrap();
    for mode in [Open::Create, Open::Existing] {
        assert!(refusal(&ground, mode).await.contains("it was emptied"));
    }
    ground.forget();
    ground.open().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_store_is_refused_until_it_is_accepted() {
    let ground = Ground::new();
    let first = ground.open().await.lineage().to_owned();
    ground.server.say("FLUSHALL").unwrap();
    let elsewhere =
        Ground { folder: TempDir::new().unwrap(), ..Ground::on(Arc::clone(&ground.server), "test") };
    let second = elsewhere.open().await.lineage().to_owned();
    let said = refusal(&ground, Open::Create).await;
    assert!(said.contains(&first) && said.contains(&second), "{said}");
    ground.forget();
    assert_eq!(ground.open().await.lineage(), second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_format_is_refused() {
    let ground = Ground::new();
    ground.open().await;
    for (format, advice) in [(3, "use a newer windlass"), (1, "apply the specs to a new store")] {
        ground.server.say(&format!("HSET {{test}}:meta format {format}")).unwrap();
        assert!(refusal(&ground, Open::Existing).await.contains(advice), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_keys_are_left_alone() {
    let ground = Ground::new();
    ground.server.say("SET {test}:events x").unwrap();
    assert!(refusal(&ground, Open::Create).await.contains("{test}:events"));
    assert_eq!(ground.server.say("DBSIZE").unwrap(), ":1\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_initialise_at_once_make_one_store() {
    let server = Arc::new(Server::start(&[]));
    let grounds: Vec<_> = (0..8).map(|_| Ground::on(Arc::clone(&server), "test")).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for ground in grounds {
        tasks.spawn(async move { ground.open().await.lineage().to_owned() });
    }
    let lineages = tasks.join_all().await;
    assert!(lineages.iter().all(|lineage| *lineage == lineages[0]), "{lineages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_throws_keys_away_is_refused() {
    let ground = Ground::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    assert!(refusal(&ground, Open::Create).await.contains("noeviction"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_and_not_repeated() {
    let ground =
        Ground::with(&["--requirepass", "hunter2", "--user", "marvin", "on", ">hunter2", "~*", "+@all"]);
    let port = ground.server.port;
    for login in ["", ":wrong1@", "marvin:wrong1@", "nobody:hunter2@"] {
        let url = format!("redis://{login}127.0.0.1:{port}");
        let said = match open(&url, ground.folder.path(), Open::Create).await.err() {
            Some(error @ Error::Refused { .. }) => error.to_string(),
            other => panic!("{url}: {other:?}"),
        };
        assert!(said.contains("does not accept the user and the password"), "{said}");
        assert!(
            !["hunter2", "wrong1", "marvin", "nobody"].iter().any(|secret| said.contains(secret)),
            "{said}"
        );
    }
    for login in [":hunter2@", "marvin:hunter2@"] {
        let url = format!("redis://{login}127.0.0.1:{port}/3");
        open(&url, ground.folder.path(), Open::Create).await.unwrap();
    }
    assert_eq!(fs::read_dir(ground.folder.path()).unwrap().count(), 1);
    for file in fs::read_dir(ground.folder.path()).unwrap() {
        assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_not_available() {
    let ground = Ground::new();
    let url = format!("redis://me:hunter2@127.0.0.1:{}", super::server::free_port());
    let error = open(&url, ground.folder.path(), Open::Create).await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_warned_of_a_log_that_may_end_within_a_transaction() {
    let ground = Ground::with(&["--appendonly", "yes"]);
    let store = ground.open().await;
    for (setting, warned) in [("yes", 1), ("no", 0)] {
        ground.server.say(&format!("CONFIG SET aof-load-truncated {setting}")).unwrap();
        assert_eq!(store.warnings().await.len(), warned, "{setting}");
    }
}

/// Two users with exactly the rights that the documentation names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough_and_no_more() {
    use super::super::commands::{reader, service};
    let ground = Ground::new();
    for line in [service("service", "test"), reader("reader", "test")] {
        let line = line.replacen("user ", "ACL SETUSER ", 1).replace("PASSWORD", "secret");
        assert_eq!(ground.server.say(&line).unwrap(), "+OK\r\n", "{line}");
    }
    let url = |user: &str| format!("redis://{user}:secret@127.0.0.1:{}/1?prefix=test", ground.server.port);
    let store = open(&url("service"), ground.folder.path(), Open::Create).await.unwrap();
    exercise(&store).await;
    let looking = open(&url("reader"), ground.folder.path(), Open::Existing).await.unwrap();
    look(&looking).await;
    assert_eq!(ground.server.say("ACL LOG").unwrap(), "*0\r\n", "nothing was asked that is not allowed");
    let denied = looking.commit(&insert(77, "b")).await;
    assert!(matches!(denied, Err(Error::ReadOnly { .. })), "{denied:?}");
    let foreign = open(&url("reader").replace("=test", "=other"), ground.folder.path(), Open::Existing).await;
    assert!(matches!(foreign.err(), Some(Error::ReadOnly { .. })));
}

/// Everything that the service does.
async fn exercise(store: &Redis) {
    for op in 1..=200 {
        let mut one = insert(op, &op.to_string());
        one.history = vec![super::history("a")];
        store.commit(&one).await.unwrap();
    }
    let epoch = store.raise().await.unwrap();
    let shard = windlass_core::shard::Shard::numbered(3).unwrap();
    store.fence(windlass_core::shard::Fence { shard, epoch }).await.unwrap();
    store.commit(&insert(1, "1")).await.unwrap();
    assert!(store.settle(windlass_core::id::OpId(1)).await.unwrap());
    assert!(!store.settle(windlass_core::id::OpId(999)).await.unwrap());
    look(store).await;
}

/// Everything that whoever only looks does.
async fn look(store: &Redis) {
    use crate::store::{Key, Moment, Query};
    let head = store.head().await.unwrap();
    store.follows(&head, &[]).await.unwrap();
    store.read(&Key::stored("1")).await.unwrap().unwrap();
    store.scan("").await.unwrap();
    store.written(Moment(1)).await.unwrap();
    store.changed(Moment(1)).await.unwrap();
    store.history(&Query::default()).await.unwrap();
    store.history(&Query { subject: Some("a".to_owned()), ..Query::default() }).await.unwrap();
    store.barrier(windlass_core::shard::Shard::numbered(3).unwrap()).await.unwrap();
    store.incarnation().await.unwrap();
}
