//! Asks an attempt to end, for ever. The asking is durable; the ending is its supervisor's work.

use std::io;

use jiff::Timestamp;
use rustix::process::Signal;
use windlass_compiler::units::Duration;

use super::folder::Folder;
use super::process;
use super::record::{self, Started, Stop};

/// Records that the attempt is to end; a later request may only grant less time.
pub(super) fn record(folder: &Folder, grace: Duration) -> io::Result<()> {
    let stop = Stop { at: Timestamp::now(), grace };
    if record::write_once(folder, &stop)? {
        return Ok(());
    }
    match record::read::<Stop>(folder)? {
        Some(earlier) if grace < earlier.grace => record::write(folder, &Stop { at: earlier.at, grace }),
        _ => Ok(()),
    }
}

/// Makes the supervisor look for the request now. It would find it by itself a little later.
pub(super) fn wake(folder: &Folder) -> io::Result<()> {
    match record::read::<Started>(folder)? {
        Some(started) if started.boot == process::boot_id() => started.supervisor.signal(Signal::TERM),
        _ => Ok(()),
    }
}
