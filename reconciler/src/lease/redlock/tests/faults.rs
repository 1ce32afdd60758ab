//! Thirteen faults that other implementations of this lock have or had, each by name.

use super::nodes::TTL;
use super::*;

/// Waits for the slowest node: one that hangs stalls every lock.
#[tokio::test(start_paused = true)]
async fn waiting_for_the_slowest_node() {
    let world = World::new(3);
    world.set(1, Mood::Hangs);
    let redlock = world.redlock("first");
    let before = world.now();
    let tenure = hold(&redlock).await;
    assert_eq!(redlock.renew(&mut [tenure]).await, [Renewal::Renewed]);
    redlock.holders(&[resource("a")]).await;
    assert_eq!(world.now(), before, "nobody waited");
}

/// Connects again under a lock, so that others wait for another node's or resource's connection.
#[tokio::test(start_paused = true)]
async fn one_queue_for_all_resources_and_nodes() {
    let world = World::new(3);
    world.set(0, Mood::Hangs);
    world.set(1, Mood::Hangs);
    let redlock = world.redlock("first");
    let other = redlock.clone();
    let stuck = tokio::spawn(async move { other.acquire(&[resource("b")], Hint::LOWEST).await });
    world.after(Duration::from_millis(100)).await;
    world.set(0, Mood::Well);
    world.set(1, Mood::Well);
    let before = world.now();
    hold(&redlock).await;
    assert_eq!(world.now(), before, "it does not queue behind what is stuck");
    assert!(matches!(stuck.await.unwrap()[0], Acquired::NoMajority(_)));
}

/// Says "too late" and leaves the locks behind.
#[tokio::test(start_paused = true)]
async fn a_late_acquisition_that_is_not_released() {
    let world = World::new(3);
    (0..3).for_each(|node| world.set(node, Mood::Slow(Duration::from_millis(100))));
    let redlock = world.redlock("first");
    let asked = tokio::spawn(async move { acquire(&redlock).await });
    world.after(Duration::from_millis(50)).await;
    world.hold_up(TTL - Duration::from_secs(1));
    assert_eq!(asked.await.unwrap(), Acquired::Late);
    world.settle().await;
    assert!((0..3).all(|node| world.calls(node).contains(&"release 1".to_owned())));
    assert!((0..3).all(|node| world.holder(node, "a").is_none()));
}

/// Throws a healthy lock away because one renewal failed.
#[tokio::test(start_paused = true)]
async fn a_failed_renewal_that_releases() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let mut tenures = [hold(&redlock).await];
    let until = tenures[0].until;
    world.set(0, Mood::Hangs);
    world.set(1, Mood::Fails);
    assert!(matches!(redlock.renew(&mut tenures).await[0], Renewal::Kept(_)));
    assert_eq!(tenures[0].until, until);
    world.set(0, Mood::Well);
    world.set(1, Mood::Well);
    world.settle().await;
    assert!(world.holds(0, &tenures[0]), "nothing was released");
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed]);
    assert!(tenures[0].until > until);
}

/// Believes the first node that answers, and takes an error for "nobody has it".
#[tokio::test(start_paused = true)]
async fn the_first_node_that_answers_decides_who_holds() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    hold(&redlock).await;
    world.settle().await;
    world.empty(0);
    let a = [resource("a")];
    let who = || redlock.holders(&a);
    assert!(matches!(&who().await[..], [Standing::Held(shown)] if shown.holder == "first"));
    world.set(1, Mood::Fails);
    assert!(matches!(who().await[0], Standing::Unknown(_)), "one each: nobody knows");
    world.set(2, Mood::Fails);
    assert!(matches!(who().await[0], Standing::Unknown(_)), "an error is not the word that it is free");
}

/// Any node's error ends the try.
#[tokio::test(start_paused = true)]
async fn one_error_aborts_the_acquisition() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let world = World::new(5);
        world.set(0, mood);
        world.set(3, mood);
        hold(&world.redlock("first")).await;
    }
}

/// Extends only where the lock is: after each node's restart the lease is nearer to its loss.
#[tokio::test(start_paused = true)]
async fn erosion_by_restarts() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let mut tenures = [hold(&redlock).await];
    world.settle().await;
    for node in [0, 1, 2, 0] {
        world.empty(node);
        assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Renewed], "node {node}");
        world.settle().await;
        assert!(world.holds(node, &tenures[0]), "node {node} was healed");
    }
}

/// Heals although no majority holds it: what is lost already is spread.
#[tokio::test(start_paused = true)]
async fn healing_without_a_majority() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let mut tenures = [hold(&redlock).await];
    world.settle().await;
    world.empty(0);
    world.empty(1);
    assert!(matches!(redlock.renew(&mut tenures).await[0], Renewal::Kept(_)));
    world.settle().await;
    assert_eq!((world.holder(0, "a"), world.holder(1, "a")), (None, None));
}

/// Is valid after its end.
#[tokio::test(start_paused = true)]
async fn valid_after_expiry() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let mut tenures = [hold(&redlock).await];
    world.after(TTL).await;
    assert!(!tenures[0].holds(redlock.now()));
    assert_eq!(redlock.renew(&mut tenures).await, [Renewal::Ended], "what has ended is not renewed");
}

/// Does not compute the validity anew, or from the answer: slow answers lengthen it.
#[tokio::test(start_paused = true)]
async fn validity_that_counts_from_the_answer() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let slow = Duration::from_millis(200);
    for node in 0..3 {
        world.set(node, Mood::Slow(slow));
    }
    let asked = world.now();
    let mut tenures = [hold(&redlock).await];
    assert_eq!(world.now(), asked.after(slow * 2), "two rounds");
    assert_eq!(tenures[0].until, redlock.terms().until(asked));
    let asked = world.now();
    redlock.renew(&mut tenures).await;
    assert_eq!(tenures[0].until, redlock.terms().until(asked));
}

/// The holder goes on believing when its renewals fail: two work at once.
#[tokio::test(start_paused = true)]
async fn a_holder_that_outlives_its_lease() {
    let world = World::new(3);
    let (first, second) = (world.redlock("first"), world.redlock("second"));
    let mut tenures = [hold(&first).await];
    let cut_off = World::new(3);
    (0..3).for_each(|node| cut_off.set(node, Mood::Hangs));
    let alone = cut_off.redlock("first");
    let mut renewal = Renewal::Renewed;
    while renewal != Renewal::Ended {
        renewal = alone.renew(&mut tenures).await[0];
        match acquire(&second).await {
            Acquired::Held(_) => assert!(!tenures[0].holds(world.now()), "two hold it"),
            _ => world.after(first.terms().renewal() / 10).await,
        }
    }
    assert!(!tenures[0].holds(world.now()));
}

/// The same process is given the lock a second time, on other nodes.
#[tokio::test(start_paused = true)]
async fn the_same_process_enters_twice() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    world.set(0, Mood::Hangs);
    hold(&redlock).await;
    world.set(0, Mood::Well);
    world.set(1, Mood::Hangs);
    assert!(!matches!(acquire(&redlock).await, Acquired::Held(_)));
    assert_eq!(acquire(&redlock.clone()).await, Acquired::Busy(Some("first".to_owned())));
}

/// Dropping the handle unlocks in the background, at a moment of its own.
#[tokio::test(start_paused = true)]
async fn a_drop_that_unlocks() {
    let world = World::new(3);
    let redlock = world.redlock("first");
    let tenure = hold(&redlock).await;
    drop(tenure.clone());
    drop(redlock);
    world.settle().await;
    assert!(world.holds(0, &tenure), "a tenure is given back by release alone");
}
