//! Sees everything, on both sides of the network, and says which promise was broken.
//!
//! Each promise is one function, named as `docs` and messages name it.

mod leases;
mod memory;

use std::collections::{BTreeMap, BTreeSet};

use windlass_compiler::name::JobId;

use crate::action::Action;
use crate::desired::{Change, Desired, Goal, Intent};
use crate::event::Event;
use crate::history::Note;
use crate::id::{AttemptNumber, Epoch, Generation, Instance, Sequence, Uid, Version};
use crate::observed::{Label, Phase};
use crate::recovery::Finding;
use crate::run::Run;
use crate::shard::Shard;
use crate::sim::cluster::{Cluster, Effect, Object, Place};
use crate::sim::store::{Accepted, Key, Record, Store};
use crate::sim::story;
use crate::state::State;
use crate::status::{Status, Transition};
use leases::Leases;

pub use memory::Memory;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: &'static str,
    /// How.
    pub detail: String,
}

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    /// The barriers that were raised for owners, in that order.
    raises: Vec<Raise>,
    starts: BTreeMap<(Instance, AttemptNumber), u64>,
    /// Started attempts of which nothing is left: nobody can tell that their numbers were used.
    effaced: BTreeSet<(Instance, AttemptNumber)>,
    /// How many numbers of those were used again.
    exceptions: u64,
    intended: BTreeSet<(Instance, AttemptNumber)>,
    uids: BTreeSet<(Instance, AttemptNumber, Uid)>,
    /// The last step of each subject in the history.
    steps: BTreeMap<String, Sequence>,
    commands: BTreeMap<String, Command>,
    /// What was seen of leases over nodes.
    pub leases: Leases,
    /// What recoveries have named that are over and were followed by others.
    named: Vec<Finding>,
}

/// A barrier that was raised for an owner.
#[derive(Debug, Clone, Copy)]
struct Raise {
    owner: usize,
    /// None where one owner has all shards.
    shard: Option<Shard>,
    epoch: Epoch,
    /// Whether its owner has heard of it in time, and has taken over.
    is_entered: bool,
}

/// A command that changed what is wanted of something.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    generation: Generation,
    intent: Intent,
    change: Change,
}

type Check = Result<(), Violation>;

fn broken(invariant: &'static str, detail: impl Into<String>) -> Check {
    Err(Violation { invariant, detail: detail.into() })
}

impl Witness {
    /// Judges what a step of the simulation did.
    pub fn step(&mut self, store: &mut Store, clusters: &[Cluster], effects: &[Effect]) -> Check {
        let accepted = store.take_accepted();
        if accepted.is_empty() && effects.is_empty() {
            return Ok(());
        }
        for write in &accepted {
            one_lineage(write)?;
            nothing_below_the_barrier(write)?;
            intents_rise(write)?;
            self.steps_stand_once(write)?;
            take_overs_are_named(store, write)?;
            what_begins_is_wanted(store, write)?;
            ends_are_believed(write, clusters)?;
            self.note(write);
        }
        for effect in effects {
            self.intent_comes_first(effect)?;
            self.one_start_per_attempt(effect)?;
        }
        one_instance_per_stream(clusters)?;
        nothing_runs_after_its_stop(store, clusters)?;
        self.every_object_has_a_record(clusters)
    }

    /// The store has raised the barrier of a shard for an owner, or of all.
    pub fn raised(&mut self, owner: usize, shard: Option<Shard>, epoch: Epoch) {
        self.raises.push(Raise { owner, shard, epoch, is_entered: false });
    }

