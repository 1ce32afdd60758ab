//! Folders that are deleted, replaced, damaged or in the way.

use std::fs;

use windlass::driver::Driver;
use windlass_core::action::{Action, Outcome};
use windlass_core::observed::Phase;

use crate::world::{World, done, seconds};

#[tokio::test]
async fn a_folder_that_is_deleted_takes_its_processes_with_it() {
    let world = World::new();
    let running = world.running("sleep 1000 & exec sleep 1000").await;
    fs::remove_dir_all(world.folder(&running.name)).expect("ours");
    world.nothing_is_left().await;
    assert_eq!(world.local.observe(&running.name).await, Ok(None));
}

#[tokio::test]
async fn a_folder_that_is_replaced_is_another_attempt() {
    let world = World::new();
    let running = world.running("exec sleep 1000").await;
    fs::rename(world.folder(&running.name), world.file("aside")).expect("ours");
    let anew = world.created("a.b", world.shell("true")).await;
    assert_ne!(anew.uid, running.uid);
    assert_eq!(anew.phase, Phase::Suspended);
    assert_eq!(world.activate(&running).await, Outcome::Foreign(anew));
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_damaged_record_hides_no_other_and_no_live_attempt() {
    let world = World::new();
    let running = world.running("exec sleep 1000").await;
    let other = world.created("a.other", world.shell("true")).await;
    fs::write(world.folder(&other.name).join("attempt.json"), "{").expect("writable");
    assert_eq!(world.local.list().await, Ok(vec![running.clone()]));
    assert!(world.local.observe(&other.name).await.is_err());

    let path = world.folder(&running.name).join("attempt.json");
    let text = fs::read_to_string(&path).expect("readable");
    fs::write(&path, "{").expect("writable");
    assert!(world.local.list().await.is_err());
    fs::write(&path, text).expect("writable");
    world.over(&running).await;
}

#[tokio::test]
async fn a_cluster_that_cannot_be_read_or_written_says_so() {
    let world = World::new();
    fs::write(world.file("cluster"), "").expect("writable");
    assert!(world.local.list().await.is_err());
    let create = Action::Create(Box::new(world.create("a.b", world.shell("true"))));
    assert!(matches!(world.local.perform(&create).await, Outcome::Unknown { .. }));
}

#[tokio::test]
async fn a_supervisor_that_cannot_begin_starts_nothing_and_is_quoted() {
    let world = World::new();
    let created = world.created("a.b", world.shell("echo >> starts")).await;
    // A folder in the way of the lock stands for anything that cannot be written.
    fs::create_dir(world.folder(&created.name).join("supervisor.lock")).expect("writable");
    let Outcome::Unknown { reason } = world.activate(&created).await else { panic!("it cannot have begun") };
    assert!(reason.contains("Is a directory"), "{reason}");
    assert!(!world.file("starts").exists());
    fs::remove_dir(world.folder(&created.name).join("supervisor.lock")).expect("ours");
    done(world.activate(&created).await);
    world.lines("starts", 1).await;
    world.end(&created).await;
    done(world.stop(&created, seconds(1)).await);
    world.nothing_is_left().await;
}
