//! What users do when the store went back in time: whoever waits for a command of theirs notices it as owners do, and one
//! of them gives the desired state anew, from the specs.

use std::collections::BTreeSet;

use windlass_compiler::name::JobId;

use crate::desired::Change;
use crate::recovery::Recovery;
use crate::sim::store::Commit;
use crate::sim::story::Kind;
use crate::sim::user::{Command, Edit};

use super::{Check, Event, World};

/// How often somebody who waits looks again.
const BEAT: u64 = 500;
/// The user who has the specs.
pub(super) const KEEPER: usize = 0;

impl World {
    /// A user waits for the recovery of the store from now on.
    pub(super) fn follow_recovery(&mut self, user: usize) {
        if !std::mem::replace(&mut self.thawing[user], true) {
            self.agenda.plan(BEAT, Event::Thaws(user));
        }
    }

    /// Whether a user has read that the project is frozen.
    pub(super) fn reads_frozen(&self, user: usize) -> bool {
        let recovery = self.users[user].reading.fleet().recovery.as_ref();
        recovery.is_some_and(|recovery| !recovery.is_over())
    }

    /// A user looks how far the recovery is, and does what is next.
    pub(super) fn thaw(&mut self, user: usize) -> Check {
        self.users[user].reading.refresh(&self.store);
        let now = self.agenda.now().time();
        if let Some(recovery) = self.users[user].reading.noticed(now) {
            if self.write_recovery(user, recovery, "notices that the store went back in time") {
                self.follow_recovery(KEEPER);
            }
        } else if !self.reads_frozen(user) {
            self.thawing[user] = false;
            return Ok(());
        } else if user == KEEPER {
            self.give_anew()?;
        }
        self.agenda.plan(BEAT, Event::Thaws(user));
        Ok(())
    }

    /// The desired state is given anew once every shard has been looked at; then the recovery may go on.
    fn give_anew(&mut self) -> Check {
        let Some(mut recovery) = self.users[KEEPER].reading.fleet().recovery.clone() else { return Ok(()) };
        if !recovery.may_confirm() || recovery.confirmed.is_some() {
            return Ok(());
        }
        let command = self.whole_tree();
        if self.commit(KEEPER, &command)?.is_some() {
            return Ok(());
        }
        recovery.confirmed = Some(Change {
            author: "user".to_owned(),
            at: self.agenda.now().time(),
            command: "apply".to_owned(),
            apply: None,
            message: None,
        });
        if self.write_recovery(KEEPER, recovery, "has given the desired state anew") {
            self.summary.recoveries += 1;
        }
        Ok(())
    }

    /// An apply of all specs as they are.
    fn whole_tree(&self) -> Command {
        let kept: BTreeSet<&JobId> = self.tree.iter().map(|job| &job.id).collect();
        let recorded = self.users[KEEPER].reading.fleet().desired.values();
        let present = recorded.filter(|desired| desired.goal.intent.belongs()).map(|desired| desired.job());
        let gone = present.filter(|job| !kept.contains(job)).cloned().map(Edit::Drop);
        let put = self.tree.iter().cloned().map(|job| Edit::Put(Box::new(job)));
        Command::Apply(gone.chain(put).collect())
    }

    fn write_recovery(&mut self, user: usize, recovery: Recovery, text: &str) -> bool {
        let (op, now) = (self.op(), self.agenda.now());
        let commit = self.store.commit(self.users[user].reading.recover(op, recovery));
        self.store.remember(now);
        if commit == Commit::Done {
            self.tell(Kind::Command, || "user".to_owned(), None, || text.to_owned());
        }
        self.users[user].reading.refresh(&self.store);
        self.hint(0, 5);
        self.hint(1, 5);
        commit == Commit::Done
    }
}
