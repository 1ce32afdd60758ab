//! WL10xx: the servers that replicas of the service share.

use super::Report;
use super::draft::Draft;
use crate::source::Span;
use crate::units::Duration;

/// What cannot be right about the servers of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coordination {
    /// A text that is no address of a server of Redis.
    Node {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
    },
    /// A number of servers that has no clear majority.
    Count {
        /// The list.
        span: Span,
        /// How many there are.
        count: usize,
    },
    /// One server that is counted twice.
    SameNode {
        /// The second.
        again: Span,
        /// The first.
        first: Span,
    },
    /// A time to live that is too short to be renewed, or too long to wait for.
    Ttl {
        /// The value.
        span: Span,
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A password in a spec.
    Password {
        /// The address.
        span: Span,
        /// The variable that may hold the address instead.
        variable: &'static str,
    },
    /// A lease beside a store that brings its own.
    Unused {
        /// The key.
        span: Span,
    },
    /// A text that is no way to acknowledge.
    Acknowledge {
        /// The value.
        span: Span,
        /// The text.
        text: Box<str>,
    },
    /// Replicas of a store that has none.
    NoReplicas {
        /// The key.
        span: Span,
    },
}

impl Coordination {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::Node { span, text } => {
                Draft::new("WL1001", format!("`{text}` is no address of a server of Redis"))
                    .at(*span, "not an address")
                    .help("write `redis://` and a host, or `rediss://` for TLS: `redis://r1:6379`")
                    .done()
            }
            Self::Count { span, count } => Draft::new("WL1002", format!("a lease cannot have {count} nodes"))
                .at(*span, "expected one, three or five")
                .help("an even number outlives no more failures than one less; more than five only cost time")
                .done(),
            Self::SameNode { again, first } => Draft::new("WL1003", "a lease counts one node twice")
                .at(*again, "again here")
                .at(*first, "first here")
                .help("each node is a server of its own, which fails on its own")
                .done(),
            Self::Ttl { span, min, max } => {
                Draft::new("WL1004", format!("the `ttl` of a lease is from {min} to {max}"))
                    .at(*span, "out of range")
                    .help("a crash of an owner is noticed after this time; `10s` suits most")
                    .done()
            }
            Self::Password { span, variable } => Draft::new("WL1005", "an address holds a password")
                .at(*span, "everybody who reads the spec can read it")
                .help(format!("leave it out here, and give the whole address in `{variable}`"))
                .done(),
            Self::Acknowledge { span, text } => {
                Draft::new("WL1007", format!("`{text}` does not say who acknowledges a write"))
                    .at(*span, "expected `replicas:` and a number from 1 to 9")
                    .help("write `replicas:1`, or remove the key: then the primary alone acknowledges")
                    .done()
            }
            Self::NoReplicas { span } => {
                Draft::new("WL1008", "nobody can acknowledge: the store is not in Redis")
                    .at(*span, "a folder has no replicas")
                    .help("remove this key, or name a store in Redis")
                    .done()
            }
            Self::Unused { span } => Draft::new("WL1006", "the lease is not used: the store is not in Redis")
                .at(*span, "without effect")
                .help(
                    "a store in a folder brings a lease of its own; name one in Redis, or remove this table",
                )
                .done(),
        }
    }
}
