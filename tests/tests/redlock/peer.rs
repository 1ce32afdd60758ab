//! This lease beside a published one of the same kind, `rslock`: the same servers, the same faults, the same questions.
//!
//! What each of them does is measured, and is what `docs/safety.md` says of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rslock::{Lock, LockManager};
use windlass::lease::redlock::{Acquired, Config, Failure, Redlock, Renewal};
use windlass_core::lease::Tenure;
use windlass_tests::redis::{Data, Options, Server};
use windlass_tests::table;

use crate::scene::{Moved, TTL, acquire, answer, hold, servers, settled, url};

/// A lock over several servers, and what a holder has in hand.
trait Locks: Sized {
    type Held;
    /// A client of servers that are well.
    async fn client(servers: &[Server], name: &str) -> Self;
    /// A client that has never heard of the first server, which hangs. Its locks last so long.
    async fn late_client(servers: &[Server], ttl: Duration) -> Self;
    /// Waits until it is connected to every server again.
    async fn connected(&self);
    /// Takes a lock, which has to be free.
    async fn hold(&self, resource: &str) -> Self::Held;
    /// Tries once.
    async fn attempt(&self, resource: &str) -> Option<Self::Held>;
    /// Whether the holder may go on, by all that it knows.
    fn holds(&self, held: &Self::Held) -> bool;
    /// Tries to have a lock for longer, and whether that went well.
    async fn extend(&self, held: &mut Self::Held) -> bool;
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

    async fn late_client(servers: &[Server], ttl: Duration) -> Self {
        let urls: Vec<String> = servers.iter().map(url).collect();
        let config = Config::new(&urls, "test", ttl, "late").expect("a good configuration");
        let clock = Moved::default();
        let redlock = Redlock::connect_with(&config, Arc::new(clock.clone()));
        for node in &redlock.nodes()[1..] {
            node.ready().await.expect("it answers");
        }
        clock.forward(ttl * 2);
        Self(redlock, clock)
    }

    async fn connected(&self) {
        for node in 0..self.0.nodes().len() {
            let answer = answer(&self.0, node).await;
            assert!(matches!(answer, Ok(()) | Err(Failure::Distrusted)), "{answer:?}");
        }
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

    async fn extend(&self, held: &mut Tenure) -> bool {
        self.0.renew(std::slice::from_mut(held)).await == [Renewal::Renewed]
    }

    fn token(held: &Tenure) -> Option<u64> {
        Some(held.token.0)
    }
}

struct Peer(LockManager, Duration);

/// A lock, and when it was asked for.
struct PeerHeld(Lock, Instant);

impl Locks for Peer {
    type Held = PeerHeld;

    async fn client(servers: &[Server], _name: &str) -> Self {
        let mut manager = LockManager::new(servers.iter().map(url).collect());
        manager.set_retry(1, Duration::from_millis(1));
        Self(manager, TTL)
    }

    async fn late_client(servers: &[Server], ttl: Duration) -> Self {
        Self(Self::client(servers, "late").await.0, ttl)
    }

    /// It connects when it asks.
    async fn connected(&self) {}

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
        self.0.lock(resource, self.1).await.ok().map(|lock| PeerHeld(lock, asked))
    }

    fn holds(&self, PeerHeld(lock, asked): &PeerHeld) -> bool {
        asked.elapsed() < Duration::from_millis(lock.validity_time.try_into().unwrap_or(0))
    }

    async fn extend(&self, held: &mut PeerHeld) -> bool {
        let asked = Instant::now();
        let longer = self.0.extend(&held.0, self.1).await.ok();
        longer.map(|lock| *held = PeerHeld(lock, asked)).is_some()
    }

    fn token(_held: &PeerHeld) -> Option<u64> {
        None
    }
}

/// Two clients, and what the first has got while the third server was away.
async fn missed_by_the_third<L: Locks>(servers: &mut [Server]) -> (L, L::Held, L) {
    let (one, other) = (L::client(servers, "one").await, L::client(servers, "other").await);
    servers[2].kill();
    let held = one.hold("a").await;
    servers[2].restart(Data::Kept);
    other.connected().await;
    (one, held, other)
}

/// A server restarts without its memory, after another one has missed the lock.
async fn amnesia<L: Locks>() -> &'static str {
    let mut servers = servers(3, &Options::durable());
    let (one, held, other) = missed_by_the_third::<L>(&mut servers).await;
    servers[1].restart(Data::None);
    other.connected().await;
    holders(&one, &held, &other).await
}

/// How many hold a lock once another one has tried to get it.
async fn holders<L: Locks>(one: &L, held: &L::Held, other: &L) -> &'static str {
    let second = other.attempt("a").await;
    let both = one.holds(held) && second.is_some_and(|second| other.holds(&second));
    if both { "two hold it at once" } else { "one holds it" }
}

