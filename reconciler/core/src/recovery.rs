//! What follows when a store has gone back in time: it was restarted from an older file, a replica that lagged was
//! promoted, it was emptied. Records that were acknowledged are gone, and what runs knows better than what is written.
//!
//! Nothing is done on any cluster while a shard is frozen. Its owner asks every cluster and brings status up to what is
//! really there ([`rebuild`]); numbers of attempts only rise by that. Somebody gives the desired state anew, from its
//! specs. Then the owner looks once more, for what the specs have brought back, and the shard thaws.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::model::{Mode, OnLost};
use windlass_compiler::name::{JobId, Name};

use crate::case::Moment;
use crate::desired::{Change, Intent};
use crate::document::Document;
use crate::draft::Draft;
use crate::event::Event;
use crate::fleet::{Fleet, Wanted};
use crate::id::{AttemptNumber, Generation, Instance};
use crate::observed::Observation;
use crate::shard::Shard;
use crate::state::{IllegalEvent, State};
use crate::status::{Attempt, Status};

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
        let new = findings.into_iter().filter(|finding| !self.findings.contains(finding)).collect::<Vec<_>>();
        self.findings.extend(new);
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
    /// A run is no longer on record.
    Run {
        /// Which one.
        run: String,
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
            Self::Command { job, intent, change } => {
                let intent = match intent {
                    Intent::Run => "to run",
                    Intent::Stop => "to be stopped",
                    Intent::Suspend => "to be suspended",
                    Intent::Remove => "to be removed",
                    Intent::Forget => "to be forgotten",
                };
                write!(f, "{job} was {intent} ({} by {}, {:.0})", change.command, change.author, change.at)
            }
            Self::Run { run } => write!(f, "the run {run} is no longer on record"),
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

/// What a reader who has seen more can name of what a store has forgotten.
pub fn forgotten(seen: &Fleet, now: &Fleet) -> Vec<Finding> {
    let newer = seen.desired.values().filter(|desired| {
        let left = now.desired.get(desired.job()).map(|left| left.goal.generation).unwrap_or_default();
        desired.goal.generation > left
    });
    let commands = newer.map(|desired| Finding::Command {
        job: desired.job().clone(),
        intent: desired.goal.intent,
        change: Change::clone(&desired.change),
    });
    let gone = seen.runs.keys().filter(|id| !now.runs.contains_key(*id));
    commands.chain(gone.map(|id| Finding::Run { run: id.to_string() })).collect()
}

/// What is to be recorded in a shard.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Status, as it is to be.
    pub statuses: Vec<Status>,
    /// What people should know.
    pub findings: Vec<Finding>,
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
    for instance in concerned(fleet, shard, &seen) {
        let Some(wanted) = fleet.wanted(&instance) else { continue };
        let fresh = Status::new(instance.clone());
        let status = fleet.statuses.get(&instance).unwrap_or(&fresh);
        let mut draft = Draft::new(status, wanted.goal.generation, moment);
        let found = match seen.get(&instance) {
            Some((cluster, found)) if found.label.attempt > status.attempt_number() => {
                Some(take_over(&mut draft, cluster, found, &wanted, confirmed)?)
            }
            Some((_, found)) if found.label.attempt == status.attempt_number() => None,
            _ => give_up(&mut draft, fleet, &wanted, &seen, confirmed)?,
        };
        rebuilt.findings.extend(found);
        rebuilt.statuses.extend(draft.into_changed());
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

/// The instances that are shown, or from which something is wanted.
fn concerned(fleet: &Fleet, shard: Shard, seen: &Seen<'_>) -> BTreeSet<Instance> {
    let active = fleet.active().into_iter().filter(|instance| Shard::of_instance(instance) == shard);
    active.chain(seen.keys().map(|instance| (*instance).clone())).collect()
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
    let now = draft.now();
    draft.edit().attempt = Some(Attempt {
        number: label.attempt,
        generation: generation(label.generation, wanted, confirmed),
        cluster: cluster.clone(),
        name: found.name.clone(),
        uid: None,
        submitted: now,
        started: None,
        ended: None,
    });
    draft.happen(&Event::Recovered)?;
    let (instance, attempt) = (label.instance.clone(), label.attempt);
    Ok(Finding::Attempt { instance, attempt, cluster: cluster.clone() })
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
        State::Submitting(_) => lose(draft, wanted).map(Some),
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
fn lose(draft: &mut Draft<'_>, wanted: &Wanted<'_>) -> Result<Finding, IllegalEvent> {
    if matches!(draft.state(), State::Unknown { .. }) {
        draft.happen(&Event::Heard)?;
    }
    draft.happen(&Event::Lost {
        reason: "the store went back in time while it was being submitted".to_owned(),
    })?;
    let now = draft.now();
    draft.with_attempt(|attempt| attempt.ended = Some(now));
    if wanted.spec.mode == Mode::Stream || wanted.spec.retry.on_lost == OnLost::Retry {
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
