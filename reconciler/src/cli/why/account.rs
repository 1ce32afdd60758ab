//! The whole answer to why, as one value: from the records to text and JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use windlass_compiler::escape::visible;
use windlass_compiler::model::{Mode, Retry};
use windlass_compiler::style::Style;
use windlass_core::desired::{Change, Intent};
use windlass_core::fleet::{Fleet, Outlook, Wanted, is_current};
use windlass_core::id::Instance;
use windlass_core::retry::counted;
use windlass_core::state::{Name, State};
use windlass_core::status::{Attempt, Status};

use super::cause::{Cause, cause};
use super::next::{Hint, next};
use crate::cli::converging::named;
use crate::cli::paint::{Tone, of_state, paint};
use crate::cli::rows::intent;
use crate::cli::story::{json, told};
use crate::cli::table::{Cell, Table, wrapped};
use crate::cli::time::{ago, full};
use crate::lease::Holder;
use crate::store::Line;

/// What is known beside the records.
pub(super) struct Known {
    pub(super) now: Timestamp,
    pub(super) driver: Option<Holder>,
    /// What the clusters contradict.
    pub(super) stale: BTreeMap<Instance, String>,
    /// Who asked for it, of each instance that is not simply to run.
    pub(super) decided: BTreeMap<Instance, Change>,
    /// The last lines of the instance's history.
    pub(super) history: Vec<Line>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    instance: String,
    mode: Mode,
    cluster: String,
    state: Name,
    intent: Intent,
    /// Who asked for that intent, unless it is to run.
    by: Option<Change>,
    generation: u64,
    /// Whether the state takes the last change into account.
    current: bool,
    /// What its cluster shows instead of what is recorded.
    stale: Option<String>,
    /// Whether it is what is wanted; none while it is on its way.
    met: Option<bool>,
    attempt: Option<Attempt>,
    retries: Retries,
    because: Cause,
    history: Vec<Value>,
    driver: Option<String>,
    next: Vec<Hint>,
    #[serde(skip)]
    steps: Vec<Line>,
    #[serde(skip)]
    now: Timestamp,
}

/// The retry budget.
#[derive(Debug, Serialize)]
struct Retries {
    used: usize,
    of: u32,
    /// Only failures within this time count.
    within: Option<String>,
    not_before: Option<Timestamp>,
}

impl Account {
    /// The answer about an instance of which something is wanted.
    pub(super) fn new(fleet: &Fleet, instance: &Instance, known: &Known) -> Self {
        let wanted = fleet.wanted(instance).expect("the caller has asked for it");
        let fresh = Status::new(instance.clone());
        let status = fleet.statuses.get(instance).unwrap_or(&fresh);
        let because = cause(fleet, instance, known);
        Self {
            instance: instance.to_string(),
            mode: wanted.spec.mode,
            cluster: wanted.spec.cluster.to_string(),
            state: status.state.name(),
            intent: intent(fleet, instance).unwrap_or(wanted.goal.intent),
            by: known.decided.get(instance).cloned(),
            generation: wanted.goal.generation.0,
            current: !fleet.statuses.contains_key(instance) || is_current(wanted.goal, status),
            stale: known.stale.get(instance).cloned(),
            met: match fleet.outlook(instance) {
                _ if known.stale.contains_key(instance) => None,
                Outlook::Met => Some(true),
                Outlook::Missed(_) => Some(false),
                Outlook::Moving => None,
            },
            attempt: status.attempt.clone(),
            retries: Retries::new(&wanted, status, known.now),
            next: next(fleet, instance, &because, known),
            because,
            history: known.history.iter().map(json).collect(),
            driver: known.driver.as_ref().map(named),
            steps: known.history.clone(),
            now: known.now,
        }
    }

    /// For people.
    pub(super) fn text(&self, style: &Style) -> String {
        let mut text = self.tree(style);
        text.push('\n');
        text.push_str(&self.facts().text(style));
        if !self.steps.is_empty() {
            text.push_str(&format!("\n{}\n", paint(style, Tone::Quiet, "how it came there")));
            let narrower = Style { width: style.width.saturating_sub(2), ..*style };
            text.push_str(&indented(&self.steps(style).text(&narrower)));
        }
        if !self.next.is_empty() {
            text.push_str(&format!("\n{}\n", paint(style, Tone::Quiet, "next")));
            text.push_str(&indented(&self.hints().text(style)));
        }
        text
    }

    /// The chain of causes.
    fn tree(&self, style: &Style) -> String {
        let mut lines = Vec::new();
        let cause = &self.because;
        let says = cause
            .says
            .strip_prefix("it ")
            .map_or_else(|| format!(": {}", cause.says), |says| format!(" {says}"));
        let first = visible(&format!("{}{says}", cause.instance)).into_owned();
        let tone = of_state(self.state);
        lines.extend(wrapped(&first, style.width).iter().map(|line| paint(style, tone, line)));
        branches(&cause.causes, "", style, &mut lines);
        lines.join("\n") + "\n"
    }

