//! Replicas that acknowledge, sentinels, Redis Cluster, TLS.

use std::sync::Arc;

use super::server::{Server, free_port, installed};
use super::{Ground, insert, open, reason};
use crate::store::redis::Open;
use crate::store::{Commit, Error, Key, Store};
use windlass_core::id::OpId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_waits_for_as_many_replicas_as_asked() {
    let ground = Ground::new();
    let url = format!("redis://127.0.0.1:{}/0?prefix=test&acknowledge=replicas:1", ground.server.port);
    let store = open(&url, ground.folder.path(), Open::Create).await.unwrap();
    let unknown = store.commit(&insert(1, "a")).await.unwrap_err();
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown:?}");
    assert!(reason(&unknown).contains("0 replicas have it"), "{unknown}");
    // It is there, but nobody may be told so.
    assert!(store.read(&Key::stored("a")).await.unwrap().is_some());
    assert!(matches!(store.settle(OpId(1)).await, Err(Error::Unknown { .. })));
    // What was not done is known not to be, without any replica.
    assert!(!store.settle(OpId(2)).await.unwrap());
    assert!(matches!(store.commit(&insert(3, "a")).await.unwrap(), Commit::Conflict { .. }));

    let replica = Server::start(&["--replicaof", "127.0.0.1", &ground.server.port.to_string()]);
    replica.until("INFO replication", "master_link_status:up");
    assert!(store.settle(OpId(1)).await.unwrap());
    ground.server.say("SCRIPT FLUSH").unwrap();
    assert!(matches!(store.commit(&insert(4, "b")).await.unwrap(), Commit::Done(_)));
    assert_ne!(replica.say("HGET {test}:records:- b").unwrap(), "$-1\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_are_acknowledged_together() {
    let ground = Ground::new();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &ground.server.port.to_string()]);
    replica.until("INFO replication", "master_link_status:up");
    let url = format!("redis://127.0.0.1:{}/0?prefix=test&acknowledge=replicas:1", ground.server.port);
    let store = Arc::new(open(&url, ground.folder.path(), Open::Create).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for op in 1..=200 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.commit(&insert(op, &op.to_string())).await.unwrap() });
    }
    assert!(tasks.join_all().await.iter().all(|commit| matches!(commit, Commit::Done(_))));
    assert_eq!(replica.say("HLEN {test}:records:-").unwrap(), ":200\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_lead_to_the_new_primary() {
    let ground = Ground::new();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &ground.server.port.to_string()]);
    replica.until("INFO replication", "master_link_status:up");
    let sentinel = Server::sentinel("main", ground.server.port);
    sentinel.until("SENTINEL replicas main", "slave");
    // The first sentinel that is named is away.
    let url =
        format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{}/main/0?prefix=test", free_port(), sentinel.port);
    let store = open(&url, ground.folder.path(), Open::Create).await.unwrap();
    store.commit(&insert(1, "a")).await.unwrap();
    replica.until("HEXISTS {test}:records:- a", ":1");
    let before = store.incarnation().await.unwrap();
    // The sentinel has to have looked at the replica before.
    sentinel.until("SENTINEL FAILOVER main", "+OK");
    replica.until("INFO replication", "role:master");
    ground.server.until("INFO replication", "role:slave");
    let done = loop {
        if let Ok(done) = store.commit(&insert(2, "b")).await {
            break done;
        }
    };
    assert!(matches!(done, Commit::Done(_)), "{done:?}");
    assert!(replica.say("HGET {test}:records:- b").unwrap().starts_with('$'));
    assert_ne!(store.incarnation().await.unwrap(), before);
    assert_eq!(store.scan("").await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_follows_its_slot_through_a_cluster() {
    let nodes = cluster();
    let ground = Ground::on(Arc::clone(&nodes[0]), "test");
    for seed in &nodes {
        let url = format!("redis+cluster://127.0.0.1:{}?prefix=test", seed.port);
        let store = open(&url, ground.folder.path().join(seed.port.to_string()).as_path(), Open::Create)
            .await
            .unwrap();
        store.commit(&insert(seed.port.into(), &seed.port.to_string())).await.unwrap();
        assert!(matches!(store.commit(&wide(u128::from(seed.port) << 32)).await.unwrap(), Commit::Done(_)));
        assert!(store.settle(OpId(seed.port.into())).await.unwrap());
    }
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}?prefix=test", nodes[1].port, nodes[0].port);
    let store = open(&url, &ground.folder.path().join("moved"), Open::Existing).await.unwrap();
    let before = store.scan("").await.unwrap();
    let (from, to) = move_slot(&nodes, "{test}:meta");
    let seen = loop {
        if let Ok(seen) = store.scan("").await {
            break seen;
        }
    };
    assert_eq!(seen, before);
    assert!(matches!(store.commit(&insert(9, "after")).await.unwrap(), Commit::Done(_)));
    assert!(nodes[to].say("HGET {test}:records:- after").unwrap().starts_with('$'));
    assert!(nodes[from].say("HGET {test}:records:- after").unwrap().starts_with("-MOVED"));
}

