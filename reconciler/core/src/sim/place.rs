//! Where something can go wrong: a message between two parties, or a step of an owner, each with its number.

use serde::{Deserialize, Serialize};

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// A step of the owner.
    Step,
    /// A write on its way to the store.
    Write,
    /// The store's answer.
    Ack,
    /// A question to a cluster about all that it holds.
    Question,
    /// Its answer.
    Answer,
    /// A call to a cluster.
    Call,
    /// What came of it, on its way back.
    Return,
    /// What an owner asks of a lease node.
    Lease,
    /// The node's answer.
    Leased,
    /// The barrier of a shard, on its way to the store.
    Raise,
    /// The store's answer.
    Raised,
    /// A call that waits for its turn, where leases end.
    Begin,
}

impl Lane {
    /// Whether it is between an owner and a lease node.
    pub fn is_of_a_node(self) -> bool {
        matches!(self, Self::Lease | Self::Leased)
    }
}

/// One step or message of one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Which owner, from 0.
    pub owner: usize,
    /// What it is.
    pub lane: Lane,
    /// Which cluster, or lease node, from 0; 0 for what is between an owner and the store.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cluster: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
