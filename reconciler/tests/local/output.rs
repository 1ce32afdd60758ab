//! What a command prints.

use std::fs;
use std::os::unix::fs::symlink;

use windlass::driver::{Driver, Output};
use windlass_core::id::ExternalName;
use windlass_core::observed::End;

use crate::world::{World, done, failed, kill};

#[tokio::test]
async fn output_is_read_by_offset_while_it_grows() {
    let world = World::new();
    let running = world.running("echo one; echo two >&2; echo >> up; exec sleep 1000").await;
    world.lines("up", 1).await;
    let mut read = Output::default();
    while read.next < 8 {
        let more = world.local.output(&running.name, read.next, 3).await.expect("readable");
        read.bytes.extend(more.bytes);
        read.next = more.next;
    }
    assert_eq!(String::from_utf8_lossy(&read.bytes), "one\ntwo\n");
    world.over(&running).await;
}

#[tokio::test]
async fn output_is_bounded_and_keeps_its_offsets() {
    let world = World::new();
    let script = "head -c 30000000 /dev/zero | tr '\\0' 'x'; echo; echo last";
    assert_eq!(world.end_of(world.shell(script)).await, End::Succeeded);
    let name = ExternalName::reported("a.b-1");
    let first = world.local.output(&name, 0, 100).await.expect("readable");
    assert!(first.dropped >= 30_000_000 - 2 * (8 << 20), "{}", first.dropped);
    assert_eq!(first.next, first.dropped + 100);
    let last = world.local.output(&name, 30_000_000, 100).await.expect("readable");
    assert_eq!(last, Output { bytes: b"\nlast\n".to_vec(), next: 30_000_006, dropped: 0 });
}

#[tokio::test]
async fn a_full_disk_loses_output_and_nothing_else() {
    let world = World::new();
    let created = world.created("a.b", world.shell("echo one; echo two >> file; exit 3")).await;
    // Writing to this device fails like writing to a full disk.
    symlink("/dev/full", world.folder(&created.name).join("output.0.log")).expect("writable");
    done(world.activate(&created).await);
    assert_eq!(world.end(&created).await, failed("exit status 3"));
    assert_eq!(world.lines("file", 1).await, ["two"]);
    world.nothing_is_left().await;
}

/// Prints more than a pipe holds once it is told to, and says that it could.
const PRINTS: &str = "echo >> up; until [ -e go ]; do sleep 0.01; done; \
    head -c 200000 /dev/zero | tr '\\0' 'x' && echo done >> file";

#[tokio::test]
async fn a_command_goes_on_printing_when_its_supervisor_was_killed() {
    let world = World::new();
    let running = world.running(PRINTS).await;
    world.lines("up", 1).await;
    world.kill_supervisor(&running).await;
    fs::write(world.file("go"), "").expect("writable");
    assert_eq!(world.lines("file", 1).await, ["done"]);
    assert_eq!(world.output(&running.name, 200_000).await.len(), 200_000);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_supervisor_keeps_the_output_itself_when_its_recorder_was_killed() {
    let world = World::new();
    let running = world.running(&format!("echo before; {PRINTS}")).await;
    world.lines("up", 1).await;
    world.output(&running.name, 7).await;
    let recorders = world.recorders();
    assert_eq!(recorders.len(), 1);
    kill(recorders[0]).await;
    fs::write(world.file("go"), "").expect("writable");
    assert_eq!(world.end(&running).await, End::Succeeded);
    let output = world.output(&running.name, 200_007).await;
    assert_eq!((&output[..7], output.len()), (&b"before\n"[..], 200_007));
    world.nothing_is_left().await;
}
