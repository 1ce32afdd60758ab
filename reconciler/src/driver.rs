//! What every cluster can do for an attempt: the contract that every driver keeps.
//!
//! A driver turns actions into calls and answers into observations. It decides nothing, keeps no state of its own
//! and knows neither stores nor the engine.

pub mod local;
pub mod memory;

use std::time::Duration;

use async_trait::async_trait;
use windlass_core::action::{Action, Outcome};
use windlass_core::id::ExternalName;
use windlass_core::observed::Observation;

/// Why a cluster could not be asked. Never a proof of absence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Silence {
    /// What was seen instead of an answer.
    pub reason: String,
}

/// What a cluster said of all of its objects, or that there were no words.
pub type Words = Result<Vec<Observation>, Silence>;

/// How long a cluster may take to say what is on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a cluster for everything on it. No answer in time is silence.
pub async fn ask(driver: &dyn Driver) -> Words {
    let late = |_| Err(Silence { reason: format!("no answer within {} s", PATIENCE.as_secs()) });
    tokio::time::timeout(PATIENCE, driver.list()).await.unwrap_or_else(late)
}

/// A part of an attempt's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// The bytes, from the offset that was asked for.
    pub bytes: Vec<u8>,
    /// The offset behind them, to read on from.
    pub next: u64,
    /// Bytes before the first that are no longer kept.
    pub dropped: u64,
}

/// A cluster.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Every object of this project on the cluster, sorted by name. One bulk question; an attempt that is not in a
    /// good answer is absent.
    async fn list(&self) -> Result<Vec<Observation>, Silence>;

    /// One attempt; `None` if the cluster is sure that it has none of that name.
    async fn observe(&self, name: &ExternalName) -> Result<Option<Observation>, Silence>;

    /// Performs an action. Performing it again has no second effect.
    async fn perform(&self, action: &Action) -> Outcome;

    /// What the attempt printed, from a byte offset of its whole output, at most `limit` bytes.
    async fn output(&self, name: &ExternalName, offset: u64, limit: usize) -> Result<Output, Silence>;

    /// Ends when something on the cluster may have changed. A hint: it may end early, and it may be late.
    async fn changed(&self);
}
