//! Replicas over nodes that are values, with time that stands still until everybody waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use windlass_compiler::name::Name;
use windlass_core::id::Epoch;
use windlass_core::lease::{Hint, Moment};
use windlass_core::shard::Fence;
use windlass_core::sharing::Needs;

use super::*;
use crate::lease::Held;
use crate::lease::redlock::tests::nodes::{TTL, World};
use crate::store::memory::Memory;

/// Three nodes and a store.
struct Scene {
    world: World,
    store: Arc<dyn Store>,
}

impl Scene {
    fn new() -> Self {
        Self { world: World::new(3), store: Arc::new(Memory::new()) }
    }

    fn lease(&self) -> Replicas {
        Replicas::new(self.world.redlock(""), Arc::clone(&self.store), "r1".to_owned())
    }

    /// A replica that has just joined.
    async fn join(&self) -> Box<dyn Held> {
        match self.lease().acquire("reconcile").await.unwrap() {
            Acquired::Ours(held) => held,
            Acquired::Busy(_) => panic!("the service joins"),
        }
    }

    /// Waits until these own every shard together, each its own; for how long it took.
    async fn shared(&self, replicas: &[&dyn Held]) -> Duration {
        let began = self.world.now();
        for _ in 0..20_000 {
            let owners: Vec<_> = Shard::all().map(|shard| owners_of(replicas, shard)).collect();
            assert!(owners.iter().all(|owners| owners.len() <= 1), "a shard has two owners");
            if owners.iter().all(|owners| owners.len() == 1) {
                return began.until(self.world.now());
            }
            self.world.after(Duration::from_millis(5)).await;
        }
        panic!("the shards are not shared");
    }
}

fn owners_of(replicas: &[&dyn Held], shard: Shard) -> Vec<usize> {
    (0..replicas.len()).filter(|index| replicas[*index].epoch(shard).is_some()).collect()
}

fn owned(replica: &dyn Held) -> BTreeMap<Shard, Epoch> {
    Shard::all().filter_map(|shard| Some((shard, replica.epoch(shard)?))).collect()
}

#[tokio::test(start_paused = true)]
async fn one_replica_owns_everything_and_has_raised_the_barriers() {
    let scene = Scene::new();
    let replica = scene.join().await;
    scene.shared(&[&*replica]).await;
    for (shard, epoch) in owned(&*replica) {
        assert_eq!(scene.store.barrier(shard).await.unwrap(), epoch);
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_share_and_keep_their_shares() {
    let scene = Scene::new();
    let replicas = [scene.join().await, scene.join().await, scene.join().await];
    let all: Vec<&dyn Held> = replicas.iter().map(|one| &**one).collect();
    // Those who came first had more for a moment.
    scene.world.after(TTL).await;
    scene.shared(&all).await;
    let before: Vec<_> = all.iter().map(|one| owned(*one)).collect();
    assert!(before.iter().all(|shards| shards.len() > 8), "{before:?}");
    scene.world.after(TTL * 20).await;
    assert_eq!(all.iter().map(|one| owned(*one)).collect::<Vec<_>>(), before, "renewed, never taken anew");
    let owners = scene.lease().owners().await.unwrap();
    assert_eq!(owners.iter().map(|owner| owner.shards.len()).sum::<usize>(), 64);
    assert_eq!(owners.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leaves_is_followed_at_once_and_under_higher_epochs() {
    let scene = Scene::new();
    let (first, second) = (scene.join().await, scene.join().await);
    scene.world.after(TTL).await;
    scene.shared(&[&*first, &*second]).await;
    let before = owned(&*first);
    first.leave().await;
    assert!(owned(&*first).is_empty(), "nothing is done any more by one who left");
    let took = scene.shared(&[&*second]).await;
    assert!(took < TTL / 2, "{took:?}: it had not to wait for the end of a lease");
    let after = owned(&*second);
    assert!(before.iter().all(|(shard, epoch)| after[shard] > *epoch));
}

#[tokio::test(start_paused = true)]
async fn one_that_falls_silent_is_followed_when_its_time_is_over() {
    let scene = Scene::new();
    // It sits, owns everything, and is never heard of again.
    let ghost =
        Person { id: "ghost".to_owned(), unreachable: BTreeSet::new(), holder: Holder::here("reconcile") };
    let redlock = scene.world.redlock(&ghost.text());
    let resources: Vec<_> = Shard::all().map(resource).chain([seats::all().remove(3)]).collect();
    let held = redlock.acquire(&resources, Hint::LOWEST).await;
    assert!(held.iter().all(|one| matches!(one, super::super::redlock::Acquired::Held(_))));
    let died = scene.world.now();
    let replica = scene.join().await;
    scene.world.after(TTL / 2).await;
    let mine = owned(&*replica).len();
    assert_eq!(mine, 0, "the dead one's time is not over");
    scene.shared(&[&*replica]).await;
    let took = died.until(scene.world.now());
    assert!(took <= TTL + Duration::from_millis(300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_leaves_the_work_to_the_service() {
    let scene = Scene::new();
    let replica = scene.join().await;
    scene.shared(&[&*replica]).await;
    let Acquired::Busy(Some(holder)) = scene.lease().acquire("apply").await.unwrap() else {
        panic!("the service is there");
    };
    assert_eq!(holder.command, "reconcile");
    replica.leave().await;
    assert!(matches!(scene.lease().acquire("apply").await.unwrap(), Acquired::Ours(_)));
}

#[tokio::test(start_paused = true)]
async fn a_shard_in_which_somebody_newer_was_is_taken_anew_above_them() {
    let scene = Scene::new();
    let replica = scene.join().await;
    scene.shared(&[&*replica]).await;
    let shard = Shard::numbered(7).unwrap();
    scene.store.fence(Fence { shard, epoch: Epoch(500) }).await.unwrap();
    assert!(replica.fenced(shard, Epoch(500)), "it goes on with the others");
    assert_eq!(replica.epoch(shard), None);
    scene.shared(&[&*replica]).await;
    let epoch = replica.epoch(shard);
    assert!(epoch > Some(Epoch(500)));
    assert!(replica.fenced(shard, Epoch(500)), "what was refused before is told late");
    assert_eq!(replica.epoch(shard), epoch);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_cannot_reach_a_cluster_hands_its_shards_over() {
    let scene = Scene::new();
    let (first, second) = (scene.join().await, scene.join().await);
    scene.world.after(TTL).await;
    scene.shared(&[&*first, &*second]).await;
    let tokyo: Name = "tokyo".parse().unwrap();
    let needs: Needs = Shard::all().map(|shard| (shard, BTreeSet::from([tokyo.clone()]))).collect();
    second.reaches(BTreeSet::new(), needs.clone());
    first.reaches(BTreeSet::from([tokyo]), needs.clone());
    scene.world.after(TTL).await;
    scene.shared(&[&*second]).await;
    assert!(owned(&*first).is_empty());
    first.reaches(BTreeSet::new(), needs);
    scene.world.after(TTL).await;
    scene.shared(&[&*first, &*second]).await;
    assert!(!owned(&*first).is_empty(), "what can be reached again is shared again");
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_held_up_does_nothing_after_its_time() {
    let scene = Scene::new();
    let replica = scene.join().await;
    scene.shared(&[&*replica]).await;
    scene.world.hold_up(TTL);
    assert_eq!(owned(&*replica), BTreeMap::new());
    let _: Moment = scene.world.now();
}
