//! Processes of this host, as `/proc` shows them. A process id is never trusted without its start time.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process, and no later one that gets its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Its id.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        Entry::read(pid.as_raw_nonzero().get()).map(|entry| entry.identity)
    }

    /// Whether it is alive; a zombie is not.
    pub(super) fn is_alive(self) -> bool {
        Entry::read(self.pid).is_some_and(|entry| entry.identity == self && !entry.is_dead)
    }

    /// Sends it a signal; never to another process that got its id. It is no error if it is gone.
    pub(super) fn signal(self, signal: Signal) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        // The handle is taken first: what it refers to is then checked, and cannot change any more.
        let handle = pidfd_open(pid, PidfdFlags::empty());
        if !self.is_alive() {
            return Ok(());
        }
        let sent = match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            Err(Errno::NOSYS) => kill_process(pid, signal),
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A line of the process table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The process.
    pub identity: Identity,
    /// The id of its process group.
    pub group: i32,
    parent: i32,
    is_dead: bool,
}

impl Entry {
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold anything, brackets and spaces included; the last bracket closes it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            identity: Identity { pid, start: fields.get(19)?.parse().ok()? },
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            is_dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }
}

/// The process table; processes that end meanwhile may be missing.
fn table() -> Vec<Entry> {
    pids().into_iter().filter_map(Entry::read).collect()
}

fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Everything alive that descends from a process, nearest first.
pub(super) fn descendants(ancestor: Pid) -> Vec<Entry> {
    let table = table();
    let mut found = Vec::new();
    let mut parents = vec![ancestor.as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for child in table.iter().filter(|entry| entry.parent == parent) {
            parents.push(child.identity.pid);
            if !child.is_dead {
                found.push(*child);
            }
        }
    }
    found
}

/// Every other process that has the file at `path` open, or the variable `variable` in its environment.
pub(super) fn marked(path: &Path, variable: &str) -> Vec<Identity> {
    let file = fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let others = pids().into_iter().filter(|pid| *pid != own);
    let ours = others.filter(|pid| file.is_some_and(|file| holds(*pid, file)) || inherits(*pid, variable));
    ours.filter_map(Entry::read).filter(|entry| !entry.is_dead).map(|entry| entry.identity).collect()
}

fn holds(pid: i32, file: (u64, u64)) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::metadata(entry.path()).ok())
        .any(|metadata| (metadata.dev(), metadata.ino()) == file)
}

/// Whether another process has a file open that was deleted together with a folder that fits.
pub(super) fn is_any_left(fits: impl Fn(&Path) -> bool) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let others = pids().into_iter().filter(|pid| *pid != own);
    others.flat_map(deleted).any(|file| file.parent().is_some_and(&fits))
}

/// The files that a process has open although they were deleted.
fn deleted(pid: i32) -> Vec<PathBuf> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_suffix(" (deleted)").map(PathBuf::from)).collect()
}

fn inherits(pid: i32, variable: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|variables| variables.split(|byte| *byte == 0).any(|one| one == variable.as_bytes()))
}

/// Names this boot of the host: process ids and locks of another boot mean nothing.
pub(super) fn boot_id() -> String {
    #[cfg(feature = "faults")]
    if let Ok(pretended) = std::env::var("WINDLASS_FAULT_BOOT_ID") {
        return pretended;
    }
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// Processor time, in milliseconds, of all children of this process that were waited for, and of theirs.
pub(super) fn cpu_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(')') else { return 0 };
    let ticks: u64 = fields.split_ascii_whitespace().skip(13).take(2).flat_map(str::parse::<u64>).sum();
    ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)
}

/// The most memory that a process has held so far, in KiB, if it is alive.
pub(super) fn peak_kib(pid: Pid) -> Option<u64> {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_id() {
        let own = Identity::of(rustix::process::getpid()).expect("this process is alive");
        assert!(own.is_alive());
        let other = Identity { start: own.start + 1, ..own };
        assert!(!other.is_alive());
        other.signal(Signal::KILL).expect("nothing is sent");
    }
}
