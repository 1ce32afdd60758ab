//! What follows when a store has gone back in time: it was restarted from an older file, a replica that lagged was
//! promoted, it was emptied. Records that were acknowledged are gone, and what runs knows better than what is written.
//!
//! Nothing is done on any cluster while a shard is frozen. Its owner asks every cluster and brings status up to what is
//! really there ([`rebuild`]); numbers of attempts only rise by that. Somebody gives the desired state anew, from its
//! specs. Then the owner looks once more, for what the specs have brought back, and the shard thaws.

mod ahead;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use windlass_compiler::model::{Mode, OnLost};
use windlass_compiler::name::{JobId, Name};

use crate::case::Moment;
use crate::desired::{Change, Goal, Intent};
use crate::document::Document;
use crate::draft::Draft;
use crate::event::Event;
use crate::fleet::{Fleet, Wanted};
use crate::fold::{heard, record_uid};
use crate::history::Note;
use crate::id::{AttemptNumber, ExternalName, Generation, Instance};
use crate::observed::Observation;
use crate::run::Run;
use crate::shard::Shard;
use crate::state::{IllegalEvent, State};
use crate::status::{Attempt, Status};

pub use ahead::{Ahead, ahead};

/// The record `recovery`: how far the project is with what its store has forgotten. None was ever needed where there
/// is no such record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// When it was noticed.
    pub since: Timestamp,
    /// What was noticed.
    pub reason: String,
    /// The shards whose clusters were asked, and whose status was brought up to that.
    pub looked: BTreeSet<Shard>,
    /// Who has given the desired state anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Change>,
    /// The shards that go on.
    pub thawed: BTreeSet<Shard>,
    /// What may have been lost.
    pub findings: Vec<Finding>,
}

impl Document for Recovery {
    const KIND: &'static str = "recovery";
    const FORMAT: u64 = 1;
    const FIELDS: &'static [&'static str] = &["since", "reason", "looked", "confirmed", "thawed", "findings"];
}

/// What is next for a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its owner asks the clusters.
    Look,
    /// The desired state is to be given anew.
    Confirm,
    /// Its owner asks the clusters once more.
    LookAgain,
    /// It goes on.
    Thawed,
}

impl Recovery {
    /// The beginning: every shard is frozen. `findings`: what is already known to be lost.
    pub fn begin(since: Timestamp, reason: String, findings: Vec<Finding>) -> Self {
        let (looked, thawed) = (BTreeSet::new(), BTreeSet::new());
        Self { since, reason, looked, confirmed: None, thawed, findings }
    }

    /// What somebody writes who has noticed that the store went back, and can name what is lost: the beginning of a
    /// recovery, or more findings for one that is under way. None where there is nothing to add. `seen`: the recovery that
    /// was on record before; a later one was begun by somebody who noticed the same before us, and an earlier one, or the
    /// same at an earlier stage, has come back with the store.
    pub fn noticed(
        present: Option<&Self>,
        seen: Option<&Self>,
        since: Timestamp,
        reason: &str,
        lost: Vec<Finding>,
    ) -> Option<Self> {
        // Later than those, whatever the clocks of the hosts that wrote them showed.
        let after = |one: &Self| one.since.checked_add(SignedDuration::from_nanos(1)).unwrap_or(one.since);
        let since = present.into_iter().chain(seen).map(after).fold(since, Timestamp::max);
        match present {
            Some(present) if seen.is_none_or(|seen| present.since > seen.since) => {
                let mut more = present.clone();
                more.find(lost);
                (!present.is_over() && more.findings.len() > present.findings.len()).then_some(more)
            }
            // What an earlier one has found, and nobody has seen to, is lost still.
            Some(present) if !present.is_over() => {
                let mut anew = Self::begin(since, reason.to_owned(), present.findings.clone());
                anew.find(lost);
                Some(anew)
            }
            Some(_) | None => Some(Self::begin(since, reason.to_owned(), lost)),
        }
    }

    /// What is next for a shard.
    pub fn stage(&self, shard: Shard) -> Stage {
        match &self.confirmed {
            _ if self.thawed.contains(&shard) => Stage::Thawed,
            _ if !self.looked.contains(&shard) => Stage::Look,
            None => Stage::Confirm,
            Some(_) => Stage::LookAgain,
        }
    }

