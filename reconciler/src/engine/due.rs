//! Which instances are to be decided: those that something has touched since they were decided last. What a decision
//! rests on beside the records ([`windlass_core::dependents`]) touches an instance here: what its cluster shows, a call
//! that came back, a time. What everything rests on (the shards that are ours, the hold, the project, a recovery), and a
//! failure in the middle of a turn, makes everything due, and so does time once in a while: nothing is stuck for good by
//! what this overlooks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use windlass_core::dependents::Dependents;
use windlass_core::fleet::Fleet;
use windlass_core::id::{Instance, RunId};

use crate::ledger::Fresh;

/// So many instances are decided in one turn; between two of them the engine hears what has come meanwhile.
const TURN: usize = 512;

/// What is to be decided.
pub(super) struct Due {
    dependents: Dependents,
    everything: bool,
    queue: VecDeque<Instance>,
    queued: BTreeSet<Instance>,
    /// Runs that may be over.
    runs: BTreeSet<RunId>,
    /// What waits until a cluster is heard.
    unheard: BTreeSet<Instance>,
    wakes: BTreeMap<Instance, Timestamp>,
    times: BTreeSet<(Timestamp, Instance)>,
    /// What is between two states.
    moving: BTreeSet<Instance>,
}

impl Due {
    /// All of a fleet.
    pub(super) fn of(fleet: &Fleet) -> Self {
        Self {
            dependents: Dependents::of(fleet),
            everything: true,
            queue: VecDeque::new(),
            queued: BTreeSet::new(),
            runs: BTreeSet::new(),
            unheard: BTreeSet::new(),
            wakes: BTreeMap::new(),
            times: BTreeSet::new(),
            moving: BTreeSet::new(),
        }
    }

    /// Makes everything due.
    pub(super) fn touch_all(&mut self) {
        self.everything = true;
    }

    /// Makes instances due.
    pub(super) fn touch_each(&mut self, instances: impl IntoIterator<Item = Instance>) {
        instances.into_iter().for_each(|instance| self.touch(instance));
    }

    fn touch(&mut self, instance: Instance) {
        self.runs.extend(instance.run_id());
        if self.queued.insert(instance.clone()) {
            self.queue.push_back(instance);
        }
    }

    /// Makes due what rests on records that have changed.
    pub(super) fn touch_by(&mut self, fresh: Fresh, fleet: &Fleet) {
        match fresh {
            Fresh::All => {
                self.dependents = Dependents::of(fleet);
                self.touch_all();
            }
            Fresh::Some(some) => {
                let touched = some.iter().flat_map(|one| self.dependents.touch(fleet, one));
                let touched: BTreeSet<_> = touched.collect();
                self.touch_each(touched);
            }
        }
    }

    /// Makes due what waits for a cluster to be heard.
    pub(super) fn touch_unheard(&mut self) {
        let unheard = std::mem::take(&mut self.unheard);
        self.touch_each(unheard);
    }

    /// Puts an instance off until a cluster is heard.
    pub(super) fn await_word(&mut self, instance: &Instance) {
        self.unheard.insert(instance.clone());
    }

    /// Makes an instance due at a time, or before it.
    pub(super) fn touch_at(&mut self, instance: &Instance, at: Option<Timestamp>) {
        let Some(at) = at.filter(|at| self.wakes.get(instance).is_none_or(|known| at < known)) else {
            return;
        };
        if let Some(known) = self.wakes.insert(instance.clone(), at) {
            self.times.remove(&(known, instance.clone()));
        }
        self.times.insert((at, instance.clone()));
    }

    /// Whether everything is due; asked once.
    pub(super) fn take_all(&mut self, fleet: &Fleet) -> bool {
        if !std::mem::take(&mut self.everything) {
            return false;
        }
        let active = fleet.active();
        self.moving = active.iter().filter(|instance| fleet.is_between(instance)).cloned().collect();
        self.runs.extend(self.dependents.open().iter().cloned());
        self.touch_each(active);
        true
    }

    /// The next instances to decide. What they were to be decided at is forgotten: they are told anew.
    pub(super) fn next(&mut self, now: Timestamp) -> Vec<Instance> {
        while let Some((at, instance)) = self.times.pop_first() {
            if now < at {
                self.times.insert((at, instance));
                break;
            }
            self.wakes.remove(&instance);
            self.touch(instance);
        }
        let next: Vec<_> = self.queue.drain(..self.queue.len().min(TURN)).collect();
        for instance in &next {
            self.queued.remove(instance);
            self.unheard.remove(instance);
            if let Some(at) = self.wakes.remove(instance) {
                self.times.remove(&(at, instance.clone()));
            }
        }
        next
    }

    /// The runs that may have come to their end.
    pub(super) fn take_runs(&mut self) -> BTreeSet<RunId> {
        std::mem::take(&mut self.runs)
    }

    /// Looks at a run again when something is decided next.
    pub(super) fn touch_run(&mut self, run: RunId) {
        self.runs.insert(run);
    }

    /// Notes whether instances that were decided are between two states.
    pub(super) fn note(&mut self, decided: &[Instance], fleet: &Fleet) {
        for instance in decided {
            if fleet.is_between(instance) && fleet.is_active(instance) {
                self.moving.insert(instance.clone());
            } else {
                self.moving.remove(instance);
            }
        }
    }

    /// Whether anything is between two states, as far as was noted.
    pub(super) fn is_anything_moving(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Whether there is something to decide now.
    pub(super) fn is_ready(&self) -> bool {
        self.everything || !self.queue.is_empty()
    }

    /// Whether nothing is to be decided before something happens.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_ready() && self.unheard.is_empty()
    }

    /// When an instance is due at the latest by what is known; none if nothing makes it due.
    #[cfg(test)]
    pub(super) fn until(&self, instance: &Instance) -> Option<Timestamp> {
        let is_next = self.queued.contains(instance) || self.unheard.contains(instance);
        if is_next { Some(Timestamp::MIN) } else { self.wakes.get(instance).copied() }
    }

    /// When time alone makes something due.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        self.times.first().map(|(at, _)| *at)
    }
}
