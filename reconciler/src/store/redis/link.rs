//! One connection that is made anew when it breaks. It never sends a request twice, and says of each failure whether
//! the request can have been done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Pipeline, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::address::{Address, Server};
use super::dial::{self, Dialled};
use super::incarnation::Incarnation;
use super::pulse::Pulse;

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

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(error) | Self::Answered(error) => error.fmt(f),
            Self::Lost(reason) => f.write_str(reason),
        }
    }
}

/// One of the connections that a link has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection(u64);

/// A connection that mends itself.
pub(super) struct Link {
    address: Arc<Address>,
    key: String,
    pulse: Pulse,
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
    incarnation: Arc<Incarnation>,
    number: u64,
}

impl Link {
    /// A connection to come. `key` is one of the store's.
    pub(super) fn new(address: Arc<Address>, key: &str) -> Self {
        Self { address, key: key.to_owned(), pulse: Pulse::start(), state: Mutex::default() }
    }

    /// Who is at the other end.
    pub(super) async fn incarnation(&self) -> Result<Arc<Incarnation>, Trouble> {
        Ok(self.live().await?.incarnation)
    }

    /// Sends requests together and returns their answers; the first that was refused fails all. An answer that does
    /// not come within `patience` breaks the connection: what is behind it would not come either.
    pub(super) async fn ask(&self, requests: &Pipeline, patience: Duration) -> Result<Vec<Value>, Trouble> {
        self.ask_any(requests, patience).await.map(|(answers, _)| answers)
    }

    /// The same, and on which connection it was.
    pub(super) async fn ask_any(
        &self,
        requests: &Pipeline,
        patience: Duration,
    ) -> Result<(Vec<Value>, Connection), Trouble> {
        let mut sent_on = false;
        loop {
            let live = self.live().await?;
            let outcome = self.send(&live, requests, patience).await;
            match outcome {
                Err((_, Some(_))) if !sent_on => sent_on = true,
                Err((trouble, _)) => return Err(trouble),
                Ok(answers) => return Ok((answers, Connection(live.number))),
            }
        }
    }

    /// The same on one connection, which is lost if it is no longer there.
    pub(super) async fn ask_on(
        &self,
        connection: Connection,
        requests: &Pipeline,
        patience: Duration,
    ) -> Result<Vec<Value>, Trouble> {
        let live = self.state.lock().await.live.clone().filter(|live| live.number == connection.0);
        let live = live.ok_or_else(|| Trouble::Lost("the connection broke".to_owned()))?;
        self.send(&live, requests, patience).await.map_err(|(trouble, _)| trouble)
    }

    /// Sends once. Where that failed: whether another server should be asked, and which. Nothing was done then.
    async fn send(
        &self,
        live: &Live,
        requests: &Pipeline,
        patience: Duration,
    ) -> Result<Vec<Value>, (Trouble, Option<Server>)> {
        let answers = self.pulse.within(patience, answers(live.connection.clone(), requests)).await;
        let trouble = match read(answers, patience) {
            Ok(answers) => return Ok(answers),
            Err(trouble) => trouble,
        };
        let moved = match &trouble {
            Trouble::Answered(error) if !stale(error) => return Err((trouble, None)),
            Trouble::Answered(error) => dial::moved(error, &self.address.servers[0]),
            Trouble::Lost(_) | Trouble::Unsent(_) => None,
        };
        self.forget(live.number, moved.clone()).await;
        Err((trouble, moved))
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
                let incarnation = Arc::new(incarnation);
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

async fn answers(
    mut connection: MultiplexedConnection,
    requests: &Pipeline,
) -> Result<Vec<Value>, RedisError> {
    // One request alone goes a shorter way through the client.
    let mut alone = requests.cmd_iter();
    match (alone.next(), alone.next()) {
        (Some(request), None) => connection.req_packed_command(request).await.map(|value| vec![value]),
        _ => connection.req_packed_commands(requests, 0, requests.len()).await,
    }
}

/// What came within `patience`, if anything did.
fn read(answers: Option<Result<Vec<Value>, RedisError>>, patience: Duration) -> Result<Vec<Value>, Trouble> {
    let values = match answers {
        None => return Err(Trouble::Lost(format!("no answer within {} s", patience.as_secs()))),
        Some(Err(error)) if is_answer(&error) => return Err(Trouble::Answered(error)),
        Some(Err(error)) => return Err(Trouble::Lost(error.to_string())),
        Some(Ok(values)) => values,
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