    /// Whether the desired state may be given anew: what it was when the store went back must have been compared with
    /// what is there, or else a generation that is counted for the second time would pass for the first.
    pub fn may_confirm(&self) -> bool {
        self.looked.len() == usize::from(Shard::COUNT)
    }

    /// Whether all of it is over.
    pub fn is_over(&self) -> bool {
        self.thawed.len() == usize::from(Shard::COUNT)
    }

    /// Takes a shard one stage further, with what was found there.
    pub fn advance(&mut self, shard: Shard, findings: Vec<Finding>) {
        match self.stage(shard) {
            Stage::Look => drop(self.looked.insert(shard)),
            Stage::LookAgain => drop(self.thawed.insert(shard)),
            Stage::Confirm | Stage::Thawed => return,
        }
        self.find(findings);
    }

    /// What the history says when this takes the place of `before`.
    pub fn news(&self, before: Option<&Self>) -> Vec<Note> {
        let same = before.filter(|before| before.since == self.since);
        let frozen = same.is_none().then(|| Note::Frozen { reason: self.reason.clone() });
        let fresh = self.confirmed.as_ref().filter(|_| same.is_none_or(|before| before.confirmed.is_none()));
        let given = fresh.map(|change| Note::GivenAnew { change: change.clone() });
        let thawed = (self.is_over() && same.is_none_or(|before| !before.is_over())).then_some(Note::Thawed);
        frozen.into_iter().chain(given).chain(thawed).collect()
    }

    fn find(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

/// Something that may have been lost, or is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A change of desired state that was acknowledged is no longer on record.
    Command {
        /// The job.
        job: JobId,
        /// What was wanted.
        intent: Intent,
        /// Who wanted it, when and how.
        change: Change,
    },
    /// The same of one instance, in a run that is still on record.
    Goal {
        /// The instance.
        instance: Instance,
        /// What was wanted.
        intent: Intent,
        /// Who changed the run last, when and how.
        change: Change,
    },
    /// A run is no longer on record.
    Run {
        /// Which one.
        run: String,
    },
    /// An attempt that was on record no longer is: its number, and with it its name, must not be used again.
    Number {
        /// Of which instance.
        instance: Instance,
        /// Which one.
        attempt: AttemptNumber,
        /// The generation that it counts as.
        generation: Generation,
        /// Where.
        cluster: Name,
    },
    /// An attempt was found that is later than the one on record; it was taken over.
    Attempt {
        /// Of which instance.
        instance: Instance,
        /// Which one.
        attempt: AttemptNumber,
        /// Where.
        cluster: Name,
    },
    /// An attempt that was being submitted is nowhere; whether it has run is not known.
    Gone {
        /// Of which instance.
        instance: Instance,
        /// Which one.
        attempt: AttemptNumber,
    },
    /// An attempt was found of an instance that is not on record; it is left alone.
    Stray {
        /// Of which instance.
        instance: Instance,
        /// Which one.
        attempt: AttemptNumber,
        /// Where.
        cluster: Name,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { job, intent, change } => wanted(f, job, *intent, change),
            Self::Goal { instance, intent, change } => wanted(f, instance, *intent, change),
            Self::Run { run } => write!(f, "the run {run} is no longer on record"),
            Self::Number { instance, attempt, .. } => {
                write!(f, "{instance}: attempt {attempt} is no longer on record")
            }
            Self::Attempt { instance, attempt, cluster } => {
                write!(f, "{instance}: attempt {attempt} was found on {cluster} and taken over")
            }
            Self::Gone { instance, attempt } => {
                write!(f, "{instance}: attempt {attempt} was being submitted and is nowhere; it may have run")
            }
            Self::Stray { instance, attempt, cluster } => {
                write!(f, "{instance}: attempt {attempt} is on {cluster}, and on no record; it is left alone")
            }
        }
    }
}

