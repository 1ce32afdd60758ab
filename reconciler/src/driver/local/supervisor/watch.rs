//! Watches a command until nothing of it is left: keeps what it prints, takes requests, and ends it.
//!
//! An end that the command finds by itself wins over any request that comes later. A signal to the supervisor
//! that is no stop (the host shuts down, somebody kills it) ends the command in the same orderly way and is
//! recorded as a failure, so that policy decides what follows.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process_group, wait};
use windlass_core::observed::End;

use super::command::Started;
use super::recorder::Recorder;
use super::signals::Signals;
use crate::driver::local::folder::Folder;
use crate::driver::local::output::Log;
use crate::driver::local::process::{self, Identity};
use crate::driver::local::record::{self, Attempt, Ended, Record, Running, Stop, Usage};

/// How often a supervisor looks at its folder, should nothing else wake it.
const TICK: Duration = Duration::from_secs(1);
/// How often it kills what is still there after KILL: a process may have started another meanwhile.
const AGAIN: Duration = Duration::from_millis(50);
/// How much output is read before anything else is looked at.
const BURST: usize = 16;

/// Keeps an attempt whose command was started until nothing of it is alive, and says how it ended.
pub(super) fn until_the_end(folder: &Folder, attempt: &Attempt, command: Started, signals: Signals) -> Ended {
    let mut watch = Watch::new(folder, attempt, command, signals);
    loop {
        watch.sleep();
        watch.keep_output(BURST);
        if !watch.reap() {
            break;
        }
        watch.look();
        watch.advance();
    }
    watch.keep_output(usize::MAX);
    watch.log.note(folder);
    watch.ended()
}

struct Watch<'a> {
    folder: &'a Folder,
    attempt: &'a Attempt,
    signals: Signals,
    pid: Pid,
    output: Option<PipeReader>,
    recorder: Option<Recorder>,
    log: Log,
    running: Running,
    ready_at: Instant,
    looked: Instant,
    exit: Option<ExitStatus>,
    ending: Option<Ending>,
    peak_kib: Option<u64>,
}

/// That the attempt is being ended.
struct Ending {
    why: Why,
    kill_at: Instant,
}

/// Why it is being ended.
enum Why {
    /// The command ended by itself and left processes behind.
    Leftovers,
    /// It was asked to stop.
    Stop,
    /// The supervisor got this signal.
    Signal(&'static str),
    /// Its folder is gone, and nothing may run without a record.
    Unrecorded,
}

impl<'a> Watch<'a> {
    fn new(folder: &'a Folder, attempt: &'a Attempt, command: Started, signals: Signals) -> Self {
        let now = Instant::now();
        let identity = Identity::of(command.pid);
        let raw = command.pid.as_raw_nonzero().get();
        let ready = attempt.command.ready.as_millis() == 0;
        let running = Running {
            // A child that we have not waited for is always shown; without `/proc` no start time ever fits.
            command: identity.unwrap_or(Identity { pid: raw, start: 0 }),
            since: Timestamp::now(),
            ready,
        };
        let watch = Self {
            folder,
            attempt,
            signals,
            pid: command.pid,
            output: Some(command.output),
            recorder: command.recorder,
            log: Log::resume(folder),
            running,
            ready_at: later(now, attempt.command.ready),
            looked: now,
            exit: None,
            ending: None,
            peak_kib: None,
        };
        crate::fault::point("supervisor.after-spawn");
        watch.record_running();
        crate::fault::point("supervisor.after-running");
        watch
    }

    /// The locks tell enough where this record cannot be written.
    fn record_running(&self) {
        let _ = record::write(self.folder, &self.running);
        super::tell(self.folder);
    }

    /// Sleeps until a signal, output, or the next thing that is due.
    fn sleep(&self) {
        let due = self.due().saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(due).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let mut sources = vec![PollFd::new(&self.signals.wake, PollFlags::IN)];
        let own = self.output.as_ref().filter(|_| self.recorder.is_none());
        sources.extend(own.map(|output| PollFd::new(output, PollFlags::IN)));
        // An interruption is a signal, which is looked for next.
        let _ = poll(&mut sources, Some(&timeout));
        self.signals.clear();
    }

    fn due(&self) -> Instant {
        let mut due = self.looked + TICK;
        if !self.running.ready {
            due = due.min(self.ready_at);
        }
        match &self.ending {
            Some(ending) if ending.kill_at <= Instant::now() => due.min(Instant::now() + AGAIN),
            Some(ending) => due.min(ending.kill_at),
            None => due,
        }
    }

