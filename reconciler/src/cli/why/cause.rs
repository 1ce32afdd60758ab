//! The chain of causes: an instance, how it stands, and what it needs, recursively.

use std::collections::BTreeSet;

use serde::Serialize;
use windlass_compiler::model::{Mode, When};
use windlass_core::edge::{Upstream, Verdict, judge};
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::state::{Name, State};
use windlass_core::status::Status;

use super::account::Known;
use crate::cli::rows::{since, to_come};
use crate::cli::story::by;
use crate::cli::time::{age, ago, full};

/// Why something stands as it does.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Cause {
    /// The instance; the job where it has none.
    pub(super) instance: String,
    pub(super) state: Option<Name>,
    /// What is needed of it by the entry above; none at the top.
    pub(super) needed: Option<&'static str>,
    /// How it stands, as a sentence without a subject.
    pub(super) says: String,
    /// What it needs, and has not got.
    pub(super) causes: Vec<Cause>,
}

/// So far a chain is followed: nobody reads more of it, and a stack has an end.
const DEEPEST: usize = 100;

/// The causes of an instance's state.
pub(super) fn cause(fleet: &Fleet, instance: &Instance, known: &Known) -> Cause {
    within(fleet, instance, known, &mut Told::default())
}

/// What stands in the chain already, and how deep it is.
#[derive(Default)]
struct Told {
    instances: BTreeSet<Instance>,
    depth: usize,
}

/// What is needed of an upstream, behind `needs NAME`.
pub(super) fn needed(mode: Option<Mode>, when: When) -> &'static str {
    match (when, mode) {
        (When::Met, Some(Mode::Stream)) => "to run",
        (When::Met | When::Succeeded, _) => "to succeed",
        (When::Failed, _) => "to fail",
        (When::Finished, _) => "to end",
        (When::Running, _) => "to start",
    }
}

fn within(fleet: &Fleet, instance: &Instance, known: &Known, told: &mut Told) -> Cause {
    let status = fleet.statuses.get(instance);
    let goes_on = told.instances.insert(instance.clone()) && told.depth < DEEPEST;
    let causes = if goes_on && is_held_by_others(fleet, instance) {
        told.depth += 1;
        let unmet = fleet.upstreams(instance).into_iter().filter(|one| judge(one) != Verdict::Met);
        let causes = unmet.map(|upstream| below(fleet, instance, &upstream, known, told)).collect();
        told.depth -= 1;
        causes
    } else {
        Vec::new()
    };
    Cause {
        instance: instance.to_string(),
        state: Some(status.map_or(Name::Waiting, |status| status.state.name())),
        needed: None,
        says: says(fleet, instance, known),
        causes,
    }
}

/// Whether edges decide: they hold back the first start, and nothing later.
fn is_held_by_others(fleet: &Fleet, instance: &Instance) -> bool {
    fleet.statuses.get(instance).is_none_or(|status| match &status.state {
        State::Waiting { not_before: None } => fleet.is_untried(instance),
        State::Skipped { .. } => true,
        _ => false,
    })
}

fn below(fleet: &Fleet, instance: &Instance, upstream: &Upstream, known: &Known, told: &mut Told) -> Cause {
    let job = &upstream.edge.job;
    let mode = upstream.standing.as_ref().map(|standing| standing.mode);
    let needed = Some(needed(mode, upstream.edge.when));
    match (&upstream.standing, fleet.upstream(instance, job)) {
        (Some(_), Some(other)) => {
            let mut cause = within(fleet, &other, known, told);
            if let (Verdict::Pending(reason), true) = (judge(upstream), cause.causes.is_empty())
                && let Some(rest) = reason.strip_suffix("has not yet taken in its last change")
                && !rest.is_empty()
            {
                cause.says = format!("{}, and has not yet taken in its last change", cause.says);
            }
            Cause { needed, ..cause }
        }
        (standing, _) => {
            let says =
                if standing.is_some() { "it has not run yet" } else { "it does not belong to the project" };
            Cause {
                instance: job.to_string(),
                state: None,
                needed,
                says: says.to_owned(),
                causes: Vec::new(),
            }
        }
    }
}

/// How an instance stands: `it has failed, 2m10s ago: exit status 3`.
pub(super) fn says(fleet: &Fleet, instance: &Instance, known: &Known) -> String {
    let status = fleet.statuses.get(instance);
    let state = status.map_or(&State::NEW, |status| &status.state);
    let time = since(fleet, instance).map(|since| {
        if state.is_final() || matches!(state.name(), Name::Lost) {
            format!(", {}", ago(since, known.now))
        } else {
            format!(", for {}", age(known.now.duration_since(since)))
        }
    });
    let mut says = format!("it {}{}", state.name().predicate(), time.unwrap_or_default());
    if let Some(more) = more(fleet, instance, status, known) {
        let joint = if more.starts_with("by ") { "," } else { ":" };
        says = format!("{says}{joint} {more}");
    }
    match known.stale.get(instance) {
        Some(what) => format!("{says}, by its record; but {what}"),
        None => says,
    }
}

/// The reason, the pause, or whose intent it is.
fn more(fleet: &Fleet, instance: &Instance, status: Option<&Status>, known: &Known) -> Option<String> {
    let state = status.map_or(&State::NEW, |status| &status.state);
    // The reason of a skip is an upstream, which stands below.
    let reason = state.reason().filter(|_| !matches!(state, State::Skipped { .. })).map(str::to_owned);
    if let Some(change) = known.decided.get(instance) {
        let asked = format!("{} {}", to_come(fleet, instance).unwrap_or_default(), by(change));
        return Some(reason.into_iter().chain([asked.trim().to_owned()]).collect::<Vec<_>>().join("; "));
    }
    if let State::Waiting { not_before: Some(until) } = state {
        let reason = status.and_then(crate::cli::rows::last_failure).unwrap_or("the last attempt failed");
        let next = status.map_or(1, |status| status.attempt_number().next().0);
        let when = if *until > known.now {
            format!("not before {}, {}", full(*until), ago(*until, known.now))
        } else {
            format!("due since {}", full(*until))
        };
        return Some(format!("{reason}; attempt {next} {when}"));
    }
    reason
}

impl Cause {
    /// The causes that have no cause of their own, each once.
    pub(super) fn roots(&self) -> Vec<&Cause> {
        if self.causes.is_empty() {
            return vec![self];
        }
        let mut roots: Vec<&Cause> = Vec::new();
        for root in self.causes.iter().flat_map(Cause::roots) {
            if !roots.iter().any(|known| known.instance == root.instance) {
                roots.push(root);
            }
        }
        roots
    }
}