    /// I2: epochs only ever rise, shard by shard, in the order in which the store raised the barriers: an owner that stood
    /// still hears late of its own, and whoever came meanwhile is above it, at the store as well.
    pub fn epochs_rise(&mut self, owner: usize, shard: Option<Shard>, epoch: Epoch) -> Check {
        let is_it = |one: &Raise| (one.owner, one.shard, one.epoch) == (owner, shard, epoch);
        let Some(at) = self.raises.iter().rposition(is_it) else {
            return broken(
                "I2 epochs rise",
                format!("{epoch} was entered, and no barrier was raised for it"),
            );
        };
        self.raises[at].is_entered = true;
        let (before, after) = (&self.raises[..at], &self.raises[at + 1..]);
        let is_other = |one: &&Raise| one.is_entered && one.shard == shard;
        let above = before.iter().filter(is_other).find(|one| one.epoch >= epoch);
        let below = after.iter().filter(is_other).find(|one| one.epoch <= epoch);
        match (above, below) {
            (Some(other), _) => broken("I2 epochs rise", format!("{epoch} after {}", other.epoch)),
            (None, Some(other)) => broken("I2 epochs rise", format!("{} after {epoch}", other.epoch)),
            (None, None) => Ok(()),
        }
    }

    /// R9, at the moment of a call: who knows that something is to stop, starts nothing of it.
    pub fn last_intent_wins(&self, goal: &Goal, action: &Action) -> Check {
        match action {
            Action::Create(_) | Action::Activate { .. } if goal.intent != Intent::Run => broken(
                "R9 the last intent wins",
                format!("{} of {} under {:?}", action.verb(), action.name(), goal.intent),
            ),
            _ => Ok(()),
        }
    }

    /// I11, when a call was done: what it found ended is still there, and has ended, unless its end is recorded.
    pub fn what_has_ended_stays(&self, store: &Store, cluster: &Cluster, ended: &[(Place, Label)]) -> Check {
        let is_recorded = |label: &Label| {
            store.status(&label.instance).is_some_and(|status| {
                let latest = status.attempt_number();
                latest > label.attempt || (latest == label.attempt && !status.state.is_live())
            })
        };
        let lost = |(place, label): &&(Place, Label)| {
            !cluster.ended(&place.0).iter().any(|(other, _)| other == place) && !is_recorded(label)
        };
        match ended.iter().find(lost) {
            Some((_, label)) => {
                let detail = format!("{} is no longer shown as ended, and no record says how", name(label));
                broken("I11 an end stays until it is recorded", detail)
            }
            None => Ok(()),
        }
    }

    /// I8, when a command is acknowledged: it is what is wanted, or a later one is.
    pub fn commands_stay(&mut self, store: &Store, asked: &[(String, Note)]) -> Check {
        for (subject, note) in asked {
            if let Note::Command { intent, generation, change } = note {
                let (generation, intent, change) = (*generation, *intent, change.clone());
                let command = Command { generation, intent, change };
                command_stays(store, subject, &command)?;
                self.commands.insert(subject.clone(), command);
            }
        }
        Ok(())
    }

    /// I8, at the end: no acknowledged command has disappeared, unless it is named among what the store has forgotten.
    pub fn all_commands_stay(&self, store: &Store) -> Check {
        let present = store.recovery().map(|recovery| &recovery.findings[..]).unwrap_or_default();
        let missing = self.commands.iter().filter(|(subject, command)| {
            !present.iter().chain(&self.named).any(|finding| is_named(finding, subject, command))
        });
        missing.into_iter().try_for_each(|(subject, command)| command_stays(store, subject, command))
    }

    /// How often each instance has started.
    pub fn starts(&self) -> BTreeMap<Instance, u64> {
        let mut starts = BTreeMap::new();
        for ((instance, _), times) in &self.starts {
            *starts.entry(instance.clone()).or_default() += times;
        }
        starts
    }

    /// I9, at the end: the history has every step that the record counts.
    pub fn all_steps_stand(&self, status: &Status) -> Check {
        let told = self.steps.get(&status.instance.to_string()).copied().unwrap_or_default();
        if told == status.sequence() {
            return Ok(());
        }
        let detail = format!("{}: {told} of {} steps", status.instance, status.sequence());
        broken("I9 transitions stand once, in order", detail)
    }

    /// The history goes back with the store.
    pub fn go_back(&mut self, store: &Store) {
        let statuses = store.keys().filter_map(|key| match key {
            Key::Status(instance) => store.status(instance),
            _ => None,
        });
        self.steps = statuses.map(|status| (status.instance.to_string(), status.sequence())).collect();
    }

