//! Supervisors that are killed, and hosts that are rebooted.

use std::fs;

use windlass_core::observed::{End, Phase};

use crate::world::{World, done, kill, millis, seconds};

#[tokio::test]
async fn an_attempt_without_its_supervisor_is_impaired_and_can_be_stopped() {
    let world = World::new();
    let daemon = "setsid sh -c 'echo $$ >> away; sleep 1000; sleep 1000' &";
    let script = format!("{daemon} trap '' TERM; echo $$ >> pid; while :; do sleep 0.1; done");
    let running = world.running(&script).await;
    world.pid("pid").await;
    world.pid("away").await;
    world.kill_supervisor(&running).await;
    let found = world.seen(&running).await;
    assert!(matches!(found.phase, Phase::Impaired { .. }), "{found:?}");
    assert_eq!(done(world.activate(&running).await), found);
    done(world.stop(&running, millis(300)).await);
    assert_eq!(world.end(&running).await, End::Stopped);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn an_attempt_of_which_nothing_is_left_has_vanished() {
    let world = World::new();
    let running = world.running("echo $$ >> pid; exec sleep 1000").await;
    let pid = world.pid("pid").await;
    world.kill_supervisor(&running).await;
    kill(pid).await;
    let reason = "its supervisor was killed, and nothing of the command is left".to_owned();
    let vanished = Phase::Vanished { reason };
    assert_eq!(world.seen(&running).await.phase, vanished);
    assert_eq!(done(world.activate(&running).await).phase, vanished);
    assert_eq!(done(world.stop(&running, seconds(1)).await).phase, vanished);
    assert_eq!(world.lines("pid", 1).await.len(), 1);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_reboot_is_told_from_a_killed_supervisor() {
    let world = World::new();
    let running = world.running("echo $$ >> pid; exec sleep 1000").await;
    let pid = world.pid("pid").await;
    world.kill_supervisor(&running).await;
    kill(pid).await;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("readable");
    let path = world.folder(&running.name).join("started.json");
    let text = fs::read_to_string(&path).expect("readable").replace(boot.trim(), "another");
    fs::write(&path, text).expect("writable");
    let reason = "the host was rebooted while it ran".to_owned();
    assert_eq!(world.seen(&running).await.phase, Phase::Vanished { reason });
    world.nothing_is_left().await;
}
