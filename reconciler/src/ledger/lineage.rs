//! Whether the store still contains what was read from it; and what is done where it does not.

use std::fmt;

use jiff::Timestamp;
use windlass_core::fault::{Rule, is_off};
use windlass_core::fleet::Fleet;
use windlass_core::id::OpId;
use windlass_core::recovery::{Recovery, forgotten};

use super::{Error, Fresh, Ledger, NEVER};
use crate::store::{self, Commit, Follows, Head};

/// How often the beginning of a recovery is written again, where others write it too.
const TRIES: usize = 16;

/// How many commits of ours are asked for at once.
const OURS: usize = 256;

impl Ledger {
    /// Looks whether the store has gone back in time since it was read last. If so, reads what is left, and freezes the
    /// project: nothing is done on any cluster until it has recovered.
    pub(super) async fn follow(&mut self) -> Result<bool, Error> {
        let Some(seen) = self.seen.clone().filter(|_| !is_off(Rule::StoreIsFollowed)) else {
            return Ok(false);
        };
        let reason = match self.store.follows(&seen.head, &seen.since).await? {
            Follows::Yes { now } | Follows::Forgotten { now } => {
                self.seen = Some(Seen::new(now));
                return Ok(false);
            }
            Follows::Behind { now } | Follows::Forked { now } => reason(seen.head.moment.0, &now),
            Follows::Lacks { op, now } => reason(op, &now),
        };
        let before = std::mem::take(&mut self.fleet);
        self.seen = None;
        let frozen = match self.reload().await {
            Ok(()) => self.freeze(reason, &before).await,
            failed => failed,
        };
        if let Err(error) = frozen {
            // What was seen is compared once more when the store is back: nobody else may know it. Everything is read
            // anew then, whatever is there.
            (self.fleet, self.seen, self.moment) = (before, Some(seen), NEVER);
            self.fresh = Fresh::All;
            return Err(error);
        }
        Ok(true)
    }

    /// Freezes the project for what a cluster shows that the store has forgotten.
    pub async fn freeze_for(&mut self, reason: String) -> Result<(), Error> {
        // Nothing that was read is missing; the recovery that is on record was known.
        let before = Fleet { recovery: self.fleet.recovery.clone(), ..Fleet::default() };
        self.freeze(reason, &before).await
    }

    /// Writes down that the store went back, or adds what we have seen to what others have written.
    async fn freeze(&mut self, reason: String, before: &Fleet) -> Result<(), Error> {
        for _ in 0..TRIES {
            let lost = forgotten(before, &self.fleet);
            let present = self.fleet.recovery.as_ref();
            let seen = before.recovery.as_ref();
            let noticed = Recovery::noticed(present, seen, Timestamp::now(), &reason, lost);
            let Some(recovery) = noticed else { return Ok(()) };
            tracing::error!(%reason, "the store went back in time; nothing is done until the project has recovered");
            match self.store.commit(&self.recovery(&recovery, None)).await {
                // Whoever may only read leaves it to the others.
                Err(store::Error::ReadOnly { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
                Ok(Commit::Done(_) | Commit::Fenced { .. }) => return self.reload().await,
                Ok(Commit::Conflict { .. }) => self.reload().await?,
            }
        }
        Ok(())
    }
}

/// What the store must go on containing.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The last commit of the store when it was last asked.
    head: Head,
    /// What we have done since then, or have read up to. It may stand behind commits that we know nothing of, in a store
    /// that does not contain the head.
    since: Vec<OpId>,
}

impl Seen {
    pub(super) fn new(head: Head) -> Self {
        Self { head, since: Vec::new() }
    }

    /// Takes in a commit that was read up to.
    pub(super) fn add_later(&mut self, head: Head) {
        if let Some(op) = head.op.filter(|_| head.moment > self.head.moment) {
            self.add(op);
        }
    }

    /// Takes in a commit of ours. The latest ones are enough to tell by.
    pub(super) fn add(&mut self, op: OpId) {
        if self.since.len() == OURS {
            self.since.remove(0);
        }
        self.since.push(op);
    }
}

fn reason(seen: impl fmt::Display, now: &Head) -> String {
    format!("commit {seen} was seen, and the store, now at {}, does not contain it", now.moment.0)
}
