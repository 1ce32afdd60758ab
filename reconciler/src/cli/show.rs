//! `windlass show`: a saved plan again, without a network.

use std::path::{Path, PathBuf};

use windlass_compiler::plan::Plan;

use super::args::OutputArgs;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::proposal::{FORMATS, Proposed, write};
use crate::saved::{FORMAT, Saved};

/// Show a saved plan again, in any form
#[derive(Debug, clap::Args)]
#[command(after_help = "Formats: text, concise, json, markdown.")]
pub struct Args {
    /// The file that `windlass plan --out` wrote
    plan: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints a saved plan.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, FORMATS)?;
    let saved = read(&args.plan)?;
    let heading = format!("saved {:.0}", saved.created);
    sinks.write(|format, style| write(&saved.changes, &heading, None, format, style))?;
    Ok(Exit::Done)
}

/// Whether a path names a saved plan, and not specs.
pub fn is_saved(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension == "json")
}

/// Reads a saved plan.
pub fn read(path: &Path) -> Result<Saved, Failure> {
    let shown = path.display();
    let failed =
        || Failure::error(format!("`{shown}` is no saved plan")).hint("`windlass plan --out FILE` saves one");
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::error(format!("the plan `{shown}` cannot be read")).because(&error))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| failed().because(&error))?;
    match value.get("format_version").and_then(serde_json::Value::as_u64) {
        Some(version) if version > u64::from(FORMAT) => {
            Err(Failure::error(format!("`{shown}` has format {version}; this build reads up to {FORMAT}"))
                .hint("a newer windlass saved it: use that one"))
        }
        _ => intact(serde_json::from_value(value).map_err(|error| failed().because(&error))?),
    }
}

/// A plan that was edited is not the plan that somebody has looked at.
fn intact(saved: Saved) -> Result<Saved, Failure> {
    if saved.is_intact() {
        return Ok(saved);
    }
    Err(Failure::error("the saved plan was changed after it was saved: its digest does not fit")
        .hint("make a new plan: `windlass plan --out FILE`"))
}

/// A saved plan, to be applied.
pub fn proposed(saved: Saved) -> Result<Proposed, Failure> {
    let Saved { changes, jobs, clusters, root, .. } = saved;
    let plan = Plan::new(changes.project.clone(), changes.environment.clone(), jobs)
        .map_err(|cycle| Failure::error("the saved plan is damaged").because(&cycle))?;
    Ok(Proposed { plan, clusters, root, changes })
}
