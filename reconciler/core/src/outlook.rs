//! Whether an instance will get to what is wanted of it, which may hang on others.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{is_met, is_stuck, is_untried};
use crate::desired::Intent;
use crate::edge::{Permit, Upstream, describe, permit};
use crate::fleet::{Fleet, Wanted, is_current};
use crate::id::Instance;
use crate::state::State;
use crate::status::Status;

/// Where an instance is on its way to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// It is what is wanted.
    Met,
    /// It is not, and will not be unless somebody acts.
    Missed(String),
    /// It is on its way.
    Moving,
}

/// The outlooks of one moment. Each instance is judged once, however many others wait for it.
pub struct Outlooks<'a> {
    fleet: &'a Fleet,
    judged: BTreeMap<Instance, Outlook>,
}

/// The instances whose outlooks have to be known first.
struct Unknown(Vec<Instance>);

impl<'a> Outlooks<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        Self { fleet, judged: BTreeMap::new() }
    }

    /// Where an instance is on its way. A chain of upstreams may be longer than a stack is deep, so those that come
    /// first stand on a list of our own.
    pub fn of(&mut self, instance: &Instance) -> Outlook {
        let mut open = vec![instance.clone()];
        let mut begun = BTreeSet::new();
        while let Some(next) = open.pop() {
            if self.judged.contains_key(&next) && !begun.remove(&next) {
                continue;
            }
            match self.judge(&next) {
                Ok(outlook) => drop(self.judged.insert(next, outlook)),
                Err(Unknown(first)) => {
                    // Whoever comes by here again before the answer is known waits for itself.
                    let circle = Outlook::Missed("waits for itself".to_owned());
                    self.judged.insert(next.clone(), circle);
                    begun.insert(next.clone());
                    open.push(next);
                    open.extend(first);
                }
            }
        }
        self.judged.get(instance).cloned().expect("what was asked for was judged last")
    }

    fn judge(&self, instance: &Instance) -> Result<Outlook, Unknown> {
        let Some(wanted) = self.fleet.wanted(instance) else { return Ok(Outlook::Met) };
        let fresh = Status::new(instance.clone());
        let status = self.fleet.statuses.get(instance).unwrap_or(&fresh);
        match wanted.intent {
            Intent::Forget => Ok(Outlook::Met),
            // Nobody decides what has ended and leaves the project: there is nothing to take in. Nor does it begin for an
            // owner that has not read this: a new attempt is recorded only while what wants it is as it was read.
            Intent::Remove => Ok(met(status.attempt.is_none() || status.state.is_final())),
            // What ended before this was asked may be about to begin again, for an owner that has not read it yet.
            Intent::Stop | Intent::Suspend => {
                Ok(met(status.state.is_final() && is_current(wanted.goal, status)))
            }
            Intent::Run => self.run(instance, wanted, status),
        }
    }

    fn run(&self, instance: &Instance, wanted: Wanted<'_>, status: &Status) -> Result<Outlook, Unknown> {
        if !is_current(wanted.goal, status) {
            return Ok(Outlook::Moving);
        }
        if is_met(wanted.spec.mode, status) {
            return Ok(Outlook::Met);
        }
        Ok(match &status.state {
            State::Skipped { .. } if self.is_skip_harmless(instance)? => Outlook::Met,
            // The end of a pause changes nothing while an upstream does not let it start.
            State::Waiting { .. } if is_untried(wanted.goal, status) => return self.blocked(instance),
            state if state.is_final() || is_stuck(wanted.spec.mode, status) => Outlook::Missed(say(state)),
            _ => Outlook::Moving,
        })
    }

    /// A job that waits moves as long as one of its upstreams does.
    fn blocked(&self, instance: &Instance) -> Result<Outlook, Unknown> {
        let awaited = self.upstreams(instance, Permit::Awaited);
        if self.outlooks(instance, &awaited)?.contains(&Some(&Outlook::Moving)) {
            return Ok(Outlook::Moving);
        }
        let reason = awaited.first().map(describe);
        Ok(reason.map_or(Outlook::Moving, |why| Outlook::Missed(format!("waits: {why}"))))
    }

    /// A skip is harmless where the upstreams did what they should, and the job was for another case.
    fn is_skip_harmless(&self, instance: &Instance) -> Result<bool, Unknown> {
        let hopeless = self.upstreams(instance, Permit::Denied);
        let outlooks = self.outlooks(instance, &hopeless)?;
        Ok(outlooks.iter().all(|outlook| *outlook == Some(&Outlook::Met)))
    }

    /// What an instance waits for, as far as it is let by this.
    fn upstreams(&self, instance: &Instance, by: Permit) -> Vec<Upstream> {
        self.fleet.upstreams(instance).into_iter().filter(|one| permit(one) == by).collect()
    }

    /// The outlook of each upstream; none of one that does not exist.
    fn outlooks(&self, of: &Instance, upstreams: &[Upstream]) -> Result<Vec<Option<&Outlook>>, Unknown> {
        let others: Vec<Option<Instance>> =
            upstreams.iter().map(|one| self.fleet.upstream(of, &one.edge.job)).collect();
        let unknown = others.iter().flatten().filter(|other| !self.judged.contains_key(other));
        let unknown: Vec<Instance> = unknown.cloned().collect();
        if unknown.is_empty() {
            Ok(others.iter().map(|other| self.judged.get(other.as_ref()?)).collect())
        } else {
            Err(Unknown(unknown))
        }
    }
}

fn met(is_met: bool) -> Outlook {
    if is_met { Outlook::Met } else { Outlook::Moving }
}

fn say(state: &State) -> String {
    match state.reason() {
        Some(reason) => format!("{}: {reason}", state.name()),
        None => state.name().to_string(),
    }
}
