//! The clusters of a project: one driver and one watch each, so that a slow one delays no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use windlass_compiler::model::Cluster;
use windlass_compiler::name::Name;
use windlass_core::fleet::Fleet;

use crate::driver::{self, Driver, Words};
use crate::fault;

use super::Hint;

/// What a cluster said of all of its objects.
pub(crate) struct Answer {
    /// When it was asked: the answer knows nothing of calls that came back later.
    pub(super) asked: Instant,
    /// Its words, or that there were none.
    pub(super) words: Words,
}

/// Makes the driver of a cluster.
pub type Connect = Arc<dyn Fn(&Name, &Cluster) -> Arc<dyn Driver> + Send + Sync>;

/// How often a cluster is asked while something moves.
const MOVING: Duration = Duration::from_millis(200);
/// How often it is asked otherwise; its hints make it sooner.
const STEADY: Duration = Duration::from_secs(2);
/// The pause between an answer and the next question, at least: many calls that come back are one reason to ask.
const BREATH: Duration = Duration::from_millis(20);

/// A cluster that has not answered for so long may be in reach of another replica.
const AWAY: Duration = Duration::from_secs(15);

/// The clusters.
pub(super) struct Clusters {
    connect: Connect,
    hints: mpsc::UnboundedSender<Hint>,
    clusters: BTreeMap<Name, Watched>,
}

struct Watched {
    kind: Cluster,
    since: Instant,
    driver: Arc<dyn Driver>,
    pace: watch::Sender<Pace>,
    /// When the last question was asked that was answered, or was not in time.
    heard: Option<Instant>,
    /// When the last question was asked that was answered well.
    answered: Option<Instant>,
    task: tokio::task::AbortHandle,
}

/// How often a watch asks. A change of `looks` makes it ask at once.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pace {
    interval: Duration,
    looks: u64,
}

impl Clusters {
    pub(super) fn new(connect: Connect, hints: mpsc::UnboundedSender<Hint>) -> Self {
        Self { connect, hints, clusters: BTreeMap::new() }
    }

    /// Connects to the clusters of the project that are new or changed. A cluster that has left the project stays
    /// until the engine ends: attempts may still be there.
    pub(super) fn connect(&mut self, fleet: &Fleet) {
        let Some(project) = &fleet.project else { return };
        for (name, kind) in &project.clusters {
            if self.clusters.get(name).is_none_or(|known| known.kind != *kind) {
                let watched = self.watch(name, kind);
                self.clusters.insert(name.clone(), watched);
            }
        }
    }

    fn watch(&self, name: &Name, kind: &Cluster) -> Watched {
        let driver = (self.connect)(name, kind);
        let (pace, paced) = watch::channel(Pace { interval: MOVING, looks: 0 });
        let task = tokio::spawn(look(name.clone(), Arc::clone(&driver), self.hints.clone(), paced));
        Watched {
            kind: kind.clone(),
            since: Instant::now(),
            driver,
            pace,
            heard: None,
            answered: None,
            task: task.abort_handle(),
        }
    }

    pub(super) fn driver(&self, name: &Name) -> Option<Arc<dyn Driver>> {
        self.clusters.get(name).map(|watched| Arc::clone(&watched.driver))
    }

    pub(super) fn heard(&mut self, name: &Name, answer: &Answer) {
        if let Some(watched) = self.clusters.get_mut(name) {
            watched.heard = watched.heard.max(Some(answer.asked));
            if answer.words.is_ok() {
                watched.answered = watched.heard;
            }
        }
    }

    /// The clusters that have not answered well for a while.
    pub(super) fn unreachable(&self) -> BTreeSet<Name> {
        let is_away = |watched: &Watched| {
            let answered = watched.answered.unwrap_or(watched.since);
            watched.heard.is_some_and(|heard| heard.duration_since(answered) > AWAY)
        };
        self.clusters.iter().filter(|(_, watched)| is_away(watched)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether every cluster was asked at `since` or later, and its last answer was a good one: after one that was not,
    /// nothing that it holds is shown.
    pub(super) fn have_all_answered_since(&self, since: Instant) -> bool {
        let is_good =
            |watched: &Watched| watched.answered >= Some(since) && watched.answered == watched.heard;
        self.clusters.values().all(is_good)
    }

    /// Whether every cluster was heard at all.
    pub(super) fn are_all_heard(&self) -> bool {
        self.clusters.values().all(|watched| watched.heard.is_some())
    }

    /// Whether a cluster was asked at `since` or later, and heard. One that is not known has nothing to say.
    pub(super) fn is_heard_since(&self, name: &Name, since: Instant) -> bool {
        self.clusters.get(name).is_none_or(|watched| watched.heard >= Some(since))
    }

    /// Asks every cluster at once.
    pub(super) fn ask_all(&self) {
        for watched in self.clusters.values() {
            watched.pace.send_modify(|pace| pace.looks += 1);
        }
    }

    /// Asks a cluster at once.
    pub(super) fn look_again(&self, name: &Name) {
        if let Some(watched) = self.clusters.get(name) {
            watched.pace.send_modify(|pace| pace.looks += 1);
        }
    }

    /// Asks all clusters often, or no longer so.
    pub(super) fn hurry(&self, moving: bool) {
        let interval = if moving { MOVING } else { STEADY };
        for watched in self.clusters.values() {
            watched.pace.send_if_modified(|pace| std::mem::replace(&mut pace.interval, interval) != interval);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks one cluster again and again.
async fn look(
    name: Name,
    driver: Arc<dyn Driver>,
    hints: mpsc::UnboundedSender<Hint>,
    mut pace: watch::Receiver<Pace>,
) {
    loop {
        let interval = pace.borrow_and_update().interval;
        let asked = Instant::now();
        fault::passing("cluster.before-question").await;
        let words = driver::ask(&*driver).await;
        // A cluster that has much to tell is not kept busy with telling it.
        let breath = asked.elapsed().clamp(BREATH, STEADY);
        if hints.send(Hint::Cluster(name.clone(), Answer { asked, words })).is_err() {
            return;
        }
        tokio::time::sleep(breath).await;
        tokio::select! {
            () = driver.changed() => {}
            () = tokio::time::sleep(interval.saturating_sub(breath)) => {}
            changed = pace.changed() => if changed.is_err() { return },
        }
    }
}