    /// Reads what was printed, in at most so many pieces, unless a recorder does.
    fn keep_output(&mut self, pieces: usize) {
        if self.recorder.is_some() {
            return;
        }
        let mut buffer = [0; 64 << 10];
        for _ in 0..pieces {
            let Some(output) = self.output.as_mut() else { return };
            match output.read(&mut buffer) {
                Ok(0) => self.output = None,
                Ok(read) => self.log.add(self.folder, &buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.output = None,
            }
        }
    }

    /// Takes the ends of processes; `false` when none is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.pid => {
                    self.exit = Some(ExitStatus::from_raw(status.as_raw()));
                    // What is left from here on is watched by us alone, so that no child is left when nothing is.
                    self.recorder.iter().for_each(|recorder| recorder.dismiss());
                }
                Ok(Some((pid, _))) => self.take_over(pid),
                Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Keeps the output from here on, if it was the recorder that has ended.
    fn take_over(&mut self, pid: Pid) {
        if self.recorder.is_some_and(|recorder| recorder.is(pid.as_raw_nonzero().get())) {
            self.recorder = None;
            self.log = Log::resume(self.folder);
        }
    }

    /// Looks for what asks for the attempt's end.
    fn look(&mut self) {
        let signal = self.signals.asked();
        if signal.is_none() && self.looked.elapsed() < TICK {
            return;
        }
        self.looked = Instant::now();
        if self.exit.is_none() {
            self.peak_kib = self.peak_kib.max(process::peak_kib(self.pid));
        }
        if !self.folder.is_in_place() {
            self.end(Why::Unrecorded, self.attempt.command.grace);
        } else if self.folder.has(Stop::FILE).unwrap_or(false) {
            // The request counts even where its content cannot be read.
            let stop = record::read::<Stop>(self.folder).ok().flatten();
            self.end(Why::Stop, stop.map_or(self.attempt.command.grace, |stop| stop.grace));
        } else if let Some(signal) = signal {
            self.end(Why::Signal(signal), self.attempt.command.grace);
        }
    }

    /// Does what is due.
    fn advance(&mut self) {
        if self.exit.is_some() {
            self.end(Why::Leftovers, self.attempt.command.grace);
        } else if !self.running.ready && self.ready_at <= Instant::now() {
            self.running.ready = true;
            self.record_running();
        }
        if self.ending.as_ref().is_some_and(|ending| ending.kill_at <= Instant::now()) {
            self.signal(Signal::KILL);
        }
    }

    /// Begins to end the attempt; a later reason may only grant less time.
    fn end(&mut self, why: Why, grace: windlass_compiler::units::Duration) {
        let kill_at = later(Instant::now(), grace);
        match &mut self.ending {
            Some(ending) => {
                ending.kill_at = ending.kill_at.min(kill_at);
                // Who asks to stop is to see it stopped, whatever else had begun to end it.
                if matches!((&ending.why, &why), (Why::Signal(_), Why::Stop)) {
                    ending.why = why;
                }
            }
            None => {
                let why = if self.exit.is_some() { Why::Leftovers } else { why };
                self.ending = Some(Ending { why, kill_at });
                self.signal(Signal::TERM);
                // A stopped process cannot hear TERM.
                self.signal(Signal::CONT);
            }
        }
    }

    /// Sends a signal to everything that the attempt started.
    fn signal(&self, signal: Signal) {
        // Until its leader is waited for, a group's id is nobody else's.
        if self.exit.is_none() {
            let _ = kill_process_group(self.pid, signal);
        }
        let group = self.pid.as_raw_nonzero().get();
        let all = process::descendants(getpid()).into_iter();
        let all = all.filter(|process| !self.recorder.is_some_and(|one| one.is(process.identity.pid)));
        for process in all.filter(|process| self.exit.is_some() || process.group != group) {
            let _ = process.identity.signal(signal);
        }
    }

    fn ended(&self) -> Ended {
        Ended {
            at: Timestamp::now(),
            started: Some(self.running.since),
            end: self.how(),
            code: self.exit.and_then(|exit| exit.code()),
            signal: self.exit.and_then(|exit| exit.signal()),
            usage: Some(Usage { cpu_millis: process::cpu_of_children(), peak_kib: self.peak_kib }),
        }
    }

    fn how(&self) -> End {
        match self.ending.as_ref().map(|ending| &ending.why) {
            None | Some(Why::Leftovers) => self.exit.map_or_else(unseen, by_itself),
            Some(Why::Stop) => End::Stopped,
            Some(Why::Signal(name)) => End::Failed(format!("its supervisor was ended by {name}")),
            Some(Why::Unrecorded) => End::Failed("its folder was deleted or moved while it ran".to_owned()),
        }
    }
}

/// The end of a command that ended by itself.
fn by_itself(exit: ExitStatus) -> End {
    match (exit.code(), exit.signal()) {
        (Some(0), _) => End::Succeeded,
        (Some(code), _) => End::Failed(format!("exit status {code}")),
        (None, Some(signal)) => End::Failed(format!("killed by {}", name(signal))),
        (None, None) => unseen(),
    }
}

fn unseen() -> End {
    End::Failed("it ended, and its exit status was not seen".to_owned())
}

fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// A time that is too far away to be counted is one that never comes.
fn later(now: Instant, after: windlass_compiler::units::Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);
    now + Duration::from(after).min(NEVER)
}
