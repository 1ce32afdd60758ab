//! `windlass plan`: what an apply would do, and whether what runs is as it was applied.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use windlass_compiler::diff::{Changes, Recorded};

use super::against::{Against, other};
use super::args::{OutputArgs, SelectArgs, SpecArgs, StoreArgs};
use super::console::Console;
use super::drift::{self, Finding};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::{Backing, open_project};
use super::prepared::{Prepared, prepare};
use super::proposal::{FORMATS, FailOn, Proposed, fails_on, write};
use super::runtime::block_on;
use super::select::Expression;
use super::sink::Sinks;
use super::vars;
use crate::ledger::Ledger;
use crate::policy::{Allowed, refusals};
use crate::saved::{Made, Recipe, Saved};
use crate::session::Session;
use crate::store::{self, Store, memory::Memory};
use crate::tree::Tree;

/// Show what apply would change
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, concise, json, markdown.

Examples:
  windlass plan
  windlass plan --out plan.json && windlass apply plan.json
  windlass plan --format markdown          for a comment on a pull request
  windlass plan --detailed-exitcode        exit 2 where something would change
  windlass plan --against git:main         what this branch changes, offline")]
pub struct Args {
    /// A spec tree, a spec file or `-`
    path: Option<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Save the plan, for `windlass apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit 2 where something would change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Exit 1 where the plan has any of these
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// Ask the clusters only, and leave the specs aside: the same as `windlass drift`
    #[arg(long)]
    refresh_only: bool,
    /// What to compare with: live (what is recorded), a saved plan, a spec tree or file, or git:REF
    #[arg(long, value_name = "live|FILE|git:REF", default_value = "live", hide_default_value = true)]
    against: Against,
}

/// Plans.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(plan(args, console))
}

async fn plan(args: &Args, console: &Console) -> Outcome {
    sensible(args)?;
    let sinks = args.output.sinks(console, FORMATS)?;
    let prepared = prepare(args.path.as_deref(), &args.spec, console)?;
    match other(&args.against, &prepared.tree, &args.spec, console)? {
        Some(other) => compare(args, prepared, &other, &sinks),
        None => against_records(args, prepared, &sinks, console).await,
    }
}

/// What rests on records has no place where none are asked for.
fn sensible(args: &Args) -> Result<(), Failure> {
    let refused = [
        ("--out", args.out.is_some()),
        ("--refresh-only", args.refresh_only),
        ("--fail-on drift", args.fail_on.contains(&FailOn::Drift)),
    ];
    match refused.into_iter().find(|(_, given)| *given && args.against != Against::Live) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "`{flag}` needs what is recorded: it cannot stand beside `--against {}`",
            args.against
        ))),
        None => Ok(()),
    }
}

/// Plans against other jobs than those that are recorded, without a store.
fn compare(args: &Args, prepared: Prepared, other: &Recorded, sinks: &Sinks<'_>) -> Outcome {
    let heading = format!("{}, against {}", prepared.heading(), args.against);
    let warned = prepared.warned;
    let Prepared { tree, model, plan, .. } = prepared;
    let root = tree.root().display().to_string();
    let proposed = Proposed::new(plan, model.clusters, root, other, &args.select)?;
    sinks.write(|format, style| write(&proposed.changes, &heading, None, format, style))?;
    verdict(args, &proposed.changes, false, warned)
}

async fn against_records(args: &Args, prepared: Prepared, sinks: &Sinks<'_>, console: &Console) -> Outcome {
    let backing = prepared.backing(&args.store);
    let (ledger, drifted) = records(prepared.tree.root(), &backing).await?;
    let heading = prepared.heading();
    let warned = prepared.warned;
    let Prepared { tree, model, plan, .. } = prepared;
    let root = tree.root().display().to_string();
    let recorded = ledger.fleet().recorded();
    let mut proposed = Proposed::new(plan, model.clusters, root, &recorded, &args.select)?;
    if args.refresh_only {
        proposed.changes.changes.clear();
    }
    let said = drift::summary(&drifted);
    sinks.write(|format, style| write(&proposed.changes, &heading, Some(&said), format, style))?;
    for reason in refusals(ledger.fleet(), &proposed.changes, &Allowed::default()) {
        console.warn(&format!("`windlass apply` refuses this: {reason}"));
    }
    for finding in &drifted {
        console.note(&format!("drift: {} {}", finding.instance, finding.what));
    }
    if let Some(path) = &args.out {
        save(path, &proposed, recipe(args, &tree)?, &store::without_password(&backing.url), &ledger)?;
        console.hint(&format!("`windlass apply {}` does exactly this", path.display()));
    }
    verdict(args, &proposed.changes, !drifted.is_empty(), warned)
}

/// The exit code that goes with what a plan has.
fn verdict(args: &Args, changes: &Changes, drifted: bool, warned: bool) -> Outcome {
    let failing = fails_on(changes, drifted, warned, &args.fail_on);
    if !failing.is_empty() {
        let names = failing.iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
        return Err(Failure::error(format!("the plan has what --fail-on names: {}", names.join(", "))));
    }
    let differs = !changes.is_empty() || (args.refresh_only && drifted);
    Ok(if args.detailed_exitcode && differs { Exit::Differs } else { Exit::Done })
}

/// The records, and how what runs differs from them. Planning makes no store: before the first apply nothing is
/// recorded.
async fn records(root: &Path, backing: &Backing) -> Result<(Ledger, Vec<Finding>), Failure> {
    if !store::exists(&backing.url, root).await? {
        let nothing: std::sync::Arc<dyn Store> = std::sync::Arc::new(Memory::new());
        return Ok((Ledger::load(nothing).await?, Vec::new()));
    }
    let session: Session = open_project(root, backing, false).await?;
    let ledger = session.ledger().await?;
    let drifted = drift::find(&session, ledger.fleet()).await;
    Ok((ledger, drifted))
}

fn save(path: &Path, proposed: &Proposed, recipe: Recipe, url: &str, ledger: &Ledger) -> Result<(), Failure> {
    let made = Made { root: &proposed.root, store: url, recipe, at: Timestamp::now() };
    let saved = Saved::new(&proposed.plan, proposed.changes.clone(), &proposed.clusters, made, ledger);
    let text = serde_json::to_string_pretty(&saved).expect("a plan is a map with string keys") + "\n";
    let failed = |error: std::io::Error| {
        Failure::error(format!("the plan cannot be saved to `{}`", path.display())).because(&error)
    };
    std::fs::write(path, text).map_err(failed)
}

/// How this plan is made.
fn recipe(args: &Args, tree: &Tree) -> Result<Recipe, Failure> {
    let texts = |expressions: &[Expression]| expressions.iter().map(Expression::to_string).collect();
    Ok(Recipe {
        start: tree.start().to_owned(),
        variables: vars::gather(&args.spec)?,
        select: texts(&args.select.select),
        exclude: texts(&args.select.exclude),
    })
}
