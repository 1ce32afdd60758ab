//! A lease's whole life on servers that are well, and on some that are not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use windlass::lease::redlock::{Acquired, Config, Redlock, Renewal, Standing, commands};
use windlass_core::id::Epoch;
use windlass_core::lease::{Hint, Resource, Tenure};
use windlass_tests::redis::{Options, Program, Server};

use crate::scene::{Moved, TTL, acquire, hold, resource, servers, settled, url};

#[tokio::test(flavor = "multi_thread")]
async fn one_holds_it_and_hands_it_over() {
    for (count, program) in [(1, Program::Redis), (3, Program::Valkey), (5, Program::Redis)] {
        let servers = servers(count, &Options::new().program(program));
        let ((first, _), (second, _)) = (settled(&servers, "first").await, settled(&servers, "second").await);
        let mut tenures = [hold(&first, "a").await];
        assert_eq!(acquire(&second, "a").await, Acquired::Busy(Some("first".to_owned())));
        let standings = second.holders(&[resource("a"), resource("b")]).await;
        let [Standing::Held(shown), Standing::Free] = &standings[..] else { panic!("{standings:?}") };
        assert!(shown.holder == "first" && shown.remaining <= TTL && !shown.remaining.is_zero(), "{shown:?}");
        assert_eq!(first.renew(&mut tenures).await, [Renewal::Renewed]);
        first.release(tenures.to_vec()).await;
        assert_eq!(second.holders(&[resource("a")]).await, [Standing::Free]);
        assert!(hold(&second, "a").await.token > tenures[0].token);
    }
}

/// How many scripts a server has run.
fn calls(server: &Server) -> u64 {
    let line = server.info("cmdstat_evalsha").unwrap_or_default();
    let count = line.strip_prefix("calls=").and_then(|rest| rest.split(',').next()?.parse().ok());
    count.expect("it ran some")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_shards_are_renewed_by_one_command_a_node() {
    let servers = servers(3, &Options::new());
    let (redlock, _clock) = settled(&servers, "me").await;
    let shards: Vec<Resource> = (0..64).map(|number| resource(&format!("shard-{number}"))).collect();
    let mut tenures: Vec<Tenure> = Vec::new();
    for acquired in redlock.acquire(&shards, Hint::LOWEST).await {
        match acquired {
            Acquired::Held(tenure) => tenures.push(tenure),
            other => panic!("{other:?}"),
        }
    }
    // Answers of a node that the majority did not wait for are counted, too.
    redlock.force_release(&resource("nothing")).await.expect("all answer");
    let before: Vec<u64> = servers.iter().map(calls).collect();
    assert_eq!(redlock.renew(&mut tenures).await, vec![Renewal::Renewed; 64]);
    redlock.force_release(&resource("nothing")).await.expect("all answer");
    let after: Vec<u64> = servers.iter().map(calls).collect();
    assert_eq!(after, before.iter().map(|calls| calls + 1).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_or_is_gone_costs_nobody_the_lease() {
    let mut servers = servers(3, &Options::new());
    let (redlock, _clock) = settled(&servers, "me").await;
    servers[0].pause();
    let mut tenures = [hold(&redlock, "a").await];
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed]);
    servers[0].resume();
    servers[0].kill();
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed]);
    hold(&redlock, "b").await;
    // And a client that never saw it.
    let urls: Vec<String> = servers.iter().map(url).collect();
    let config = Config::new(&urls, "test", TTL, "late").expect("a good configuration");
    let standing = Redlock::connect(&config).holders(&[resource("a")]).await;
    assert!(matches!(standing[..], [Standing::Unknown(_)]), "both others are not trusted yet: {standing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_scripts_are_loaded_again() {
    let servers = servers(3, &Options::new());
    let (redlock, _clock) = settled(&servers, "me").await;
    let mut tenures = [hold(&redlock, "a").await];
    for server in &servers {
        server.flush_scripts();
    }
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed]);
    hold(&redlock, "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_used_and_never_shown() {
    let server = Server::start(Options::new().password("s3cret"));
    let url = |password| format!("redis://:{password}@{}", server.address());
    let config = |password| Config::new(&[url(password)], "test", TTL, "me").expect("a good configuration");
    let good = Redlock::connect(&config("s3cret"));
    good.nodes()[0].ready().await.expect("it lets us in");
    let refused = Redlock::connect(&config("wr0ng")).nodes()[0].ready().await.expect_err("it keeps us out");
    assert!(!format!("{refused} {refused:?}").contains("wr0ng"), "{refused}");
}

