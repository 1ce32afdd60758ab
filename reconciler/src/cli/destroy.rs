//! `windlass destroy`: plans and applies the removal of jobs.

use std::collections::BTreeSet;

use windlass_compiler::diff::Kind;
use windlass_compiler::name::JobId;
use windlass_compiler::plan::Plan;
use windlass_core::fleet::Fleet;
use windlass_core::operate::Target;

use super::apply::{Order, see_to_it};
use super::args::{OutputArgs, SelectArgs, StoreArgs};
use super::consent::Consent;
use super::console::Console;
use super::converging::WaitArgs;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::open_existing;
use super::prepared::project_root;
use super::proposal::{FORMATS, Proposed, write};
use super::runtime::block_on;
use super::select::Expression;
use super::targets::targets;
use crate::converge::OnError;
use crate::policy::Allowed;

/// Stop jobs and remove them from the project
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, concise, json, markdown.

Examples:
  windlass destroy                       everything; asks for the project's name
  windlass destroy 'orders.*' --yes")]
pub struct Args {
    /// Jobs; all without any
    #[arg(value_name = "SELECT")]
    jobs: Vec<Expression>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Destroys.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(destroy(args, console))
}

async fn destroy(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, FORMATS)?;
    let (root, backing) = project_root(&args.store)?;
    let (session, ledger) = open_existing(&root, &backing).await?;
    let proposed = removal(ledger.fleet(), &args.select.with(&args.jobs))?;
    sinks.write(|format, style| write(&proposed.changes, "removal", None, format, style))?;
    // The name is asked for instead of the number of jobs.
    let allowed = Allowed { destroy: Some(usize::MAX), ..args.consent.allowed()? };
    proposed.permit(ledger.fleet(), &allowed)?;
    if !proposed.changes.is_empty() && !args.consent.yes {
        confirm(proposed.changes.project.as_str(), console)?;
    }
    let (consent, wait, on_error) = (&args.consent, &args.wait, OnError::Continue);
    let order = Order { command: "destroy", guards: &[], consent, wait, on_error };
    see_to_it(&session, ledger, &proposed, &order, console).await
}

fn confirm(project: &str, console: &Console) -> Result<(), Failure> {
    let answer = console.ask(
        &format!("This stops and removes the jobs above. Type the project's name, `{project}`, to go on:"),
        "`--yes` removes without asking",
    )?;
    if answer == project {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "nothing was removed: the answer was not the project's name"))
}

/// The plan of what stays, against what is recorded.
fn removal(fleet: &Fleet, select: &SelectArgs) -> Result<Proposed, Failure> {
    let project = fleet.project.as_ref().ok_or_else(|| Failure::error("nothing was ever applied here"))?;
    let gone = jobs(fleet, select)?;
    let staying = fleet
        .desired
        .values()
        .filter(|desired| desired.goal.intent.belongs() && !gone.contains(desired.job()));
    let plan = Plan::new(
        project.name.clone(),
        project.environment.clone(),
        staying.map(|desired| desired.spec.job()),
    )
    .map_err(|cycle| Failure::error("the recorded jobs wait for each other").because(&cycle))?;
    let root = fleet.desired.values().next().map(|desired| desired.root.to_string()).unwrap_or_default();
    let mut proposed =
        Proposed::new(plan, project.clusters.clone(), root, &fleet.recorded(), &SelectArgs::default())?;
    proposed.changes.changes.retain(|change| change.kind == Kind::Remove);
    Ok(proposed)
}

/// The jobs that are selected. An instance of one is neither removed nor left alone.
fn jobs(fleet: &Fleet, select: &SelectArgs) -> Result<BTreeSet<JobId>, Failure> {
    let whole = |target: Target| match target.instance {
        None => Ok(target.job),
        Some(instance) => Err(Failure::usage(format!("{instance} cannot be removed or kept alone")).hint(
            format!("`windlass destroy {}` removes the job, `windlass stop {instance}` stops it", target.job),
        )),
    };
    let all = |expressions: &[Expression]| -> Result<BTreeSet<JobId>, Failure> {
        targets(fleet, &SelectArgs::default().with(expressions))?.into_iter().map(whole).collect()
    };
    let mut chosen = match select.select.as_slice() {
        [] => fleet.desired.keys().cloned().collect(),
        some => all(some)?,
    };
    if !select.exclude.is_empty() {
        let kept = all(&select.exclude)?;
        chosen.retain(|job| !kept.contains(job));
    }
    Ok(chosen)
}
