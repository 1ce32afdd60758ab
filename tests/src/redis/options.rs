//! How a server is configured.

use std::net::SocketAddr;

/// Which program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Program {
    /// Redis 7.0.
    #[default]
    Redis,
    /// Valkey 8.
    Valkey,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Valkey];

    /// Its name, which is that of its folder too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

/// What a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Keys, alone or in replication.
    #[default]
    Store,
    /// Keys, as a node of a Redis Cluster.
    ClusterNode,
    /// The addresses of primaries that it watches.
    Sentinel,
}

/// The configuration of a server. What is not said is: nothing on disk, no limit, no password.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(super) program: Program,
    pub(super) role: Role,
    pub(super) lines: Vec<String>,
    pub(super) appends: bool,
    pub(super) credentials: Option<(String, String)>,
    pub(super) users: Option<String>,
    pub(super) tls: bool,
    pub(super) clock: bool,
}

impl Options {
    /// A server that keeps nothing on disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A server that has every write on disk before it answers, and does not start from half a transaction.
    pub fn durable() -> Self {
        let durable = Self { appends: true, ..Self::new() };
        durable.set("appendfsync", "always").set("aof-load-truncated", "no")
    }

    /// Served by this program.
    #[must_use]
    pub fn program(self, program: Program) -> Self {
        Self { program, ..self }
    }

    /// With this setting, as `redis.conf` has it.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.lines.push(format!("{name} {value}"));
        self
    }

    /// Full at so many bytes: writes are refused from then on, and nothing is evicted.
    #[must_use]
    pub fn full_at(self, bytes: u64) -> Self {
        self.set("maxmemory", &bytes.to_string()).set("maxmemory-policy", "noeviction")
    }

    /// A replica of the primary that is reached here, which may be a proxy's address.
    #[must_use]
    pub fn replica_of(self, primary: SocketAddr) -> Self {
        self.set("replicaof", &format!("{} {}", primary.ip(), primary.port()))
    }

    /// With a password for the user `default`, which a replica gives to its primary too.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.credentials = Some(("default".to_owned(), password.to_owned()));
        self.set("requirepass", password).set("masterauth", password)
    }

    /// With these lines of an ACL file. The tests themselves come in as a user of their own.
    #[must_use]
    pub fn users(self, lines: &str) -> Self {
        let credentials = Some(("tests".to_owned(), "of-the-tests".to_owned()));
        Self { users: Some(lines.to_owned()), credentials, ..self }
    }

    /// Reached by TLS too, at a second port.
    #[must_use]
    pub fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    /// With a wall clock that can be moved.
    #[must_use]
    pub fn clock(self) -> Self {
        Self { clock: true, ..self }
    }

    pub(super) fn cluster_node(self) -> Self {
        Self { role: Role::ClusterNode, ..self }
    }

    pub(super) fn sentinel(self) -> Self {
        Self { role: Role::Sentinel, ..self }
    }
}
