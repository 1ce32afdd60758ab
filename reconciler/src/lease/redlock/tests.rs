//! The rim against nodes that are values, with time that stands still until everybody waits.

mod faults;
pub(in crate::lease) mod nodes;

use super::*;
use nodes::{Mood, World};

fn resource(name: &str) -> Resource {
    Resource(name.to_owned())
}

async fn acquire(redlock: &Redlock) -> Acquired {
    redlock.acquire(&[resource("a")], Hint::LOWEST).await.remove(0)
}

async fn hold(redlock: &Redlock) -> Tenure {
    match acquire(redlock).await {
        Acquired::Held(tenure) => tenure,
        other => panic!("it is free: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_one_is_told_who_holds_it() {
    for count in [1, 3, 5] {
        let world = World::new(count);
        let (first, second) = (world.redlock("first"), world.redlock("second"));
        let tenure = hold(&first).await;
        assert_eq!(acquire(&second).await, Acquired::Busy(Some("first".to_owned())));
        first.release(vec![tenure.clone()]).await;
        assert!(hold(&second).await.token > tenure.token, "tokens rise");
    }
}

#[tokio::test(start_paused = true)]
async fn many_resources_take_one_command_a_node_and_round() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let shards: Vec<Resource> = (0..64).map(|number| resource(&format!("shard-{number}"))).collect();
    let acquired = redlock.acquire(&shards, Hint::LOWEST).await;
    let mut tenures: Vec<Tenure> = acquired.into_iter().map(held).collect();
    world.settle().await;
    assert_eq!(world.calls(0), ["acquire 64", "seal 64"]);
    assert_eq!(redlock.renew(&mut tenures).await, vec![Renewal::Renewed; 64]);
    redlock.release(tenures).await;
    assert_eq!(world.calls(0), ["acquire 64", "seal 64", "extend 64", "release 64"]);
}

fn held(acquired: Acquired) -> Tenure {
    match acquired {
        Acquired::Held(tenure) => tenure,
        other => panic!("it is free: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_resource_that_is_busy_costs_the_others_nothing() {
    let world = World::new(3);
    let tenure = hold(&world.redlock("first")).await;
    let second = world.redlock("second");
    let acquired = second.acquire(&[resource("a"), resource("b")], Hint::LOWEST).await;
    assert_eq!(acquired[0], Acquired::Busy(Some("first".to_owned())));
    assert!(matches!(acquired[1], Acquired::Held(_)));
    world.settle().await;
    assert!(world.holds(0, &tenure), "the loser gives back its own alone");
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_the_lowest_token() {
    let world = World::new(3);
    let hint = Hint::new(windlass_core::id::Epoch(41)).unwrap();
    let acquired = world.redlock("first").acquire(&[resource("a")], hint).await.remove(0);
    assert_eq!(held(acquired).token.0, 41);
}

#[tokio::test(start_paused = true)]
async fn dropping_an_acquisition_gives_everything_back() {
    let world = World::new(3);
    world.set(0, Mood::Slow(Duration::from_millis(100)));
    world.set(1, Mood::Slow(Duration::from_millis(100)));
    let redlock = world.redlock("first");
    let asked = tokio::spawn(async move { acquire(&redlock).await });
    world.after(Duration::from_millis(50)).await;
    asked.abort();
    world.settle().await;
    for node in 0..3 {
        assert_eq!(world.holder(node, "a"), None, "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn locks_whose_answers_were_lost_are_given_back() {
    let world = World::new(3);
    (0..3).for_each(|node| world.set(node, Mood::Mute));
    assert!(matches!(acquire(&world.redlock("first")).await, Acquired::NoMajority(_)));
    world.settle().await;
    for node in 0..3 {
        assert_eq!(world.calls(node), ["acquire 1", "release 1"]);
        assert_eq!(world.holder(node, "a"), None, "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forced_release_needs_a_majority() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    hold(&redlock).await;
    world.set(2, Mood::Hangs);
    assert_eq!(redlock.force_release(&resource("a")).await, Ok(()));
    assert_eq!(redlock.holders(&[resource("a")]).await, [Standing::Free]);
    world.set(1, Mood::Fails);
    assert!(redlock.force_release(&resource("a")).await.is_err());
}

#[test]
fn neither_a_configuration_nor_its_mistakes_show_a_password() {
    let ttl = Duration::from_secs(15);
    let url = "redis://me:s3cret@127.0.0.1:1/2";
    let config = Config::new(&[url], "p", ttl, "").unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    for bad in ["redis://me:s3cret@:port", "s3cret", "http://me:s3cret@h"] {
        let error = Config::new(&[bad], "p", ttl, "").unwrap_err();
        assert_eq!(error, BadConfig::Url(1), "{bad}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[test]
fn a_lease_needs_an_odd_number_of_different_nodes() {
    let (ttl, node) = (Duration::from_secs(15), |port: u32| format!("redis://u:p@127.0.0.1:{port}"));
    let config = |urls: &[String]| Config::new(urls, "p", ttl, "").map(drop);
    assert_eq!(config(&[]), Err(BadConfig::Count(0)));
    assert_eq!(config(&[node(1), node(2)]), Err(BadConfig::Count(2)));
    assert_eq!(config(&[node(1), node(2), node(1)]), Err(BadConfig::Twice("127.0.0.1:1".to_owned())));
    assert_eq!(config(&[node(1), node(2), node(3)]), Ok(()));
    assert_eq!(Config::new(&[node(1)], "{p", ttl, "").unwrap_err(), BadConfig::Prefix);
    assert_eq!(Config::new(&[node(1)], "p", Duration::ZERO, "").unwrap_err(), BadConfig::Ttl(Duration::ZERO));
}

/// What listens there speaks no TLS: that is a failure, not the end of the task that connects.
#[tokio::test]
async fn a_node_that_speaks_no_tls_is_away() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _closing = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let config =
        Config::new(&[format!("rediss://127.0.0.1:{port}")], "p", Duration::from_secs(60), "").unwrap();
    let redlock = Redlock::connect(&config);
    match redlock.nodes[0].ready().await {
        Err(Failure::Away(reason)) => assert_ne!(reason, "it is being closed"),
        other => panic!("{other:?}"),
    }
}