/// Two of three servers stand still while the holder extends its lock, which has long to go.
async fn lost_extension<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::new());
    let (one, other) = (L::client(&servers, "one").await, L::client(&servers, "other").await);
    let mut held = one.hold("a").await;
    // By now the servers know the scripts of both.
    assert!(other.attempt("a").await.is_none(), "it is held");
    while !one.extend(&mut held).await {
        assert!(one.holds(&held), "all is well");
    }
    servers[..2].iter().for_each(Server::pause);
    assert!(!one.extend(&mut held).await, "no majority has answered");
    servers[..2].iter().for_each(Server::resume);
    // A question that comes later is answered later: all that was asked before is done.
    servers.iter().for_each(|server| server.command::<()>(&["PING"]));
    holders(&one, &held, &other).await
}

/// The locks on all servers end while the holder stands still; it goes on, and writes, after its successor has written.
async fn late_write<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::durable().clock());
    let (one, other) = (L::client(&servers, "one").await, L::client(&servers, "other").await);
    let first = one.hold("a").await;
    servers.iter().for_each(|server| server.clock().forward(TTL * 2));
    writes_late(&first, &other).await
}

/// The clock of one server jumps, after another one has missed the lock; both holders write.
async fn jump<L: Locks>() -> &'static str {
    let mut servers = servers(3, &Options::durable().clock());
    let (one, first, other) = missed_by_the_third::<L>(&mut servers).await;
    servers[1].clock().forward(TTL * 2);
    let written = writes_late(&first, &other).await;
    assert!(one.holds(&first), "by all that it knows");
    written
}

/// Another one gets the lock, and writes; what then comes of a write of the first.
async fn writes_late<L: Locks>(first: &L::Held, other: &L) -> &'static str {
    let second = other.hold("a").await;
    let record = Server::start(Options::new());
    assert!(write(&record, L::token(&second)), "the holder may write");
    if write(&record, L::token(first)) { "its write is done" } else { "its write is refused" }
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

/// Locks are taken one after the other, each free, while one server hangs. Whoever waits for that server waits for as long
/// as a plain question to it that was asked a moment before, and is given up no later.
async fn hanging<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::new());
    let client = L::client(&servers, "one").await;
    client.hold("before").await;
    let plain = servers[0].client().get_multiplexed_async_connection().await.expect("it answers");
    servers[0].pause();
    let mut waited = 0;
    for number in 0..TURNS {
        let mut plain = plain.clone();
        let ping = redis::cmd("PING");
        let resource = format!("after-{number}");
        tokio::select! {
            biased;
            answer = ping.query_async::<()>(&mut plain) => {
                assert!(answer.is_err(), "it hangs");
                waited += 1;
            }
            _ = client.hold(&resource) => {}
        }
    }
    servers[0].resume();
    if waited == TURNS { "every lock waits for it" } else { "no lock waits for it" }
}

/// How many locks are taken.
const TURNS: usize = 6;

/// Several locks, each free, are taken at once by a client that has yet to meet a server that hangs. It tries for as long
/// as such a lock would last.
async fn crowd<L: Locks>() -> &'static str {
    let servers = servers(3, &Options::new());
    servers[0].pause();
    let ttl = Duration::from_secs(3);
    let client = L::late_client(&servers, ttl).await;
    let take = async |number| {
        let (began, mut held) = (Instant::now(), false);
        while !held && began.elapsed() < ttl {
            held = client.attempt(&format!("crowd-{number}")).await.is_some();
        }
        held
    };
    let all = tokio::join!(take(0), take(1), take(2), take(3), take(4), take(5));
    servers[0].resume();
    if <[bool; 6]>::from(all) == [true; 6] { "all are held" } else { "some get none, their time is over" }
}

/// What happens, what comes of it with each of both, and what should.
macro_rules! row {
    ($fault:literal, $play:ident, $wanted:literal) => {
        ($fault, $play::<Peer>().await, $play::<Ours>().await, $wanted)
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn where_this_lease_holds_a_published_one_does_not() {
    let rows = [
        row!("one server restarts empty, another had missed the lock", amnesia, "one holds it"),
        row!("the holder extends its lock while two servers stand still", lost_extension, "one holds it"),
        row!(
            "the holder stands still, its lock ends, its successor writes; then it writes",
            late_write,
            "its write is refused"
        ),
        row!(
            "the clock of one server jumps, another had missed the lock; both hold it and write, the first one last",
            jump,
            "its write is refused"
        ),
        row!("one of three servers hangs", hanging, "no lock waits for it"),
        row!(
            "one of three servers hangs, and was never met; several take a lock each at once",
            crowd,
            "all are held"
        ),
    ];
    for (fault, peer, ours, wanted) in rows {
        assert_eq!(ours, wanted, "{fault}");
        assert_ne!(peer, ours, "{fault}");
    }
    let rows = rows.map(|(fault, peer, ours, _)| vec![fault.to_owned(), peer.to_owned(), ours.to_owned()]);
    table::check("docs/safety.md", "peer", &["what happens", "`rslock` 0.10", "this lease"], &rows);
}
