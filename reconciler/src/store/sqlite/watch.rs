//! When to look for commits again: at once after one of this process, soon after another process wrote to the log
//! file, and now and then in any case, because a notification is only a hint.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::site::Site;

/// The pause after a hint. The log is written shortly before its commit is seen, so the first looks come soon.
const SHORTEST: Duration = Duration::from_millis(1);

/// The pause where nothing happens.
const LONGEST: Duration = Duration::from_millis(200);

/// Listens for commits.
pub(super) struct Watch {
    hints: Arc<watch::Sender<()>>,
    /// Missing where the system has none to give: then the pauses alone do it.
    _notifier: Option<notifier::Notifier>,
}

impl Watch {
    /// Starts listening.
    pub(super) fn start(site: &Site) -> Self {
        let hints = Arc::new(watch::Sender::new(()));
        let notifier = notifier::Notifier::start(site, Arc::clone(&hints));
        if let Err(error) = &notifier {
            tracing::debug!(%error, "no file notifications; commits of other processes are polled for");
        }
        Self { hints, _notifier: notifier.ok() }
    }

    /// Tells of a commit of this process.
    pub(super) fn tell(&self) {
        self.hints.send_replace(());
    }

    /// Begins to wait. Hints from now on are not missed.
    pub(super) fn wait(&self) -> Wait {
        Wait { hints: self.hints.subscribe(), pause: SHORTEST }
    }
}

/// Waits between two looks.
pub(super) struct Wait {
    hints: watch::Receiver<()>,
    pause: Duration,
}

impl Wait {
    /// Ends with the next hint, or when it is time to look anyway.
    pub(super) async fn pause(&mut self) {
        let hint = tokio::time::timeout(self.pause, self.hints.changed()).await;
        self.pause = if hint.is_ok() { SHORTEST } else { (self.pause * 2).min(LONGEST) };
    }
}

#[cfg(target_os = "linux")]
mod notifier {
    //! A thread that waits for the kernel to say that the log file was written.

    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::Arc;
    use std::thread::{Builder, JoinHandle};

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use tokio::sync::watch;

    use super::super::site::Site;

    pub(super) struct Notifier {
        stop: Arc<OwnedFd>,
        thread: Option<JoinHandle<()>>,
    }

    impl Notifier {
        pub(super) fn start(site: &Site, hints: Arc<watch::Sender<()>>) -> io::Result<Self> {
            let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            inotify::add_watch(&events, site.folder(), WatchFlags::MODIFY | WatchFlags::CREATE)?;
            let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
            let (stopped, log) = (Arc::clone(&stop), site.log());
            let listen = move || {
                while awaits(&events, &stopped) {
                    if wrote(&events, log.as_bytes()) {
                        hints.send_replace(());
                    }
                }
            };
            let thread = Builder::new().name("store-watch".to_owned()).spawn(listen)?;
            Ok(Self { stop, thread: Some(thread) })
        }
    }

    impl Drop for Notifier {
        fn drop(&mut self) {
            let stopping = rustix::io::write(&self.stop, &1u64.to_ne_bytes()).is_ok();
            if stopping && let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }

    /// Waits for events; `false` when the thread is to end.
    fn awaits(events: &OwnedFd, stop: &OwnedFd) -> bool {
        let mut both = [PollFd::new(events, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut both, None) {
            Ok(_) => both[1].revents().is_empty(),
            Err(Errno::INTR) => true,
            Err(_) => false,
        }
    }

    /// Takes all events; whether one was about the log.
    fn wrote(events: &OwnedFd, log: &[u8]) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(events, &mut buffer);
        let mut wrote = false;
        while let Ok(event) = reader.next() {
            wrote |= event.file_name().is_none_or(|name| name.to_bytes() == log);
        }
        wrote
    }
}

#[cfg(not(target_os = "linux"))]
mod notifier {
    //! No notifications here.

    use std::io;
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::super::site::Site;

    pub(super) struct Notifier;

    impl Notifier {
        pub(super) fn start(_site: &Site, _hints: Arc<watch::Sender<()>>) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
