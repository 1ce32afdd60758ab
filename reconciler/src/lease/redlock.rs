//! A lease over 1, 3 or 5 independent Redis servers (Redlock, in two rounds). What their answers mean is decided in
//! `windlass_core::lease`; here they are asked.
//!
//! All nodes are asked at once, and the first majority decides: a node that hangs delays nobody. Every failing path, a
//! dropped future too, gives back what it may have got, on every node, and waits for none. A tenure that is held is
//! given back by [`Redlock::release`] alone: dropping it does nothing.

mod acquiring;
mod clock;
pub mod commands;
mod config;
mod keys;
mod link;
mod meet;
mod node;
mod renewing;
mod scripts;
mod server;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use windlass_core::lease::acquisition::Answers;
use windlass_core::lease::{Hint, Moment, Nonce, Resource, Tenure, Terms};

pub use clock::{BootClock, Clock};
pub use config::{BadConfig, Config};
pub use keys::Keys;
pub use node::{Claim, Failure, Node, Shown};
pub use renewing::Renewal;

use server::Server;

/// The lease. Cheap to clone.
#[derive(Clone)]
pub struct Redlock {
    nodes: Arc<[Arc<dyn Node>]>,
    terms: Terms,
    clock: Arc<dyn Clock>,
    /// What others are told of us.
    holder: Arc<str>,
    /// Told when a node says that something was given back.
    freed: Arc<Notify>,
    /// The tries that are under way or hold: what is given back is not healed afterwards.
    live: Arc<Mutex<BTreeSet<Nonce>>>,
}

/// What came of asking for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours.
    Held(Tenure),
    /// Somebody else has it: what they say of themselves, if anything.
    Busy(Option<String>),
    /// No majority could be had in time: nodes are away, or others tried at the same moment.
    NoMajority(Answers),
    /// It was reached when hardly any of its validity was left, and given back.
    Late,
}

/// Who has a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A majority says: somebody.
    Held(Shown),
    /// A majority says: nobody, or no single one.
    Free,
    /// Fewer than a majority of the nodes answered.
    Unknown(Answers),
}

impl Redlock {
    /// A lease on these nodes. Never fails: nodes that are away are connected to when they come. Needs a runtime.
    pub fn connect(config: &Config) -> Self {
        Self::connect_with(config, Arc::new(BootClock))
    }

    /// A lease on these nodes, by this clock.
    pub fn connect_with(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let freed = Arc::<Notify>::default();
        let open = |address: &config::Address| -> Arc<dyn Node> {
            Arc::new(Server::open(address.clone(), config, &clock, &freed))
        };
        let nodes = config.nodes.iter().map(open).collect();
        Self { freed: Arc::clone(&freed), ..Self::over(config.terms, nodes, clock) }.speaking(&config.holder)
    }

    /// A lease on nodes of any kind, as many as the terms say.
    pub fn over(terms: Terms, nodes: Vec<Arc<dyn Node>>, clock: Arc<dyn Clock>) -> Self {
        let (holder, freed, live) = (Arc::from(""), Arc::default(), Arc::default());
        Self { nodes: nodes.into(), terms, clock, holder, freed, live }
    }

    /// The same lease on the same connections, of whose holder others are told this.
    #[must_use]
    pub fn speaking(&self, holder: &str) -> Self {
        Self { holder: Arc::from(holder), ..self.clone() }
    }

    /// Ends when a node says that something was given back. A hint: it may end early, late, or never.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }

    /// The nodes, in the order of their configuration.
    pub fn nodes(&self) -> &[Arc<dyn Node>] {
        &self.nodes
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The time by which a tenure's end counts.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// How long to wait before another try, after so many failed ones in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        self.terms.pause(failures, random() as u32)
    }

    /// Tries once to acquire each resource, all with one command a node and round. Tokens are at least `hint`.
    ///
    /// Answers in the order of `resources`. Dropping the future gives everything back.
    pub async fn acquire(&self, resources: &[Resource], hint: Hint) -> Vec<Acquired> {
        acquiring::acquire(self, resources, hint).await
    }

    /// Renews tenures, all with one command a node. Each tenure's end is moved where that is known; answers in
    /// their order. Nodes that lost a lock are given it again in the background.
    ///
    /// Dropping the future leaves each tenure as long as it was.
    pub async fn renew(&self, tenures: &mut [Tenure]) -> Vec<Renewal> {
        renewing::renew(self, tenures).await
    }

    /// Gives tenures back on every node. Returns when each node has answered or was silent for too long; dropping the
    /// future stops waiting, not releasing.
    pub async fn release(&self, tenures: Vec<Tenure>) {
        let claim = |Tenure { resource, nonce, .. }: Tenure| Claim {
            resource,
            nonce,
            holder: Arc::clone(&self.holder),
        };
        let claims = tenures.into_iter().map(claim);
        let mut done = self.give_back(claims.collect());
        while done.recv().await.is_some() {}
    }

