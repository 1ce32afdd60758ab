//! A lease node as the rim sees it: Redis in service, a value in tests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use windlass_core::id::Epoch;
use windlass_core::lease::acquisition::{Grant, Seal};
use windlass_core::lease::renewal::Extension;
use windlass_core::lease::{Hint, Nonce, Resource};

/// One try at one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The resource.
    pub resource: Resource,
    /// The try.
    pub nonce: Nonce,
    /// What others are told of whoever tries.
    pub holder: Arc<str>,
}

/// A lock as its node shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What its holder says of itself.
    pub holder: String,
    /// How long it lasts if nobody extends it.
    pub remaining: Duration,
}

/// Why a node's answer does not count. Any of them is silence to the decisions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing came in time.
    #[error("it did not answer in time")]
    Silent,
    /// There is no connection.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It may have forgotten a lock that is still valid.
    #[error("it may have forgotten locks, and is not counted yet")]
    Distrusted,
    /// It answered with an error, or with what no script of ours answers.
    #[error("it answered {0}")]
    Answer(String),
}

/// A node. Every call takes all its claims in one command, does to the keys what `windlass_core::lease::node` says,
/// and answers in their order. All may be repeated.
#[async_trait]
pub trait Node: Send + Sync + 'static {
    /// Host and port, for messages.
    fn name(&self) -> &str;

    /// Waits while a connection is being made; fails at once where the last try to make one failed.
    async fn ready(&self) -> Result<(), Failure>;

    /// Locks.
    async fn acquire(&self, claims: &[Claim], hint: Hint) -> Result<Vec<Grant>, Failure>;

    /// Locks again what a majority of others says is ours, also where this node is not counted yet.
    async fn heal(&self, claims: &[Claim]) -> Result<(), Failure>;

    /// Seals.
    async fn seal(&self, claims: &[(Claim, Epoch)]) -> Result<Vec<Seal>, Failure>;

    /// Extends.
    async fn extend(&self, claims: &[Claim]) -> Result<Vec<Extension>, Failure>;

    /// Releases.
    async fn release(&self, claims: &[Claim]) -> Result<(), Failure>;

    /// Who has each resource, and for how long.
    async fn holders(&self, resources: &[Resource]) -> Result<Vec<Option<Shown>>, Failure>;

    /// Removes a lock, whoever has it.
    async fn force_release(&self, resource: &Resource) -> Result<(), Failure>;
}
