//! A lease on one host: a file lock that the system drops when its holder dies. No time-out, no clock.
//!
//! Two files: the lock itself, and beside it the name of its holder, locked as well. Whoever asks who holds the
//! lease tries the second lock only, so a question never makes an acquisition fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use windlass_core::id::Epoch;
use windlass_core::shard::Shard;

use super::{Acquired, Error, Held, Holder, Lease};
use crate::fault;
use crate::store::Store;

/// How often a lock is tried that others hold for an instant only, a millisecond apart.
const TRIES: u32 = 500;

/// The lease.
pub struct FileLease {
    files: Arc<Files>,
    store: Arc<dyn Store>,
}

impl FileLease {
    /// The lease on the file `path`, whose folder exists. Its epochs are those of `store`.
    pub fn new(path: &Path, store: Arc<dyn Store>) -> Self {
        let files = Files { lock: path.to_owned(), holder: path.with_extension("holder") };
        Self { files: Arc::new(files), store }
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let files = Arc::clone(&self.files);
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.map_err(|error| self.failed(&error))?.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &dyn std::error::Error) -> Error {
        Error { lease: self.files.lock.display().to_string(), reason: error.to_string() }
    }
}

#[async_trait]
impl Lease for FileLease {
    async fn acquire(&self, command: &str) -> Result<Acquired, Error> {
        let command = command.to_owned();
        match self.ask(move |files| files.enter(&command)).await? {
            Entry::Busy(holder) => Ok(Acquired::Busy(holder)),
            Entry::Ours(locks) => {
                // Behind the lock: whoever holds it has the highest epoch.
                fault::point("lease.after-lock");
                let epoch = self.store.raise().await.map_err(|error| self.failed(&error))?;
                fault::point("lease.after-raise");
                Ok(Acquired::Ours(Box::new(FileHeld { _locks: locks, epoch })))
            }
        }
    }

    async fn holder(&self) -> Result<Option<Holder>, Error> {
        self.ask(Files::holder).await
    }
}

/// Where the lease lies.
struct Files {
    lock: PathBuf,
    holder: PathBuf,
}

enum Entry {
    Ours(Locks),
    Busy(Option<Holder>),
}

impl Files {
    fn enter(&self, command: &str) -> io::Result<Entry> {
        match self.lock()? {
            // Somebody who holds a lease and cannot be named still holds it.
            None => Ok(Entry::Busy(self.holder().ok().flatten())),
            Some(lock) => {
                let mut holder = open(&self.holder)?;
                patiently(|| try_lock(&holder, FlockOperation::NonBlockingLockExclusive))?;
                holder.set_len(0)?;
                // One write, so that a reader finds the name whole or not at all.
                holder.write_all(&serde_json::to_vec(&Holder::here(command))?)?;
                Ok(Entry::Ours(Locks { holder, _lock: lock }))
            }
        }
    }

    /// The lock, unless somebody has it.
    fn lock(&self) -> io::Result<Option<File>> {
        loop {
            let lock = open(&self.lock)?;
            if !try_lock(&lock, FlockOperation::NonBlockingLockExclusive)? {
                return Ok(None);
            }
            // A file that was removed in between locks nobody out.
            if same(&lock, &self.lock)? {
                return Ok(Some(lock));
            }
        }
    }

    fn holder(&self) -> io::Result<Option<Holder>> {
        let file = match File::open(&self.holder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        for _ in 0..TRIES {
            if try_lock(&file, FlockOperation::NonBlockingLockShared)? {
                return Ok(None);
            }
            if let Ok(holder) = read(&self.holder) {
                return Ok(Some(holder));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(io::Error::other(format!("{} does not say who holds it", self.holder.display())))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read(path: &Path) -> io::Result<Holder> {
    let mut text = Vec::new();
    File::open(path)?.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn try_lock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    match flock(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Tries something that others prevent for an instant only; goes on without it when they are stuck.
fn patiently(attempt: impl Fn() -> io::Result<bool>) -> io::Result<()> {
    for _ in 0..TRIES {
        if attempt()? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn same(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((ours.dev(), ours.ino()) == (found.dev(), found.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Both locks. They end with their files, which no child inherits; the name goes first, then the lock.
struct Locks {
    holder: File,
    _lock: File,
}

impl Drop for Locks {
    fn drop(&mut self) {
        // The lock is what counts: a name that stays behind is not believed without it.
        let _ = self.holder.set_len(0);
    }
}

struct FileHeld {
    _locks: Locks,
    epoch: Epoch,
}

#[async_trait]
impl Held for FileHeld {
    fn epoch(&self, _shard: Shard) -> Option<Epoch> {
        Some(self.epoch)
    }

    fn title(&self) -> String {
        format!("epoch {}", self.epoch)
    }
}

#[cfg(test)]
mod tests;