fn wanted(f: &mut fmt::Formatter<'_>, of: &dyn fmt::Display, intent: Intent, change: &Change) -> fmt::Result {
    let intent = match intent {
        Intent::Run => "to run",
        Intent::Stop => "to be stopped",
        Intent::Suspend => "to be suspended",
        Intent::Remove => "to be removed",
        Intent::Forget => "to be forgotten",
    };
    write!(f, "{of} was {intent} ({} by {}, {:.0})", change.command, change.author, change.at)
}

/// What a reader who has seen more can name of what a store has forgotten. A goal that was counted anew since then has
/// the generation of the one that is gone, and another author or time.
pub fn forgotten(seen: &Fleet, now: &Fleet) -> Vec<Finding> {
    let newer = seen.desired.values().filter(|desired| {
        let left = now.desired.get(desired.job());
        left.is_none_or(|left| is_gone(&desired.goal, &left.goal, desired.change == left.change))
    });
    let commands = newer.map(|desired| Finding::Command {
        job: desired.job().clone(),
        intent: desired.goal.intent,
        change: Change::clone(&desired.change),
    });
    let runs = seen.runs.values().flat_map(|run| match now.runs.get(&run.id) {
        None => vec![Finding::Run { run: run.id.to_string() }],
        Some(left) => goals(run, left),
    });
    // What was found when it went back before may be forgotten as well.
    let known = now.recovery.as_ref().map(|recovery| &recovery.findings[..]).unwrap_or_default();
    let found = seen.recovery.iter().flat_map(|recovery| &recovery.findings);
    let found = found.filter(|finding| !known.contains(finding)).cloned();
    commands.chain(runs).chain(numbers(seen, now)).chain(found).collect()
}

/// The attempts that are no longer on record.
fn numbers<'a>(seen: &'a Fleet, now: &'a Fleet) -> impl Iterator<Item = Finding> + 'a {
    seen.statuses.values().filter_map(|status| {
        let left = now.statuses.get(&status.instance).map(Status::attempt_number).unwrap_or_default();
        let attempt = status.attempt.as_ref().filter(|attempt| attempt.number > left)?;
        Some(Finding::Number {
            instance: status.instance.clone(),
            attempt: attempt.number,
            generation: attempt.generation,
            cluster: attempt.cluster.clone(),
        })
    })
}

/// The goals of a run that are no longer on record, in a run that is.
fn goals(seen: &Run, now: &Run) -> Vec<Finding> {
    let gone = seen.instances().filter(|(instance, bound)| {
        let left = now.jobs.get(&instance.job.job);
        // The change of a run is that of whichever of its goals changed last.
        left.is_none_or(|left| is_gone(&bound.goal, &left.goal, bound.goal == left.goal))
    });
    let named = gone.map(|(instance, bound)| Finding::Goal {
        instance,
        intent: bound.goal.intent,
        change: Change::clone(&seen.change),
    });
    named.collect()
}

/// `same`: where both have one generation, they are of one change.
fn is_gone(seen: &Goal, left: &Goal, same: bool) -> bool {
    match seen.generation.cmp(&left.generation) {
        Ordering::Greater => true,
        Ordering::Equal => !same,
        Ordering::Less => false,
    }
}

/// What is to be recorded in a shard.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Runs that had ended, and of which something is under way again; to be recorded before the statuses.
    pub runs: Vec<Run>,
    /// Status, as it is to be.
    pub statuses: Vec<Status>,
    /// What people should know.
    pub findings: Vec<Finding>,
}

impl Rebuilt {
    /// What has changed in a run that is over is decided again, until it is over once more.
    fn reopen(&mut self, fleet: &Fleet, instance: &Instance) {
        let run = instance.run_id().and_then(|id| fleet.runs.get(&id)).filter(|run| run.ended.is_some());
        if let Some(run) = run.filter(|run| self.runs.iter().all(|known| known.id != run.id)) {
            self.runs.push(Run { ended: None, ..run.clone() });
        }
    }
}

