//! Ends what is left of an attempt whose supervisor was killed.
//!
//! Without the supervisor nobody is the parent of what is left. It is found by the lock file that it inherited
//! and by its environment; a process that gave up both is out of reach.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use windlass_core::observed::End;

use crate::driver::local::folder::Folder;
use crate::driver::local::process::{self, Identity};
use crate::driver::local::record::{self, Attempt, Ended, Running, Started, Stop};
use crate::driver::local::{lock, phase};

/// How often it looks what is left.
const AGAIN: Duration = Duration::from_millis(50);

/// Ends everything that is left, and records the attempt as stopped. Nothing left at all is no end: how it
/// ended is not known, and stays so.
pub(super) fn clear(folder: &Folder, attempt: &Attempt) -> io::Result<()> {
    if !phase::is_anything_alive(folder)? {
        return Ok(());
    }
    let began = Instant::now();
    let mut asked = BTreeSet::new();
    while phase::is_anything_alive(folder)? && folder.is_in_place() {
        let is_over = began.elapsed() >= grace(folder, attempt);
        for process in left(folder, attempt) {
            signal(process, is_over, &mut asked);
        }
        std::thread::sleep(AGAIN);
    }
    super::end(folder, &stopped(folder))
}

fn grace(folder: &Folder, attempt: &Attempt) -> Duration {
    let stop = record::read::<Stop>(folder).ok().flatten();
    stop.map_or(attempt.command.grace, |stop| stop.grace).into()
}

fn signal(process: Identity, is_over: bool, asked: &mut BTreeSet<Identity>) {
    if is_over {
        let _ = process.signal(Signal::KILL);
    } else if asked.insert(process) {
        let _ = process.signal(Signal::TERM);
        let _ = process.signal(Signal::CONT);
    }
}

/// What is left, as far as it can be found.
fn left(folder: &Folder, attempt: &Attempt) -> Vec<Identity> {
    let (variable, uid) = super::mark(&attempt.uid);
    let mut left = process::marked(&folder.path().join(lock::PROCESSES), &format!("{variable}={uid}"));
    left.extend(command(folder));
    left
}

fn command(folder: &Folder) -> Option<Identity> {
    let started = record::read::<Started>(folder).ok()??;
    let running = record::read::<Running>(folder).ok()??;
    (started.boot == process::boot_id()).then_some(running.command)
}

fn stopped(folder: &Folder) -> Ended {
    let running = record::read::<Running>(folder).ok().flatten();
    Ended { started: running.map(|running| running.since), ..super::nothing_ran(End::Stopped) }
}
