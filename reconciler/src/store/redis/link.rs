//! One connection that is made anew when it breaks. It never sends a request twice, and says of each failure whether
//! the request can have been done.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::address::{Address, Server};
use super::dial::{self, Dialled};
use super::incarnation::Incarnation;

/// How long a failed attempt to connect answers for the next ones, so that a crowd of waiting tasks does not try
/// one after the other.
const PAUSE: Duration = Duration::from_millis(200);

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// The request was never sent.
    Unsent(RedisError),
    /// The server refused it.
    Answered(RedisError),
    /// It was sent, and nobody knows what became of it.
    Lost(String),
}

/// A connection that mends itself.
pub(super) struct Link {
    address: Arc<Address>,
    key: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    number: u64,
    hint: Option<Server>,
    failed: Option<(Instant, RedisError)>,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    incarnation: Incarnation,
    number: u64,
}

impl Link {
    /// A connection to come. `key` is one of the store's.
    pub(super) fn new(address: Arc<Address>, key: &str) -> Self {
        Self { address, key: key.to_owned(), state: Mutex::default() }
    }

    /// Who is at the other end.
    pub(super) async fn incarnation(&self) -> Result<Incarnation, Trouble> {
        Ok(self.live().await?.incarnation)
    }

    /// Sends requests together and returns their answers; the first that was refused fails all. An answer that does
    /// not come within `patience` breaks the connection: what is behind it would not come either.
    pub(super) async fn ask(&self, requests: &Pipeline, patience: Duration) -> Result<Vec<Value>, Trouble> {
        let mut sent_on = false;
        loop {
            let live = self.live().await?;
            let outcome = send(live.connection.clone(), requests, patience).await;
            let moved = match &outcome {
                Ok(_) => return outcome,
                Err(Trouble::Lost(_) | Trouble::Unsent(_)) => None,
                Err(Trouble::Answered(error)) if stale(error) => dial::moved(error, &self.address.servers[0]),
                Err(Trouble::Answered(_)) => return outcome,
            };
            let again = moved.is_some() && !sent_on;
            self.forget(live.number, moved).await;
            if !again {
                return outcome;
            }
            sent_on = true;
        }
    }

    async fn live(&self) -> Result<Live, Trouble> {
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live {
            return Ok(live.clone());
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
            return Err(Trouble::Unsent(error.clone()));
        }
        match dial::dial(&self.address, &self.key, state.hint.take()).await {
            Ok(Dialled { connection, incarnation }) => {
                state.number += 1;
                let live = Live { connection, incarnation, number: state.number };
                state.live = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(Trouble::Unsent(error))
            }
        }
    }

    /// Drops a connection, unless somebody else already did.
    async fn forget(&self, number: u64, hint: Option<Server>) {
        let mut state = self.state.lock().await;
        if state.live.as_ref().is_some_and(|live| live.number == number) {
            state.live = None;
            state.hint = hint;
            state.failed = None;
        }
    }
}

async fn send(
    mut connection: MultiplexedConnection,
    requests: &Pipeline,
    patience: Duration,
) -> Result<Vec<Value>, Trouble> {
    let answers = connection.req_packed_commands(requests, 0, requests.len());
    let values = match tokio::time::timeout(patience, answers).await {
        Err(_) => return Err(Trouble::Lost(format!("no answer within {} s", patience.as_secs()))),
        Ok(Err(error)) if is_answer(&error) => return Err(Trouble::Answered(error)),
        Ok(Err(error)) => return Err(Trouble::Lost(error.to_string())),
        Ok(Ok(values)) => values,
    };
    match values.iter().find_map(refusal) {
        Some(error) => Err(Trouble::Answered(error)),
        None => Ok(values),
    }
}

fn refusal(value: &Value) -> Option<RedisError> {
    match value {
        Value::ServerError(error) => Some(error.clone().into()),
        _ => None,
    }
}

fn is_answer(error: &RedisError) -> bool {
    error.code().is_some() && !error.is_io_error()
}

/// Whether the server is no longer the one to ask.
fn stale(error: &RedisError) -> bool {
    use redis::ErrorKind::Server;
    matches!(
        error.kind(),
        Server(
            ServerErrorKind::Moved
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
        )
    )
}
