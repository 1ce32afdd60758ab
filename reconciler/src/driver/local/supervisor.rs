//! The process that stands behind one attempt: starts its command once, keeps its output, ends it, and says how
//! it ended.
//!
//! It is started by whoever activates the attempt and outlives that process. It has no runtime and no threads,
//! and knows nothing but its folder.

mod cleanup;
mod command;
mod recorder;
mod signals;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::OFlags;
use windlass_core::id::Uid;
use windlass_core::observed::End;

use super::folder::Folder;
use super::process::{self, Identity};
use super::record::{self, Attempt, Ended, Record, Started, Stop};
use super::{events, lock, phase};
use crate::fault;
pub(crate) use recorder::{VERB as RECORD, record as record_output};

/// How long a supervisor tries to take its lock: others look at locks by taking them for an instant.
const PATIENCE: Duration = Duration::from_secs(2);
/// A file that keeps a little room on the disk.
const SPARE: &str = ".spare";

/// Supervises the attempt whose folder and uid are the two arguments, until nothing of it is alive.
pub fn supervise(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{} {error}", Timestamp::now());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> io::Result<()> {
    let mut arguments = arguments.into_iter();
    let (Some(path), Some(uid)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("a supervisor takes a folder and a uid"));
    };
    // A process that leads a group already cannot, and need not: it is out of the terminal's way.
    let _ = rustix::process::setsid();
    let Some(folder) = Folder::open(&PathBuf::from(path))? else {
        return Err(io::Error::other("there is no such folder"));
    };
    let attempt = record::read::<Attempt>(&folder)?.filter(|attempt| *attempt.uid.0 == *uid);
    let attempt =
        attempt.ok_or_else(|| io::Error::other("the folder is not of the attempt that was meant"))?;
    match hold(&folder)? {
        Some(_lock) => attend(&folder, &attempt),
        None => Ok(()),
    }
}

/// Takes the supervisor's lock, unless somebody else keeps it or needs no second one.
fn hold(folder: &Folder) -> io::Result<Option<std::fs::File>> {
    let began = Instant::now();
    loop {
        if let Some(lock) = lock::hold(folder, lock::SUPERVISOR)? {
            return Ok(Some(lock));
        }
        let taken_up = folder.has(Started::FILE)? && !folder.has(Stop::FILE)?;
        if taken_up || began.elapsed() > PATIENCE {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does what is left to do for an attempt that no other supervisor attends.
fn attend(folder: &Folder, attempt: &Attempt) -> io::Result<()> {
    if !phase::is_spent(folder)? {
        return start(folder, attempt);
    }
    let is_abandoned = folder.has(Started::FILE)? && !folder.has(Ended::FILE)?;
    if is_abandoned && folder.has(Stop::FILE)? {
        return cleanup::clear(folder, attempt);
    }
    Ok(())
}

/// Uses the attempt's one start.
fn start(folder: &Folder, attempt: &Attempt) -> io::Result<()> {
    let signals = signals::Signals::catch()?;
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own))?;
    let supervisor = Identity::of(own).ok_or_else(|| io::Error::other("/proc does not show this process"))?;
    let started = Started { supervisor, boot: process::boot_id(), at: Timestamp::now() };
    fault::point("supervisor.before-started");
    if !record::write_once(folder, &started)? {
        return Ok(());
    }
    fault::point("supervisor.after-started");
    tell(folder);
    // Only now: whoever asked to stop before and saw no start was told that there will be none.
    if folder.has(Stop::FILE)? {
        return end(folder, &nothing_ran(End::Stopped));
    }
    set_aside(folder);
    match command::start(folder, attempt) {
        Ok(command) => end(folder, &watch::until_the_end(folder, attempt, command, signals)),
        Err(reason) => end(folder, &nothing_ran(End::Failed(reason))),
    }
}

fn nothing_ran(end: End) -> Ended {
    Ended { at: Timestamp::now(), started: None, end, code: None, signal: None, usage: None }
}

/// Sets room on the disk aside for the record of the end. The command can do without.
fn set_aside(folder: &Folder) {
    let flags = OFlags::WRONLY | OFlags::CREATE;
    if let Ok(Some(mut file)) = folder.file(SPARE, flags) {
        let _ = file.write_all(&[b' '; 4096]);
    }
}

/// Makes the end durable. A disk that is full now gets the room that was set aside, and may not be full later, so
/// it is tried for as long as the folder is there.
fn end(folder: &Folder, ended: &Ended) -> io::Result<()> {
    fault::point("supervisor.before-ended");
    loop {
        match record::write_once(folder, ended) {
            Ok(_) => break,
            Err(error) if !folder.is_in_place() => return Err(error),
            Err(_) if folder.delete(SPARE) => {}
            Err(_) => std::thread::sleep(Duration::from_secs(1)),
        }
    }
    fault::point("supervisor.after-ended");
    folder.delete(SPARE);
    tell(folder);
    Ok(())
}

/// Tells whoever waits that the attempt changed.
fn tell(folder: &Folder) {
    if let Some(top) = folder.path().parent() {
        events::touch(top);
    }
}

/// The uid as a variable in the environment of everything that the attempt starts.
fn mark(uid: &Uid) -> (&'static str, &str) {
    ("WINDLASS_UID", &uid.0)
}
