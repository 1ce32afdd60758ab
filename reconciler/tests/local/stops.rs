//! Every stop ends, and nothing runs after it.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use windlass::driver::Driver;
use windlass_compiler::model::Process;
use windlass_core::action::Action;
use windlass_core::observed::{End, Phase};

use crate::world::{World, done, failed, millis, seconds};

const STUBBORN: &str = "trap '' TERM; echo >> up; while :; do sleep 0.05; done";
const ORDERLY: &str = "trap 'echo down >> log; exit 0' TERM; echo up >> log; while :; do sleep 0.05; done";

#[tokio::test]
async fn a_stop_before_the_start_is_for_ever() {
    let world = World::new();
    let created = world.created("a.b", world.shell("echo >> starts")).await;
    let stop = Action::Stop { name: created.name.clone(), uid: None, grace: seconds(1) };
    let stopped = done(world.local.perform(&stop).await);
    assert!(matches!(stopped.phase, Phase::Ended { started: None, end: End::Stopped, .. }));
    assert_eq!(done(world.activate(&created).await), stopped);
    assert!(!world.file("starts").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_that_races_a_start_ends_it_for_ever() {
    let world = World::new();
    for number in 0..100 {
        let created = world.created(&format!("a.b{number}"), world.shell("exec sleep 1000")).await;
        let stop = async {
            tokio::time::sleep(Duration::from_micros(number * 97 % 9000)).await;
            done(world.stop(&created, seconds(10)).await)
        };
        let (activated, _) = tokio::join!(world.activate(&created), stop);
        done(activated);
        assert_eq!(world.end(&created).await, End::Stopped);
        assert_eq!(world.sleepers(), Vec::<String>::new(), "attempt {number} has ended and runs");
    }
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_command_that_ignores_term_is_killed_after_its_grace() {
    let world = World::new();
    let running = world.running(STUBBORN).await;
    world.lines("up", 1).await;
    let began = Instant::now();
    done(world.stop(&running, millis(700)).await);
    assert_eq!(world.end(&running).await, End::Stopped);
    assert!(began.elapsed() >= Duration::from_millis(700));
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_second_stop_may_grant_less_time() {
    let world = World::new();
    let running = world.running(STUBBORN).await;
    world.lines("up", 1).await;
    done(world.stop(&running, seconds(100_000)).await);
    done(world.stop(&running, seconds(0)).await);
    assert_eq!(world.end(&running).await, End::Stopped);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_stop_gives_the_command_its_time_to_clean_up() {
    let world = World::new();
    let running = world.running(ORDERLY).await;
    world.lines("log", 1).await;
    done(world.stop(&running, seconds(100)).await);
    assert_eq!(world.end(&running).await, End::Stopped);
    assert_eq!(world.lines("log", 2).await, ["up", "down"]);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_stop_of_what_has_ended_changes_nothing() {
    let world = World::new();
    let started = world.started(world.shell("exit 3")).await;
    assert_eq!(world.end(&started).await, failed("exit status 3"));
    let ended = world.seen(&started).await;
    assert_eq!(done(world.stop(&started, seconds(1)).await), ended);
    assert_eq!(world.seen(&started).await, ended);
}

#[tokio::test]
async fn a_signal_to_the_supervisor_ends_the_command_in_order() {
    let world = World::new();
    let running = world.running(ORDERLY).await;
    world.lines("log", 1).await;
    kill_process(world.supervisor(&running), Signal::TERM).expect("it is alive");
    assert_eq!(world.end(&running).await, failed("its supervisor was ended by SIGTERM"));
    assert_eq!(world.lines("log", 2).await, ["up", "down"]);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn nothing_that_a_command_started_outlives_it() {
    let daemon = "setsid sh -c 'trap \"\" TERM; echo $$ >> pids; exec 9>&-; sleep 1000; sleep 1000' &";
    for (last, end) in [("wait", End::Stopped), ("sleep 0.2; exit 0", End::Succeeded)] {
        let world = World::new();
        let script = format!("sleep 1000 & {daemon} (setsid sleep 1000 &) ; {last}");
        let started = world.started(Process { grace: millis(300), ..world.shell(&script) }).await;
        world.lines("pids", 1).await;
        if end == End::Stopped {
            done(world.stop(&started, millis(300)).await);
        }
        assert_eq!(world.end(&started).await, end);
        assert_eq!(world.sleepers(), Vec::<String>::new());
        world.nothing_is_left().await;
    }
}
