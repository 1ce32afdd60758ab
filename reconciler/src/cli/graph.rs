//! `windlass graph`: the jobs and what they wait for, as a picture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use windlass_compiler::Compilation;
use windlass_compiler::graph::{Format, Picture};
use windlass_compiler::model::{Job, Model};
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
  windlass graph -s +orders.settle --format svg > settle.svg

Jobs that wait for each other in a circle are drawn and marked; exit 1 then.")]
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

/// Compiles one environment and draws it. Circles of jobs are drawn too, and are an error all the same.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let mut compiled = Compiled::one(args.path.as_deref(), &args.spec)?;
    let checked = compiled.check(console);
    let Compilation { models, cyclic, .. } = &mut compiled.compilation;
    let Some(model) = models.pop().or_else(|| cyclic.pop()) else { return checked.map(|()| Exit::Done) };
    draw(&model, args, console)?;
    checked.map(|()| Exit::Done)
}

fn draw(model: &Model, args: &Args, console: &Console) -> Result<(), Failure> {
    let universe = Universe::of_jobs(model.jobs.values());
    let chosen: BTreeSet<_> =
        universe.select(&args.select)?.into_iter().map(|one| &one.instance.job).collect();
    // Upstreams first, as everywhere; jobs that wait for each other have no such order.
    let plan = Plan::of(model);
    let jobs: Vec<&Job> =
        plan.as_ref().map_or_else(|_| model.jobs.values().collect(), |plan| plan.jobs().collect());
    let jobs = jobs.into_iter().filter(|job| chosen.contains(&job.id));
    console.print(&Picture::of_jobs(jobs).write(args.format))
}
