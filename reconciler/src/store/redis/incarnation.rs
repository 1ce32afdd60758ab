//! Which life of which server a connection leads to. After a restart or a fail-over it is another one, and what the
//! server holds may be older than what was read from the one before.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{FromRedisValue, RedisError};

/// A server process, and the replication history that it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incarnation {
    /// Drawn anew at each start.
    pub(super) run: String,
    /// Drawn anew when a replica becomes a primary.
    pub(super) replication: String,
    /// `master` or `slave`, as Redis says.
    pub(super) role: String,
    /// The version of Redis that it speaks like.
    pub(super) version: String,
}

impl Incarnation {
    /// Whether it takes writes.
    pub(super) fn is_primary(&self) -> bool {
        self.role == "master"
    }

    /// One word that differs from that of every other life.
    pub(super) fn word(&self) -> String {
        format!("{}/{}/{}", self.run, self.replication, self.role)
    }

    /// The first number of its version.
    pub(super) fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }

    fn read(text: &str) -> Self {
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        Self {
            run: field("run_id"),
            replication: field("master_replid"),
            role: field("role"),
            version: field("redis_version"),
        }
    }
}

/// Asks a server who it is.
pub(super) async fn ask(connection: &mut MultiplexedConnection) -> Result<Incarnation, RedisError> {
    let mut both = redis::pipe();
    both.cmd("INFO").arg("server").cmd("INFO").arg("replication");
    let mut text = String::new();
    for answer in connection.req_packed_commands(&both, 0, both.len()).await? {
        text.push_str(&String::from_redis_value(answer.extract_error()?)?);
    }
    Ok(Incarnation::read(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_who_it_is() {
        let text = "# Server\r\nredis_version:7.0.15\r\nrun_id:ab\r\n# Replication\r\nrole:slave\r\n\
                    master_replid:cd\r\nmaster_replid2:00\r\n";
        let found = Incarnation::read(text);
        assert_eq!((found.word().as_str(), found.major()), ("ab/cd/slave", Some(7)));
        assert!(!found.is_primary());
    }
}
