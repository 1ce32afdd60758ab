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
use windlass_core::shard::{Fence, Shard, ranges};
use windlass_core::sharing::{Needs, Replica, share};

use super::member::Order;
use super::owned::Owned;
use super::pulse::Pulse;
use super::resource;
use super::seats::{self, Person, Seats};
use crate::lease::redlock::{Acquired, Redlock, Renewal, random};
use crate::store::Store;

/// Keeps what a replica has.
pub(super) struct Keeper {
    redlock: Redlock,
    store: Arc<dyn Store>,
    me: Person,
    owned: Arc<Owned>,
    seat: Option<Tenure>,
    tenures: BTreeMap<Shard, Tenure>,
    needs: Needs,
    renewed: Moment,
    /// When somebody else's seat is over, unless they renew it.
    expected: Option<Moment>,
    failures: u32,
    /// Whether it was said already that nobody can be seen.
    blind: bool,
    pulse: Pulse,
}

impl Keeper {
    pub(super) fn new(redlock: Redlock, store: Arc<dyn Store>, me: Person, owned: Arc<Owned>) -> Self {
        let (renewed, redlock) = (redlock.now(), redlock.speaking(&me.text()));
        let pulse = Pulse::watch(redlock.clone(), Arc::clone(&store));
        Self {
            redlock,
            store,
            me,
            owned,
            seat: None,
            tenures: BTreeMap::new(),
            needs: Needs::new(),
            renewed,
            expected: None,
            failures: 0,
            blind: false,
            pulse,
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
                        self.needs = needs;
                        self.reach(unreachable).await;
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
                () = self.redlock.freed() => {}
            }
        }
    }

    /// One turn. Returns when the next one is due.
    async fn turn(&mut self) -> Duration {
        if self.renewed.after(self.redlock.terms().renewal()) <= self.redlock.now() {
            self.renew().await;
        }
        if self.pulse.is_lost() {
            // Whoever cannot reach the store does nothing for its shards: others may be able to.
            self.step_back().await;
            return self.redlock.terms().renewal();
        }
        match self.look().await {
            Ok(wanted) => {
                self.blind = false;
                self.give_back(&wanted).await;
                self.take(&wanted).await;
            }
            Err(answers) => {
                self.failures += 1;
                if !std::mem::replace(&mut self.blind, true) {
                    tracing::warn!(%answers, "no majority of the lease nodes tells who is there; nothing is taken until one does");
                }
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
        let mut ended = Vec::new();
        for ((shard, tenure), outcome) in shards.into_iter().zip(tenures).zip(outcomes) {
            match outcome {
                Renewal::Renewed => self.keep_shard(shard, tenure),
                // Ours until it ends; the next renewal may succeed.
                Renewal::Kept(_) => {}
                Renewal::Ended => {
                    ended.push(shard);
                    self.tenures.remove(&shard);
                    self.owned.lose(shard);
                }
            }
        }
        if !ended.is_empty() {
            tracing::warn!(shards = %ranges(&ended), owned = self.tenures.len(), "leases have ended");
        }
    }

    fn keep_shard(&mut self, shard: Shard, tenure: Tenure) {
        self.owned.keep(shard, tenure.token, tenure.until);
        self.tenures.insert(shard, tenure);
    }

    /// Who is there, and with that, what should be ours. Takes a seat where we have none.
    async fn look(&mut self) -> Result<BTreeSet<Shard>, Answers> {
        let seats = seats::look(&self.redlock).await?;
        if self.seat.is_none() {
            self.sit(&seats).await;
        }
        let others: Vec<_> = seats.taken.into_iter().filter(|(one, _)| one.id != self.me.id).collect();
        let now = self.redlock.now();
        self.expected = others.iter().map(|(_, remaining)| now.after(*remaining)).min();
        if self.seat.is_none() {
            // Nobody would know of us: what we took would be taken for somebody's who is gone.
            self.failures += 1;
            return Ok(BTreeSet::new());
        }
        let all = others.into_iter().map(|(one, _)| one).chain([self.me.clone()]);
        let replicas: Vec<_> = all.map(|one| Replica { id: one.id, unreachable: one.unreachable }).collect();
        Ok(share(&self.me.id, &replicas, &self.needs))
    }

    async fn sit(&mut self, seats: &Seats) {
        // Not the first one, which everybody who comes now would try.
        let chosen = seats.free.get(random() as usize % seats.free.len().max(1));
        let Some(free) = chosen else { return };
        let taken = self.redlock.acquire(std::slice::from_ref(free), Hint::LOWEST).await;
        self.seat = taken.into_iter().find_map(|taken| match taken {
            Acquired::Held(tenure) => Some(tenure),
            Acquired::Busy(_) | Acquired::NoMajority(_) | Acquired::Late => None,
        });
    }

    /// Takes in what cannot be reached from here. Others read it with our seat, which is taken anew for that.
    async fn reach(&mut self, unreachable: BTreeSet<Name>) {
        if self.me.unreachable != unreachable {
            self.me.unreachable = unreachable;
            self.redlock = self.redlock.speaking(&self.me.text());
            self.redlock.release(self.seat.take().into_iter().collect()).await;
        }
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
        let all = acquired.iter().all(|one| matches!(one, Acquired::Held(_)));
        self.failures = if all { 0 } else { self.failures + 1 };
        let mut got = Vec::new();
        for (shard, acquired) in missing.into_iter().zip(acquired) {
            match acquired {
                Acquired::Held(tenure) => got.push((shard, tenure)),
                Acquired::Busy(_) | Acquired::NoMajority(_) | Acquired::Late => {}
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
        let (mut entered, mut back) = (Vec::new(), Vec::new());
        for ((shard, tenure), raised) in got.into_iter().zip(raised) {
            match raised {
                Ok(barrier) if barrier == tenure.token => {
                    entered.push(shard);
                    self.keep_shard(shard, tenure);
                }
                Ok(_) | Err(_) => back.push(tenure),
            }
        }
        if !entered.is_empty() {
            entered.sort_unstable();
            tracing::info!(shards = %ranges(&entered), owned = self.tenures.len(), "took shards over");
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

    async fn leave(mut self) {
        self.step_back().await;
    }

    /// Gives everything back, the seat last: who sits may have shards.
    async fn step_back(&mut self) {
        let shards = self.tenures.keys().copied().collect();
        self.release(shards).await;
        self.redlock.release(self.seat.take().into_iter().collect()).await;
    }

    /// How long nothing is to be done, if nothing happens.
    fn pause(&self) -> Duration {
        let renewal = self.renewed.after(self.redlock.terms().renewal());
        // A node counts whole milliseconds: a little later the seat is over for certain.
        let expected = self.expected.map(|end| end.after(Duration::from_millis(2)));
        let next = expected.map_or(renewal, |end| end.min(renewal));
        let until = self.redlock.now().until(next);
        if self.failures > 0 { until.min(self.redlock.pause(self.failures - 1)) } else { until }
    }
}
