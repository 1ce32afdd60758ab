//! A small world at one moment.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use windlass_compiler::model::{Job, Mode, OnLost};
use windlass_compiler::units::Duration;

use crate::desired::Goal;
use crate::id::{Generation, Instance};
use crate::sights::Sights;
use crate::sim::agenda::Tick;
use crate::sim::cluster::{Call, Cluster, Place};
use crate::sim::project;
use crate::spec::Spec;
use crate::status::Status;

use super::Bounds;
use super::member::{Member, Write, call, observation, status};
use super::promises::Seen;

/// Everything that there is.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) fixed: Arc<Fixed>,
    pub(super) goal: Rc<Goal>,
    pub(super) status: Rc<Status>,
    pub(super) version: u32,
    pub(super) barrier: u64,
    pub(super) cluster: Cluster,
    pub(super) members: [Member; 2],
    pub(super) writes: Vec<Write>,
    pub(super) calls: Vec<Rc<Call>>,
    /// What was accepted and may start.
    pub(super) accepted: Vec<(Place, Rc<Call>)>,
    pub(super) left: Left,
    pub(super) seen: Seen,
}

/// What never changes.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) job: Job,
    pub(super) spec: Spec,
    pub(super) instance: Instance,
}

/// How much of everything may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) crashes: u8,
    pub(super) late: u8,
    pub(super) take_overs: u8,
    pub(super) twins: u8,
    pub(super) commands: u8,
    pub(super) mishaps: u8,
    pub(super) silences: u8,
}

/// The moment at which everything happens. Decisions are taken much later, so that every pause is over.
pub(super) fn now() -> Timestamp {
    Tick(0).time()
}

pub(super) fn later() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

impl State {
    /// One owner, and a goal that wants the job to run.
    pub(super) fn first(bounds: &Bounds) -> Self {
        let job = job(bounds);
        let instance = match job.mode {
            Mode::Stream => Instance::stream(job.id.clone()),
            Mode::Batch => Instance::batch(job.id.clone(), now()),
        };
        let (goal, status) = (Rc::new(Goal::run(Generation(1))), Rc::new(Status::new(instance.clone())));
        let member = |is_up: bool| Member {
            is_up,
            epoch: u64::from(is_up),
            goal: Rc::clone(&goal),
            status: Rc::clone(&status),
            version: 0,
            sights: Sights::default(),
        };
        Self {
            members: [member(true), member(false)],
            cluster: Cluster::new(job.cluster.clone(), bounds.kind),
            fixed: Arc::new(Fixed { spec: Spec::of(&job), job, instance }),
            goal,
            status,
            version: 0,
            barrier: 1,
            writes: Vec::new(),
            calls: Vec::new(),
            accepted: Vec::new(),
            left: Left {
                crashes: bounds.crashes,
                late: bounds.late,
                take_overs: bounds.take_overs,
                twins: bounds.twins,
                commands: bounds.commands,
                mishaps: bounds.mishaps,
                silences: bounds.silences,
            },
            seen: Seen::default(),
        }
    }

    /// The same for two states that no decision and no promise can tell apart. Two halves of 64 bits each: among a
    /// million states the chance that two of them are taken for one is below 10⁻²⁶.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut into = DefaultHasher::new();
        self.hash_into(&mut into);
        let first = u128::from(into.finish());
        // The hasher holds 256 bits; what is asked of it once more tells other bits of them.
        into.write_u8(1);
        first << 64 | u128::from(into.finish())
    }

    fn hash_into(&self, into: &mut DefaultHasher) {
        (self.goal.generation, self.goal.intent, self.barrier, self.left).hash(into);
        status(&self.status, into);
        for object in self.cluster.objects() {
            observation(&object.observation, into);
            (object.is_stopping, object.is_durable).hash(into);
        }
        self.members.iter().for_each(|member| member.fingerprint(self.version, into));
        unordered(self.writes.iter().map(|one| digest(|into| one.fingerprint(self.version, into))))
            .hash(into);
        unordered(self.calls.iter().map(|one| digest(|into| call(one, into)))).hash(into);
        unordered(self.accepted.iter().map(|(place, _)| digest(|into| place.hash(into)))).hash(into);
        self.seen.hash(into);
    }
}

fn digest(hash: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut into = DefaultHasher::new();
    hash(&mut into);
    into.finish()
}

fn unordered(all: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable();
    all
}

fn job(bounds: &Bounds) -> Job {
    let mut job = project::plain("orders.settle", bounds.mode);
    job.retry.attempts = bounds.retries;
    job.retry.backoff.min = Duration::from_millis(0);
    job.retry.on_lost = if bounds.retries > 0 { OnLost::Retry } else { OnLost::Hold };
    job
}
