//! A turn decides what is due, and leaves nothing undecided.

mod away;
mod world;

use std::sync::Arc;

use std::time::Duration;

use tokio::sync::Notify;
use windlass_compiler::model::{Job, Mode, When};
use windlass_core::operate::Operation;
use windlass_core::sim::random::Random;
use windlass_core::state::State;
use windlass_core::status::Status;

use super::Flow;
use away::Away;
use world::{World, job};

/// So many decisions are taken of an instance at most on its way from one end to the other.
const EACH: u64 = 16;

fn streams(count: usize) -> Vec<Job> {
    (0..count).map(|number| job(&format!("p{}.j{number}", number % 7), Mode::Stream, &[])).collect()
}

/// How many decisions it takes to restart three streams of so many.
async fn decisions(count: usize) -> u64 {
    let mut world = World::new(&streams(count)).await;
    world.rest().await;
    let fleet = world.engine.fleet();
    assert!(fleet.statuses.values().all(|status| matches!(status.state, State::Running { .. })));
    let before = world.engine.decided;
    world.looks().await;
    assert_eq!(world.engine.decided, before, "nothing has happened, and something is decided");
    world.operate(Operation::Restart, &["p0.j0", "p1.j1", "p2.j2"]).await;
    world.rest().await;
    let fleet = world.engine.fleet();
    let restarted = fleet.statuses.values().filter(|status| status.attempt_number().0 == 2);
    assert_eq!(restarted.count(), 3);
    world.engine.decided - before
}

#[tokio::test(start_paused = true)]
async fn a_turn_decides_what_was_touched_however_many_there_are() {
    let (few, many) = (decisions(20).await, decisions(500).await);
    assert!(few <= 3 * EACH && many <= 3 * EACH, "{few} decisions of 20 streams, {many} of 500");
}

/// Batches that wait for each other, one after the other.
fn chain(length: usize) -> Vec<Job> {
    let link = |number: usize| {
        let before = number.checked_sub(1).map(|before| format!("p.j{before:03}"));
        let after: Vec<_> = before.iter().map(|job| (job.as_str(), When::Met)).collect();
        job(&format!("p.j{number:03}"), Mode::Batch, &after)
    };
    (0..length).map(link).collect()
}

#[track_caller]
fn has_ended(world: &World) {
    let fleet = world.engine.fleet();
    assert!(fleet.runs.values().all(|run| run.ended.is_some()), "the chain has not come to its end");
}

#[tokio::test(start_paused = true)]
async fn a_chain_takes_decisions_in_proportion_to_its_length() {
    let mut world = World::new(&chain(100)).await;
    world.rest().await;
    has_ended(&world);
    assert!(world.engine.decided <= 100 * EACH, "{} decisions", world.engine.decided);
}

#[tokio::test(start_paused = true)]
async fn an_engine_on_the_records_of_another_knows_what_waits_for_what() {
    let mut world = World::new(&chain(5)).await;
    world.turn().await;
    let mut world = world.with_another_engine().await;
    world.rest().await;
    has_ended(&world);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_ends_the_turn() {
    let store = Arc::new(Away::default());
    let mut world = World::on(Arc::clone(&store) as _, &streams(500)).await;
    // The clusters have not been heard yet: everything is still to be begun.
    world.turn().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let hint = world.engine.hints.try_recv().ok();
    world.engine.gather(hint);
    store.leave();
    assert!(world.engine.turn().await.is_err());
    let (commits, settles) = store.asked();
    assert!((1..=64).contains(&commits), "{commits} commits");
    assert_eq!(settles, 1);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_to_end_does_not_wait_for_a_store_that_is_away() {
    let store = Arc::new(Away::default());
    let mut world = World::on(Arc::clone(&store) as _, &streams(3)).await;
    world.rest().await;
    store.leave();
    let mut engine = world.engine.enduring(Box::new(|_| {}));
    engine.resync();
    let (nudge, steer) =
        (Notify::new(), |_: &_, idle| if idle { Flow::Done } else { Flow::Finish("a test ends") });
    let ends = engine.run(&nudge, steer);
    tokio::time::timeout(Duration::from_secs(60), ends).await.expect("it ends").expect("it endures");
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_on_a_state_that_is_about_to_change() {
    let (stream, batch) = (job("p.a", Mode::Stream, &[]), job("p.b", Mode::Batch, &[("p.a", When::Met)]));
    let mut world = World::new(std::slice::from_ref(&stream)).await;
    world.rest().await;
    world.engine.hold(Some("a test"));
    world.apply(&[stream, batch]).await;
    world.rest().await;
    world.fail("p.a-1");
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.engine.hold(None);
    world.turn().await;
    let has_begun = |status: &Status| status.instance.run.is_some() && status.attempt.is_some();
    let begun = world.engine.fleet().statuses.values().filter(|status| has_begun(status)).count();
    assert_eq!(begun, 0, "the batch has begun, and the stream has failed");
    world.rest().await;
    has_ended(&world);
}

/// Lets the world do what it will, and shows after every few steps that what was not decided had not to be.
async fn nothing_is_left(seed: u64) {
    let mut random = Random::new(seed);
    let mut world = World::new(&world::jobs(&mut random)).await;
    for step in 0..40 {
        let what = world.happen(&mut random).await;
        world.turn().await;
        if random.chance(400) {
            world.rest().await;
            let left = world.left();
            assert_eq!(left, Vec::<String>::new(), "seed {seed}, step {step}, after {what}");
        }
    }
    world.heal().await;
    assert_eq!(world.left(), Vec::<String>::new(), "seed {seed}, in the end");
    assert_eq!(world.stuck(), Vec::<String>::new(), "seed {seed}, in the end");
}

#[tokio::test(start_paused = true)]
async fn a_turn_leaves_nothing_undecided() {
    for seed in 0..40 {
        nothing_is_left(seed).await;
    }
}
