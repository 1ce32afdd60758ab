//! `windlass drift`: what differs from what was applied. Reads only.

use std::collections::BTreeMap;

use serde::Serialize;
use windlass_compiler::name::Name;
use windlass_core::desired::Intent;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::{ExternalName, Instance};
use windlass_core::observed::{Observation, Phase};
use windlass_core::state::{State, Submission};

use super::args::{OutputArgs, SelectArgs, StoreArgs};
use super::console::Console;
use super::exit::Exit;
use super::failure::Outcome;
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::select::Expression;
use super::sink::Format;
use super::table::Table;
use super::targets::Scope;
use crate::driver::{Silence, Words};
use crate::glance::ask_all;
use crate::session::Session;

/// Show what differs from what was applied
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, json.

Examples:
  windlass drift
  windlass drift --json

Exit codes: 0 nothing differs, 2 something does.")]
pub struct Args {
    /// Jobs or instances; all without any
    #[arg(value_name = "SELECT")]
    jobs: Vec<Expression>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// One thing that is not as it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The instance.
    pub instance: String,
    /// What is different.
    pub what: String,
    /// What it is about.
    #[serde(skip)]
    pub about: About,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The recorded attempt of this instance.
    Recorded(Instance),
    /// Something of this instance that no record stands for.
    Stray(Instance),
    /// A cluster that does not answer.
    Silent(Name),
}

/// Compares, and says so.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    let findings = block_on(async {
        let (root, backing) = project_root(&args.store)?;
        let (session, ledger) = open_existing(&root, &backing).await?;
        let scope = Scope::of(ledger.fleet(), &args.select.with(&args.jobs))?;
        let mut findings = find(&session, ledger.fleet()).await;
        findings.retain(|finding| concerns(ledger.fleet(), &scope, &finding.about));
        Ok(findings)
    })?;
    sinks.write(|format, style| match format {
        Format::Json => windlass_compiler::escape::json(&findings),
        _ => text(&findings, style),
    })?;
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Differs })
}

/// Whether a finding is about what is selected: a silent cluster concerns all of its jobs.
fn concerns(fleet: &Fleet, scope: &Scope, about: &About) -> bool {
    match about {
        About::Recorded(instance) | About::Stray(instance) => scope.holds(instance),
        About::Silent(cluster) => {
            let mut there = fleet.desired.values().filter(|desired| desired.spec.cluster == *cluster);
            scope.is_everything()
                || there.any(|desired| scope.holds(&Instance::stream(desired.job().clone())))
        }
    }
}

fn text(findings: &[Finding], style: &windlass_compiler::style::Style) -> String {
    if findings.is_empty() {
        return "drift: none\n".to_owned();
    }
    let mut table = Table::new(["JOB", "DIFFERS"]);
    for finding in findings {
        table.row([finding.instance.as_str().into(), finding.what.as_str().into()]);
    }
    table.text(style)
}

/// What a plan says of drift.
pub fn summary(findings: &[Finding]) -> String {
    match findings.len() {
        0 => "none".to_owned(),
        1 => "1 job".to_owned(),
        count => format!("{count} jobs"),
    }
}

/// Everything that is not as it was applied: what is on record as over for good, and what the clusters show.
pub async fn find(session: &Session, fleet: &Fleet) -> Vec<Finding> {
    let mut findings = over(fleet);
    findings.extend(look(session, fleet).await);
    findings
}

/// The latest instances that have failed or are lost for good.
fn over(fleet: &Fleet) -> Vec<Finding> {
    let mut outlooks = fleet.outlooks();
    let over = |instance: Instance| {
        // What is to be begun again is not over.
        let Outlook::Missed(_) = outlooks.of(&instance) else { return None };
        let what = match &fleet.statuses.get(&instance)?.state {
            State::Failed { reason } => format!("it has failed: {reason}"),
            State::Lost { reason } => format!("it is lost: {reason}"),
            _ => return None,
        };
        Some(Finding { instance: instance.to_string(), what, about: About::Recorded(instance) })
    };
    fleet.present().into_iter().filter_map(over).collect()
}

