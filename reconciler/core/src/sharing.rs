//! Which replica should own which shard: a function of who is alive and what each can reach.
//!
//! Every replica works it out for itself. Two that see different things may both want a shard for a while; the lease
//! decides who has it, and nothing rests on their agreeing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use windlass_compiler::name::Name;

use crate::fleet::Fleet;
use crate::shard::Shard;

/// A replica, as it says of itself with every sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Its name: unique to the process, not to the host.
    pub id: String,
    /// The clusters that it cannot reach.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unreachable: BTreeSet<Name>,
}

/// Which clusters the work of each shard is on.
pub type Needs = BTreeMap<Shard, BTreeSet<Name>>;

/// The shards that `me` should own: of the replicas that reach every cluster which a shard needs, one is chosen; where
/// none does, one of those that reach the most of them.
pub fn share(me: &str, replicas: &[Replica], needs: &Needs) -> BTreeSet<Shard> {
    Shard::all().filter(|shard| owner(*shard, replicas, needs) == Some(me)).collect()
}

fn owner<'a>(shard: Shard, replicas: &'a [Replica], needs: &Needs) -> Option<&'a str> {
    let missing = |replica: &Replica| {
        needs.get(&shard).map_or(0, |clusters| clusters.intersection(&replica.unreachable).count())
    };
    let least = replicas.iter().map(missing).min()?;
    let able = replicas.iter().filter(|replica| missing(replica) == least);
    shard.chosen(able.map(|replica| replica.id.as_str()))
}

/// Which clusters the shards of a fleet need: those of its jobs, and those where attempts are.
pub fn needs(fleet: &Fleet) -> Needs {
    let mut needs = Needs::new();
    let mut need = |shard, cluster: &Name| {
        let clusters: &mut BTreeSet<Name> = needs.entry(shard).or_default();
        if !clusters.contains(cluster) {
            clusters.insert(cluster.clone());
        }
    };
    for desired in fleet.desired.values().filter(|desired| desired.goal.intent.belongs()) {
        need(Shard::of(&desired.job().pipeline), &desired.spec.cluster);
    }
    for status in fleet.statuses.values().filter(|status| status.state.is_live()) {
        if let Some(attempt) = &status.attempt {
            need(Shard::of_instance(&status.instance), &attempt.cluster);
        }
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(id: &str, unreachable: &[&str]) -> Replica {
        let unreachable = unreachable.iter().map(|name| name.parse().unwrap()).collect();
        Replica { id: id.to_owned(), unreachable }
    }

    /// Every shard needs `tokyo`.
    fn all_need_tokyo() -> Needs {
        Shard::all().map(|shard| (shard, BTreeSet::from(["tokyo".parse().unwrap()]))).collect()
    }

    #[test]
    fn every_shard_has_one_owner() {
        let replicas = ["a", "b", "c"].map(|id| replica(id, &[]));
        let shares = ["a", "b", "c"].map(|id| share(id, &replicas, &Needs::new()));
        assert_eq!(shares.iter().map(BTreeSet::len).sum::<usize>(), usize::from(Shard::COUNT));
        assert!(shares[0].is_disjoint(&shares[1]) && shares[1].is_disjoint(&shares[2]));
        assert_eq!(
            share("d", &replicas, &Needs::new()),
            BTreeSet::new(),
            "one that nobody sees owns nothing"
        );
    }

    #[test]
    fn a_replica_that_cannot_reach_a_cluster_leaves_its_shards_to_those_that_can() {
        let replicas = [replica("a", &["tokyo"]), replica("b", &[]), replica("c", &["lake"])];
        assert_eq!(share("a", &replicas, &all_need_tokyo()).len(), 0);
        assert_eq!(
            share("a", &replicas, &Needs::new()),
            share("a", &["a", "b", "c"].map(|id| replica(id, &[])), &Needs::new())
        );
    }

    #[test]
    fn what_nobody_reaches_is_shared_all_the_same() {
        let replicas = [replica("a", &["tokyo"]), replica("b", &["tokyo"])];
        let shares = ["a", "b"].map(|id| share(id, &replicas, &all_need_tokyo()).len());
        assert!(shares[0] > 0 && shares[1] > 0 && shares[0] + shares[1] == 64, "{shares:?}");
    }
}
