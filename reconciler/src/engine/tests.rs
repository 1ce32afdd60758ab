//! A turn decides what is due, and leaves nothing undecided.

mod world;

use windlass_compiler::model::{Job, Mode, When};
use windlass_core::operate::Operation;
use windlass_core::sim::random::Random;
use windlass_core::state::State;

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

#[tokio::test(start_paused = true)]
async fn a_chain_takes_decisions_in_proportion_to_its_length() {
    let link = |number: usize| {
        let before = number.checked_sub(1).map(|before| format!("p.j{before:03}"));
        let after: Vec<_> = before.iter().map(|job| (job.as_str(), When::Met)).collect();
        job(&format!("p.j{number:03}"), Mode::Batch, &after)
    };
    let mut world = World::new(&(0..100).map(link).collect::<Vec<_>>()).await;
    world.rest().await;
    let fleet = world.engine.fleet();
    assert!(fleet.runs.values().all(|run| run.ended.is_some()), "the chain has not come to its end");
    assert!(world.engine.decided <= 100 * EACH, "{} decisions", world.engine.decided);
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