    fn facts(&self) -> Table {
        let mut table = Table::new([]).folding();
        let mut fact = |name: &str, text: String| table.row([Cell::new(name, Tone::Quiet), text.into()]);
        fact("goal", self.goal());
        if let Some(change) = &self.by {
            let message = change.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            let when = ago(change.at, self.now);
            fact("asked", format!("`windlass {}` by {}, {when}{message}", change.command, change.author));
        }
        if let Some(attempt) = &self.attempt {
            fact("attempt", self.attempted(attempt));
        }
        fact("retries", self.retries.text());
        fact(
            "driven by",
            self.driver.clone().unwrap_or_else(|| "nobody: `windlass reconcile` would".to_owned()),
        );
        table
    }

    /// `to succeed, on laptop, generation 2; it has`.
    fn goal(&self) -> String {
        let goal = match (self.intent, self.mode) {
            (Intent::Run, Mode::Stream) => "to run",
            (Intent::Run, Mode::Batch) => "to succeed",
            (Intent::Stop, _) => "to be stopped",
            (Intent::Suspend, _) => "to be suspended",
            (Intent::Remove, _) => "to be removed",
            (Intent::Forget, _) => "to be left alone",
        };
        let so = match self.met {
            Some(true) if self.state == Name::Skipped => "; skipping it is all right",
            Some(true) => "; it is so",
            Some(false) => "; it is not so, and will not be unless somebody acts",
            None if self.stale.is_some() => "; its record is behind",
            None => "; it is on its way",
        };
        let behind = if self.current { "" } else { ", not yet taken in" };
        format!("{goal}, on {}, generation {}{behind}{so}", self.cluster, self.generation)
    }

    fn attempted(&self, attempt: &Attempt) -> String {
        let then = match (attempt.ended, attempt.started) {
            (Some(at), _) => format!("ended {}", ago(at, self.now)),
            (None, Some(at)) => format!("started {}", ago(at, self.now)),
            (None, None) => format!("submitted {}", ago(attempt.submitted, self.now)),
        };
        let of = (attempt.generation.0 != self.generation)
            .then(|| format!(", of generation {}", attempt.generation));
        format!(
            "{}{}, {then}, on {} as {}",
            attempt.number,
            of.unwrap_or_default(),
            attempt.cluster,
            attempt.name
        )
    }

    fn steps(&self, style: &Style) -> Table {
        let mut table = Table::new([]).folding();
        for line in &self.steps {
            let told = told(line, style);
            table.row([full(told.at).into(), (&told.what).into(), told.rest().into()]);
        }
        table
    }

    fn hints(&self) -> Table {
        let mut table = Table::new([]);
        for hint in &self.next {
            table.row([Cell::new(&hint.command, Tone::Strong), (&hint.does).into()]);
        }
        table
    }
}

impl Retries {
    fn new(wanted: &Wanted<'_>, status: &Status, now: Timestamp) -> Self {
        let policy: &Retry = &wanted.spec.terms.retry;
        // A budget is judged at a failure; while it runs, failures drop out of the window as time passes.
        let lives = matches!(status.state, State::Running { .. } | State::Degraded { .. });
        let as_of = status.failures.last().filter(|_| !lives).copied().unwrap_or(now);
        let used = counted(policy, &status.failures, as_of).min(policy.attempts as usize);
        let not_before = match status.state {
            State::Waiting { not_before } => not_before,
            _ => None,
        };
        Self { used, of: policy.attempts, within: policy.within.map(|within| within.to_string()), not_before }
    }

    /// `2 of 5 within 10m used`.
    fn text(&self) -> String {
        if self.of == 0 {
            return "none allowed".to_owned();
        }
        let within = self.within.as_ref().map(|within| format!(" within {within}")).unwrap_or_default();
        let next = self.not_before.map(|at| format!("; the next attempt not before {}", full(at)));
        format!("{} of {}{within} used{}", self.used, self.of, next.unwrap_or_default())
    }
}

/// The entries of a tree, each behind the line that leads to it.
fn branches(causes: &[Cause], lead: &str, style: &Style, lines: &mut Vec<String>) {
    for (at, cause) in causes.iter().enumerate() {
        let last = at + 1 == causes.len();
        let (mark, under) = match (style.unicode, last) {
            (true, true) => ("└ ", "  "),
            (true, false) => ("├ ", "│ "),
            (false, true) => ("`-", "  "),
            (false, false) => ("|-", "| "),
        };
        let need = cause.needed.map(|needed| format!("needs {} {needed}", cause.instance));
        let text = format!("{}: {}", need.unwrap_or_else(|| cause.instance.clone()), cause.says);
        let room = style.width.saturating_sub(lead.chars().count() + 2);
        let tone = cause.state.map_or(Tone::Bad, of_state);
        for (number, part) in wrapped(&visible(&text), room).iter().enumerate() {
            let before = if number == 0 { mark } else { under };
            lines.push(format!("{lead}{before}{}", paint(style, tone, part)));
        }
        branches(&cause.causes, &format!("{lead}{under}"), style, lines);
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests;
