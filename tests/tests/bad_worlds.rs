//! Full disks, stores that may not be written, and files that are not what was left there: a clear message and exit
//! code each, no effect that was not recorded, and nothing lost once the world is mended.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use windlass_core::state::Name;
use windlass_tests::project::{patiently, say, until};
use windlass_tests::spec::{Job, batches, mixed};
use windlass_tests::{Done, Project};

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");
/// No file may grow beyond this; what tries is told so, as on a full disk.
const LIMIT: &str = "trap '' XFSZ; ulimit -f 8";

fn applied() -> Project {
    let project = Project::new(BINARY, &mixed());
    project.ok(&["apply"]);
    project
}

/// Fails unless a command failed like this.
#[track_caller]
fn fails(done: &Done, code: i32, words: &[&str]) {
    assert_eq!(done.code, Some(code), "{done}");
    for expected in words {
        assert!(done.err.contains(expected), "`{expected}` is not in {done}");
    }
    assert!(!done.err.contains("panicked"), "{done}");
}

/// Fails unless everything is as it was after the first apply, and works.
fn nothing_is_lost(project: &Project) {
    project.assert_settled(&[]);
    assert_eq!(project.state("p.follow"), Some(Name::Running));
    assert_eq!(project.evidence().starts("p.follow").len(), 1);
    project.ok(&["apply", "-y", "--var=fee=2"]);
    project.assert_settled(&["--var=fee=2"]);
    project.assert_sound();
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
}

#[test]
fn a_store_that_cannot_grow_changes_nothing() {
    let project = applied();
    let before = project.dump();
    for command in [&["apply", "-y", "--var=fee=2"][..], &["stop", "p.follow"], &["run", "p"]] {
        let done = project.spawn_by(LIMIT, command).end();
        fails(&done, 1, &["the store", "what is recorded stays"]);
        assert_eq!(project.dump(), before, "{done}");
    }
    nothing_is_lost(&project);
}

#[test]
fn a_store_that_cannot_be_made_is_made_later() {
    let project = Project::new(BINARY, &mixed());
    let done = project.spawn_by(LIMIT, &["apply"]).end();
    fails(&done, 1, &["the store"]);
    assert_eq!(project.evidence().lines, []);
    project.ok(&["apply"]);
    nothing_is_lost(&project);
}

/// Set in a test that runs in a mount namespace of its own.
const WITHIN: &str = "WINDLASS_TEST_WITHIN";

/// Runs a test, by its name, where it may mount file systems that nobody else sees: in a mount namespace, and where that
/// takes rights that this user has not, in a user namespace as well.
fn where_mounting_is_allowed(test: &str, body: impl FnOnce()) {
    if std::env::var_os(WITHIN).is_some() {
        return body();
    }
    let ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]];
    let is_open = |way: &&&[&str]| {
        let mut tried = Command::new("unshare");
        tried.args(**way).args(["mount", "-t", "tmpfs", "windlass-test", "/mnt"]).stderr(Stdio::null());
        tried.status().is_ok_and(|status| status.success())
    };
    if let Some(way) = ways.iter().find(is_open) {
        let itself = std::env::current_exe().expect("this test");
        let mut within = Command::new("unshare");
        within.args(*way).arg(itself).args(["--exact", test]).env(WITHIN, "1");
        let done = within.output().expect("it could be run just now");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && said.contains("1 passed"), "in its namespace: {said}");
        return;
    }
    let is_root = rustix::process::getuid().is_root();
    assert!(!is_root || std::env::var_os("CI").is_none(), "root cannot mount file systems here");
    say(&format!("{test} was not run: this user may neither mount file systems nor make user namespaces"));
}

/// A small file system of its own for the store of a project.
struct Disk(PathBuf);

impl Disk {
    fn mount(project: &Project) -> Self {
        let place = project.file(".windlass");
        fs::create_dir(&place).expect("writable");
        let options = ["-t", "tmpfs", "-o", "size=2m", "windlass-test"];
        let mounted = Command::new("mount").args(options).arg(&place).status();
        assert!(mounted.expect("it can be run").success());
        Self(place)
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,bind,{how}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(done.expect("it can be run").success());
    }

