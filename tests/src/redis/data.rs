//! What a server has on disk, and what becomes of it between two of its lives.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::install;
use super::options::Program;

const MANIFEST: &str = "appendonly.aof.manifest";

/// What a server finds when it starts again.
#[derive(Debug, Clone, Copy)]
pub enum Data<'a> {
    /// What it left.
    Kept,
    /// Nothing.
    None,
    /// What was saved before.
    Saved(&'a Saved),
    /// What it left, without the last so many bytes that it appended, or without any if they are fewer.
    Cut(u64),
}

/// A copy of what a server had on disk at one moment.
#[derive(Debug)]
pub struct Saved(TempDir);

impl Saved {
    pub(super) fn of(folder: &Path) -> Self {
        let saved = tempfile::tempdir().expect("a temporary folder");
        copy(folder, saved.path());
        Self(saved)
    }
}

/// Makes `folder` hold what `data` says.
pub(super) fn prepare(folder: &Path, data: Data<'_>) {
    match data {
        Data::Kept => {}
        Data::None => empty(folder),
        Data::Saved(saved) => {
            empty(folder);
            copy(saved.0.path(), folder);
        }
        Data::Cut(bytes) => cut(&tail(folder), bytes),
    }
}

fn empty(folder: &Path) {
    fs::remove_dir_all(folder).expect("ours");
    fs::create_dir(folder).expect("writable");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("writable");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("writable");
        }
    }
}

/// The file that a server appends to: the last incremental one of its manifest.
fn tail(folder: &Path) -> PathBuf {
    let folder = folder.join("appendonlydir");
    let manifest = fs::read_to_string(folder.join(MANIFEST)).expect("the server appends");
    let mut incremental = manifest.lines().filter(|line| line.ends_with("type i"));
    let name = incremental.next_back().and_then(|line| line.split(' ').nth(1)).expect("one is written");
    folder.join(name)
}

fn cut(file: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(file).expect("writable");
    let length = file.metadata().expect("readable").len();
    file.set_len(length.saturating_sub(bytes)).expect("writable");
}

/// Takes away the transaction that a server had not written to its end, as whoever runs it does before it starts again
/// (`docs/operating.md`).
pub(super) fn mend(folder: &Path, program: Program) {
    let manifest = folder.join("appendonlydir").join(MANIFEST);
    if !manifest.exists() {
        return;
    }
    let mut check = Command::new(install::tool(program, "check-aof"));
    check.arg("--fix").arg(manifest).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut check = check.spawn().expect("it is installed");
    let mut answer = check.stdin.take().expect("it is piped");
    // It asks only if there is something to mend.
    let _ = answer.write_all(b"y\n");
    drop(answer);
    let status = check.wait().expect("it is a child");
    assert!(status.success(), "the log cannot be mended: {status}");
}
