//! The first questions on a new connection: which process this is, and whether its memory has a gap.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, cmd, pipe};
use windlass_core::lease::memory::{Life, Mark};

use super::{random, scripts};

/// A node that was met.
pub(super) struct Met {
    pub(super) life: Life,
    /// Its mark, as it is written.
    pub(super) mark: String,
}

/// Meets a node: reads its life, leaves a mark where there is none, loads the scripts.
///
/// A restart breaks the connection, so what is learnt here is true of it for as long as it is open.
pub(super) async fn meet(connection: &mut MultiplexedConnection, key: &str) -> Result<Met, RedisError> {
    let (server, persistence): (String, String) =
        pipe().cmd("INFO").arg("server").cmd("INFO").arg("persistence").query_async(connection).await?;
    let (server, persistence) = (fields(&server), fields(&persistence));
    let unclear = || {
        RedisError::from((ErrorKind::UnexpectedReturnType, "INFO does not say run_id and uptime_in_seconds"))
    };
    let run = (*server.get("run_id").ok_or_else(unclear)?).to_owned();
    let uptime = server.get("uptime_in_seconds").and_then(|text| text.parse().ok()).ok_or_else(unclear)?;
    let uptime = Duration::from_secs(uptime);
    let ours = Mark { run: run.clone(), uptime, chance: random() as u64 };
    let (mark,): (String,) = pipe()
        .cmd("SET")
        .arg(key)
        .arg(ours.to_string())
        .arg("NX")
        .ignore()
        .cmd("GET")
        .arg(key)
        .query_async(connection)
        .await?;
    let unreadable = |_| RedisError::from((ErrorKind::UnexpectedReturnType, "the mark is none of ours"));
    let parsed = mark.parse().map_err(unreadable)?;
    let durable = persistence.get("aof_enabled") == Some(&"1") && syncs_always(connection).await;
    scripts::load(connection).await?;
    Ok(Met { life: Life { run, uptime, mark: parsed, durable }, mark })
}

/// Whether each write is on disk before its answer. Where we may not ask, it is not.
async fn syncs_always(connection: &mut MultiplexedConnection) -> bool {
    let asked = cmd("CONFIG").arg("GET").arg("appendfsync").query_async(connection).await;
    asked.is_ok_and(|found: BTreeMap<String, String>| {
        found.get("appendfsync").is_some_and(|sync| sync == "always")
    })
}

fn fields(info: &str) -> BTreeMap<&str, &str> {
    info.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim())).collect()
}
