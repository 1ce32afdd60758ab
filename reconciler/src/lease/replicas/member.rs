//! A replica as its engine holds it: asks are answered from memory, the work is done by a task beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use windlass_compiler::name::Name;
use windlass_core::id::Epoch;
use windlass_core::shard::Shard;
use windlass_core::sharing::Needs;

use super::keeper::Keeper;
use super::owned::Owned;
use super::seats::Person;
use crate::lease::redlock::{Redlock, random};
use crate::lease::{Held, Holder};
use crate::store::Store;

/// What a replica is told.
pub(super) enum Order {
    /// The store has refused what we wrote in a shard: give it back.
    Fenced(Shard, Epoch),
    /// What we cannot reach, and what the shards need.
    Reaches(BTreeSet<Name>, Needs),
    /// Give everything back, and say when it is done.
    Leave(oneshot::Sender<()>),
}

/// A replica.
pub(super) struct Member {
    id: String,
    redlock: Redlock,
    owned: Arc<Owned>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Member {
    /// Joins those who are there. Returns at once; shards come as they are free.
    pub(super) fn join(redlock: Redlock, store: Arc<dyn Store>, holder: Holder) -> Self {
        let id = format!("{}-{}-{:04x}", holder.host, holder.pid, random() as u16);
        let owned = Arc::<Owned>::default();
        let (orders, taken) = mpsc::unbounded_channel();
        let person = Person { id: id.clone(), unreachable: BTreeSet::new(), holder };
        let keeper = Keeper::new(redlock.clone(), store, person, Arc::clone(&owned));
        tokio::spawn(keeper.keep(taken));
        Self { id, redlock, owned, orders }
    }

    fn order(&self, order: Order) {
        // The keeper ends only after it was told to leave.
        let _ = self.orders.send(order);
    }
}

#[async_trait]
impl Held for Member {
    fn epoch(&self, shard: Shard) -> Option<Epoch> {
        self.owned.epoch(shard, self.redlock.now())
    }

    async fn changed(&self) {
        self.owned.changed().await;
    }

    fn title(&self) -> String {
        format!("replica {}", self.id)
    }

    fn fenced(&self, shard: Shard, barrier: Epoch) -> bool {
        self.owned.lose_below(shard, barrier);
        self.order(Order::Fenced(shard, barrier));
        true
    }

    fn reaches(&self, unreachable: BTreeSet<Name>, needs: Needs) {
        self.order(Order::Reaches(unreachable, needs));
    }

    async fn leave(&self) {
        let (done, left) = oneshot::channel();
        self.order(Order::Leave(done));
        // A keeper that is gone has left.
        let _ = left.await;
    }
}