/// A transaction over many shards.
fn wide(op: u128) -> crate::store::Transaction {
    let mut wide = insert(op, &format!("run/first-{op}@1"));
    wide.writes.extend((0..200).flat_map(|n| insert(op, &format!("status/p{n}.a-{op}")).writes));
    wide
}

/// Three nodes that share the slots.
fn cluster() -> Vec<Arc<Server>> {
    let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"];
    let nodes: Vec<_> = (0..3).map(|_| Arc::new(Server::start(&settings))).collect();
    for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
        assert_eq!(node.say(&format!("CLUSTER ADDSLOTSRANGE {slots}")).unwrap(), "+OK\r\n");
        for other in &nodes {
            node.say(&format!("CLUSTER MEET 127.0.0.1 {}", other.port)).unwrap();
        }
    }
    nodes.iter().for_each(|node| node.until("CLUSTER INFO", "cluster_state:ok"));
    nodes.iter().for_each(|node| node.until("CLUSTER INFO", "cluster_known_nodes:3"));
    nodes
}

/// Moves the slot of `key` to another node; from where, and to where.
fn move_slot(nodes: &[Arc<Server>], key: &str) -> (usize, usize) {
    let number = |answer: String| answer.trim_start_matches(':').trim().to_owned();
    let slot = number(nodes[0].say(&format!("CLUSTER KEYSLOT {key}")).unwrap());
    let from =
        nodes.iter().position(|node| !node.say(&format!("EXISTS {key}")).unwrap().starts_with('-')).unwrap();
    let to = (from + 1) % nodes.len();
    let id = |place: usize| {
        let answer: String = nodes[place].say("CLUSTER MYID").unwrap();
        answer.lines().nth(1).unwrap().to_owned()
    };
    let (source, target) = (id(from), id(to));
    nodes[to].say(&format!("CLUSTER SETSLOT {slot} IMPORTING {source}")).unwrap();
    nodes[from].say(&format!("CLUSTER SETSLOT {slot} MIGRATING {target}")).unwrap();
    loop {
        let answer = nodes[from].say(&format!("CLUSTER GETKEYSINSLOT {slot} 1")).unwrap();
        let Some(key) = answer.lines().nth(2) else { break };
        let moved = nodes[from].say(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", nodes[to].port)).unwrap();
        assert_eq!(moved, "+OK\r\n", "{key}");
    }
    for node in [to, from] {
        nodes[node].say(&format!("CLUSTER SETSLOT {slot} NODE {target}")).unwrap();
    }
    (from, to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_checks_whom_it_speaks_to() {
    let ground = Ground::new();
    let folder = ground.folder.path();
    let file = |name: &str| installed(&format!("tls/{name}")).display().to_string();
    let (ca, stranger) = (file("authority.crt"), file("stranger.crt"));
    let (certificate, key, port) = (file("server.crt"), file("server.key"), free_port().to_string());
    let settings = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let _server =
        Server::start(&[&settings[..], &["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"]].concat());
    let url = format!("rediss://127.0.0.1:{port}/0?ca={ca}");
    let store = open(&url, folder, Open::Create).await.unwrap();
    store.commit(&insert(1, "a")).await.unwrap();
    for (url, said) in [
        (format!("rediss://127.0.0.1:{port}"), "ertificate"),
        (format!("rediss://127.0.0.1:{port}/0?ca={stranger}"), "ertificate"),
        (format!("rediss://127.0.0.1:{port}/0?ca={}", folder.join("none.pem").display()), "cannot be read"),
        (format!("redis://127.0.0.1:{port}"), "cannot be reached"),
    ] {
        let refused = open(&url, folder, Open::Create).await.err().unwrap().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}
