//! Where a store lies, and what its troubles are called: turns SQLite's errors into ours, with what a person can
//! do about them. Knows no table.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rusqlite::ErrorCode;
use rustix::fs::Access;
use rustix::io::Errno;
use windlass_core::id::OpId;

use super::super::Error;

/// A short read: the file is shorter than it says itself.
const SHORT_READ: i32 = 522;

/// A store's place.
#[derive(Debug)]
pub(super) struct Site {
    /// The database.
    pub(super) database: PathBuf,
    /// The marker beside it, with the lineage of the store that was initialised here.
    pub(super) marker: PathBuf,
    /// Device and inode of the database that was opened.
    file: OnceLock<(u64, u64)>,
}

impl Site {
    pub(super) fn new(database: &Path) -> Self {
        let marker = database.with_extension("id");
        Self { database: database.to_owned(), marker, file: OnceLock::new() }
    }

    /// The folder of database and marker.
    pub(super) fn folder(&self) -> &Path {
        match self.database.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// The name of the write-ahead log, in the same folder.
    pub(super) fn log(&self) -> OsString {
        let mut name = self.database.file_name().unwrap_or_default().to_owned();
        name.push("-wal");
        name
    }

    /// Remembers which file was opened.
    pub(super) fn settle(&self) {
        if let Some(file) = self.present() {
            let _ = self.file.set(file);
        }
    }

    /// Refuses when the file that was opened is no longer the one at its path: what is written to a deleted file
    /// is lost with the process.
    pub(super) fn unmoved(&self) -> Result<(), Error> {
        match (self.file.get(), self.present()) {
            (None, _) => Ok(()),
            (Some(opened), Some(present)) if *opened == present => Ok(()),
            (Some(_), Some(_)) => Err(self.refused("the file was replaced while it was in use: start again")),
            (Some(_), None) => Err(self.refused("the file was removed while it was in use: restore it")),
        }
    }

    fn present(&self) -> Option<(u64, u64)> {
        fs::metadata(&self.database).ok().map(|found| (found.dev(), found.ino()))
    }

    pub(super) fn refused(&self, reason: impl Into<String>) -> Error {
        Error::Refused { store: self.name(), reason: reason.into() }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> Error {
        Error::Unavailable { store: self.name(), reason: reason.into() }
    }

    pub(super) fn read_only(&self, reason: impl Into<String>) -> Error {
        Error::ReadOnly { store: self.name(), reason: reason.into() }
    }

    pub(super) fn unknown(&self, op: OpId, reason: impl Into<String>) -> Error {
        Error::Unknown { store: self.name(), op, reason: reason.into() }
    }

    fn name(&self) -> String {
        self.database.display().to_string()
    }

    /// What a failed statement means.
    pub(super) fn failed(&self, error: &rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            _ if extended(error) == Some(SHORT_READ) => self.damaged(error),
            Some(
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed,
            ) => self.unavailable("it is busy: another process keeps writing; try again"),
            Some(ErrorCode::DiskFull) => self.full(),
            // Where it is not the database itself that has no room, SQLite does not say why.
            Some(ErrorCode::SystemIoFailure) if self.has_no_room() => self.full(),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => self.read_only(error.to_string()),
            Some(ErrorCode::CannotOpen) => self.not_opened(error),
            Some(ErrorCode::DatabaseCorrupt) => self.damaged(error),
            Some(ErrorCode::NotADatabase) => self.foreign(),
            Some(ErrorCode::SystemIoFailure) => self.unavailable(format!("the disk failed: {error}")),
            Some(ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted) => {
                self.unavailable(error.to_string())
            }
            Some(ErrorCode::TooBig) => self.refused("a record is larger than a database can hold"),
            _ => self.damaged(error),
        }
    }

    /// What a failed COMMIT means: only where SQLite is sure that nothing was made durable do we say so.
    pub(super) fn commit_failed(&self, op: OpId, error: &rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::ReadOnly) => self.failed(error),
            _ => self.unknown(op, error.to_string()),
        }
    }

    /// What a failed call of the operating system means.
    pub(super) fn denied(&self, what: &str, error: &io::Error) -> Error {
        Error::denied(self.name(), what, error)
    }

    pub(super) fn damaged(&self, error: impl Display) -> Error {
        self.refused(format!("the file is damaged ({error}); {}", self.mend()))
    }

    /// The file holds something else: never ours, or no longer.
    pub(super) fn foreign(&self) -> Error {
        match self.marker.exists() {
            true => self.refused(format!("the file is not what was initialised here; {}", self.mend())),
            false => self.refused("it is no Windlass store: move it away, or keep the store elsewhere"),
        }
    }

    /// How a store that cannot be used any more is mended.
    pub(super) fn mend(&self) -> String {
        format!(
            "restore the folder {} from a copy, or remove both the file and {} to start anew: whatever runs on \
             the clusters is then unknown here, so stop it first",
            self.folder().display(),
            self.marker.display()
        )
    }

    fn full(&self) -> Error {
        self.unavailable("the disk is full")
    }

    fn has_no_room(&self) -> bool {
        rustix::fs::statvfs(self.folder()).is_ok_and(|disk| disk.f_bavail == 0)
    }

    fn not_opened(&self, error: &rusqlite::Error) -> Error {
        match rustix::fs::access(self.folder(), Access::WRITE_OK) {
            Err(denied @ (Errno::ACCESS | Errno::ROFS | Errno::PERM)) => {
                let folder = self.folder().display();
                self.read_only(format!(
                    "the folder {folder} is not writable, which SQLite needs even to read: {denied}"
                ))
            }
            _ => self.unavailable(error.to_string()),
        }
    }
}

fn extended(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    fn kind(error: &Error) -> &'static str {
        match error {
            Error::Unavailable { .. } => "unavailable",
            Error::ReadOnly { .. } => "read-only",
            Error::Refused { .. } => "refused",
            Error::Unknown { .. } => "unknown",
        }
    }

    #[test]
    fn a_commit_that_failed_is_unknown_unless_sqlite_is_sure() {
        let site = Site::new(Path::new("/nowhere/store.db"));
        for (code, statement, commit) in [
            (ffi::SQLITE_BUSY, "unavailable", "unavailable"),
            (ffi::SQLITE_FULL, "unavailable", "unavailable"),
            (ffi::SQLITE_READONLY, "read-only", "read-only"),
            (ffi::SQLITE_IOERR_FSYNC, "unavailable", "unknown"),
            (ffi::SQLITE_IOERR_WRITE, "unavailable", "unknown"),
            (ffi::SQLITE_IOERR_SHORT_READ, "refused", "unknown"),
            (ffi::SQLITE_NOMEM, "unavailable", "unknown"),
            (ffi::SQLITE_CORRUPT, "refused", "unknown"),
            (ffi::SQLITE_NOTADB, "refused", "unknown"),
            (ffi::SQLITE_CANTOPEN, "unavailable", "unknown"),
            (ffi::SQLITE_PERM, "read-only", "unknown"),
        ] {
            assert_eq!(kind(&site.failed(&sqlite(code))), statement, "{code}");
            assert_eq!(kind(&site.commit_failed(OpId(1), &sqlite(code))), commit, "{code}");
        }
    }
}
