//! A server that was restarted, with its memory or without.

use std::time::{Duration, Instant};

use windlass::lease::redlock::{Acquired, Failure};
use windlass_tests::redis::{Data, Options};

use crate::scene::{TTL, acquire, answer, fresh, hold, servers, settled};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_counts_after_a_ttl() {
    let servers = servers(1, &Options::durable());
    let (redlock, clock) = fresh(&servers, "me").await;
    assert!(matches!(acquire(&redlock, "a").await, Acquired::NoMajority(_)));
    clock.forward(TTL + Duration::from_secs(1));
    hold(&redlock, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_with_every_write_counts_at_once() {
    let mut servers = servers(1, &Options::durable());
    let (redlock, _clock) = settled(&servers, "me").await;
    let tenure = hold(&redlock, "a").await;
    redlock.release(vec![tenure.clone()]).await;
    servers[0].restart(Data::Kept);
    assert_eq!(answer(&redlock, 0).await, Ok(()));
    assert!(hold(&redlock, "a").await.token > tenure.token);
    // To one that never saw it, too.
    let (other, _clock) = fresh(&servers, "other").await;
    assert_eq!(acquire(&other, "a").await, Acquired::Busy(Some("me".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_without_its_memory_counts_after_a_ttl() {
    let often = Options::new().set("appendonly", "yes").set("appendfsync", "everysec");
    let lives = [(Options::new(), Data::Kept), (often, Data::Kept), (Options::durable(), Data::None)];
    for (options, data) in lives {
        let mut servers = servers(1, &options);
        let (redlock, clock) = settled(&servers, "me").await;
        hold(&redlock, "a").await;
        servers[0].restart(data);
        assert_eq!(answer(&redlock, 0).await, Err(Failure::Distrusted), "{options:?}");
        let (other, _clock) = fresh(&servers, "other").await;
        assert_eq!(answer(&other, 0).await, Err(Failure::Distrusted), "{options:?}");
        clock.forward(TTL + Duration::from_secs(1));
        assert_eq!(answer(&redlock, 0).await, Ok(()), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_emptied_while_it_runs_counts_after_a_ttl() {
    let servers = servers(1, &Options::new());
    let (redlock, clock) = settled(&servers, "me").await;
    hold(&redlock, "a").await;
    servers[0].command::<()>(&["FLUSHALL"]);
    assert_eq!(answer(&redlock, 0).await, Err(Failure::Distrusted));
    let (other, _clock) = fresh(&servers, "other").await;
    assert_eq!(answer(&other, 0).await, Err(Failure::Distrusted));
    clock.forward(TTL * 2);
    let deadline = Instant::now() + Duration::from_secs(30);
    while answer(&redlock, 0).await.is_err() {
        assert!(Instant::now() < deadline, "it is met anew, and counts after a TTL from then");
        clock.forward(TTL);
    }
}

/// Otherwise two restarts within a TTL would cost the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_counted_yet_is_healed() {
    let mut servers = servers(3, &Options::new());
    let (redlock, _clock) = settled(&servers, "me").await;
    let mut tenures = [hold(&redlock, "a").await];
    for server in &mut servers {
        server.restart(Data::Kept);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !server.command::<bool>(&["EXISTS", "{test}:a:l"]) {
            assert!(Instant::now() < deadline, "{} is not healed", server.address());
            redlock.renew(&mut tenures).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let barrier: Option<u64> = server.command(&["GET", "{test}:a:f"]);
        assert!(barrier.is_none_or(|barrier| barrier == tenures[0].token.0));
    }
    assert!(tenures[0].holds(redlock.now()));
}
