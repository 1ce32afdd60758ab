//! One look at the clusters, without a lease: whether anything is left to do where the records say that nothing is.
//! It decides as the engine does, and neither writes nor calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinSet;
use windlass_compiler::name::Name;
use windlass_core::case::Moment;
use windlass_core::fleet::Fleet;
use windlass_core::id::{ExternalName, Instance};
use windlass_core::observed::{Observation, Sight};
use windlass_core::status::Status;
use windlass_core::sweep::sweep;

use crate::driver::{self, Driver, Words};
use crate::session::Session;

/// What the clusters show, attempt by attempt.
type Seen = BTreeMap<ExternalName, Observation>;

/// Whether the clusters show these instances as they are recorded, and nothing that has to be ended. A cluster that
/// does not answer may hide anything.
pub async fn is_at_rest(session: &Session, fleet: &Fleet, instances: &[Instance]) -> bool {
    let Some(seen) = look(session, fleet).await else { return false };
    seen.values().all(|one| sweep(fleet, one).is_none())
        && instances.iter().all(|instance| rests(fleet, instance, &seen))
}

/// Asks every cluster of the project what is on it, all at once, so that one that is silent delays no other.
pub async fn ask_all(session: &Session, fleet: &Fleet) -> BTreeMap<Name, Words> {
    let clusters = fleet.project.iter().flat_map(|project| &project.clusters);
    ask_each(clusters.map(|(name, kind)| (name.clone(), session.driver(name, kind)))).await
}

async fn ask_each(clusters: impl Iterator<Item = (Name, Arc<dyn Driver>)>) -> BTreeMap<Name, Words> {
    let asked = clusters.map(|(name, driver)| async move { (name, driver::ask(&*driver).await) });
    asked.collect::<JoinSet<_>>().join_all().await.into_iter().collect()
}

/// What all clusters show; none where one of them does not answer.
async fn look(session: &Session, fleet: &Fleet) -> Option<Seen> {
    let answers = ask_all(session, fleet).await;
    let seen: Vec<_> = answers.into_values().collect::<Result<_, _>>().ok()?;
    Some(seen.into_iter().flatten().map(|one| (one.name.clone(), one)).collect())
}

fn rests(fleet: &Fleet, instance: &Instance, seen: &Seen) -> bool {
    let Some(status) = fleet.statuses.get(instance).filter(|status| status.state.is_live()) else {
        return true;
    };
    let moment = Moment { now: Timestamp::now(), epoch: status.epoch };
    let decision = fleet.decide(instance, |status| sight(status, seen), None, moment);
    decision.is_ok_and(|decision| decision.is_none_or(|one| one.is_nothing() && one.wake.is_none()))
}

fn sight(status: &Status, seen: &Seen) -> Sight {
    let found = status.attempt.as_ref().and_then(|attempt| seen.get(&attempt.name));
    found.map_or(Sight::Absent { times: 1 }, |found| Sight::Seen(found.clone()))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tokio::time::{Duration, Instant};
    use windlass_core::action::{Action, Outcome};

    use super::*;
    use crate::driver::{Output, Silence};

    /// A cluster with nothing on it, which answers after so many seconds.
    struct Slow(u64);

    #[async_trait]
    impl Driver for Slow {
        async fn list(&self) -> Words {
            tokio::time::sleep(Duration::from_secs(self.0)).await;
            Ok(Vec::new())
        }

        async fn observe(&self, _: &ExternalName) -> Result<Option<Observation>, Silence> {
            Ok(None)
        }

        async fn perform(&self, _: &Action) -> Outcome {
            Outcome::Unknown { reason: "nobody asks for it here".to_owned() }
        }

        async fn output(&self, _: &ExternalName, _: u64, _: usize) -> Result<Output, Silence> {
            Ok(Output::default())
        }

        async fn changed(&self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn silent_clusters_delay_no_other_and_each_other_no_more_than_once() {
        let cluster = |(name, seconds): (&str, u64)| -> (Name, Arc<dyn Driver>) {
            (name.parse().unwrap(), Arc::new(Slow(seconds)))
        };
        let began = Instant::now();
        let words = ask_each([("dead", 99), ("gone", 99), ("well", 9)].into_iter().map(cluster)).await;
        let silent = words.iter().filter(|(_, words)| words.is_err()).map(|(name, _)| name.as_str());
        assert_eq!(silent.collect::<Vec<_>>(), ["dead", "gone"]);
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
