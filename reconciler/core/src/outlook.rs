//! Whether an instance will get to what is wanted of it, which may hang on others.

use std::collections::BTreeMap;

use crate::case::{is_met, is_stuck, is_untried};
use crate::desired::Intent;
use crate::edge::{Permit, describe, permit};
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
pub(crate) struct Outlooks<'a> {
    fleet: &'a Fleet,
    judged: BTreeMap<Instance, Outlook>,
}

impl<'a> Outlooks<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        Self { fleet, judged: BTreeMap::new() }
    }

    pub(crate) fn of(&mut self, instance: &Instance) -> Outlook {
        if let Some(judged) = self.judged.get(instance) {
            return judged.clone();
        }
        // Whoever comes by here again before the answer is known waits for itself.
        let circle = Outlook::Missed("waits for itself".to_owned());
        self.judged.insert(instance.clone(), circle);
        let outlook = self.judge(instance);
        self.judged.insert(instance.clone(), outlook.clone());
        outlook
    }

    fn judge(&mut self, instance: &Instance) -> Outlook {
        let Some(wanted) = self.fleet.wanted(instance) else { return Outlook::Met };
        let fresh = Status::new(instance.clone());
        let status = self.fleet.statuses.get(instance).unwrap_or(&fresh);
        match wanted.intent {
            Intent::Forget => Outlook::Met,
            Intent::Stop | Intent::Suspend | Intent::Remove => {
                let untouched = status.attempt.is_none() && !wanted.intent.belongs();
                if untouched || status.state.is_final() { Outlook::Met } else { Outlook::Moving }
            }
            Intent::Run => self.run(instance, wanted, status),
        }
    }

    fn run(&mut self, instance: &Instance, wanted: Wanted<'_>, status: &Status) -> Outlook {
        if !is_current(wanted.goal, status) {
            return Outlook::Moving;
        }
        if is_met(wanted.spec.mode, status) {
            return Outlook::Met;
        }
        match &status.state {
            State::Skipped { .. } if self.is_skip_harmless(instance) => Outlook::Met,
            State::Waiting { not_before: None } if is_untried(wanted.goal, status) => self.blocked(instance),
            state if state.is_final() || is_stuck(wanted.spec.mode, status) => Outlook::Missed(say(state)),
            _ => Outlook::Moving,
        }
    }

    /// A job that waits moves as long as one of its upstreams does.
    fn blocked(&mut self, instance: &Instance) -> Outlook {
        let mut reason = None;
        for upstream in self.fleet.upstreams(instance) {
            if permit(&upstream) != Permit::Awaited {
                continue;
            }
            let other = self.fleet.upstream(instance, &upstream.edge.job);
            if other.is_some_and(|other| self.of(&other) == Outlook::Moving) {
                return Outlook::Moving;
            }
            reason.get_or_insert_with(|| describe(&upstream));
        }
        reason.map_or(Outlook::Moving, |why| Outlook::Missed(format!("waits: {why}")))
    }

    /// A skip is harmless where the upstreams did what they should, and the job was for another case.
    fn is_skip_harmless(&mut self, instance: &Instance) -> bool {
        let upstreams = self.fleet.upstreams(instance);
        let mut hopeless = upstreams.iter().filter(|one| permit(one) == Permit::Denied);
        hopeless.all(|one| {
            let upstream = self.fleet.upstream(instance, &one.edge.job);
            upstream.is_some_and(|upstream| self.of(&upstream) == Outlook::Met)
        })
    }
}

fn say(state: &State) -> String {
    match state.reason() {
        Some(reason) => format!("{}: {reason}", state.name()),
        None => state.name().to_string(),
    }
}