    /// Who has each resource, as a majority sees it. One node alone decides nothing: it may be stale.
    pub async fn holders(&self, resources: &[Resource]) -> Vec<Standing> {
        let resources: Arc<[Resource]> = resources.into();
        let asked = Arc::clone(&resources);
        let mut answers = self.ask(move |node| {
            let asked = Arc::clone(&asked);
            async move { node.holders(&asked).await }
        });
        let mut heard = Heard { nodes: self.nodes.len(), ..Heard::default() };
        let decided = |heard: &Heard| (0..resources.len()).all(|index| heard.standing(index).is_some());
        while !decided(&heard) {
            match answers.recv().await {
                Some((_, Ok(holders))) => heard.holders.push(holders),
                Some((_, Err(_))) => heard.silent += 1,
                None => break,
            }
        }
        let unknown = Answers { granted: heard.holders.len(), refused: 0, silent: heard.silent };
        let standing = |index| heard.standing(index).unwrap_or(Standing::Unknown(unknown));
        (0..resources.len()).map(standing).collect()
    }

    /// Removes a resource's lock on every node, whoever has it: it may believe that it is the holder until its tenure
    /// ends, so this is for a holder that is known to be gone. Fails with the answers if no majority did it.
    pub async fn force_release(&self, resource: &Resource) -> Result<(), Answers> {
        let resource = resource.clone();
        let mut answers = self.ask(move |node| {
            let resource = resource.clone();
            async move { node.force_release(&resource).await }
        });
        let mut count = Answers::default();
        while let Some((_, answer)) = answers.recv().await {
            match answer {
                Ok(()) => count.granted += 1,
                Err(_) => count.silent += 1,
            }
        }
        if count.granted >= self.terms.nodes.majority() { Ok(()) } else { Err(count) }
    }

    /// Asks every node at once. An answer comes from each within a patience, in the order in which they come; nobody
    /// has to wait for all, and nothing is undone when nobody does.
    fn ask<T, F>(&self, question: impl Fn(Arc<dyn Node>) -> F) -> Received<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let (answers, received) = mpsc::unbounded_channel();
        for (index, node) in self.nodes.iter().enumerate() {
            let (asked, answers, patience) =
                (question(Arc::clone(node)), answers.clone(), self.terms.patience());
            let name = Arc::clone(node);
            tokio::spawn(async move {
                let answer = timeout(patience, asked).await.unwrap_or(Err(Failure::Silent));
                if let Err(failure) = &answer {
                    tracing::debug!(node = name.name(), %failure, "a lease node's answer does not count");
                }
                // Whoever asked may have enough answers.
                let _ = answers.send((index, answer));
            });
        }
        received
    }

    /// Tells every node to release, silent ones too.
    fn give_back(&self, claims: Vec<Claim>) -> Received<()> {
        self.live().retain(|nonce| !claims.iter().any(|claim| claim.nonce == *nonce));
        let claims: Arc<[Claim]> = claims.into();
        self.ask(move |node| {
            let claims = Arc::clone(&claims);
            async move { if claims.is_empty() { Ok(()) } else { node.release(&claims).await } }
        })
    }

    fn live(&self) -> MutexGuard<'_, BTreeSet<Nonce>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_live(&self, nonce: Nonce) -> bool {
        self.live().contains(&nonce)
    }
}

/// What nodes say of who has what.
#[derive(Default)]
struct Heard {
    nodes: usize,
    holders: Vec<Vec<Option<Shown>>>,
    silent: usize,
}

impl Heard {
    /// Who has a resource, unless nodes that have not answered might change that.
    fn standing(&self, index: usize) -> Option<Standing> {
        let mut count: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
        for shown in self.holders.iter().filter_map(|holders| holders.get(index)?.as_ref()) {
            let (count, remaining) = count.entry(&shown.holder).or_default();
            *count += 1;
            *remaining = shown.remaining.max(*remaining);
        }
        let most = count.into_iter().max_by_key(|(_, (count, _))| *count);
        let (majority, open) = (self.nodes / 2 + 1, self.nodes - self.holders.len());
        match most {
            Some((holder, (count, remaining))) if count >= majority => {
                Some(Standing::Held(Shown { holder: holder.to_owned(), remaining }))
            }
            Some((_, (count, _))) if count + open >= majority => None,
            Some(_) | None => (self.holders.len() >= majority).then_some(Standing::Free),
        }
    }
}

/// Answers as they come, each with its node's number. Ends when all have come.
type Received<T> = mpsc::UnboundedReceiver<(usize, Result<T, Failure>)>;

/// A random number that nobody else draws.
pub(super) fn random() -> u128 {
    let mut bytes = [0; 16];
    // The call cannot fail for so few bytes once the system has started; if it ever does, time and process still
    // tell tries apart.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        return time << 32 | u128::from(std::process::id());
    }
    u128::from_le_bytes(bytes)
}
