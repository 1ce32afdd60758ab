//! Acknowledgements by replicas: a commit is answered when so many replicas have it in memory. `WAIT` is no consensus:
//! fewer replicas do not undo the write, and a fail-over may still choose a replica that has less. What it gives is
//! that an answer is no promise before it can be kept through the loss of one server.

use std::time::Duration;

use redis::{Cmd, Value};

use super::link::{Link, Trouble};
use super::script::{self, Call};

/// How long replicas may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many replicas have to have a write before it is acknowledged.
pub(super) struct Acknowledge {
    replicas: u8,
}

impl Acknowledge {
    /// By so many.
    pub(super) fn by(replicas: u8) -> Self {
        Self { replicas }
    }

    /// Calls a script and waits for the replicas, on one connection: Redis waits for what came on the same one.
    pub(super) async fn run(&self, link: &Link, call: &Call, patience: Duration) -> Result<Value, Trouble> {
        let mut answers = script::run_with(link, call, Some(&self.wait()), patience + PATIENCE).await?;
        let value = answers.pop().unwrap_or_default();
        match answers.pop() {
            Some(Value::Int(found)) if found >= i64::from(self.replicas) => Ok(value),
            // What was refused was not written, so there is nothing to wait for.
            _ if !script::is_done(&value) => Ok(value),
            Some(Value::Int(found)) => Err(Trouble::Lost(format!(
                "it was written, but {found} replicas have it within {} s, and {} are asked for",
                PATIENCE.as_secs(),
                self.replicas
            ))),
            _ => Err(Trouble::Lost("the server did not say how many replicas have it".to_owned())),
        }
    }

    fn wait(&self) -> Cmd {
        redis::cmd("WAIT").arg(self.replicas).arg(PATIENCE.as_millis() as u64).to_owned()
    }
}
