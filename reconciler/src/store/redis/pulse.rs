//! One clock for all who wait for answers on a link. A timer for each request would wake a thread of the runtime to look
//! at it, beside those that the request itself needs.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

/// How often whoever waits looks at the time.
const BEAT: Duration = Duration::from_millis(250);

/// Beats for as long as somebody waits.
pub(super) struct Pulse {
    beats: Arc<watch::Sender<()>>,
    begun: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Pulse {
    /// A clock that stands still until somebody waits.
    pub(super) fn start() -> Self {
        let (beats, begun) = (Arc::new(watch::Sender::new(())), Arc::new(Notify::new()));
        let task = tokio::spawn(beat(Arc::clone(&beats), Arc::clone(&begun)));
        Self { beats, begun, task }
    }

    /// What `work` comes to. Nothing where it takes longer than `patience`, which is noticed a beat late at most.
    pub(super) async fn within<T>(&self, patience: Duration, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, end) = (pin!(work), Instant::now() + patience);
        let mut beats = self.beats.subscribe();
        self.begun.notify_one();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                _ = beats.changed() => if Instant::now() >= end { return None },
            }
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn beat(beats: Arc<watch::Sender<()>>, begun: Arc<Notify>) {
    loop {
        begun.notified().await;
        while beats.receiver_count() > 0 {
            time::sleep(BEAT).await;
            beats.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_given_up() {
        let (pulse, second) = (Pulse::start(), Duration::from_secs(1));
        // It stands still in between, and has to begin anew.
        for _ in 0..3 {
            let began = Instant::now();
            assert_eq!(pulse.within(5 * second, pending::<()>()).await, None);
            assert!((5 * second..=5 * second + BEAT).contains(&began.elapsed()), "{:?}", began.elapsed());
            assert_eq!(pulse.within(5 * second, time::sleep(4 * second)).await, Some(()));
            time::sleep(60 * second).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_a_patience_of_its_own() {
        let (pulse, second) = (Pulse::start(), Duration::from_secs(1));
        let wait = async |seconds: u32| {
            pulse.within(seconds * second, pending::<()>()).await;
            Instant::now()
        };
        let (long, short) = tokio::join!(wait(60), wait(5));
        assert!(long >= short + 54 * second, "{:?}", long - short);
    }
}
