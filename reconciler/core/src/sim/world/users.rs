//! What users do: they read, think, and commit.

use crate::sim::mishap::{Mishap, Timed};
use crate::sim::store::Commit;
use crate::sim::story::Kind;
use crate::sim::user::Command;
use crate::sim::witness::Violation;

use super::{Check, Event, World};

/// How long somebody who wants to apply waits for a project that is frozen, before looking again.
const FROZEN: u64 = 500;

impl World {
    /// A user reads, and will commit a command later.
    pub(super) fn think(&mut self, user: usize, thinks: u64, command: Command) {
        let at = self.agenda.now().0;
        let mishap = Mishap::Command(user, thinks, command.clone());
        self.befallen.push(Timed { at, mishap });
        if thinks > 0 {
            let text = || format!("reads the records, to {} later", command.name());
            self.tell(Kind::Detail, || "user".to_owned(), None, text);
        }
        self.users[user].reading.refresh(&self.store);
        self.agenda.plan(thinks, Event::Submits(user, Box::new(command), 0));
    }

    /// A user commits a command at once.
    pub(super) fn interfere(&mut self, command: Command) -> Check {
        self.users[1].reading.refresh(&self.store);
        self.submit(1, Box::new(command), 0)
    }

    pub(super) fn submit(&mut self, user: usize, command: Box<Command>, tries: u64) -> Check {
        // The specs of a project that is frozen are given anew as a whole first.
        if matches!(*command, Command::Apply(_)) && self.reads_frozen(user) {
            self.users[user].reading.refresh(&self.store);
            self.agenda.plan(FROZEN, Event::Submits(user, command, tries));
            return Ok(());
        }
        if let Some((Commit::Conflict | Commit::Fenced, number)) = self.commit(user, &command)? {
            let delay = 1 + (number * 7 + tries * 13) % 50;
            self.agenda.plan(delay, Event::Submits(user, command, tries + 1));
        }
        Ok(())
    }

    /// A user commits a command on what was read. Nothing, if there is nothing to write.
    pub(super) fn commit(
        &mut self,
        user: usize,
        command: &Command,
    ) -> Result<Option<(Commit, u64)>, Violation> {
        let (op, now, number) = (self.op(), self.agenda.now(), self.number());
        let mutation = command.write(self.users[user].reading.fleet(), &self.recorded, now, number);
        if mutation.is_empty() {
            return Ok(None);
        }
        let notes = mutation.notes.clone();
        let commit = self.store.commit(self.users[user].reading.commit(op, mutation));
        self.store.remember(now);
        self.tell(
            Kind::Command,
            || "user".to_owned(),
            None,
            || match commit {
                Commit::Done => command.name(),
                _ => format!("{}: what was read is old, so it is read again", command.name()),
            },
        );
        self.users[user].reading.refresh(&self.store);
        if commit == Commit::Done {
            command.edit(&mut self.tree);
            self.summary.commands += 1;
            self.hint(0, 5);
            self.hint(1, 5);
            self.witness.commands_stay(&self.store, &notes)?;
        }
        Ok(Some((commit, number)))
    }
}
