//! One name, one object, one start.

use windlass::driver::{Driver, Output};
use windlass_core::action::{Action, Outcome};
use windlass_core::id::{ExternalName, Generation, Uid};
use windlass_core::observed::{Observation, Phase};

use crate::world::{World, done, seconds};

#[tokio::test]
async fn a_name_is_given_once() {
    let world = World::new();
    assert_eq!(world.local.list().await, Ok(Vec::new()));
    let first = world.created("a.b", world.shell("true")).await;
    assert_eq!(first.phase, Phase::Suspended);
    assert_eq!(world.created("a.b", world.shell("false")).await, first);
    let mut other = world.create("a.b", world.shell("true"));
    other.label.generation = Generation(2);
    let outcome = world.local.perform(&Action::Create(Box::new(other))).await;
    assert_eq!(outcome, Outcome::Foreign(first.clone()));
    assert_eq!(world.local.list().await, Ok(vec![first]));
}

#[tokio::test]
async fn what_is_absent_is_said_to_be() {
    let world = World::new();
    let name = ExternalName::reported("a.b-1");
    assert_eq!(world.local.observe(&name).await, Ok(None));
    let stop = Action::Stop { name: name.clone(), uid: None, grace: seconds(1) };
    assert_eq!(world.local.perform(&stop).await, Outcome::Gone);
    let activate = Action::Activate { name: name.clone(), uid: Uid("1".into()) };
    assert_eq!(world.local.perform(&activate).await, Outcome::Gone);
    assert_eq!(world.local.observe(&ExternalName::reported("../a")).await, Ok(None));
    assert_eq!(world.local.output(&name, 0, 10).await, Ok(Output::default()));
}

#[tokio::test]
async fn attempts_are_listed_by_name() {
    let world = World::new();
    for instance in ["a.z", "a.b@2026-11-22T02:00Z", "a.b", "a.c"] {
        world.created(instance, world.shell("true")).await;
    }
    let listed = world.another().list().await.expect("readable");
    let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a.b-1", "a.b-20261122T020000Z-1", "a.c-1", "a.z-1"]);
}

#[tokio::test]
async fn an_ended_attempt_that_is_made_anew_is_listed_as_what_it_is() {
    let world = World::new();
    world.end_of(world.shell("true")).await;
    let first = world.local.list().await.expect("readable");
    assert!(matches!(first[..], [Observation { phase: Phase::Ended { .. }, .. }]));
    assert_eq!(world.local.list().await, Ok(first.clone()));
    std::fs::remove_dir_all(world.folder(&first[0].name)).expect("ours");
    assert_eq!(world.local.list().await, Ok(Vec::new()));
    let second = world.created("a.b", world.shell("true")).await;
    assert_eq!(world.local.list().await, Ok(vec![second]));
}

#[tokio::test]
async fn only_the_recorded_uid_is_activated_or_stopped() {
    let world = World::new();
    let created = world.created("a.b", world.shell("echo >> starts")).await;
    let other = Observation { uid: Uid("0".into()), ..created.clone() };
    assert_eq!(world.activate(&other).await, Outcome::Foreign(created.clone()));
    assert_eq!(world.stop(&other, seconds(1)).await, Outcome::Foreign(created.clone()));
    assert_eq!(world.seen(&created).await, created);
    assert!(!world.file("starts").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_activations_is_one_start() {
    let world = World::new();
    let created = world.created("a.b", world.shell("echo $$ >> starts; exec sleep 1000")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for other in (0..20).map(|_| world.another()) {
        let activate = Action::Activate { name: created.name.clone(), uid: created.uid.clone() };
        tasks.spawn(async move { other.perform(&activate).await });
    }
    for outcome in tasks.join_all().await {
        done(outcome);
    }
    world.lines("starts", 1).await;
    done(world.activate(&created).await);
    world.over(&created).await;
    done(world.activate(&created).await);
    assert_eq!(world.lines("starts", 1).await.len(), 1);
}
