//! Which nodes, under which names, for how long.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use windlass_core::lease::{Nodes, Terms};

use super::keys::Keys;

/// The shortest TTL: below it a pause of the system costs the lease.
const SHORTEST: Duration = Duration::from_millis(500);
/// The longest text that a holder may give of itself: it is written with each lock.
const LONGEST_HOLDER: usize = 1024;

/// A lease's nodes and terms. Holds credentials: what it shows of itself has none.
#[derive(Clone)]
pub struct Config {
    pub(super) nodes: Vec<Address>,
    pub(super) keys: Keys,
    pub(super) terms: Terms,
    pub(super) holder: String,
}

/// One node.
#[derive(Clone)]
pub(super) struct Address {
    /// Host and port, for messages.
    pub(super) name: String,
    pub(super) connection: ConnectionInfo,
}

/// What is wrong with a configuration. Never says a URL: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// Not 1, 3 or 5 nodes.
    #[error("a lease takes 1, 3 or 5 nodes, not {0}")]
    Count(usize),
    /// A URL that cannot be read, counted from 1.
    #[error("the URL of lease node {0} is none: it looks like redis://[user:password@]host:port[/database]")]
    Url(usize),
    /// The same node twice.
    #[error("{0} is named twice: a node counts once")]
    Twice(String),
    /// A prefix that names no keys.
    #[error("the prefix of a lease's keys is not empty and has no braces")]
    Prefix,
    /// A TTL that is too short.
    #[error("the TTL of a lease is at least {SHORTEST:?}, not {0:?}")]
    Ttl(Duration),
    /// A holder's text that is too long.
    #[error("what a holder says of itself has at most {LONGEST_HOLDER} bytes, not {0}")]
    Holder(usize),
}

impl Config {
    /// The nodes of these URLs. `prefix` begins the names of all keys, `holder` is what others are told of us.
    ///
    /// Every replica has to use the same nodes, prefix and TTL.
    pub fn new<U: AsRef<str>>(
        urls: &[U],
        prefix: &str,
        ttl: Duration,
        holder: &str,
    ) -> Result<Self, BadConfig> {
        let count = Nodes::new(urls.len()).ok_or(BadConfig::Count(urls.len()))?;
        let addresses = urls.iter().enumerate().map(|(index, url)| address(url.as_ref(), index + 1));
        let nodes = distinct(addresses.collect::<Result<_, _>>()?)?;
        let keys = Keys::new(prefix).ok_or(BadConfig::Prefix)?;
        match (ttl < SHORTEST, holder.len() > LONGEST_HOLDER) {
            (true, _) => Err(BadConfig::Ttl(ttl)),
            (false, true) => Err(BadConfig::Holder(holder.len())),
            (false, false) => {
                Ok(Self { nodes, keys, terms: Terms::new(count, ttl), holder: holder.to_owned() })
            }
        }
    }
}

impl Config {
    /// The nodes, for messages.
    pub fn named(&self) -> String {
        self.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        f.debug_struct("Config").field("nodes", &nodes).field("terms", &self.terms).finish_non_exhaustive()
    }
}

fn distinct(nodes: Vec<Address>) -> Result<Vec<Address>, BadConfig> {
    let mut names = BTreeSet::new();
    match nodes.iter().find(|node| !names.insert(node.name.as_str())) {
        Some(node) => Err(BadConfig::Twice(node.name.clone())),
        None => Ok(nodes),
    }
}

fn address(url: &str, number: usize) -> Result<Address, BadConfig> {
    let read = url.into_connection_info().map_err(|_| BadConfig::Url(number))?;
    let name = read.addr().to_string();
    // The third version of the protocol tells when a connection is lost, before the next command meets it.
    let settings = read.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(Address { name, connection: read.set_tcp_settings(tcp()).set_redis_settings(settings) })
}

/// A lost answer must not look like a slow one for long.
fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(1))
        .with_retries(3);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(Duration::from_secs(3))
}
