//! A sentinel that watches one primary.

use std::net::SocketAddr;
use std::time::Duration;

use crate::project::until;

use super::{Options, Program, Server};

/// A sentinel that decides alone, and soon.
#[derive(Debug)]
pub struct Sentinel {
    /// Its server.
    pub server: Server,
    name: String,
}

impl Sentinel {
    /// Watches a primary under a name, and fails over when the primary was silent for so long.
    pub fn watch(program: Program, name: &str, primary: SocketAddr, silent: Duration) -> Self {
        let options = Options::new()
            .program(program)
            .sentinel()
            .set("sentinel monitor", &format!("{name} {} {} 1", primary.ip(), primary.port()))
            .set("sentinel down-after-milliseconds", &format!("{name} {}", silent.as_millis()))
            .set("sentinel failover-timeout", &format!("{name} 10000"));
        Self { server: Server::start(options), name: name.to_owned() }
    }

    /// Where it says that the primary is.
    pub fn primary(&self) -> SocketAddr {
        let found: (String, u16) = self.server.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.name]);
        SocketAddr::new(found.0.parse().expect("an address"), found.1)
    }

    /// Waits until it knows so many replicas that could take over.
    pub fn wait_for_replicas(&self, count: usize) {
        until("the sentinel knows the replicas", || {
            let found: Vec<redis::Value> = self.server.command(&["SENTINEL", "REPLICAS", &self.name]);
            found.len() >= count
        });
    }
}
