//! Clients of the store that write down what they are answered, on records of their own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use windlass::ledger::new_op;
use windlass::store::{self, Commit, Error, Expect, Key, Store, Transaction, Write};
use windlass_core::id::{OpId, Version};
use windlass_tests::linearizability::{History, State, What};
use windlass_tests::nemesis::{self, Link, Part};
use windlass_tests::team::{SCENE, Team};

const PAUSE: Duration = Duration::from_millis(25);
/// Another record every so often: the order of many operations on one is long to find.
const SLICE: u64 = 4_000_000;

/// Clients at work.
pub(crate) struct Clients {
    history: Arc<History>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Begins with one client a replica, which shares the replica's link to the store.
    pub(crate) fn begin(team: &Team) -> Self {
        let (history, over) = (Arc::<History>::default(), Arc::<AtomicBool>::default());
        // Each round has a store of its own, because its history begins with records that are absent.
        let prefix = format!("clients-{:x}", new_op().0 >> 96);
        let client = |number: u8| {
            let link = Link { from: Part::Service(number), to: nemesis::Server::Primary };
            let url = format!("{}/0?prefix={prefix}", team.primary.url_at(team.links[&link].address()));
            let (history, over) = (Arc::clone(&history), Arc::clone(&over));
            let name = format!("client {}", number + 1);
            let place = team.project.place().to_owned();
            thread::spawn(move || Client { name, url, place, history, state: None }.work(&over))
        };
        let threads = (0..SCENE.services).map(client).collect();
        Self { history, over, threads }
    }

    /// Ends them; what they were answered.
    pub(crate) fn end(self) -> Arc<History> {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().expect("a client does not panic");
        }
        self.history
    }
}

struct Client {
    name: String,
    url: String,
    place: PathBuf,
    history: Arc<History>,
    state: State,
}

impl Client {
    fn work(mut self, over: &AtomicBool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime starts").block_on(async {
            let mut open = None;
            while !over.load(Ordering::SeqCst) {
                tokio::time::sleep(PAUSE).await;
                if open.is_none() {
                    let opened = store::open(&self.url, &self.place, true, None).await;
                    open = opened.ok().map(|opened| opened.store);
                }
                let Some(store) = &open else { continue };
                let key = format!("record/{}", self.history.now() / SLICE);
                if self.look(&**store, &key).await.is_ok() {
                    self.swap(&**store, &key).await;
                }
            }
        });
    }

    async fn look(&mut self, store: &dyn Store, key: &str) -> Result<(), Error> {
        let from = self.history.now();
        let found = store.read(&Key::stored(key)).await?;
        self.state = found.map(|record| record.version);
        self.history.record(key, &self.name, from, What::Read(self.state));
        Ok(())
    }

    async fn swap(&mut self, store: &dyn Store, key: &str) {
        let (expect, op) = (self.state, new_op());
        let write = Write {
            key: Key::stored(key),
            expect: expect.map_or(Expect::Absent, Expect::Version),
            text: "{}".to_owned(),
        };
        let (writes, history) = (vec![write], Vec::new());
        let transaction = Transaction { op, fence: None, guards: Vec::new(), writes, history };
        let from = self.history.now();
        let what = match store.commit(&transaction).await {
            Ok(Commit::Done(made)) => What::Done { expect, made: made[0] },
            Ok(Commit::Conflict { found, .. }) => {
                What::Conflict { expect, found: found.map(|record| record.version) }
            }
            Ok(Commit::Fenced { .. }) => return,
            Err(Error::Unknown { .. }) => match self.settle(store, op).await {
                Some(true) => What::Done { expect, made: next(expect, op) },
                // It was not done and never will be.
                Some(false) => return,
                None => What::Unknown { expect, op },
            },
            // It was not done.
            Err(_) => return,
        };
        self.history.record(key, &self.name, from, what);
    }

    /// Whether it was done; none where nobody tells.
    async fn settle(&self, store: &dyn Store, op: OpId) -> Option<bool> {
        for _ in 0..20 {
            if let Ok(done) = store.settle(op).await {
                return Some(done);
            }
            tokio::time::sleep(PAUSE * 4).await;
        }
        None
    }
}

fn next(state: State, op: OpId) -> Version {
    Version { counter: state.map_or(0, |version| version.counter) + 1, op }
}
