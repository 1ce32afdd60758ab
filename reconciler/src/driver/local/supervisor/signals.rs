//! The signals of a supervisor: a child that ended, and requests to end.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// Caught signals. Catching them also means that the command starts with their default meaning.
pub(super) struct Signals {
    /// Becomes readable at each signal.
    pub wake: UnixStream,
    asked: Arc<AtomicUsize>,
}

impl Signals {
    /// Catches the signals of a supervisor from now on.
    pub(super) fn catch() -> io::Result<Self> {
        let (wake, sender) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let asked = Arc::new(AtomicUsize::new(0));
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
            let number = usize::try_from(signal).expect("signals are positive");
            signal_hook::flag::register_usize(signal, Arc::clone(&asked), number)?;
        }
        for signal in [SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self { wake, asked })
    }

    /// Forgets that `wake` was readable.
    pub(super) fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.wake).read(&mut bytes), Ok(1..)) {}
    }

    /// The last request to end since the last time.
    pub(super) fn asked(&self) -> Option<&'static str> {
        let number = i32::try_from(self.asked.swap(0, Ordering::SeqCst)).unwrap_or(0);
        match number {
            0 => None,
            SIGHUP => Some("SIGHUP"),
            SIGINT => Some("SIGINT"),
            SIGQUIT => Some("SIGQUIT"),
            _ => Some("SIGTERM"),
        }
    }
}
