//! One connection to one node, made again in the background whenever it is lost. Nobody waits for another node's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, RedisError};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use windlass_core::lease::memory::Memory;
use windlass_core::lease::{Moment, Terms};

use super::clock::Clock;
use super::config::Address;
use super::keys::Keys;
use super::meet::{Met, meet};
use super::node::Failure;

/// The first and the longest pause between two tries to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// How long a command may stay without an answer before its memory is given up. It counts as silent long before.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// The connection.
pub(super) struct Link {
    state: watch::Receiver<State>,
    lost: mpsc::UnboundedSender<u64>,
    memory: Arc<Mutex<Memory>>,
    waiting_since: Mutex<Option<Moment>>,
    keeper: JoinHandle<()>,
}

#[derive(Clone)]
enum State {
    Connecting,
    Down(String),
    Up(Up),
}

/// An open connection to a node that was met.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) connection: MultiplexedConnection,
    /// The mark that its keys hold.
    pub(super) mark: Arc<str>,
    serial: u64,
}

impl Link {
    /// Begins to connect. Needs a runtime.
    pub(super) fn open(
        address: Address,
        keys: &Keys,
        terms: Terms,
        clock: Arc<dyn Clock>,
        freed: Arc<Notify>,
    ) -> Self {
        let (state, receiver) = watch::channel(State::Connecting);
        let (lost, losses) = mpsc::unbounded_channel();
        let memory = Arc::default();
        let keeper = Keeper {
            address,
            mark: keys.mark(),
            channel: keys.freed(),
            freed,
            terms,
            clock,
            memory: Arc::clone(&memory),
            lost: lost.clone(),
            state,
        };
        let keeper = tokio::spawn(keeper.keep(losses));
        Self { state: receiver, lost, memory, waiting_since: Mutex::default(), keeper }
    }

    /// The connection; waits for one that is being made for the first time.
    pub(super) async fn up(&self) -> Result<Up, Failure> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.map(|state| state.clone()) {
            Ok(State::Up(up)) => Ok(up),
            Ok(State::Down(reason)) => Err(Failure::Away(reason)),
            Ok(State::Connecting) | Err(_) => Err(Failure::Away("it is being closed".to_owned())),
        }
    }

    /// Gives a connection up, and makes another.
    pub(super) fn give_up(&self, up: &Up) {
        // Nobody listens once the link is dropped.
        let _ = self.lost.send(up.serial);
    }

    /// A command is sent: a node that was silent for long is given up, since a time-out alone reconnects nothing.
    pub(super) fn asks(&self, up: &Up, now: Moment, longest: Duration) {
        let mut waiting = self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *waiting.get_or_insert(now);
        if since.until(now) > longest {
            *waiting = None;
            self.give_up(up);
        }
    }

    /// An answer has come.
    pub(super) fn hears(&self) {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is known of the node's memory.
    pub(super) fn memory<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Keeps a connection open.
struct Keeper {
    address: Address,
    mark: String,
    channel: String,
    freed: Arc<Notify>,
    terms: Terms,
    clock: Arc<dyn Clock>,
    memory: Arc<Mutex<Memory>>,
    lost: mpsc::UnboundedSender<u64>,
    state: watch::Sender<State>,
}

impl Keeper {
    async fn keep(self, mut losses: mpsc::UnboundedReceiver<u64>) {
        let mut pause = PAUSES.0;
        for serial in 0.. {
            match self.connect(serial).await {
                Ok(up) => {
                    tracing::debug!(node = %self.address.name, "lease node connected");
                    self.state.send_replace(State::Up(up));
                    while losses.recv().await.is_some_and(|lost| lost != serial) {}
                    self.state.send_replace(State::Connecting);
                    pause = PAUSES.0;
                }
                Err(reason) => {
                    tracing::debug!(node = %self.address.name, %reason, "lease node is away");
                    self.state.send_replace(State::Down(reason));
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    async fn connect(&self, serial: u64) -> Result<Up, String> {
        // Not the time-out of a command: a connection takes several round trips, and nobody waits for it.
        let limit = Duration::from_secs(2).max(self.terms.patience());
        match timeout(limit, self.enter(serial)).await {
            Ok(entered) => entered.map_err(|error| error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        }
    }

    async fn enter(&self, serial: u64) -> Result<Up, RedisError> {
        let client = Client::open(self.address.connection.clone())?;
        let (lost, freed) = (self.lost.clone(), Arc::clone(&self.freed));
        let notice = move |push: PushInfo| {
            match push.kind {
                PushKind::Disconnection => drop(lost.send(serial)),
                PushKind::Message => freed.notify_one(),
                _ => {}
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(GIVEN_UP))
            .set_push_sender(notice);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        // Without the right to listen, what was given back is found a little later.
        if let Err(error) = connection.subscribe(&self.channel).await {
            tracing::debug!(node = %self.address.name, %error, "no hints from this lease node");
        }
        let Met { life, mark } = meet(&mut connection, &self.mark).await?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.met(&life, &self.terms, self.clock.now());
        Ok(Up { connection, mark: mark.into(), serial })
    }
}
