//! Servers, and clients of a lease over them, with a clock that a test moves.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use windlass::lease::redlock::{Acquired, BootClock, Clock, Config, Failure, Redlock};
use windlass_core::lease::{Hint, Moment, Resource, Tenure};

use windlass_tests::redis::{Options, Server};

pub(crate) const TTL: Duration = Duration::from_secs(60);

/// The system's clock, and what a test adds to it.
#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<Mutex<Duration>>);

impl Moved {
    pub(crate) fn forward(&self, by: Duration) {
        *self.0.lock().expect("nobody panics with it") += by;
    }
}

impl Clock for Moved {
    fn now(&self) -> Moment {
        BootClock.now().after(*self.0.lock().expect("nobody panics with it"))
    }
}

/// A client that has met every server, and a clock by which no server's memory is young.
pub(crate) async fn settled(servers: &[Server], holder: &str) -> (Redlock, Moved) {
    let (redlock, clock) = fresh(servers, holder).await;
    clock.forward(TTL * 2);
    (redlock, clock)
}

/// A client that has met every server just now.
pub(crate) async fn fresh(servers: &[Server], holder: &str) -> (Redlock, Moved) {
    let urls: Vec<String> = servers.iter().map(url).collect();
    let clock = Moved::default();
    let config = Config::new(&urls, "test", TTL, holder).expect("a good configuration");
    let redlock = Redlock::connect_with(&config, Arc::new(clock.clone()));
    for node in redlock.nodes() {
        node.ready().await.expect("it answers");
    }
    (redlock, clock)
}

pub(crate) fn servers(count: usize, options: &Options) -> Vec<Server> {
    (0..count).map(|_| Server::start(options.clone())).collect()
}

pub(crate) fn url(server: &Server) -> String {
    format!("redis://{}", server.address())
}

pub(crate) fn resource(name: &str) -> Resource {
    Resource(name.to_owned())
}

/// Tries once.
pub(crate) async fn acquire(redlock: &Redlock, name: &str) -> Acquired {
    redlock.acquire(&[resource(name)], Hint::LOWEST).await.remove(0)
}

/// Tries until it is held: a slow machine makes a single try fail.
pub(crate) async fn hold(redlock: &Redlock, name: &str) -> Tenure {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match acquire(redlock, name).await {
            Acquired::Held(tenure) => return tenure,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(redlock.pause(0)).await;
    }
}

/// What a node says to a lock, once it is connected to.
pub(crate) async fn answer(redlock: &Redlock, node: usize) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match redlock.nodes()[node].acquire(&[], Hint::LOWEST).await {
            Err(Failure::Away(_) | Failure::Silent) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other.map(drop),
        }
    }
}
