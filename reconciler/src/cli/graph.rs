//! `windlass graph`: the jobs and what they wait for, as a picture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use windlass_compiler::graph::{Format, Picture};
use windlass_compiler::model::Job;
use windlass_compiler::plan::Plan;

use super::args::{SelectArgs, SpecArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::select::Universe;

/// Draw the jobs and what they wait for
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass graph                                   Mermaid, for Markdown
  windlass graph --format dot | dot -Tpdf > jobs.pdf
  windlass graph -s +orders.settle --format svg > settle.svg")]
pub struct Args {
    /// A tree or a single file; `-` is standard input [default: the tree around the current folder]
    path: Option<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// dot, mermaid, json or svg
    #[arg(long, default_value = "mermaid", help_heading = "Output options")]
    format: Format,
}

/// Compiles one environment and draws it.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let (_, model) = Compiled::one(args.path.as_deref(), &args.spec)?.model(console)?;
    let plan = Plan::of(&model).map_err(Failure::error)?;
    let universe = Universe::of_plan(&plan);
    let chosen: BTreeSet<_> =
        universe.select(&args.select)?.into_iter().map(|one| &one.instance.job).collect();
    let jobs: Vec<&Job> = plan.jobs().filter(|job| chosen.contains(&job.id)).collect();
    console.print(&Picture::of_jobs(jobs).write(args.format))?;
    Ok(Exit::Done)
}
