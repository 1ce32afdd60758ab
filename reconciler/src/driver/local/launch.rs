//! Starts a supervisor, which outlives whoever starts it.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use tokio::process::Command;

pub(super) use tokio::process::Child;
use windlass_core::id::Uid;

use super::folder::Folder;

/// What a supervisor says when it fails, for people.
const LOG: &str = "supervisor.log";
/// How long a supervisor may take until it has said something in the folder.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts a supervisor for the attempt in `folder`, in no terminal's and no parent's way.
pub(super) fn supervisor(line: &[OsString], folder: &Folder, uid: &Uid) -> io::Result<Child> {
    let (program, arguments) = line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
    let log = folder.file(LOG, flags)?.ok_or(io::ErrorKind::NotFound)?;
    // What this process was left open by others (a lock of `flock`, a pipe of `make`) must not stay open for as
    // long as a job runs.
    close_fds::set_fds_cloexec(3, &[]);
    // A child that nobody waits for is reaped by the runtime.
    Command::new(program)
        .args(arguments)
        .arg(folder.path())
        .arg(&uid.0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

/// Waits until `settled` holds, for a bounded time, or until the supervisor has ended.
pub(super) fn settle(child: &mut Child, settled: impl Fn() -> bool) {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    while !settled() && began.elapsed() < PATIENCE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The last thing that a supervisor complained about.
pub(super) fn complaint(folder: &Folder) -> Option<String> {
    const TAIL: u64 = 4096;
    let mut file = folder.file(LOG, OFlags::RDONLY).ok()??;
    let length = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail).into_owned();
    tail.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}
