//! Supervisors that are killed, and hosts that are rebooted.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_supervisor_that_is_killed_at_any_moment_makes_no_second_start() {
    let world = World::new();
    for number in 0..60_u64 {
        let file = format!("starts-{number}");
        let script = format!("echo $$ >> {file}; exec sleep 1000");
        let created = world.created(&format!("a.b{number}"), world.shell(&script)).await;
        let nemesis = async {
            tokio::time::sleep(Duration::from_micros(number * 211 % 9000)).await;
            for pid in world.supervisors().into_iter().filter_map(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        };
        let _ = tokio::join!(world.activate(&created), nemesis);
        let _ = world.activate(&created).await;
        // A stop is repeated for as long as something is alive: a supervisor may be killed upon the first.
        while !matches!(world.seen(&created).await.phase, Phase::Ended { .. } | Phase::Vanished { .. }) {
            let _ = world.stop(&created, seconds(10)).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(world.sleepers(), Vec::<String>::new(), "attempt {number} has ended and runs");
        let starts = fs::read_to_string(world.file(&file)).unwrap_or_default();
        assert!(starts.lines().count() <= 1, "attempt {number} has started twice");
    }
    world.nothing_is_left().await;
}
