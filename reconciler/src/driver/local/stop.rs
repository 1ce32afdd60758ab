//! Asks an attempt to end, for ever. The asking is durable; the ending is its supervisor's work.

use std::io;

use jiff::Timestamp;
use rustix::process::Signal;
use windlass_compiler::units::Duration;

use super::folder::Folder;
use super::process;
use super::record::{self, Started, Stop};

/// Records that the attempt is to end; a later request may only grant less time. Whether that changed anything.
pub(super) fn record(folder: &Folder, grace: Duration) -> io::Result<bool> {
    let stop = Stop { at: Timestamp::now(), grace };
    if record::write_once(folder, &stop)? {
        return Ok(true);
    }
    let earlier = record::read::<Stop>(folder)?.filter(|earlier| grace < earlier.grace);
    let Some(Stop { at, .. }) = earlier else { return Ok(false) };
    record::write(folder, &Stop { at, grace }).map(|()| true)
}

/// Makes the supervisor look for the request now. It finds it by itself a little later, so failing is no matter.
pub(super) fn wake(folder: &Folder) {
    if let Ok(Some(started)) = record::read::<Started>(folder)
        && started.boot == process::boot_id()
    {
        let _ = started.supervisor.signal(Signal::TERM);
    }
}
