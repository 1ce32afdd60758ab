//! This lease beside a published one of the same kind, `rslock`: the same servers, the same faults, the same questions.
//!
//! What each of them does is measured, and is what `docs/safety.md` says of it.

use std::time::{Duration, Instant};

use rslock::{Lock, LockManager};
use windlass::lease::redlock::{Acquired, Redlock};
use windlass_core::lease::Tenure;
use windlass_tests::redis::{Data, Options, Server};
use windlass_tests::table;

use crate::scene::{Moved, TTL, acquire, hold, servers, settled, url};

/// A lock over several servers, and what a holder has in hand.
trait Locks: Sized {
    type Held;
    /// A client that has met every server.
    async fn client(servers: &[Server], name: &str) -> Self;
    /// Takes a lock, which has to be free.
    async fn hold(&self, resource: &str) -> Self::Held;
    /// Tries once.
    async fn attempt(&self, resource: &str) -> Option<Self::Held>;
    /// Whether the holder may go on, by all that it knows.
    fn holds(&self, held: &Self::Held) -> bool;
    /// What a write of the holder is ordered by.
    fn token(held: &Self::Held) -> Option<u64>;
}

struct Ours(Redlock, #[expect(dead_code, reason = "it has to live as long as who reads it")] Moved);

impl Locks for Ours {
    type Held = Tenure;

    async fn client(servers: &[Server], name: &str) -> Self {
        let (redlock, clock) = settled(servers, name).await;
        Self(redlock, clock)
    }

    async fn hold(&self, resource: &str) -> Tenure {
        hold(&self.0, resource).await
    }

    async fn attempt(&self, resource: &str) -> Option<Tenure> {
        match acquire(&self.0, resource).await {
            Acquired::Held(tenure) => Some(tenure),
            _ => None,
        }
    }

    fn holds(&self, held: &Tenure) -> bool {
        held.holds(self.0.now())
    }

    fn token(held: &Tenure) -> Option<u64> {
        Some(held.token.0)
    }
}

struct Peer(LockManager);

/// A lock, and when it was asked for.
struct PeerHeld(Lock, Instant);

impl Locks for Peer {
    type Held = PeerHeld;

    async fn client(servers: &[Server], _name: &str) -> Self {
        let mut manager = LockManager::new(servers.iter().map(url).collect());
        manager.set_retry(1, Duration::from_millis(1));
        Self(manager)
    }

    async fn hold(&self, resource: &str) -> PeerHeld {
        let began = Instant::now();
        loop {
            match self.attempt(resource).await {
                Some(held) => return held,
                None => assert!(began.elapsed() < Duration::from_secs(60), "it is free and not granted"),
            }
        }
    }

    async fn attempt(&self, resource: &str) -> Option<PeerHeld> {
        let asked = Instant::now();
        self.0.lock(resource, TTL).await.ok().map(|lock| PeerHeld(lock, asked))
    }

    fn holds(&self, PeerHeld(lock, asked): &PeerHeld) -> bool {
        asked.elapsed() < Duration::from_millis(lock.validity_time.try_into().unwrap_or(0))
    }

    fn token(_held: &PeerHeld) -> Option<u64> {
        None
    }
}

/// A server that the lock is not on restarts without its memory, after another one has missed the lock.
async fn amnesia<L: Locks>() -> &'static str {
    let mut servers = servers(3, &Options::new());
    let (one, other) = (L::client(&servers, "one").await, L::client(&servers, "other").await);
    servers[2].pause();
    let held = one.hold("a").await;
    servers[2].resume();
    servers[1].restart(Data::None);
    let second = other.attempt("a").await;
    let both = one.holds(&held) && second.is_some_and(|second| other.holds(&second));
    if both { "two hold it at once" } else { "one holds it" }
}

/// The locks on all servers end while the holder stands still; it goes on, and writes, after its successor has written.
async fn late_write<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::durable().clock());
    let (one, other) = (L::client(&servers, "one").await, L::client(&servers, "other").await);
    let first = one.hold("a").await;
    servers.iter().for_each(|server| server.clock().forward(TTL * 2));
    let second = other.hold("a").await;
    let record = Server::start(Options::new());
    assert!(write(&record, L::token(&second)), "the holder may write");
    if write(&record, L::token(&first)) { "its write is done" } else { "its write is refused" }
}

/// Writes under a token, unless a later one has written. A lock without tokens leaves nothing to compare.
fn write(record: &Server, token: Option<u64>) -> bool {
    const SCRIPT: &str = "local token = tonumber(ARGV[1])
        if token and token < tonumber(redis.call('GET', KEYS[1]) or '0') then return 0 end
        redis.call('SET', KEYS[1], ARGV[1])
        return 1";
    let token = token.map(|token| token.to_string()).unwrap_or_default();
    record.command(&["EVAL", SCRIPT, "1", "record", &token])
}

/// Locks are taken one after the other, each free: while all servers are well, and while one of them hangs.
async fn hanging<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::new());
    let client = L::client(&servers, "one").await;
    let began = Instant::now();
    for number in 0..TURNS {
        client.hold(&format!("before-{number}")).await;
    }
    let healthy = began.elapsed();
    servers[0].pause();
    let began = Instant::now();
    for number in 0..TURNS {
        client.hold(&format!("after-{number}")).await;
    }
    let slow = began.elapsed() > healthy * 20;
    servers[0].resume();
    if slow { "every lock waits for it" } else { "no lock waits for it" }
}

/// How many locks are taken.
const TURNS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn where_this_lease_holds_a_published_one_does_not() {
    let rows = [
        (
            "one server restarts empty, another had missed the lock",
            amnesia::<Peer>().await,
            amnesia::<Ours>().await,
        ),
        (
            "the holder stands still, its lock ends, its successor writes; then it writes",
            late_write::<Peer>().await,
            late_write::<Ours>().await,
        ),
        ("one of three servers hangs", hanging::<Peer>().await, hanging::<Ours>().await),
    ];
    for (fault, peer, ours) in rows {
        assert_ne!(peer, ours, "{fault}");
    }
    let ours: Vec<_> = rows.iter().map(|(.., ours)| *ours).collect();
    assert_eq!(ours, ["one holds it", "its write is refused", "no lock waits for it"]);
    let rows = rows.map(|(fault, peer, ours)| vec![fault.to_owned(), peer.to_owned(), ours.to_owned()]);
    table::check("docs/safety.md", "peer", &["what happens", "`rslock` 0.10", "this lease"], &rows);
}
