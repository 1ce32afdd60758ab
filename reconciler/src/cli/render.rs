//! `windlass render`: what a spec means in one environment, with every layer applied and every reference resolved.

mod toml;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use windlass_compiler::escape;
use windlass_compiler::model::{Job, Model};
use windlass_compiler::name::Name;
use windlass_compiler::plan::Plan;
use windlass_compiler::style::Style;

use super::args::{OutputArgs, SelectArgs, SpecArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::paint::{Tone, paint};
use super::select::Universe;
use super::sink::Format;

/// Show what a spec means, with all layers and references resolved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass render -e prod
  windlass render -e prod -s orders.settle --json
  diff <(windlass render -e staging) <(windlass render -e prod)")]
pub struct Args {
    /// A tree or a single file; `-` is standard input [default: the tree around the current folder]
    path: Option<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Grows when a field changes its meaning.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    project: &'a Name,
    environment: Option<&'a Name>,
    store: &'a str,
    jobs: &'a [&'a Job],
}

/// Compiles one environment and writes out its jobs, upstreams first.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    let (_, model) = Compiled::one(args.path.as_deref(), &args.spec)?.model(console)?;
    let plan = Plan::of(&model).map_err(Failure::error)?;
    let universe = Universe::of_plan(&plan);
    let chosen: BTreeSet<_> =
        universe.select(&args.select)?.into_iter().map(|one| &one.instance.job).collect();
    let jobs: Vec<&Job> = plan.jobs().filter(|job| chosen.contains(&job.id)).collect();
    sinks.write(|format, style| match format {
        Format::Json => escape::json(&document(&model, &jobs)),
        _ => text(&model, &jobs, style),
    })?;
    Ok(Exit::Done)
}

fn document<'a>(model: &'a Model, jobs: &'a [&'a Job]) -> Document<'a> {
    let environment = model.environment.as_ref();
    Document {
        format_version: FORMAT_VERSION,
        project: &model.project,
        environment,
        store: &model.store,
        jobs,
    }
}

fn text(model: &Model, jobs: &[&Job], style: &Style) -> String {
    let environment = model.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    let head = format!("# {}{environment}", model.project);
    let job = |job: &&Job| format!("\n{}", toml::job(job, style));
    paint(style, Tone::Strong, &head) + "\n" + &jobs.iter().map(job).collect::<String>()
}
