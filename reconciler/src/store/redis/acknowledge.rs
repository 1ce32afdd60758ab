//! Acknowledgements by replicas: a commit is answered when so many replicas have it in memory. `WAIT` is no consensus:
//! fewer replicas do not undo the write, and a fail-over may still choose a replica that has less. What it gives is
//! that an answer is no promise before it can be kept through the loss of one server.
//!
//! `WAIT` stands for all that came before it on its connection and holds up what comes behind it, so one is sent for
//! all commits that were answered since the last one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::sync::Mutex;

use super::PATIENCE;
use super::link::{Connection, Link, Trouble};
use super::script::{self, Call};

/// How long replicas may take.
const WAIT: Duration = Duration::from_secs(2);

/// How many replicas have to have a write before it is acknowledged.
pub(super) struct Acknowledge {
    replicas: u8,
    asked: AtomicU64,
    last: Mutex<Round>,
}

/// What a `WAIT` said: for all who had asked before it, on one connection.
struct Round {
    asked: u64,
    connection: Option<Connection>,
    outcome: Result<(), Trouble>,
}

impl Acknowledge {
    /// By so many.
    pub(super) fn by(replicas: u8) -> Self {
        let last = Mutex::new(Round { asked: 0, connection: None, outcome: Ok(()) });
        Self { replicas, asked: AtomicU64::new(0), last }
    }

    /// Calls a script, and waits for the replicas if it says that something is done.
    pub(super) async fn run(&self, link: &Link, call: &Call) -> Result<Value, Trouble> {
        let (value, connection) = script::run_on(link, call, PATIENCE + WAIT).await?;
        if script::is_done(&value) {
            self.confirmed(link, connection).await?;
        }
        Ok(value)
    }

    async fn confirmed(&self, link: &Link, connection: Connection) -> Result<(), Trouble> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        if last.asked < number || last.connection != Some(connection) {
            let asked = self.asked.load(Ordering::SeqCst);
            let outcome = self.wait(link, connection).await;
            *last = Round { asked, connection: Some(connection), outcome };
        }
        last.outcome.clone()
    }

    async fn wait(&self, link: &Link, connection: Connection) -> Result<(), Trouble> {
        let mut wait = Pipeline::new();
        wait.cmd("WAIT").arg(self.replicas).arg(WAIT.as_millis() as u64);
        let lost = |reason: String| Trouble::Lost(format!("it was written, but {reason}"));
        let answers = link.ask_on(connection, &wait, PATIENCE + WAIT).await;
        let answer = answers.map_err(|trouble| lost(trouble.to_string()))?.pop();
        match answer {
            Some(Value::Int(found)) if found >= i64::from(self.replicas) => Ok(()),
            Some(Value::Int(found)) => Err(lost(format!(
                "{found} replicas have it within {} s, and {} are asked for",
                WAIT.as_secs(),
                self.replicas
            ))),
            _ => Err(lost("the server did not say how many replicas have it".to_owned())),
        }
    }
}
