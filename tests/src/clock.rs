//! The wall clock of one server, moved while it runs. Its monotonic clock, and everybody else's, are untouched.
//!
//! The server runs with a shim preloaded (`tests/shim/clock.c`) that adds an offset which it reads from a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable by which the shim finds the file.
pub const VARIABLE: &str = "WINDLASS_TEST_CLOCK";

/// The offset of a server's wall clock.
#[derive(Debug)]
pub struct Clock {
    path: PathBuf,
    file: File,
}

impl Clock {
    /// A clock that shows the true time, by a file in `folder`.
    pub fn new(folder: &Path) -> Self {
        let path = folder.join("clock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let clock = Self { path, file: file.expect("writable") };
        clock.show_true_time();
        clock
    }

    /// The file, for the shim.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the clock forward, at once.
    pub fn forward(&self, by: Duration) {
        self.set(self.offset() + nanoseconds(by));
    }

    /// Moves the clock back, at once.
    pub fn back(&self, by: Duration) {
        self.set(self.offset() - nanoseconds(by));
    }

    /// Ends all jumps.
    pub fn show_true_time(&self) {
        self.set(0);
    }

    fn offset(&self) -> i64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0).expect("it holds eight bytes");
        i64::from_ne_bytes(bytes)
    }

    fn set(&self, offset: i64) {
        self.file.write_all_at(&offset.to_ne_bytes(), 0).expect("writable");
    }
}

fn nanoseconds(of: Duration) -> i64 {
    i64::try_from(of.as_nanos()).expect("a jump is shorter than centuries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_add_up_and_end() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(folder.path());
        clock.forward(Duration::from_secs(3600));
        clock.back(Duration::from_secs(7200));
        assert_eq!(clock.offset(), -3_600_000_000_000);
        clock.show_true_time();
        assert_eq!(clock.offset(), 0);
    }
}
