//! A cluster in memory, for tests: what is asked of it is done at once, and a test does to it what worlds do to clusters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use windlass_core::action::{Action, Outcome};
use windlass_core::id::{ExternalName, Uid};
use windlass_core::observed::{End, Observation, Phase};

use super::{Driver, Output, Silence};

/// A cluster. A stream that was activated runs until it is stopped, and a batch succeeds.
#[derive(Debug, Default)]
pub struct Memory {
    objects: Mutex<BTreeMap<ExternalName, Observation>>,
    silent: AtomicBool,
}

impl Memory {
    /// What is on it.
    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<ExternalName, Observation>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it answer nothing, or answer again. What it is asked to do is not done meanwhile.
    pub fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    fn hear(&self) -> Result<(), Silence> {
        let reason = "silenced by a test".to_owned();
        if self.silent.load(Ordering::Relaxed) { Err(Silence { reason }) } else { Ok(()) }
    }

    fn perform(&self, action: &Action) -> Outcome {
        let mut objects = self.objects();
        if let Action::Create(create) = action {
            let (name, label, phase) = (create.name.clone(), create.label.clone(), Phase::Suspended);
            let uid = Uid(format!("{name}-{}", Timestamp::now().as_nanosecond()));
            let object = || Observation { name, uid, label, phase };
            return Outcome::Done(objects.entry(create.name.clone()).or_insert_with(object).clone());
        }
        let Some(object) = objects.get_mut(action.name()) else { return Outcome::Gone };
        let (Action::Activate { uid, .. } | Action::Stop { uid: Some(uid), .. }) = action else {
            return Outcome::Done(next(object, action).clone());
        };
        if object.uid == *uid {
            Outcome::Done(next(object, action).clone())
        } else {
            Outcome::Foreign(object.clone())
        }
    }
}

/// An object after an action: what has ended stays so.
fn next<'a>(object: &'a mut Observation, action: &Action) -> &'a Observation {
    let now = Timestamp::now();
    let is_batch = object.label.instance.run.is_some();
    let next = match (&object.phase, action) {
        (Phase::Suspended, Action::Activate { .. }) if is_batch => {
            Some(Phase::Ended { at: now, started: Some(now), end: End::Succeeded })
        }
        (Phase::Suspended, Action::Activate { .. }) => Some(Phase::Running { since: now }),
        (phase, Action::Stop { .. }) if !phase.is_over() => {
            Some(Phase::Ended { at: now, started: None, end: End::Stopped })
        }
        _ => None,
    };
    object.phase = next.unwrap_or_else(|| object.phase.clone());
    object
}

#[async_trait]
impl Driver for Memory {
    async fn list(&self) -> Result<Vec<Observation>, Silence> {
        self.hear().map(|()| self.objects().values().cloned().collect())
    }

    async fn observe(&self, name: &ExternalName) -> Result<Option<Observation>, Silence> {
        self.hear().map(|()| self.objects().get(name).cloned())
    }

    async fn perform(&self, action: &Action) -> Outcome {
        match self.hear() {
            Ok(()) => Self::perform(self, action),
            Err(Silence { reason }) => Outcome::Unknown { reason },
        }
    }

    async fn output(&self, _: &ExternalName, _: u64, _: usize) -> Result<Output, Silence> {
        self.hear().map(|()| Output::default())
    }

    async fn changed(&self) {
        std::future::pending().await
    }
}
