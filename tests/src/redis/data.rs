//! What a server has on disk, and what becomes of it between two of its lives.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

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
    let manifest = fs::read_to_string(folder.join("appendonly.aof.manifest")).expect("the server appends");
    let mut incremental = manifest.lines().filter(|line| line.ends_with("type i"));
    let name = incremental.next_back().and_then(|line| line.split(' ').nth(1)).expect("one is written");
    folder.join(name)
}

fn cut(file: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(file).expect("writable");
    let length = file.metadata().expect("readable").len();
    file.set_len(length.saturating_sub(bytes)).expect("writable");
}
