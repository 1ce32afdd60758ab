//! The process that keeps what an attempt prints. It stands beside the supervisor, so that a command can go on
//! printing when its supervisor was killed.
//!
//! It knows nothing but its folder and the pipe that the command prints to. It ends with the last process that can
//! print, or once it is dismissed and has kept what was printed so far.

use std::ffi::OsStr;
use std::io::{self, PipeReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};

use crate::driver::local::folder::Folder;
use crate::driver::local::output::Log;

/// The argument that makes this program a recorder.
pub(crate) const VERB: &str = "__record";

/// A recorder, as its supervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recorder(Pid);

impl Recorder {
    /// Starts one for what comes out of `output`. It holds no lock of the attempt.
    pub(super) fn start(folder: &Folder, output: &PipeReader) -> io::Result<Self> {
        // This program, even where its file has been replaced since; the very folder, whatever its path leads to now.
        let child = Command::new("/proc/self/exe")
            .arg0(std::env::args_os().next().as_deref().unwrap_or(OsStr::new("windlass")))
            .arg(VERB)
            // For whoever looks at the process table.
            .arg(folder.path())
            .current_dir(folder.itself())
            .process_group(0)
            .stdin(output.try_clone()?)
            .stdout(Stdio::null())
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self(pid.expect("a process has a positive id")))
    }

    /// Lets it keep what was printed so far, and end.
    pub(super) fn dismiss(self) {
        let _ = kill_process(self.0, Signal::USR1);
    }

    /// Whether this is its process.
    pub(super) fn is(self, pid: i32) -> bool {
        self.0.as_raw_nonzero().get() == pid
    }
}

/// Keeps what comes from standard input in the working folder.
pub(crate) fn record() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{} output: {error}", jiff::Timestamp::now());
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let dismissed = catch()?;
    let folder = Folder::open(Path::new("."))?.ok_or(io::ErrorKind::NotFound)?;
    let mut log = Log::resume(&folder);
    loop {
        let is_last = wait(&dismissed)?;
        if !keep(&folder, &mut log)? || is_last {
            log.note(&folder);
            return Ok(());
        }
    }
}

/// What tells of a dismissal. Who asks everything to end does not mean what the command prints while it does.
fn catch() -> io::Result<UnixStream> {
    let (dismissed, sender) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGUSR1, sender)?;
    let unheeded = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&unheeded))?;
    }
    Ok(dismissed)
}

/// Waits until something was printed; whether it was dismissed.
fn wait(dismissed: &UnixStream) -> io::Result<bool> {
    let input = io::stdin();
    let mut sources = [PollFd::new(&input, PollFlags::IN), PollFd::new(dismissed, PollFlags::IN)];
    match poll(&mut sources, None) {
        Ok(_) | Err(Errno::INTR) => Ok(!sources[1].revents().is_empty()),
        Err(error) => Err(error.into()),
    }
}

/// Keeps what is there; `false` when nothing more can come.
fn keep(folder: &Folder, log: &mut Log) -> io::Result<bool> {
    let input = io::stdin();
    let mut buffer = [0; 64 << 10];
    loop {
        match rustix::io::read(input.as_fd(), &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(read) => log.add(folder, &buffer[..read]),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}
