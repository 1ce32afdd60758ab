//! What an attempt does, read from its folder and its locks by anybody at any time.

use std::io;

use windlass_core::observed::{End, Phase};

use super::folder::Folder;
use super::lock;
use super::process;
use super::record::{self, Ended, Record, Running, Started, Stop};

/// What the attempt in this folder does.
///
/// The order of the reads matters. `stop.json` comes before `started.json`: a supervisor writes the second and
/// then looks for the first, so an attempt that was stopped and had not started will never start. `started.json`
/// comes before the locks: only then does a free lock mean that its supervisor is gone, not that it is still to
/// come. `ended.json` comes last once more: a supervisor writes it before its lock is free.
pub(super) fn read(folder: &Folder) -> io::Result<Phase> {
    if let Some(ended) = record::read::<Ended>(folder)? {
        return Ok(over(ended));
    }
    let stop = record::read::<Stop>(folder)?;
    let Some(started) = record::read::<Started>(folder)? else {
        return Ok(stop.map_or(Phase::Suspended, |stop| never_started(&stop)));
    };
    if lock::is_held(folder, lock::SUPERVISOR)? {
        return record::read::<Running>(folder).map(supervised);
    }
    if let Some(ended) = record::read::<Ended>(folder)? {
        return Ok(over(ended));
    }
    unsupervised(folder, &started)
}

fn over(ended: Ended) -> Phase {
    Phase::Ended { at: ended.at, started: ended.started, end: ended.end }
}

fn never_started(stop: &Stop) -> Phase {
    Phase::Ended { at: stop.at, started: None, end: End::Stopped }
}

fn supervised(running: Option<Running>) -> Phase {
    match running {
        Some(running) if running.ready => Phase::Running { since: running.since },
        _ => Phase::Starting,
    }
}

fn unsupervised(folder: &Folder, started: &Started) -> io::Result<Phase> {
    if is_anything_alive(folder)? {
        let reason = "its supervisor was killed; the command still runs unsupervised".to_owned();
        return Ok(Phase::Impaired { reason });
    }
    let reason = if started.boot == process::boot_id() {
        "its supervisor was killed, and nothing of the command is left".to_owned()
    } else {
        "the host was rebooted while it ran".to_owned()
    };
    Ok(Phase::Vanished { reason })
}

/// Whether a process of the attempt is known to be alive, whoever supervises it.
pub(super) fn is_anything_alive(folder: &Folder) -> io::Result<bool> {
    Ok(lock::is_held(folder, lock::PROCESSES)? || is_command_alive(folder))
}

/// A command that closed the lock file is found by its process id, unless the host was rebooted since.
fn is_command_alive(folder: &Folder) -> bool {
    let started = record::read::<Started>(folder).ok().flatten();
    let this_boot = started.is_some_and(|started| started.boot == process::boot_id());
    this_boot && matches!(record::read::<Running>(folder), Ok(Some(running)) if running.command.is_alive())
}

/// Whether the attempt has used its one start or may never use it.
pub(super) fn is_spent(folder: &Folder) -> io::Result<bool> {
    Ok(folder.has(Stop::FILE)? || folder.has(Started::FILE)? || folder.has(Ended::FILE)?)
}