/// Brings the status of a shard up to what its clusters show; every one of them must have answered. `confirmed`:
/// the desired state has been given anew. Doing it again changes nothing.
pub fn rebuild(
    fleet: &Fleet,
    shard: Shard,
    shown: &[(&Name, &Observation)],
    confirmed: bool,
    moment: Moment,
) -> Result<Rebuilt, IllegalEvent> {
    let mut rebuilt = Rebuilt::default();
    let seen = latest(shard, shown);
    for (instance, (cluster, observation)) in &seen {
        let (instance, cluster) = ((*instance).clone(), (*cluster).clone());
        if fleet.wanted(&instance).is_none() {
            let attempt = observation.label.attempt;
            rebuilt.findings.push(Finding::Stray { instance, attempt, cluster });
        }
    }
    let numbered = numbered(fleet, shard);
    for instance in concerned(fleet, shard, &seen, &numbered) {
        let Some(wanted) = fleet.wanted(&instance) else { continue };
        let fresh = Status::new(instance.clone());
        let status = fleet.statuses.get(&instance).unwrap_or(&fresh);
        let mut draft = Draft::new(status, wanted.goal.generation, moment);
        let shown = seen.get(&instance).copied();
        let latest =
            shown.map(|(_, shown)| shown.label.attempt).unwrap_or_default().max(status.attempt_number());
        let found = match (shown, numbered.get(&instance)) {
            (_, Some(number)) if number.attempt > latest => {
                number.skip(&mut draft, &wanted, confirmed)?;
                None
            }
            (Some((cluster, found)), _) if found.label.attempt > status.attempt_number() => {
                Some(take_over(&mut draft, cluster, found, &wanted, confirmed)?)
            }
            (Some((_, found)), _) if found.label.attempt == status.attempt_number() => None,
            _ => give_up(&mut draft, fleet, &wanted, &seen, confirmed)?,
        };
        // What is shown now may be cleaned up before anything is decided: it has been made, and is not made again.
        if let Some((_, shown)) = shown
            && shown.label.attempt == draft.status().attempt_number()
        {
            heard(&mut draft)?;
            record_uid(&mut draft, shown)?;
        }
        rebuilt.findings.extend(found);
        if let Some(changed) = draft.into_changed() {
            rebuilt.reopen(fleet, &changed.instance);
            rebuilt.statuses.push(changed);
        }
    }
    Ok(rebuilt)
}

/// The latest attempt of each instance of a shard.
type Seen<'a> = BTreeMap<&'a Instance, (&'a Name, &'a Observation)>;

fn latest<'a>(shard: Shard, shown: &[(&'a Name, &'a Observation)]) -> Seen<'a> {
    let mut seen = Seen::new();
    for (cluster, found) in shown {
        let instance = &found.label.instance;
        let known = seen.get(instance).map(|(_, known)| known.label.attempt);
        if Shard::of_instance(instance) == shard && known < Some(found.label.attempt) {
            seen.insert(instance, (cluster, found));
        }
    }
    seen
}

/// An attempt that was on record, as whoever had seen it has named it.
struct Number<'a> {
    attempt: AttemptNumber,
    generation: Generation,
    cluster: &'a Name,
}

impl Number<'_> {
    /// No cluster shows it or a later one, and it may have run: it counts as lost, so that what follows has another name.
    fn skip(&self, draft: &mut Draft<'_>, wanted: &Wanted<'_>, confirmed: bool) -> Result<(), IllegalEvent> {
        let name = ExternalName::of(&draft.status().instance, self.attempt);
        let counts = generation(self.generation, wanted, confirmed);
        intend(draft, Attempt::new(self.attempt, counts, self.cluster.clone(), name, draft.now()))?;
        lose(draft, wanted, "the store has forgotten it, and no cluster has it").map(drop)
    }
}

/// The latest attempt of each instance of a shard that is named as no longer on record.
fn numbered(fleet: &Fleet, shard: Shard) -> BTreeMap<&Instance, Number<'_>> {
    let mut numbers: BTreeMap<&Instance, Number<'_>> = BTreeMap::new();
    for finding in fleet.recovery.iter().flat_map(|recovery| &recovery.findings) {
        let Finding::Number { instance, attempt, generation, cluster } = finding else { continue };
        let number = Number { attempt: *attempt, generation: *generation, cluster };
        let is_later = numbers.get(instance).is_none_or(|known| known.attempt < *attempt);
        if is_later && Shard::of_instance(instance) == shard {
            numbers.insert(instance, number);
        }
    }
    numbers
}

