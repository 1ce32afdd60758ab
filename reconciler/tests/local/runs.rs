//! What a command gets, and how its end is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::io::{FdFlags, fcntl_setfd};
use windlass::driver::Driver;
use windlass_compiler::model::Process;
use windlass_core::observed::{End, Phase};

use crate::world::{World, failed, millis};

#[tokio::test]
async fn a_command_runs_and_its_end_is_kept() {
    let world = World::new();
    assert_eq!(world.end_of(world.shell("exit 0")).await, End::Succeeded);
    let [found] = &world.another().list().await.expect("readable")[..] else { panic!("one attempt") };
    assert!(matches!(found.phase, Phase::Ended { started: Some(_), end: End::Succeeded, .. }));
}

#[tokio::test]
async fn every_way_to_fail_is_told() {
    let cases: [(&[&str], &str); 5] = [
        (&["sh", "-c", "exit 3"], "exit status 3"),
        (&["sh", "-c", "kill -9 $$"], "killed by SIGKILL"),
        (&["no-such-command"], "command `no-such-command` not found"),
        (&["./plain"], "command `./plain` may not be executed"),
        (&["./orphan"], "command `./orphan` cannot be run: the interpreter that it names does not exist"),
    ];
    for (line, reason) in cases {
        let world = World::new();
        fs::write(world.file("plain"), "").expect("writable");
        fs::write(world.file("orphan"), "#!/no/such/interpreter\n").expect("writable");
        fs::set_permissions(world.file("orphan"), fs::Permissions::from_mode(0o755)).expect("ours");
        let command = line.iter().map(|part| (*part).to_owned()).collect();
        assert_eq!(world.end_of(Process { command, ..world.shell("") }).await, failed(reason));
    }
}

#[tokio::test]
async fn missing_folders_and_inputs_are_told() {
    let world = World::new();
    let process = Process { dir: "nowhere".into(), ..world.shell("true") };
    let reason = format!("its folder `{}` does not exist", world.file("nowhere").display());
    assert_eq!(world.end_of(process).await, failed(&reason));
    let world = World::new();
    let process = Process { stdin: Some("nothing".into()), ..world.shell("true") };
    let reason = format!("its standard input `{}` does not exist", world.file("nothing").display());
    assert_eq!(world.end_of(process).await, failed(&reason));
}

#[tokio::test]
async fn a_command_gets_its_folder_input_and_identity_and_nothing_else() {
    let world = World::new();
    let stray = fs::File::open("/dev/null").expect("readable");
    fcntl_setfd(&stray, FdFlags::empty()).expect("open");
    fs::create_dir(world.file("sub")).expect("writable");
    fs::write(world.file("input"), "line\n").expect("writable");
    let script = "pwd; cat; echo $WINDLASS_PROJECT $WINDLASS_PIPELINE $WINDLASS_JOB $WINDLASS_INSTANCE \
        $WINDLASS_ATTEMPT $WINDLASS_GENERATION $WINDLASS_RUN_TIME; echo bad >&2; ls /proc/self/fd | wc -l";
    let process = Process { dir: "sub".into(), stdin: Some("input".into()), ..world.shell(script) };
    let created = world.created("a.b@2026-11-22T02:00Z", process).await;
    world.activate(&created).await;
    assert_eq!(world.end(&created).await, End::Succeeded);
    let output = world.local.output(&created.name, 0, 10_000).await.expect("readable");
    // Five open files: standard input, output and error, the lock, and the folder that `ls` reads.
    let expected = format!(
        "{}\nline\ntest a a.b a.b@2026-11-22T02:00Z 1 1 2026-11-22T02:00:00Z\nbad\n5\n",
        world.file("sub").display()
    );
    assert_eq!(String::from_utf8_lossy(&output.bytes), expected);
    world.nothing_is_left().await;
}

#[tokio::test]
async fn it_counts_as_running_only_after_its_time() {
    let world = World::new();
    let process = Process { ready: millis(300), ..world.shell("exec sleep 1000") };
    let started = world.started(process).await;
    assert_eq!(started.phase, Phase::Starting);
    let running = world.until(&started, |phase| matches!(phase, Phase::Running { .. })).await;
    world.over(&running).await;
}