    /// Whether the number of an attempt of which nothing is left was used again.
    pub fn has_excepted(&self) -> bool {
        self.exceptions > 0
    }

    fn note(&mut self, write: &Accepted) {
        if let Some((_, Record::Recovery(before))) = &write.before
            && before.is_over()
        {
            self.named.extend(before.findings.iter().cloned());
        }
        let Record::Status(status) = &write.after else { return };
        let Some(attempt) = &status.attempt else { return };
        self.intended.insert((status.instance.clone(), attempt.number));
        if let Some(uid) = &attempt.uid {
            self.uids.insert((status.instance.clone(), attempt.number, uid.clone()));
        }
    }

    /// I4: at most one effective start of an attempt.
    fn one_start_per_attempt(&mut self, effect: &Effect) -> Check {
        let Effect::Started(_, _, label) = effect else { return Ok(()) };
        let attempt = (label.instance.clone(), label.attempt);
        let is_effaced = self.effaced.remove(&attempt);
        let starts = self.starts.entry(attempt).or_default();
        *starts += 1;
        if is_effaced {
            self.exceptions += 1;
            return Ok(());
        }
        if *starts > 1 {
            return broken("I4 one start per attempt", format!("{} has started {starts} times", name(label)));
        }
        Ok(())
    }

    /// I9: each transition stands once in the history, in order, without gaps.
    fn steps_stand_once(&mut self, write: &Accepted) -> Check {
        for (subject, step) in steps(write) {
            let last = self.steps.entry(subject.to_owned()).or_default();
            if step.sequence != last.next() {
                let detail = format!("{subject}: step {} after {last}", step.sequence);
                return broken("I9 transitions stand once, in order", detail);
            }
            *last = step.sequence;
        }
        Ok(())
    }

    /// I10: what happens on a cluster was recorded before.
    fn intent_comes_first(&self, effect: &Effect) -> Check {
        let known = match effect {
            Effect::Created(_, label) | Effect::Accepted(_, label) | Effect::Stopping(_, label) => {
                self.intended.contains(&(label.instance.clone(), label.attempt))
            }
            Effect::Started(_, uid, label) => {
                self.uids.contains(&(label.instance.clone(), label.attempt, uid.clone()))
            }
        };
        let (label, text) = story::effect(effect);
        let cluster = || format!("{}: its cluster {text}, and no record knew of that", label.instance);
        if known { Ok(()) } else { broken("I10 intent before effect", cluster()) }
    }

    /// I7: every object maps to a record that knows of its attempt.
    fn every_object_has_a_record(&self, clusters: &[Cluster]) -> Check {
        for object in objects(clusters) {
            let label = &object.observation.label;
            if !self.intended.contains(&(label.instance.clone(), label.attempt)) {
                return broken("I7 every object has a record", name(label));
            }
        }
        Ok(())
    }
}

fn objects(clusters: &[Cluster]) -> impl Iterator<Item = &Object> {
    clusters.iter().flat_map(Cluster::objects)
}

fn name(label: &Label) -> String {
    format!("{} attempt {}", label.instance, label.attempt)
}

/// The transitions that a write adds to the history, each with its subject.
fn steps(write: &Accepted) -> impl Iterator<Item = (&str, &Transition)> {
    write.history.iter().filter_map(|(subject, note)| match note {
        Note::Transition(step) => Some((subject.as_str(), step)),
        _ => None,
    })
}

/// I1: every version follows from the one that its writer had read.
fn one_lineage(write: &Accepted) -> Check {
    let before = write.before.as_ref().map(|(version, _)| *version);
    if before == write.expected {
        return Ok(());
    }
    let said = |version: Option<Version>| {
        version.map_or("none".to_owned(), |version| format!("{} of write {}", version.counter, version.op.0))
    };
    let (read, there) = (said(write.expected), said(before));
    broken("I1 one lineage", format!("{} was written on version {read}, and {there} was there", write.key))
}

/// I3: no write below the barrier is accepted.
fn nothing_below_the_barrier(write: &Accepted) -> Check {
    match write.epoch {
        Some(epoch) if epoch < write.barrier => {
            broken("I3 nothing below the barrier", format!("{epoch} below {}", write.barrier))
        }
        _ => Ok(()),
    }
}

