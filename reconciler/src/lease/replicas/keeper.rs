//! The task of a replica: keeps its seat and its shards, takes those that it should have, and gives the others back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use windlass_compiler::name::Name;
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::Answers;
use windlass_core::lease::{Hint, Moment, Tenure};
use windlass_core::shard::{Fence, Shard};
use windlass_core::sharing::{Needs, Replica, share};

use super::member::Order;
use super::owned::Owned;
use super::resource;
use super::seats::{self, Person};
use crate::lease::redlock::{Acquired, Redlock, Renewal};
use crate::store::Store;

/// Keeps what a replica has.
pub(super) struct Keeper {
    redlock: Redlock,
    store: Arc<dyn Store>,
    me: Person,
    owned: Arc<Owned>,
    seat: Option<Tenure>,
    tenures: BTreeMap<Shard, Tenure>,
    replicas: Vec<Replica>,
    unreachable: BTreeSet<Name>,
    needs: Needs,
    renewed: Moment,
    failures: u32,
}

impl Keeper {
    pub(super) fn new(redlock: Redlock, store: Arc<dyn Store>, me: Person, owned: Arc<Owned>) -> Self {
        let renewed = redlock.now();
        Self {
            redlock,
            store,
            me,
            owned,
            seat: None,
            tenures: BTreeMap::new(),
            replicas: Vec::new(),
            unreachable: BTreeSet::new(),
            needs: Needs::new(),
            renewed,
            failures: 0,
        }
    }