    /// Takes all room that is left.
    fn fill(&self) {
        let path = self.filler();
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("writable");
        while std::io::Write::write(&mut file, &[0; 512]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("ours");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: processes of the project may still be at home there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    where_mounting_is_allowed("a_full_disk_is_told_and_nothing_is_lost", full_disk);
}

fn full_disk() {
    let project = Project::new(BINARY, &mixed());
    let disk = Disk::mount(&project);
    disk.fill();
    fails(&project.run(&["apply"]), 1, &["disk", "full"]);
    disk.free();
    project.ok(&["apply"]);
    disk.fill();
    fails(&project.run(&["apply", "-y", "--var=fee=2"]), 1, &["the disk is full", "what is recorded stays"]);
    // What the command that failed has given back is room again.
    disk.fill();
    fails(&project.run(&["stop", "p.follow"]), 1, &["the disk is full", "what is recorded stays"]);
    disk.free();
    nothing_is_lost(&project);
}

#[test]
fn a_disk_that_fills_up_under_a_job_keeps_how_it_ended() {
    where_mounting_is_allowed("a_disk_that_fills_up_under_a_job_keeps_how_it_ended", disk_that_fills_up);
}

fn disk_that_fills_up() {
    let project = Project::new(BINARY, &[Job::batch("slow", "slow")]);
    let disk = Disk::mount(&project);
    let apply = project.spawn(&[], &["apply"]);
    until("it is under way", || project.evidence().lines.len() == 1);
    patiently(Duration::from_millis(200), || false);
    disk.fill();
    let done = apply.end();
    assert!(matches!(done.code, Some(0 | 1)), "{done}");
    until("it has ended", || project.evidence().lines.len() == 2);
    disk.free();
    project.ok(&["reconcile", "--once"]);
    assert_eq!(project.state("p.slow"), Some(Name::Succeeded), "{}", project.story());
    assert_eq!(project.evidence().lines.len(), 2);
    project.assert_sound();
}

#[test]
fn a_store_that_may_not_be_written_is_a_matter_of_permission() {
    where_mounting_is_allowed(
        "a_store_that_may_not_be_written_is_a_matter_of_permission",
        store_that_may_not_be_written,
    );
}

fn store_that_may_not_be_written() {
    // No stream: what runs there would keep the file system writable.
    let project = Project::new(BINARY, &batches());
    let disk = Disk::mount(&project);
    project.ok(&["apply"]);
    project.nothing_is_left();
    disk.remount("ro");
    for command in [&["apply", "-y", "--var=fee=2"][..], &["run", "p"], &["destroy", "-y"]] {
        fails(&project.run(command), 8, &["cannot be written"]);
    }
    disk.remount("rw");
    project.assert_settled(&[]);
    project.ok(&["apply", "-y", "--var=fee=2"]);
    assert_eq!(project.evidence().starts_of("p.settle").len(), 2);
    project.assert_sound();
}

/// A store's files, put aside while something else takes their place.
struct Aside(PathBuf);

impl Aside {
    fn put(project: &Project) -> Self {
        let aside = project.file("aside");
        fs::create_dir(&aside).expect("writable");
        copy(&project.file(".windlass"), &aside);
        Self(aside)
    }

    fn back(&self, project: &Project) {
        for extension in ["db", "db-wal", "db-shm", "id"] {
            let _ = fs::remove_file(project.file(".windlass/store").with_extension(extension));
        }
        copy(&self.0, &project.file(".windlass"));
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("readable").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("store.") {
            fs::copy(entry.path(), to.join(name)).expect("writable");
        }
    }
}

#[test]
fn a_store_that_is_not_the_one_that_was_left_is_refused_until_it_is_back() {
    let project = applied();
    let aside = Aside::put(&project);
    let store = project.file(".windlass/store.db");
    let clear = || {
        for extension in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(store.with_extension(extension));
        }
    };
    let damages: [(&str, &dyn Fn()); 5] = [
        ("was emptied", &|| fs::write(&store, "").expect("writable")),
        ("is missing", &|| fs::remove_file(&store).expect("ours")),
        ("is not what was initialised here", &|| fs::write(&store, "a letter").expect("writable")),
        ("is damaged", &|| {
            let file = OpenOptions::new().write(true).open(&store).expect("writable");
            file.set_len(fs::metadata(&store).expect("there").len() / 2 + 100).expect("writable");
        }),
        ("is another store", &|| {
            let other = applied();
            fs::copy(other.file(".windlass/store.db"), &store).expect("writable");
        }),
    ];
    for (expected, damage) in damages {
        clear();
        damage();
        for command in [&["apply"][..], &["stop", "p.follow"], &["destroy", "-y"]] {
            fails(&project.run(command), 1, &["is refused", expected]);
        }
        aside.back(&project);
    }
    nothing_is_lost(&project);
}

#[test]
fn a_spec_that_disappears_does_not_keep_jobs_from_being_stopped() {
    let project = applied();
    fs::write(project.file("windlass.toml"), "version = ").expect("writable");
    let done = project.run(&["apply"]);
    assert_eq!(done.code, Some(1), "{done}");
    project.ok(&["stop", "p.follow"]);
    fs::remove_file(project.file("windlass.toml")).expect("ours");
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
    project.assert_sound();
}

#[test]
fn a_plan_for_one_environment_is_not_applied_for_another() {
    let project = Project::new(BINARY, &batches());
    project.ok(&["plan", "--out", "plan.json"]);
    let done = project.run(&["apply", "plan.json", "-e", "prod"]);
    assert_eq!(done.code, Some(64), "{done}");
    assert!(done.err.contains("the plan was made for no environment, not for prod"), "{done}");
    project.ok(&["apply", "plan.json"]);
}
