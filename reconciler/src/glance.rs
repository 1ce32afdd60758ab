//! One look at the clusters, without a lease: whether anything is left to do where the records say that nothing is.
//! It decides as the engine does, and neither writes nor calls.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::JoinSet;
use windlass_compiler::name::Name;
use windlass_core::case::Moment;
use windlass_core::fleet::Fleet;
use windlass_core::id::{ExternalName, Instance};
use windlass_core::observed::{Observation, Sight};
use windlass_core::status::Status;
use windlass_core::sweep::sweep;

use crate::driver::{self, Words};
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
    let mut answers = JoinSet::new();
    for (name, kind) in fleet.project.iter().flat_map(|project| &project.clusters) {
        let (name, driver) = (name.clone(), session.driver(name, kind));
        answers.spawn(async move { (name, driver::ask(&*driver).await) });
    }
    answers.join_all().await.into_iter().collect()
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
