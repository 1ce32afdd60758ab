//! `windlass render`: what a spec means in one environment, with every layer applied and every reference resolved.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;
use windlass_compiler::escape::{self, is_hidden};
use windlass_compiler::model::{Job, Model};
use windlass_compiler::name::Name;
use windlass_compiler::plan::Plan;
use windlass_compiler::render;

use super::args::{OutputArgs, SelectArgs, SpecArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::select::Universe;
use super::sink::Format;

/// Show what a spec means, with all layers and references resolved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, json.

Examples:
  windlass render -e prod
  windlass render -e prod --provenance
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
    /// With the places that each value came through
    #[arg(long)]
    provenance: bool,
}

/// Grows when a field changes its meaning.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    project: &'a Name,
    environment: Option<&'a Name>,
    store: &'a str,
    jobs: Vec<&'a Job>,
}

/// Compiles one environment and writes it out.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    let mut compiled = Compiled::one(args.path.as_deref(), &args.spec)?;
    compiled.check(console)?;
    for model in &mut compiled.compilation.models {
        select(model, &args.select)?;
    }
    let text = render(&compiled.compilation, args.spec.environment(), args.provenance);
    let model = compiled.compilation.models.first();
    sinks.write(|format, _| match format {
        Format::Json => model.map(|model| escape::json(&document(model))).unwrap_or_default(),
        _ => harmless(text.as_deref().unwrap_or_default()),
    })?;
    Ok(Exit::Done)
}

/// Leaves the selected jobs in a model.
fn select(model: &mut Model, args: &SelectArgs) -> Result<(), Failure> {
    let plan = Plan::of(model).map_err(Failure::error)?;
    let universe = Universe::of_plan(&plan);
    let chosen: BTreeSet<_> = universe.select(args)?.into_iter().map(|one| &one.instance.job).collect();
    model.jobs.retain(|id, _| chosen.contains(id));
    Ok(())
}

/// Hidden characters as TOML spells them: the text stays exact, and whoever looks at it sees what is there.
fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => c.to_string(),
        c if is_hidden(c) => format!("\\U{:08X}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}

fn document(model: &Model) -> Document<'_> {
    Document {
        format_version: FORMAT_VERSION,
        project: &model.project,
        environment: model.environment.as_ref(),
        store: &model.store,
        jobs: model.jobs.values().collect(),
    }
}
