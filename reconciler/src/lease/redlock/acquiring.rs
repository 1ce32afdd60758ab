//! Both rounds of an acquisition, for many resources at once.

use std::sync::Arc;

use tokio::sync::mpsc;
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::{Acquisition, Grant, Outcome, Reason, Seal, Step};
use windlass_core::lease::{Hint, Nonce, Resource, Tenure};

use super::node::{Claim, Failure};
use super::{Acquired, Redlock, random};

/// Tries once.
pub(super) async fn acquire(redlock: &Redlock, resources: &[Resource], hint: Hint) -> Vec<Acquired> {
    // Before the first request: validity counts from here.
    let asked = redlock.clock.now();
    let claim = |resource: &Resource| {
        let holder = Arc::clone(&redlock.holder);
        Claim { resource: resource.clone(), nonce: Nonce(random()), holder }
    };
    let claims: Vec<Claim> = resources.iter().map(claim).collect();
    redlock.live().extend(claims.iter().map(|claim| claim.nonce));
    let begin = |claim: &Claim| Acquisition::begin(redlock.terms, claim.nonce, asked);
    let (heard, hearing) = mpsc::unbounded_channel();
    let mut round = Round {
        redlock,
        acquisitions: claims.iter().map(begin).collect(),
        acquired: vec![None; claims.len()],
        pending: Pending { redlock: redlock.clone(), claims: claims.into() },
        heard,
    };
    round.lock(hint);
    round.listen(hearing).await;
    round.finish()
}

/// What came from a node.
enum Heard {
    Locks(usize, Result<Vec<Grant>, Failure>),
    /// Of those claims, by their index.
    Seals(usize, Arc<[usize]>, Result<Vec<Seal>, Failure>),
}

struct Round<'a> {
    redlock: &'a Redlock,
    acquisitions: Vec<Acquisition>,
    acquired: Vec<Option<Acquired>>,
    pending: Pending,
    heard: mpsc::UnboundedSender<Heard>,
}

impl Round<'_> {
    fn lock(&self, hint: Hint) {
        let (claims, redlock) = (Arc::clone(&self.pending.claims), self.redlock.clone());
        let answers = self.redlock.ask(move |node| {
            let (claims, redlock) = (Arc::clone(&claims), redlock.clone());
            async move {
                node.ready().await?;
                // Whoever asked may have gone while this node was connected to: a lock now would be nobody's.
                if !claims.iter().any(|claim| redlock.is_live(claim.nonce)) {
                    return Err(Failure::Silent);
                }
                node.acquire(&claims, hint).await
            }
        });
        self.forward(answers, Heard::Locks);
    }

    fn seal(&self, sealing: &[(usize, Epoch)]) {
        let claims = &self.pending.claims;
        let seals: Arc<[(Claim, Epoch)]> =
            sealing.iter().map(|(index, token)| (claims[*index].clone(), *token)).collect();
        let indices: Arc<[usize]> = sealing.iter().map(|(index, _)| *index).collect();
        let answers = self.redlock.ask(move |node| {
            let seals = Arc::clone(&seals);
            async move { node.seal(&seals).await }
        });
        self.forward(answers, move |node, answer| Heard::Seals(node, Arc::clone(&indices), answer));
    }

    fn forward<T: Send + 'static>(
        &self,
        mut answers: super::Received<T>,
        heard: impl Fn(usize, Result<T, Failure>) -> Heard + Send + 'static,
    ) {
        let sender = self.heard.clone();
        tokio::spawn(async move {
            while let Some((node, answer)) = answers.recv().await {
                // Whoever asked may have enough answers.
                let _ = sender.send(heard(node, answer));
            }
        });
    }

    /// Listens until everything is decided. Every node is heard of within a patience, so it ends.
    async fn listen(&mut self, mut hearing: mpsc::UnboundedReceiver<Heard>) {
        while self.acquired.iter().any(Option::is_none) {
            match hearing.recv().await {
                Some(heard) => self.hear(heard),
                None => return,
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        let now = self.redlock.clock.now();
        let mut sealing = Vec::new();
        match heard {
            Heard::Locks(node, answer) => {
                for index in 0..self.acquisitions.len() {
                    let grant = answer.as_ref().ok().and_then(|grants| grants.get(index)).cloned();
                    let step = self.acquisitions[index].locked(node, grant.unwrap_or(Grant::Silent), now);
                    sealing.extend(self.step(index, step).map(|token| (index, token)));
                }
            }
            Heard::Seals(node, indices, answer) => {
                for (place, index) in indices.iter().enumerate() {
                    let seal = answer.as_ref().ok().and_then(|seals| seals.get(place)).copied();
                    let step = self.acquisitions[*index].sealed(node, seal.unwrap_or(Seal::Silent), now);
                    self.step(*index, step);
                }
            }
        }
        if !sealing.is_empty() {
            self.seal(&sealing);
        }
    }

    /// Takes a step; a token if it is to be sealed.
    fn step(&mut self, index: usize, step: Step) -> Option<Epoch> {
        match step {
            Step::Wait => None,
            Step::Seal(token) => Some(token),
            Step::Done(outcome) => {
                let claim = self.pending.claims[index].clone();
                self.acquired[index] = Some(self.acquired(claim, outcome));
                None
            }
        }
    }

    fn acquired(&self, claim: Claim, outcome: Outcome) -> Acquired {
        let Claim { resource, nonce, .. } = claim.clone();
        match outcome {
            Outcome::Held { token, until } => Acquired::Held(Tenure { resource, nonce, token, until }),
            Outcome::Lost { reason, release } => {
                if release {
                    drop(self.redlock.give_back(vec![claim]));
                }
                match reason {
                    Reason::Busy(holder) => Acquired::Busy((!holder.is_empty()).then_some(holder)),
                    Reason::NoMajority(answers) | Reason::Unsealed(answers) => Acquired::NoMajority(answers),
                    Reason::Late => Acquired::Late,
                }
            }
        }
    }

    fn finish(mut self) -> Vec<Acquired> {
        // Whatever was lost has been given back, whatever is held is the caller's.
        self.pending.claims = Arc::new([]);
        self.acquired.into_iter().map(|acquired| acquired.unwrap_or(Acquired::Busy(None))).collect()
    }
}

/// Gives everything back if the future is dropped before it has answered.
struct Pending {
    redlock: Redlock,
    claims: Arc<[Claim]>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let in_runtime = tokio::runtime::Handle::try_current().is_ok();
        if !self.claims.is_empty() && in_runtime {
            drop(self.redlock.give_back(self.claims.to_vec()));
        }
    }
}