/// The instances that are shown, that were on record, or from which something is wanted.
fn concerned(
    fleet: &Fleet,
    shard: Shard,
    seen: &Seen<'_>,
    numbered: &BTreeMap<&Instance, Number<'_>>,
) -> BTreeSet<Instance> {
    let active = fleet.active().into_iter().filter(|instance| Shard::of_instance(instance) == shard);
    let known = seen.keys().chain(numbered.keys()).map(|instance| (*instance).clone());
    active.chain(known).collect()
}

/// Takes a later attempt over: from here on it is as if it had been intended, and the cluster tells the rest.
fn take_over(
    draft: &mut Draft<'_>,
    cluster: &Name,
    found: &Observation,
    wanted: &Wanted<'_>,
    confirmed: bool,
) -> Result<Finding, IllegalEvent> {
    let label = &found.label;
    let counts = generation(label.generation, wanted, confirmed);
    intend(draft, Attempt::new(label.attempt, counts, cluster.clone(), found.name.clone(), draft.now()))?;
    let (instance, attempt) = (label.instance.clone(), label.attempt);
    Ok(Finding::Attempt { instance, attempt, cluster: cluster.clone() })
}

/// An attempt is on record again.
fn intend(draft: &mut Draft<'_>, attempt: Attempt) -> Result<(), IllegalEvent> {
    draft.edit().attempt = Some(attempt);
    draft.happen(&Event::Recovered)
}

/// The generation that an attempt counts as. One that the store has forgotten, or may count for the second time, is
/// none: a stream is then replaced by what is wanted now. A batch is never run again for that.
fn generation(labelled: Generation, wanted: &Wanted<'_>, confirmed: bool) -> Generation {
    let known = !confirmed && labelled <= wanted.goal.generation;
    match wanted.spec.mode {
        Mode::Batch => labelled.min(wanted.goal.generation),
        Mode::Stream if known => labelled,
        Mode::Stream => Generation(0),
    }
}

/// What is recorded of an instance whose attempt no cluster shows.
fn give_up(
    draft: &mut Draft<'_>,
    fleet: &Fleet,
    wanted: &Wanted<'_>,
    seen: &Seen<'_>,
    confirmed: bool,
) -> Result<Option<Finding>, IllegalEvent> {
    let state = match draft.state() {
        State::Unknown { before, .. } => &**before,
        state => state,
    };
    match state {
        State::Submitting(_) => {
            lose(draft, wanted, "the store went back in time while it was being submitted").map(Some)
        }
        State::Waiting { .. } if confirmed && draft.status().attempt.is_none() => {
            let Some(other) = twin(draft, fleet, seen) else { return Ok(None) };
            let reason = format!("{other}, of a run that the store has forgotten, may have done the same");
            draft.happen(&Event::Lost { reason }).map(|()| None)
        }
        // What ran and is not shown is missed in the ordinary way, by repeated answers.
        _ => Ok(None),
    }
}

/// A submission of which nothing is to be seen: the object may have come, run and gone in what was forgotten.
fn lose(draft: &mut Draft<'_>, wanted: &Wanted<'_>, reason: &str) -> Result<Finding, IllegalEvent> {
    heard(draft)?;
    draft.happen(&Event::Lost { reason: reason.to_owned() })?;
    let now = draft.now();
    draft.with_attempt(|attempt| attempt.ended = Some(now));
    if wanted.spec.mode == Mode::Stream || wanted.spec.terms.retry.on_lost == OnLost::Retry {
        draft.happen(&Event::Retried { not_before: now })?;
    }
    let (instance, attempt) = (draft.status().instance.clone(), draft.status().attempt_number());
    Ok(Finding::Gone { instance, attempt })
}

/// An attempt of the same job in a run that is not on record.
fn twin<'a>(draft: &Draft<'_>, fleet: &Fleet, seen: &Seen<'a>) -> Option<&'a Instance> {
    let instance = &draft.status().instance;
    instance.run?;
    let same = seen.keys().filter(|other| other.job == instance.job && ***other != *instance);
    same.copied().find(|other| fleet.wanted(other).is_none())
}

#[cfg(test)]
mod tests;
