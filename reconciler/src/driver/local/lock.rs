//! Lock files: held by whoever is alive, dropped by the operating system when it dies.
//!
//! `supervisor.lock` is held by the supervisor itself. `processes.lock` is held by the command and everything
//! that it starts, through the open file that they inherit, so it tells whether anything is alive even after
//! the supervisor was killed.

use std::fs::File;
use std::io;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::folder::Folder;

/// Held by an attempt's supervisor.
pub(super) const SUPERVISOR: &str = "supervisor.lock";
/// Held by an attempt's processes.
pub(super) const PROCESSES: &str = "processes.lock";

/// Takes a lock for as long as the file stays open; `None` if somebody else has it.
pub(super) fn hold(folder: &Folder, name: &str) -> io::Result<Option<File>> {
    let Some(file) = folder.file(name, OFlags::RDWR | OFlags::CREATE)? else {
        return Err(Errno::NOENT.into());
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody holds a lock. Asking takes it shared for an instant, which a holder-to-be has to expect.
pub(super) fn is_held(folder: &Folder, name: &str) -> io::Result<bool> {
    let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(false) };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
