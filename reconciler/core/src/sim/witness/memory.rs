//! What is left of what a store that went back in time has forgotten: in the heads of those who had read it, in what
//! recoveries have named, and on the clusters.
//!
//! Where nothing is left, nobody can name a command that was acknowledged, nor tell that the number of an attempt was used:
//! that is not held against a run.

use crate::fleet::Fleet;
use crate::id::{AttemptNumber, Instance};
use crate::observed::Phase;
use crate::recovery::Finding;
use crate::sim::cluster::Cluster;
use crate::sim::reading::Reading;
use crate::sim::store::Store;
use crate::state::{State, Submission};
use crate::status::Status;

use super::{Command, Witness, command_stays, is_named, is_wanted, objects};

/// Where something may be left of what was forgotten.
pub struct Memory<'a> {
    /// What is on record.
    pub store: &'a Store,
    /// What is on the clusters.
    pub clusters: &'a [Cluster],
    /// What was read by those who live.
    pub readings: Vec<&'a Reading>,
}

impl Witness {
    /// Lets go of what nothing is left of. To be asked whenever something may have been lost.
    pub fn forget(&mut self, memory: &Memory<'_>) {
        let named = &self.named;
        let is_gone = |(instance, number): &(Instance, AttemptNumber)| {
            !memory.tells_of(instance, *number) && !is_numbered(named, instance, *number)
        };
        let gone: Vec<_> = self.starts.keys().filter(|start| is_gone(start)).cloned().collect();
        self.effaced.extend(gone);
        self.commands.retain(|subject, command| {
            memory.has_command(subject, command) || named.iter().any(|one| is_named(one, subject, command))
        });
    }
}

impl Memory<'_> {
    /// Whether anything tells that an attempt was started.
    fn tells_of(&self, instance: &Instance, number: AttemptNumber) -> bool {
        let recorded = self.store.status(instance);
        let is_known = |fleet: &Fleet| fleet.statuses.get(instance).is_some_and(|one| knows(one, number));
        // While its intent is on record, it is enough that somebody notices.
        let is_intended = || recorded.is_some_and(|status| status.attempt_number() == number);
        let is_noticed = || self.readings.iter().any(|reading| reading.is_ahead_of(self.store));
        recorded.is_some_and(|status| knows(status, number))
            || self.is_shown(instance, number)
            || self.fleets().any(is_known)
            || is_numbered(self.findings(), instance, number)
            || (is_intended() && (is_noticed() || self.is_recovering()))
    }

    /// Whether a command is on record, or somebody can name it.
    fn has_command(&self, subject: &str, command: &Command) -> bool {
        let is_read = |fleet: &Fleet| {
            let instance = subject.parse::<Instance>().ok();
            let wanted = instance.as_ref().and_then(|instance| fleet.wanted(instance));
            wanted.is_some_and(|wanted| is_wanted(wanted.goal, command))
        };
        command_stays(self.store, subject, command).is_ok()
            || self.findings().any(|one| is_named(one, subject, command))
            || self.fleets().any(is_read)
    }

    /// Whether a cluster shows it, or a later one. One that is still suspended does not tell that another one, which was
    /// deleted, has started under its number.
    fn is_shown(&self, instance: &Instance, number: AttemptNumber) -> bool {
        objects(self.clusters).map(|object| &object.observation).any(|shown| {
            let (label, is_suspended) = (&shown.label, matches!(shown.phase, Phase::Suspended));
            let is_it = label.attempt > number || (label.attempt == number && !is_suspended);
            label.instance == *instance && is_it
        })
    }

    fn is_recovering(&self) -> bool {
        self.store.recovery().is_some_and(|recovery| !recovery.is_over())
    }

    /// What was read, now and before the store went back.
    fn fleets(&self) -> impl Iterator<Item = &Fleet> {
        self.readings.iter().flat_map(|reading| reading.fleets())
    }

    /// What recoveries have named that are on record, or were read.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        let read = self.fleets().filter_map(|fleet| fleet.recovery.as_ref());
        self.store.recovery().into_iter().chain(read).flat_map(|recovery| &recovery.findings)
    }
}

/// Whether a status tells that an attempt may have been started. Where nothing but its intent is on record, it would be
/// made.
fn knows(status: &Status, number: AttemptNumber) -> bool {
    let state = match &status.state {
        State::Unknown { before, .. } => before,
        state => state,
    };
    let is_to_be_made = matches!(state, State::Submitting(Submission::Intended));
    status.attempt_number() > number || (status.attempt_number() == number && !is_to_be_made)
}

/// Whether findings name an attempt, or a later one.
fn is_numbered<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    instance: &Instance,
    number: AttemptNumber,
) -> bool {
    findings.into_iter().any(|finding| match finding {
        Finding::Number { instance: of, attempt, .. }
        | Finding::Attempt { instance: of, attempt, .. }
        | Finding::Gone { instance: of, attempt } => of == instance && *attempt >= number,
        Finding::Command { .. } | Finding::Goal { .. } | Finding::Run { .. } | Finding::Stray { .. } => false,
    })
}
