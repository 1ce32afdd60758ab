//! The scripts, known to nodes by their hashes; loaded on each new connection, and again if a node forgot them.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Script};

/// Locks.
pub(super) static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
/// Seals.
pub(super) static SEAL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("seal.lua")));
/// Extends.
pub(super) static EXTEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("extend.lua")));
/// Shows who has what.
pub(super) static HOLDERS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("holders.lua")));
/// Releases.
pub(super) static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// Loads them, so that no first call takes two round trips.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    for script in [&ACQUIRE, &SEAL, &EXTEND, &RELEASE, &HOLDERS] {
        script.load_async(connection).await?;
    }
    Ok(())
}