/// Asks every cluster, and compares with what is recorded.
pub async fn look(session: &Session, fleet: &Fleet) -> Vec<Finding> {
    let words = ask_all(session, fleet).await;
    let present = fleet.present();
    let compare = |(name, words): (Name, Words)| match words {
        Ok(seen) => compare(fleet, &present, &name, &seen),
        Err(Silence { reason }) => vec![Finding {
            instance: format!("cluster {name}"),
            what: format!("does not answer: {reason}"),
            about: About::Silent(name),
        }],
    };
    words.into_iter().flat_map(compare).collect()
}

/// What one cluster shows, against what is recorded of it.
fn compare(fleet: &Fleet, present: &[Instance], cluster: &Name, seen: &[Observation]) -> Vec<Finding> {
    let seen: BTreeMap<&ExternalName, &Observation> = seen.iter().map(|one| (&one.name, one)).collect();
    let mut findings = Vec::new();
    for instance in present {
        let Some(status) = fleet.statuses.get(instance).filter(|status| status.state.is_live()) else {
            continue;
        };
        let Some(attempt) = status.attempt.as_ref().filter(|attempt| attempt.cluster == *cluster) else {
            continue;
        };
        if fleet.wanted(instance).is_none_or(|wanted| wanted.goal.intent != Intent::Run) {
            continue;
        }
        let what = match seen.get(&attempt.name).map(|one| &one.phase) {
            None if status.state == State::Submitting(Submission::Intended) => None,
            None => Some("it is gone".to_owned()),
            Some(Phase::Ended { end, .. }) => Some(format!("it has ended: {}", ended(end))),
            Some(Phase::Vanished { reason }) => Some(format!("it is lost: {reason}")),
            Some(Phase::Impaired { reason }) => Some(format!("it is impaired: {reason}")),
            Some(Phase::Suspended | Phase::Starting | Phase::Running { .. }) => None,
        };
        let about = About::Recorded(instance.clone());
        findings.extend(what.map(|what| Finding { instance: instance.to_string(), what, about }));
    }
    let strays = seen.values().filter_map(|one| {
        let (_, reason) = windlass_core::sweep::sweep(fleet, one)?;
        Some(Finding {
            instance: one.label.instance.to_string(),
            what: format!("{} runs, and should not: {reason}", one.name),
            about: About::Stray(one.label.instance.clone()),
        })
    });
    findings.extend(strays);
    findings
}

fn ended(end: &windlass_core::observed::End) -> &str {
    match end {
        windlass_core::observed::End::Succeeded => "with success",
        windlass_core::observed::End::Failed(reason) => reason,
        windlass_core::observed::End::Stopped => "it was stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{Sample, at};

    fn check(sample: Sample, expected: &[&str]) {
        let found = over(&sample.fleet);
        let found: Vec<_> = found.iter().map(|one| format!("{} {}", one.instance, one.what)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_over_for_good_is_not_as_it_was_applied() {
        let project = || Sample::default().project();
        check(project().stream("p.s").running("p.s", "02:00:00"), &[]);
        check(project().stream("p.s").failed("p.s", "02:00:00", 2), &["p.s it has failed: exit status 3"]);
        let lost = State::Lost { reason: "the host was restarted".to_owned() };
        let batch = || project().batch("p.b", "2026-11-22T02:00Z");
        check(
            batch().state("p.b@2026-11-22T02:00Z", "02:00:01", lost, 1),
            &["p.b@2026-11-22T02:00Z it is lost: the host was restarted"],
        );
        check(batch().state("p.b@2026-11-22T02:00Z", "02:00:01", State::Succeeded, 1), &[]);
    }

    #[test]
    fn what_is_tried_again_or_was_given_up_is_not_over() {
        let failed = || Sample::default().project().stream("p.s").failed("p.s", "02:00:00", 2);
        check(failed().intent("p.s", Intent::Stop), &[]);
        let mut asked = failed();
        asked.fleet.desired.values_mut().for_each(|desired| desired.goal = desired.goal.retried());
        check(asked, &[]);
        let pause = State::Waiting { not_before: Some(at("02:00:09")) };
        check(failed().state("p.s", "02:00:01", pause, 2), &[]);
    }
}
