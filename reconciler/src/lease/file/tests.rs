//! One owner at a time, named, and gone with its process.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::store::memory::Memory;

/// Two handles to one lease, as two processes have them.
fn two() -> (FileLease, FileLease, TempDir) {
    let folder = TempDir::new().unwrap();
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let lease = || FileLease::new(&folder.path().join("lease"), Arc::clone(&store));
    (lease(), lease(), folder)
}

async fn ours(lease: &FileLease, command: &str) -> Box<dyn Held> {
    match lease.acquire(command).await.unwrap() {
        Acquired::Ours(held) => held,
        Acquired::Busy(holder) => panic!("busy: {holder:?}"),
    }
}

async fn busy(lease: &FileLease) -> Option<Holder> {
    match lease.acquire("second").await.unwrap() {
        Acquired::Ours(_) => panic!("acquired twice"),
        Acquired::Busy(holder) => holder,
    }
}

#[tokio::test]
async fn one_holder_at_a_time() {
    let (one, two, _folder) = two();
    let held = ours(&one, "apply").await;
    assert_eq!(busy(&two).await.unwrap().command, "apply");
    assert_eq!(busy(&one).await.unwrap().command, "apply");
    drop(held);
    ours(&two, "reconcile").await;
}

#[tokio::test]
async fn the_holder_is_named() {
    let (one, two, _folder) = two();
    assert_eq!(two.holder().await.unwrap(), None);
    let held = ours(&one, "reconcile").await;
    let holder = two.holder().await.unwrap().unwrap();
    assert_eq!((holder.pid, &*holder.command), (std::process::id(), "reconcile"));
    assert!(!holder.host.is_empty() && holder.since > 0);
    drop(held);
    assert_eq!(two.holder().await.unwrap(), None);
    assert_eq!(one.holder().await.unwrap(), None);
}

#[tokio::test]
async fn each_holder_has_a_higher_epoch() {
    let (one, two, _folder) = two();
    let mut last = Epoch(0);
    for lease in [&one, &two, &one, &one] {
        let epoch = ours(lease, "apply").await.epoch(Shard::all().next().unwrap()).unwrap();
        assert!(epoch > last);
        last = epoch;
    }
}

#[tokio::test]
async fn a_shorter_name_leaves_nothing_of_a_longer_one() {
    let (one, two, _folder) = two();
    drop(ours(&one, &"long".repeat(100)).await);
    let _held = ours(&one, "x").await;
    assert_eq!(two.holder().await.unwrap().unwrap().command, "x");
}

#[tokio::test]
async fn a_name_that_was_left_behind_is_not_believed() {
    let (one, _, folder) = two();
    let left = serde_json::to_vec(&Holder::here("killed")).unwrap();
    fs::write(folder.path().join("lease.holder"), left).unwrap();
    assert_eq!(one.holder().await.unwrap(), None);
    ours(&one, "apply").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_never_makes_an_acquisition_fail() {
    let (one, two, _folder) = two();
    let asking = tokio::spawn(async move {
        for _ in 0..300 {
            two.holder().await.unwrap();
        }
    });
    while !asking.is_finished() {
        drop(ours(&one, "apply").await);
    }
    asking.await.unwrap();
}

#[tokio::test]
async fn a_lock_file_that_was_removed_locks_nobody_out() {
    let (one, two, folder) = two();
    drop(ours(&one, "apply").await);
    fs::remove_file(folder.path().join("lease")).unwrap();
    let _held = ours(&one, "apply").await;
    assert!(busy(&two).await.is_some());
}

#[tokio::test]
async fn a_folder_that_is_missing_is_an_error() {
    let lease = FileLease::new(Path::new("/nowhere/at/all/lease"), Arc::new(Memory::new()));
    let error = lease.acquire("apply").await.err().unwrap().to_string();
    assert!(error.starts_with("the lease /nowhere/at/all/lease cannot be acquired: "), "{error}");
    assert_eq!(lease.holder().await.unwrap(), None);
}

/// Says where the process below finds the lease.
const FOLDER: &str = "WINDLASS_TEST_LEASE_FOLDER";

#[tokio::test]
async fn a_holder_that_is_killed_gives_the_lease_back() {
    let (lease, _, folder) = two();
    let mut child = holding(folder.path());
    assert_eq!(busy(&lease).await.unwrap().pid, child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lease.holder().await.unwrap(), None);
    ours(&lease, "apply").await;
}

/// A process that holds the lease when this returns.
fn holding(folder: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "lease::file::tests::hold_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));
    child
}

#[tokio::test]
#[ignore = "the other process of a test above"]
#[expect(clippy::print_stdout, reason = "tells the test that started it")]
async fn hold_until_killed() {
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let lease = FileLease::new(&folder.join("lease"), Arc::new(Memory::new()));
    let _held = ours(&lease, "child").await;
    println!("held");
    // Ends as well when the test that started it is gone.
    let _ = io::stdin().read(&mut [0]);
}
