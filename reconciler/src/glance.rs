//! One look at the clusters, without a lease: whether anything is left to do where the records say that nothing is.
//! It decides as the engine does, and neither writes nor calls.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use windlass_core::case::Moment;
use windlass_core::fleet::Fleet;
use windlass_core::id::{ExternalName, Instance};
use windlass_core::observed::{Observation, Sight};
use windlass_core::status::Status;
use windlass_core::sweep::sweep;

use crate::session::Session;

/// How long a cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the clusters show, attempt by attempt.
type Seen = BTreeMap<ExternalName, Observation>;

/// Whether the clusters show these instances as they are recorded, and nothing that has to be ended. A cluster that
/// does not answer may hide anything.
pub async fn is_at_rest(session: &Session, fleet: &Fleet, instances: &[Instance]) -> bool {
    let Some(seen) = look(session, fleet).await else { return false };
    seen.values().all(|one| sweep(fleet, one).is_none())
        && instances.iter().all(|instance| rests(fleet, instance, &seen))
}

async fn look(session: &Session, fleet: &Fleet) -> Option<Seen> {
    let mut seen = Seen::new();
    for (name, kind) in fleet.project.iter().flat_map(|project| &project.clusters) {
        let driver = session.driver(name, kind);
        let answer = tokio::time::timeout(PATIENCE, driver.list()).await.ok()?.ok()?;
        seen.extend(answer.into_iter().map(|one| (one.name.clone(), one)));
    }
    Some(seen)
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