    /// Works until it is told to leave, or nobody is there any more to tell it anything.
    pub(super) async fn keep(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let pause = self.turn().await;
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Fenced(shard, barrier)) => self.fenced(shard, barrier).await,
                    Some(Order::Reaches(unreachable, needs)) => {
                        (self.unreachable, self.needs) = (unreachable, needs);
                    }
                    Some(Order::Leave(done)) => {
                        self.leave().await;
                        // Whoever asked may have stopped waiting.
                        let _ = done.send(());
                        return;
                    }
                    None => return self.leave().await,
                },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One turn. Returns when the next one is due.
    async fn turn(&mut self) -> Duration {
        if self.renewed.after(self.redlock.terms().renewal()) <= self.redlock.now() {
            self.renew().await;
        }
        match self.look().await {
            Ok(wanted) => {
                self.give_back(&wanted).await;
                self.take(&wanted).await;
            }
            Err(answers) => {
                tracing::debug!(%answers, "who is there cannot be seen");
                self.failures += 1;
            }
        }
        self.pause()
    }

    /// Renews all that is ours, with one command a node.
    async fn renew(&mut self) {
        self.renewed = self.redlock.now();
        let shards: Vec<Shard> = self.tenures.keys().copied().collect();
        let mut tenures: Vec<Tenure> = self.tenures.values().cloned().collect();
        tenures.extend(self.seat.clone());
        let outcomes = self.redlock.renew(&mut tenures).await;
        if self.seat.is_some() {
            let kept = outcomes.last().is_some_and(|outcome| *outcome != Renewal::Ended);
            self.seat = tenures.pop().filter(|_| kept);
        }
        for ((shard, tenure), outcome) in shards.into_iter().zip(tenures).zip(outcomes) {
            match outcome {
                Renewal::Renewed => self.keep_shard(shard, tenure),
                // Ours until it ends; the next renewal may succeed.
                Renewal::Kept(_) => {}
                Renewal::Ended => {
                    tracing::warn!(%shard, "its lease has ended");
                    self.tenures.remove(&shard);
                    self.owned.lose(shard);
                }
            }
        }
    }

    fn keep_shard(&mut self, shard: Shard, tenure: Tenure) {
        self.owned.keep(shard, tenure.token, tenure.until);
        self.tenures.insert(shard, tenure);
    }

    /// Who is there, and with that, what should be ours. Takes a seat where we have none.
    async fn look(&mut self) -> Result<BTreeSet<Shard>, Answers> {
        let seats = seats::look(&self.redlock).await?;
        if self.seat.is_none()
            && let Some((free, _)) = seats.iter().find(|(_, person)| person.is_none())
        {
            let taken = self.redlock.acquire(std::slice::from_ref(free), Hint::LOWEST).await;
            self.seat = taken.into_iter().find_map(|taken| match taken {
                Acquired::Held(tenure) => Some(tenure),
                Acquired::Busy(_) | Acquired::NoMajority(_) | Acquired::Late => None,
            });
        }
        let others = seats.into_iter().filter_map(|(_, person)| person).filter(|one| one.id != self.me.id);
        self.replicas = others.map(|one| Replica { id: one.id, unreachable: BTreeSet::new() }).collect();
        if self.seat.is_none() {
            // Nobody would know of us: what we took would be taken for somebody's who is gone.
            self.failures += 1;
            return Ok(BTreeSet::new());
        }
        self.replicas.push(Replica { id: self.me.id.clone(), unreachable: self.unreachable.clone() });
        Ok(share(&self.me.id, &self.replicas, &self.needs))
    }

    /// Gives back what others should have.
    async fn give_back(&mut self, wanted: &BTreeSet<Shard>) {
        let left: Vec<Shard> = self.tenures.keys().filter(|shard| !wanted.contains(shard)).copied().collect();
        self.release(left).await;
    }

    /// Gives shards back: first nothing is done under them any more, then others may have them.
    async fn release(&mut self, shards: Vec<Shard>) {
        if shards.is_empty() {
            return;
        }
        shards.iter().for_each(|shard| self.owned.lose(*shard));
        let tenures = shards.iter().filter_map(|shard| self.tenures.remove(shard)).collect();
        self.redlock.release(tenures).await;
    }

    /// Takes what should be ours and is not yet.
    async fn take(&mut self, wanted: &BTreeSet<Shard>) {
        let missing: Vec<Shard> =
            wanted.iter().filter(|shard| !self.tenures.contains_key(shard)).copied().collect();
        if missing.is_empty() {
            self.failures = 0;
            return;
        }
        let Some(hint) = self.hint(&missing).await else {
            self.failures += 1;
            return;
        };
        let resources: Vec<_> = missing.iter().map(|shard| resource(*shard)).collect();
        let acquired = self.redlock.acquire(&resources, hint).await;
        let mut got = Vec::new();
        for (shard, acquired) in missing.into_iter().zip(acquired) {
            match acquired {
                Acquired::Held(tenure) => got.push((shard, tenure)),
                Acquired::Busy(_) => {}
                Acquired::NoMajority(_) | Acquired::Late => self.failures += 1,
            }
        }
        self.enter(got).await;
    }

    /// The lowest token that is of use in these shards; none while the store does not answer.
    async fn hint(&self, shards: &[Shard]) -> Option<Hint> {
        let barriers = join_all(shards.iter().map(|shard| self.store.barrier(*shard))).await;
        let highest =
            barriers.into_iter().try_fold(Epoch(0), |highest, barrier| barrier.map(|one| one.max(highest)));
        match highest {
            Ok(highest) => Hint::new(highest.next()).ok(),
            Err(error) => {
                tracing::warn!(%error, "the store does not tell its barriers; no shard is taken");
                None
            }
        }
    }

    /// Raises the barriers of shards that were got. One whose barrier is higher, or not known, goes back.
    async fn enter(&mut self, got: Vec<(Shard, Tenure)>) {
        let fences = got.iter().map(|(shard, tenure)| Fence { shard: *shard, epoch: tenure.token });
        let raised = join_all(fences.map(|fence| self.store.fence(fence))).await;
        let mut back = Vec::new();
        for ((shard, tenure), raised) in got.into_iter().zip(raised) {
            match raised {
                Ok(barrier) if barrier == tenure.token => {
                    tracing::info!(%shard, epoch = %tenure.token, "owned");
                    self.keep_shard(shard, tenure);
                }
                Ok(_) | Err(_) => back.push(tenure),
            }
        }
        if !back.is_empty() {
            self.failures += 1;
            self.redlock.release(back).await;
        }
    }

    /// Gives a shard back in which somebody newer was.
    async fn fenced(&mut self, shard: Shard, barrier: Epoch) {
        if self.tenures.get(&shard).is_some_and(|tenure| tenure.token < barrier) {
            self.release(vec![shard]).await;
        }
    }

    /// Gives everything back, the seat last: who sits may have shards.
    async fn leave(mut self) {
        let shards = self.tenures.keys().copied().collect();
        self.release(shards).await;
        self.redlock.release(self.seat.take().into_iter().collect()).await;
    }

    /// How long nothing is to be done, if nothing happens.
    fn pause(&self) -> Duration {
        let due = self.renewed.after(self.redlock.terms().renewal());
        let until_due = self.redlock.now().until(due);
        if self.failures > 0 { until_due.min(self.redlock.pause(self.failures - 1)) } else { until_due }
    }
}