/// I8, at each write: generations and attempts only ever rise, and no write takes a command back.
fn intents_rise(write: &Accepted) -> Check {
    let lost = |detail: String| broken("I8 acknowledged commands stay", detail);
    match (write.before.as_ref().map(|(_, record)| record), &write.after) {
        (Some(Record::Desired(before)), Record::Desired(after)) if is_lost(&before.goal, &after.goal) => {
            lost(format!("{} lost generation {}", after.job(), before.goal.generation))
        }
        (Some(Record::Run(before)), Record::Run(after)) => {
            let both = before.jobs.values().zip(after.jobs.values());
            match both.into_iter().find(|(one, other)| is_lost(&one.goal, &other.goal)) {
                Some((one, _)) => lost(format!("{} lost generation {}", one.spec.id, one.goal.generation)),
                None => Ok(()),
            }
        }
        (Some(Record::Status(before)), Record::Status(after))
            if after.attempt_number() < before.attempt_number() =>
        {
            broken("I1 one lineage", format!("{} went back to an earlier attempt", after.instance))
        }
        _ => Ok(()),
    }
}

fn is_lost(before: &Goal, after: &Goal) -> bool {
    after.generation < before.generation || (after.generation == before.generation && after != before)
}

/// I8, where a recovery takes up an attempt that its store had forgotten: the findings say so from that moment on.
fn take_overs_are_named(store: &Store, write: &Accepted) -> Check {
    let findings = store.recovery().map(|recovery| &recovery.findings[..]).unwrap_or_default();
    let is_told = |subject: &str, attempt: AttemptNumber| {
        findings.iter().any(|finding| match finding {
            Finding::Attempt { instance, attempt: found, .. }
            | Finding::Number { instance, attempt: found, .. } => {
                *found == attempt && instance.to_string() == subject
            }
            _ => false,
        })
    };
    for (subject, step) in steps(write) {
        if step.event == Event::Recovered.name() && !is_told(subject, step.attempt) {
            let detail =
                format!("attempt {} of {subject} is on record again, and no finding says so", step.attempt);
            return broken("I8 acknowledged commands stay", detail);
        }
    }
    Ok(())
}

/// I11, at each write: nothing is recorded as lost while its cluster shows how it has ended.
fn ends_are_believed(write: &Accepted, clusters: &[Cluster]) -> Check {
    let Record::Status(after) = &write.after else { return Ok(()) };
    let is_lost = |status: &Status| matches!(status.state, State::Lost { .. });
    let was_lost = matches!(&write.before, Some((_, Record::Status(before)))
        if is_lost(before) && before.attempt_number() == after.attempt_number());
    let Some(attempt) = after.attempt.as_ref().filter(|_| is_lost(after) && !was_lost) else { return Ok(()) };
    let of_it = objects(clusters).map(|object| &object.observation).find(|shown| {
        shown.name == attempt.name
            && attempt.uid.as_ref() == Some(&shown.uid)
            && matches!(shown.phase, Phase::Ended { .. })
    });
    match of_it {
        Some(shown) => broken(
            "I11 an end stays until it is recorded",
            format!("{} is recorded as lost, and its cluster shows {:?}", name(&shown.label), shown.phase),
        ),
        None => Ok(()),
    }
}

/// I5: at most one instance of a stream is active. (A batch of one run is held to the same.)
fn one_instance_per_stream(clusters: &[Cluster]) -> Check {
    let mut active: BTreeMap<&Instance, &Label> = BTreeMap::new();
    for object in objects(clusters).filter(|object| object.observation.phase.is_alive()) {
        let label = &object.observation.label;
        if let Some(other) = active.insert(&label.instance, label) {
            let detail = format!("{} beside {}", name(label), name(other));
            return broken("I5 one active instance", detail);
        }
    }
    Ok(())
}

