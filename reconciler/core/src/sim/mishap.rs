//! What befalls a cluster and its owners from outside.

use crate::id::ExternalName;
use crate::sim::agenda::Tick;
use crate::sim::cluster::Cluster;
use crate::sim::random::Random;

/// Something that befalls the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mishap {
    /// Somebody deletes an object.
    Delete(ExternalName),
    /// The process behind an object is gone, and nobody knows how it ended.
    Vanish(ExternalName),
    /// A job runs badly, or well again.
    Impair(ExternalName),
    /// The cluster answers nobody for so many milliseconds.
    Silence(u64),
    /// An owner dies, or takes over from whoever believes that it still is the owner.
    Rise(usize),
}

/// One that is possible now.
pub fn draw(random: &mut Random, cluster: &Cluster) -> Option<Mishap> {
    let names: Vec<ExternalName> = cluster.objects().map(|one| one.observation.name.clone()).collect();
    let one = |random: &mut Random| random.pick(&names).cloned();
    Some(match random.below(9) {
        0 | 1 => Mishap::Delete(one(random)?),
        2 => Mishap::Vanish(one(random)?),
        3 => Mishap::Impair(one(random)?),
        4 | 5 => Mishap::Silence(random.between(500, 25_000)),
        _ => Mishap::Rise(usize::try_from(random.below(2)).unwrap_or(0)),
    })
}

/// Lets one befall the cluster; others are not its business.
pub fn befall(mishap: &Mishap, cluster: &mut Cluster, now: Tick) {
    match mishap {
        Mishap::Delete(name) => cluster.delete(name),
        Mishap::Vanish(name) => cluster.named(name).into_iter().for_each(super::cluster::Object::vanish),
        Mishap::Impair(name) => cluster.named(name).into_iter().for_each(|object| object.impair(now)),
        Mishap::Silence(_) | Mishap::Rise(_) => {}
    }
}
