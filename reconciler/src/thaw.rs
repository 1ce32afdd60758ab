//! Sees the recovery of a store that went back in time so far that a command can go on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use windlass_core::desired::Change;
use windlass_core::fleet::Fleet;
use windlass_core::recovery::Recovery;

use crate::converge::Error;
use crate::engine::{Engine, Flow};
use crate::lease::Acquired;
use crate::ledger::{Ledger, Written};
use crate::session::Session;

/// How often somebody who waits looks again.
const BEAT: Duration = Duration::from_millis(500);
/// How often the desired state is confirmed, where owners write at the same time.
const TRIES: usize = 64;

/// Whether a project waits for its recovery.
pub fn is_frozen(fleet: &Fleet) -> bool {
    fleet.recovery.as_ref().is_some_and(|recovery| !recovery.is_over())
}

/// Waits until every shard has been looked at: from then on the desired state may be given anew. Looks itself where
/// nobody owns the lease.
pub async fn looked(session: &Session, ledger: Ledger, command: &str) -> Result<Ledger, Error> {
    until(session, ledger, command, |recovery| recovery.may_confirm()).await
}

/// Waits until the project goes on.
pub async fn thawed(session: &Session, ledger: Ledger, command: &str) -> Result<Ledger, Error> {
    until(session, ledger, command, Recovery::is_over).await
}

/// Records that the desired state was given anew, by `change`. Whoever was first counts.
pub async fn confirm(ledger: &mut Ledger, change: &Change) -> Result<(), Error> {
    for _ in 0..TRIES {
        let Some(mut recovery) = ledger.fleet().recovery.clone() else { return Ok(()) };
        if recovery.is_over() || recovery.confirmed.is_some() {
            return Ok(());
        }
        recovery.confirmed = Some(change.clone());
        if ledger.recover(&recovery).await? == Written::Done {
            return Ok(());
        }
    }
    Ok(())
}

async fn until(
    session: &Session,
    mut ledger: Ledger,
    command: &str,
    enough: impl Fn(&Recovery) -> bool,
) -> Result<Ledger, Error> {
    let is_enough = |fleet: &Fleet| fleet.recovery.as_ref().is_none_or(&enough);
    loop {
        ledger.refresh().await?;
        if is_enough(ledger.fleet()) {
            return Ok(ledger);
        }
        if let Acquired::Ours(lease) = session.lease.acquire(command).await? {
            let mut engine = Engine::new(ledger, lease, session.connect());
            let steer = |fleet: &Fleet, _| if is_enough(fleet) { Flow::Done } else { Flow::Go };
            engine.run(&Notify::new(), steer).await?;
            return Ok(engine.leave().await);
        }
        let (store, since) = (Arc::clone(ledger.store()), ledger.moment());
        tokio::select! {
            _ = store.changed(since) => {}
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}
