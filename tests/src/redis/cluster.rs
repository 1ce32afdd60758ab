//! A Redis Cluster of three primaries.

use crate::project::until;

use super::{Options, Server};

const SLOTS: u32 = 16_384;

/// Three nodes that share the slots.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Starts three nodes and makes a cluster of them, and waits until each can serve.
    pub fn start(options: &Options) -> Self {
        let nodes: Vec<_> = (0..3).map(|_| Server::start(options.clone().cluster_node())).collect();
        let cluster = Self { nodes };
        cluster.share_slots();
        cluster.meet();
        until("the cluster serves", || cluster.nodes.iter().all(Self::serves));
        cluster
    }

    fn share_slots(&self) {
        let count = u32::try_from(self.nodes.len()).expect("three");
        for (index, node) in (0_u32..).zip(&self.nodes) {
            let (first, last) = (SLOTS * index / count, SLOTS * (index + 1) / count - 1);
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            node.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        }
    }

    fn meet(&self) {
        let [first, others @ ..] = &self.nodes[..] else { return };
        for other in others {
            let (port, bus) = (other.port.number().to_string(), other.second.number().to_string());
            first.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
    }

    fn serves(node: &Server) -> bool {
        let info: String = node.command(&["CLUSTER", "INFO"]);
        ["cluster_state:ok", "cluster_known_nodes:3", "cluster_size:3"]
            .iter()
            .all(|wanted| info.lines().any(|line| line == *wanted))
    }
}