/// I6: when a stop is durable, nothing of it is active.
fn nothing_runs_after_its_stop(store: &Store, clusters: &[Cluster]) -> Check {
    for object in objects(clusters).filter(|object| object.observation.phase.is_alive()) {
        let label = &object.observation.label;
        let Some(status) = store.status(&label.instance) else { continue };
        let over = matches!(status.state, State::Stopped | State::Suspended | State::Succeeded);
        if over && label.attempt <= status.attempt_number() {
            let detail = format!("{} is active, its record says {}", name(label), status.state.name());
            return broken("I6 nothing runs after its stop", detail);
        }
    }
    Ok(())
}

/// R9, when a new attempt is recorded: it is wanted at that moment, whatever its owner had read.
fn what_begins_is_wanted(store: &Store, write: &Accepted) -> Check {
    let Record::Status(after) = &write.after else { return Ok(()) };
    if !steps(write).any(|(_, step)| step.event == Event::Submitted.name()) {
        return Ok(());
    }
    let instance = &after.instance;
    let left =
        desired(store, &instance.job).map(|desired| desired.goal.intent).filter(|intent| !intent.belongs());
    match left.or_else(|| goal(store, instance).map(|goal| goal.intent)) {
        Some(intent) if intent != Intent::Run => {
            let detail =
                format!("{instance} attempt {} is recorded under {intent:?}", after.attempt_number());
            broken("R9 the last intent wins", detail)
        }
        _ => Ok(()),
    }
}

fn command_stays(store: &Store, subject: &str, command: &Command) -> Check {
    let wanted = subject.parse::<Instance>().ok().and_then(|instance| goal(store, &instance));
    if wanted.is_some_and(|goal| is_wanted(&goal, command)) {
        Ok(())
    } else {
        broken("I8 acknowledged commands stay", format!("{subject}: {command:?}"))
    }
}

/// Whether a goal is what a command wants, or a later one.
fn is_wanted(goal: &Goal, command: &Command) -> bool {
    let is_same = goal.generation == command.generation && goal.intent == command.intent;
    goal.generation > command.generation || is_same
}

/// Whether a command is named as forgotten.
fn is_named(finding: &Finding, subject: &str, command: &Command) -> bool {
    match finding {
        Finding::Command { job, change, .. } => job.to_string() == subject && *change == command.change,
        // What its run names is the last change of any goal in it.
        Finding::Goal { instance, intent, .. } => {
            instance.to_string() == subject && *intent == command.intent
        }
        Finding::Run { run } => subject
            .parse::<Instance>()
            .ok()
            .and_then(|one| one.run_id())
            .is_some_and(|id| id.to_string() == *run),
        Finding::Number { .. } | Finding::Attempt { .. } | Finding::Gone { .. } | Finding::Stray { .. } => {
            false
        }
    }
}

fn goal(store: &Store, instance: &Instance) -> Option<Goal> {
    match instance.run_id() {
        None => desired(store, &instance.job).map(|desired| desired.goal.clone()),
        Some(id) => match store.read(&Key::Run(id))? {
            (_, Record::Run(run)) => goal_in(run, &instance.job),
            _ => None,
        },
    }
}

fn goal_in(run: &Run, job: &JobId) -> Option<Goal> {
    run.jobs.get(&job.job).map(|bound| bound.goal.clone())
}

fn desired<'a>(store: &'a Store, job: &JobId) -> Option<&'a Desired> {
    match store.read(&Key::Desired(job.clone()))? {
        (_, Record::Desired(desired)) => Some(desired),
        _ => None,
    }
}

/// I12, of one instance: what runs is what its record says, once everything is quiet.
pub fn is_as_recorded(status: &Status, clusters: &[Cluster]) -> Check {
    let of_it = objects(clusters).filter(|object| object.observation.label.instance == status.instance);
    let alive: Vec<_> = of_it
        .filter(|object| object.observation.phase.is_alive() || object.observation.phase == Phase::Suspended)
        .map(|object| object.observation.label.attempt)
        .collect();
    let expected: Vec<_> = match status.state {
        State::Running { .. } | State::Degraded { .. } => vec![status.attempt_number()],
        _ => Vec::new(),
    };
    if alive == expected {
        return Ok(());
    }
    let detail = format!("{} is {} with {alive:?} alive", status.instance, status.state.name());
    broken("I12 everything converges", detail)
}
