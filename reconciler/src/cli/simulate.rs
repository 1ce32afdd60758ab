//! `windlass simulate`: what would happen to the user's own jobs. The real decisions, simulated clusters, no effects.

mod clock;
mod events;
mod reader;
mod report;
mod script;
mod search;

use std::path::PathBuf;

use windlass_compiler::diagnostic::Report;
use windlass_compiler::model::{Job, Model};
use windlass_compiler::plan::Plan;
use windlass_compiler::report::{self as findings, Findings};
use windlass_compiler::source::SourceSet;
use windlass_core::sim::rehearsal::rehearse;

use super::args::{OutputArgs, SpecArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::sink::Format;
use script::Script;

/// Rehearse faults on simulated clusters, without effects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a script, faults are drawn from seeds, and every promise is checked
after each step. With one, its events happen and their story is told.

Examples:
  windlass simulate                                a thousand runs of this spec
  windlass simulate --script outage.toml           what an outage would do
  windlass simulate --script outage.toml --full    with every call and answer
  windlass simulate --seed 7 --runs 1              one run again

Exit codes: 0 every promise held, 1 one was broken or the spec is not valid.")]
pub struct Args {
    /// A tree or a single file; `-` is standard input [default: the tree around the current folder]
    path: Option<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    /// What happens, and when: a TOML file
    #[arg(long, value_name = "FILE", conflicts_with = "runs")]
    script: Option<PathBuf>,
    /// What chance decides: the first of the runs, or of a script
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many runs, each with the next seed
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    runs: u64,
    /// Tell every call, answer and message
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Compiles one environment and lets things happen to it.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    let (_, model) = Compiled::one(args.path.as_deref(), &args.spec)?.model(console)?;
    let jobs = jobs_of(&model)?;
    if let Some(path) = &args.script {
        let script = read(path, &model, console)?;
        let (scenario, until) = script.scenario(&model, jobs, args.seed);
        let rehearsed = rehearse(&scenario, until);
        sinks.write(|format, style| match format {
            Format::Json => report::json(&rehearsed, args.full),
            _ => report::text(&rehearsed, args.full, style),
        })?;
        return Ok(if rehearsed.verdict.is_ok() { Exit::Done } else { Exit::Error });
    }
    let found = search::search(&model, &jobs, args.seed, args.runs);
    sinks.write(|format, style| match format {
        Format::Json => found.json(args.full),
        _ => found.text(args.full, style),
    })?;
    Ok(if found.broken.is_empty() { Exit::Done } else { Exit::Error })
}

/// The jobs in the order of the plan, which is the order in which an apply records them.
fn jobs_of(model: &Model) -> Result<Vec<Job>, Failure> {
    let plan = Plan::of(model).map_err(Failure::error)?;
    let jobs: Vec<Job> = plan.jobs().cloned().collect();
    if jobs.is_empty() {
        return Err(Failure::error("there is no job to simulate in this environment"));
    }
    Ok(jobs)
}

/// Reads a script. What is wrong with it goes to the console, all of it at once.
fn read(path: &std::path::Path, model: &Model, console: &Console) -> Result<Script, Failure> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        Failure::error(format!("the script `{shown}` cannot be read")).because(&error)
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let mut sources = SourceSet::default();
    let file = sources.add(&shown, text);
    let (script, reports) = script::parse(sources.text(file), file, model);
    if reports.is_empty() {
        return Ok(script);
    }
    complain(&sources, &reports, console);
    Err(Failure::error("the script is not valid").hint("docs/simulate.md says what a script can say"))
}

fn complain(sources: &SourceSet, reports: &[Report], console: &Console) {
    let findings = Findings::new(sources, reports);
    console.notes().write(&findings.write(findings::Format::Text, console.note_style()));
}
