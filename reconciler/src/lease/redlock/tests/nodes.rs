//! Nodes that are values and do what they are told: answer, answer late, fail, hang.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::{Grant, Seal};
use windlass_core::lease::node::{Ask, Lock, Node as Keys};
use windlass_core::lease::renewal::Extension;
use windlass_core::lease::{Hint, Moment, Nodes, Resource, Tenure, Terms};

use super::super::{Claim, Clock, Failure, Node, Redlock, Shown};

pub(in crate::lease) const TTL: Duration = Duration::from_secs(15);

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lease) enum Mood {
    Well,
    /// Does what it is asked at once, and says so this much later.
    Slow(Duration),
    /// Answers with an error, and does nothing.
    Fails,
    /// Does what it is asked, and never says so.
    Mute,
    /// Does nothing and says nothing.
    Hangs,
}

/// The nodes, and the time since the world began.
pub(in crate::lease) struct World {
    nodes: Vec<Arc<Mutex<Machine>>>,
    clock: Arc<Paused>,
}

#[derive(Debug)]
struct Machine {
    keys: Keys,
    mood: Mood,
    calls: Vec<String>,
}

/// The time of the runtime, and what we were held up beside it.
struct Paused {
    began: Instant,
    held_up: Mutex<Duration>,
}

impl Clock for Paused {
    fn now(&self) -> Moment {
        Moment(self.began.elapsed() + *self.held_up.lock().expect("nobody panics with it"))
    }
}

impl World {
    pub(in crate::lease) fn new(count: usize) -> Self {
        let machine = || Machine { keys: Keys::default(), mood: Mood::Well, calls: Vec::new() };
        let nodes = (0..count).map(|_| Arc::new(Mutex::new(machine()))).collect();
        let clock = Paused { began: Instant::now(), held_up: Mutex::default() };
        Self { nodes, clock: Arc::new(clock) }
    }

    /// A client that says this of itself.
    pub(in crate::lease) fn redlock(&self, holder: &str) -> Redlock {
        let terms = Terms::new(Nodes::new(self.nodes.len()).expect("an allowed number"), TTL);
        let node = |machine: &Arc<Mutex<Machine>>| -> Arc<dyn Node> {
            Arc::new(Scripted { machine: Arc::clone(machine), clock: Arc::clone(&self.clock) })
        };
        Redlock::over(terms, self.nodes.iter().map(node).collect(), self.clock.clone()).speaking(holder)
    }

    pub(in crate::lease) fn set(&self, node: usize, mood: Mood) {
        self.machine(node).mood = mood;
    }

    /// A node forgets everything.
    pub(in crate::lease) fn empty(&self, node: usize) {
        self.machine(node).keys = Keys::default();
    }

    /// What it was asked, with the number of resources.
    pub(in crate::lease) fn calls(&self, node: usize) -> Vec<String> {
        self.machine(node).calls.clone()
    }

    pub(in crate::lease) fn holder(&self, node: usize, resource: &str) -> Option<String> {
        let now = self.clock.now();
        self.machine(node).keys.holder(&Resource(resource.to_owned()), now).map(str::to_owned)
    }

    pub(in crate::lease) fn holds(&self, node: usize, tenure: &Tenure) -> bool {
        let lock = self.machine(node).keys.keys(&tenure.resource).lock;
        lock.is_some_and(|lock| lock.nonce == tenure.nonce)
    }

    pub(in crate::lease) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Time passes in which we do nothing.
    pub(in crate::lease) fn hold_up(&self, pause: Duration) {
        *self.clock.held_up.lock().expect("nobody panics with it") += pause;
    }

    pub(in crate::lease) async fn after(&self, pause: Duration) {
        sleep(pause).await;
    }

    /// Waits until everything that goes on in the background has ended: no answer is waited for any longer.
    pub(in crate::lease) async fn settle(&self) {
        sleep(Duration::from_secs(2)).await;
    }

    fn machine(&self, node: usize) -> MutexGuard<'_, Machine> {
        self.nodes[node].lock().expect("nobody panics with it")
    }
}

struct Scripted {
    machine: Arc<Mutex<Machine>>,
    clock: Arc<Paused>,
}

impl Scripted {
    async fn call<T>(
        &self,
        name: &str,
        count: usize,
        act: impl FnOnce(&mut Keys, Moment) -> T,
    ) -> Result<T, Failure> {
        let (mood, result) = self.act(name, count, act);
        match mood {
            Mood::Well => {}
            Mood::Slow(pause) => sleep(pause).await,
            Mood::Fails => return Err(Failure::Answer("ERR".to_owned())),
            Mood::Mute | Mood::Hangs => std::future::pending().await,
        }
        result.ok_or(Failure::Silent)
    }

    fn act<T>(
        &self,
        name: &str,
        count: usize,
        act: impl FnOnce(&mut Keys, Moment) -> T,
    ) -> (Mood, Option<T>) {
        let mut machine = self.machine.lock().expect("nobody panics with it");
        machine.calls.push(format!("{name} {count}"));
        let acts = matches!(machine.mood, Mood::Well | Mood::Slow(_) | Mood::Mute);
        let result = acts.then(|| act(&mut machine.keys, self.clock.now()));
        (machine.mood, result)
    }
}

#[async_trait]
impl Node for Scripted {
    fn name(&self) -> &str {
        "a node"
    }

    async fn ready(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn acquire(&self, claims: &[Claim], hint: Hint) -> Result<Vec<Grant>, Failure> {
        fn ask(claim: &Claim, hint: Hint) -> Ask<'_> {
            Ask { nonce: claim.nonce, ttl: TTL, hint, holder: &claim.holder }
        }
        self.call("acquire", claims.len(), |keys, now| {
            claims.iter().map(|claim| keys.acquire(&claim.resource, &ask(claim, hint), now)).collect()
        })
        .await
    }

    async fn heal(&self, claims: &[Claim]) -> Result<(), Failure> {
        self.acquire(claims, Hint::LOWEST).await.map(drop)
    }

    async fn seal(&self, claims: &[(Claim, Epoch)]) -> Result<Vec<Seal>, Failure> {
        self.call("seal", claims.len(), |keys, now| {
            claims.iter().map(|(claim, token)| keys.seal(&claim.resource, claim.nonce, *token, now)).collect()
        })
        .await
    }

    async fn extend(&self, claims: &[Claim]) -> Result<Vec<Extension>, Failure> {
        self.call("extend", claims.len(), |keys, now| {
            claims.iter().map(|claim| keys.extend(&claim.resource, claim.nonce, TTL, now)).collect()
        })
        .await
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), Failure> {
        self.call("release", claims.len(), |keys, now| {
            for claim in claims {
                keys.release(&claim.resource, claim.nonce, now);
            }
        })
        .await
    }

    async fn holders(&self, resources: &[Resource]) -> Result<Vec<Option<Shown>>, Failure> {
        self.call("holders", resources.len(), |keys, now| {
            let lock = |resource| keys.keys(resource).lock.filter(|lock| now < lock.expires);
            let shown = |lock: Lock| Shown { holder: lock.holder, remaining: now.until(lock.expires) };
            resources.iter().map(|resource| lock(resource).map(shown)).collect()
        })
        .await
    }

    async fn force_release(&self, resource: &Resource) -> Result<(), Failure> {
        self.call("force-release", 1, |keys, _| keys.force_release(resource)).await
    }
}