/// The system counts what `Duration` says in the terms, in milliseconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_lasts_a_ttl() {
    let servers = servers(1, &Options::new());
    let (redlock, _clock) = settled(&servers, "me").await;
    hold(&redlock, "a").await;
    let left: u64 = servers[0].command(&["PTTL", "{test}:a:l"]);
    assert!(Duration::from_millis(left) <= TTL && left > 0, "{left} ms");
}

/// A user with exactly the rights that the documentation names, on nodes that know nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rights_are_enough() {
    let rights = commands::line("replica", "test").replace("PASSWORD", "secret");
    let servers: Vec<_> = (0..3).map(|_| Server::start(Options::new().users(&rights))).collect();
    let urls: Vec<_> =
        servers.iter().map(|server| format!("redis://replica:secret@{}/1", server.address())).collect();
    let config = Config::new(&urls, "test", TTL, "me").expect("a good configuration");
    let clock = Moved::default();
    let redlock = Redlock::connect_with(&config, Arc::new(clock.clone()));
    for node in redlock.nodes() {
        node.ready().await.expect("it lets us in");
    }
    clock.forward(TTL * 2);
    for server in &servers {
        server.flush_scripts();
    }
    let mut tenures = [hold(&redlock, "a").await];
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed]);
    assert!(matches!(redlock.holders(&[resource("a")]).await[..], [Standing::Held(_)]));
    let told = redlock.clone();
    let freed = tokio::spawn(async move { told.freed().await });
    redlock.release(tenures.to_vec()).await;
    tokio::time::timeout(Duration::from_secs(30), freed).await.expect("it is told").expect("it ends");
    hold(&redlock, "a").await;
    redlock.force_release(&resource("a")).await.expect("a majority does it");
}

/// Takes every shard that nobody has, again and again, until all are taken. What it got.
async fn contend(redlock: Redlock, shards: Vec<Resource>) -> Vec<Tenure> {
    let (mut mine, mut failures) = (Vec::new(), 0);
    loop {
        let standings = redlock.holders(&shards).await;
        let free =
            shards.iter().zip(standings).filter(|(_, standing)| !matches!(standing, Standing::Held(_)));
        let free: Vec<Resource> = free.map(|(shard, _)| shard.clone()).collect();
        if free.is_empty() {
            return mine;
        }
        let before = mine.len();
        for acquired in redlock.acquire(&free, Hint::LOWEST).await {
            mine.extend(match acquired {
                Acquired::Held(tenure) => Some(tenure),
                _ => None,
            });
        }
        failures = if mine.len() > before { 0 } else { failures + 1 };
        tokio::time::sleep(redlock.pause(failures)).await;
    }
}

/// Lets these begin at once so many times: each shard has one owner, and its token is higher than the one before.
async fn thrash(contenders: Vec<Redlock>, shards: Vec<Resource>, rounds: usize) {
    let mut last: BTreeMap<Resource, Epoch> = BTreeMap::new();
    for round in 0..rounds {
        let begin = |redlock: &Redlock| tokio::spawn(contend(redlock.clone(), shards.clone()));
        let at_once: Vec<_> = contenders.iter().map(begin).collect();
        let mut owned = BTreeSet::new();
        let mut held = Vec::new();
        for contender in at_once {
            let tenures = contender.await.expect("it ends");
            for Tenure { resource, token, .. } in &tenures {
                assert!(owned.insert(resource.clone()), "round {round}: {resource:?} has two owners");
                let before = last.insert(resource.clone(), *token);
                assert!(before < Some(*token), "round {round}: {token:?} of {resource:?} after {before:?}");
            }
            held.push(tenures);
        }
        assert_eq!(owned.len(), shards.len(), "round {round}");
        for (redlock, tenures) in contenders.iter().zip(held) {
            redlock.release(tenures).await;
        }
    }
}

/// A hundred rounds, in four groups that need not wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn three_that_begin_at_once_a_hundred_times_share_everything_and_tokens_rise() {
    let servers = servers(3, &Options::new());
    let mut contenders = Vec::new();
    for name in ["one", "two", "three"] {
        contenders.push(settled(&servers, name).await.0);
    }
    let mut groups = tokio::task::JoinSet::new();
    for group in 0..4 {
        let shards = (0..64).map(|number| resource(&format!("{group}-{number}"))).collect();
        groups.spawn(thrash(contenders.clone(), shards, 25));
    }
    groups.join_all().await;
}
