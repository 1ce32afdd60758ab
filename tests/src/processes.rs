//! The processes of one project, found by a mark in their environment, and only these.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that marks every process that a project's commands start.
pub const MARK: &str = "WINDLASS_TEST_MARK";

/// A live process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub pid: i32,
    /// Its command line.
    pub line: String,
    /// The instance that it belongs to, if it is a job's.
    pub instance: Option<String>,
}

impl Found {
    /// Whether it supervises an attempt.
    pub fn is_supervisor(&self) -> bool {
        self.line.contains(" __supervise ")
    }

    /// Sends it a signal. It may be gone already.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// All live processes that carry the mark of the project in `place`.
pub fn marked(place: &Path) -> Vec<Found> {
    let mark = format!("{MARK}={}", place.display());
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?, &mark)).collect()
}

fn look(pid: i32, mark: &str) -> Option<Found> {
    let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).ok();
    let environment = read("environ")?;
    let variables = || environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    if !variables().any(|variable| variable == mark) {
        return None;
    }
    let instance =
        variables().find_map(|variable| variable.strip_prefix("WINDLASS_INSTANCE=").map(str::to_owned));
    let line = String::from_utf8_lossy(&read("cmdline")?).replace('\0', " ");
    Some(Found { pid, line, instance })
}
