//! Tells that something changed: a file that everybody touches, and a watch on it.
//!
//! Only a hint. Whoever waits also looks by itself from time to time, so a hint that is lost costs a moment.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use tokio::sync::Notify;

/// The file that is touched.
const FILE: &str = ".events";
/// How long a watcher sleeps before it looks whether anybody still needs it.
const NAP: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
/// How often attempts are looked at where nothing can be watched.
const UNWATCHED: Duration = Duration::from_millis(500);
/// How often they are looked at although nothing was heard.
const WATCHED: Duration = Duration::from_secs(5);

/// Tells whoever waits that an attempt in the folder `top` changed.
pub(super) fn touch(top: &Path) {
    // Closing a file that was open for writing is the event; its content is not.
    let _ = fs::File::create(top.join(FILE));
}

/// Waits for changes in a folder.
#[derive(Debug)]
pub(super) struct Watch {
    top: PathBuf,
    heard: tokio::sync::Mutex<Option<Arc<Notify>>>,
}

impl Watch {
    /// A watch on the folder `top`, which need not exist yet.
    pub(super) fn new(top: PathBuf) -> Self {
        Self { top, heard: tokio::sync::Mutex::new(None) }
    }

    /// Ends when something changed since the last time, or after a while.
    pub(super) async fn changed(&self) {
        match self.watcher().await {
            Some(heard) => drop(tokio::time::timeout(WATCHED, heard.notified()).await),
            None => tokio::time::sleep(UNWATCHED).await,
        }
    }

    async fn watcher(&self) -> Option<Arc<Notify>> {
        let mut heard = self.heard.lock().await;
        if heard.is_none() {
            *heard = watch(&self.top);
        }
        heard.clone()
    }
}

/// Starts a watcher; `None` where nothing can be watched, or not yet.
fn watch(top: &Path) -> Option<Arc<Notify>> {
    let queue = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).ok()?;
    let kinds = inotify::WatchFlags::CLOSE_WRITE
        | inotify::WatchFlags::MOVED_TO
        | inotify::WatchFlags::MOVED_FROM
        | inotify::WatchFlags::DELETE;
    inotify::add_watch(&queue, top, kinds).ok()?;
    let heard = Arc::new(Notify::new());
    // What happened before the watch began was not heard.
    heard.notify_one();
    let listener = Arc::downgrade(&heard);
    let name = "local-events".to_owned();
    std::thread::Builder::new().name(name).spawn(move || listen(&queue, &listener)).ok()?;
    Some(heard)
}

fn listen(queue: &OwnedFd, heard: &Weak<Notify>) {
    while heard.strong_count() > 0 {
        let mut ready = [PollFd::new(queue, PollFlags::IN)];
        if matches!(poll(&mut ready, Some(&NAP)), Ok(1..)) {
            drain(queue);
            let Some(heard) = heard.upgrade() else { return };
            heard.notify_one();
        }
    }
}

fn drain(queue: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(queue, &mut buffer);
    while events.next().is_ok() {}
}
