//! The clocks of one process, moved while it runs; everybody else's are untouched.
//!
//! The process runs with a shim preloaded (`tests/shim/clock.c`) that adds offsets which it reads from a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::redis::clock_shim;

/// The offsets of a process's wall clock and monotonic clock.
#[derive(Debug)]
pub struct Clock {
    path: PathBuf,
    file: File,
}

/// Where the offset of a clock stands in the file.
#[derive(Clone, Copy)]
enum Of {
    Wall = 0,
    Monotonic = 8,
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

    /// What a process has in its environment that goes by this clock.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        [("WINDLASS_TEST_CLOCK", text(&self.path)), ("LD_PRELOAD", text(&clock_shim()))]
    }

    /// Moves the clock forward, at once.
    pub fn forward(&self, by: Duration) {
        self.set(Of::Wall, self.offset(Of::Wall) + nanoseconds(by));
    }

    /// Moves the clock back, at once.
    pub fn back(&self, by: Duration) {
        self.set(Of::Wall, self.offset(Of::Wall) - nanoseconds(by));
    }

    /// Its host has slept for so long: the clock that does not count that is behind by it.
    pub fn slept(&self, by: Duration) {
        self.set(Of::Monotonic, self.offset(Of::Monotonic) - nanoseconds(by));
    }

    /// Ends all jumps.
    pub fn show_true_time(&self) {
        self.set(Of::Wall, 0);
        self.set(Of::Monotonic, 0);
    }

    fn offset(&self, of: Of) -> i64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, of as u64).expect("it was written at first");
        i64::from_ne_bytes(bytes)
    }

    fn set(&self, of: Of, offset: i64) {
        self.file.write_all_at(&offset.to_ne_bytes(), of as u64).expect("writable");
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
        clock.slept(Duration::from_secs(60));
        assert_eq!(clock.offset(Of::Wall), -3_600_000_000_000);
        assert_eq!(clock.offset(Of::Monotonic), -60_000_000_000);
        clock.show_true_time();
        assert_eq!(clock.offset(Of::Wall), 0);
    }
}
