//! `windlass history`: what happened to jobs, and who asked for what, in order. Reads only.

use std::collections::BTreeSet;

use serde_json::Value;
use windlass_compiler::style::Style;
use windlass_core::fleet::Fleet;

use super::args::{OutputArgs, SelectArgs, StoreArgs};
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::named::{self, Named};
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::sink::Format;
use super::story::{json, json_line, told};
use super::table::Table;
use super::targets::Scope;
use super::time::full;
use crate::store::{Line, Query, Store};

/// Show what happened to jobs, and who asked for what
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, json, jsonl.

Examples:
  windlass history                  everything, the latest last
  windlass history orders.settle    one job, in all of its runs
  windlass history -n 20 --json")]
pub struct Args {
    /// A job, or an instance with its @time; all jobs without one
    #[arg(value_name = "JOB")]
    job: Option<String>,
    #[command(flatten)]
    select: SelectArgs,
    /// Only the last so many lines
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Tells.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json, Format::Jsonl])?;
    let lines = block_on(async {
        let (root, backing) = project_root(&args.store)?;
        let (session, ledger) = open_existing(&root, &backing).await?;
        read(&*session.store, ledger.fleet(), args).await
    })?;
    if lines.is_empty() {
        console.note("nothing has happened yet");
    }
    sinks.write(|format, style| match format {
        Format::Json => windlass_compiler::escape::json(&lines.iter().map(json).collect::<Vec<Value>>()),
        Format::Jsonl => lines.iter().map(json_line).collect(),
        _ => text(&lines, style),
    })?;
    Ok(Exit::Done)
}

/// The last lines about one subject, ascending.
pub async fn of_subject(store: &dyn Store, subject: String, last: usize) -> Result<Vec<Line>, Failure> {
    Ok(store.history(&Query { subject: Some(subject), last: Some(last), after: 0 }).await?)
}

async fn read(store: &dyn Store, fleet: &Fleet, args: &Args) -> Result<Vec<Line>, Failure> {
    if !args.select.is_empty() {
        return selected(store, fleet, args).await;
    }
    let Some(job) = &args.job else {
        return Ok(store.history(&Query { last: args.lines, ..Query::default() }).await?);
    };
    let mut lines = Vec::new();
    for subject in subjects(fleet, &named::one(fleet, job)?) {
        let query = Query { subject: Some(subject), last: args.lines, after: 0 };
        lines.extend(store.history(&query).await?);
    }
    lines.sort_by_key(|line| line.position);
    Ok(last(lines, args))
}

async fn selected(store: &dyn Store, fleet: &Fleet, args: &Args) -> Result<Vec<Line>, Failure> {
    let scope = Scope::of(fleet, &args.select)?;
    let scope = match &args.job {
        Some(job) => scope.with(named::one(fleet, job)?),
        None => scope,
    };
    let mut lines = store.history(&Query::default()).await?;
    lines.retain(|line| scope.holds_subject(&line.entry.subject));
    Ok(last(lines, args))
}

fn last(mut lines: Vec<Line>, args: &Args) -> Vec<Line> {
    let surplus = args.lines.map_or(0, |wanted| lines.len().saturating_sub(wanted));
    lines.split_off(surplus)
}

/// The names under which lines about it stand: a job's own, and those of its instances.
fn subjects(fleet: &Fleet, named: &Named) -> BTreeSet<String> {
    match named {
        Named::Instance(instance) => BTreeSet::from([instance.to_string()]),
        Named::Job(job) => {
            let runs = fleet.runs_of(&job.pipeline).filter_map(|run| run.instance(job));
            let recorded = fleet.statuses.keys().filter(|instance| instance.job == *job).cloned();
            let instances = runs.chain(recorded).map(|instance| instance.to_string());
            instances.chain([job.to_string()]).collect()
        }
    }
}

/// One line each, whole: a terminal breaks what is too long, and a program loses nothing.
fn text(lines: &[Line], style: &Style) -> String {
    let mut table = Table::new([]);
    for line in lines {
        let told = told(line, style);
        table.row([full(told.at).into(), (&told.subject).into(), (&told.what).into(), told.rest().into()]);
    }
    table.text(&Style { width: usize::MAX, ..*style })
}

#[cfg(test)]
mod tests {
    use windlass_core::desired::Intent;
    use windlass_core::state::Name;

    use super::*;
    use crate::cli::sample::{asked, line, step};

    fn lines() -> Vec<Line> {
        vec![
            line(1, "orders.totals", "02:00:00", &asked("apply", Intent::Run, Some("first"))),
            line(2, "orders.totals", "02:00:01", &step(Name::Waiting, Name::Submitting, 1, None)),
            line(
                5,
                "orders.totals",
                "02:00:09",
                &step(Name::Running, Name::Failed, 1, Some("exit \u{1b}[2J")),
            ),
            line(6, "orders.totals", "02:01:00", &asked("stop", Intent::Stop, None)),
        ]
    }

    #[test]
    fn a_history_is_one_line_each_and_harmless() {
        insta::assert_snapshot!(text(&lines(), &Style { width: 20, ..Style::default() }), @r"
        2026-11-22T02:00:00Z  orders.totals  applied               by ann@desk: first
        2026-11-22T02:00:01Z  orders.totals  waiting → submitting  attempt 1
        2026-11-22T02:00:09Z  orders.totals  running → failed      attempt 1: exit \u{1b}[2J
        2026-11-22T02:01:00Z  orders.totals  asked to stop         by ann@desk
        ");
    }
}
