//! `windlass applies`: what was applied, and what an interrupted apply left.

use jiff::Timestamp;
use serde::Serialize;
use windlass_compiler::diff::Effect;
use windlass_compiler::name::JobId;
use windlass_core::abort::abort;
use windlass_core::apply::{Apply, Operation, Progress};
use windlass_core::desired::Change;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::{ApplyId, Generation, Instance, RunId};

use super::apply::close;
use super::args::{OutputArgs, StoreArgs};
use super::commit::commit_last_wins;
use super::console::Console;
use super::converging::{Patience, Task, WaitArgs, conclude, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::nearest::nearest;
use super::opened::{change, open_existing};
use super::prepared::project_root;
use super::runtime::block_on;
use super::sink::Format;
use super::table::Table;
use super::time::ago;
use crate::ledger::Ledger;

/// List applies, and go on with or give up an interrupted one
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List applies, the latest last
    List {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Go on with an interrupted apply
    Resume {
        /// The apply; the latest without one
        id: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        patience: Patience,
    },
    /// Give up an interrupted apply: what has not reached its goal is stopped, what has not left yet stays
    Abort {
        /// The apply; the latest without one
        id: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        wait: WaitArgs,
    },
}

/// Lists, resumes or aborts.
pub fn run(args: &Args, console: &Console) -> Outcome {
    match &args.command {
        Command::List { store, output } => block_on(list(store, output, console)),
        Command::Resume { id, store, patience } => block_on(resume(id.as_deref(), store, patience, console)),
        Command::Abort { id, store, wait } => block_on(end(id.as_deref(), store, wait, console)),
    }
}

/// An apply as programs read it: its record is written shorter.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a ApplyId,
    change: &'a Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    plan: &'a str,
    operations: Vec<ListedOperation<'a>>,
    runs: &'a [RunId],
    progress: &'a Progress,
}

/// What an apply did to one job.
#[derive(Serialize)]
struct ListedOperation<'a> {
    job: &'a JobId,
    effect: Effect,
    generation: Generation,
}

fn listed(fleet: &Fleet) -> Vec<Listed<'_>> {
    by_time(fleet).into_iter().map(Listed::new).collect()
}

impl<'a> Listed<'a> {
    fn new(apply: &'a Apply) -> Self {
        let operation = |one: &'a Operation| ListedOperation {
            job: &one.job,
            effect: one.effect,
            generation: one.generation,
        };
        Self {
            id: &apply.id,
            change: &apply.change,
            environment: apply.environment.as_deref(),
            plan: &apply.plan,
            operations: apply.operations.iter().map(operation).collect(),
            runs: &apply.runs,
            progress: &apply.progress,
        }
    }
}

async fn list(store: &StoreArgs, output: &OutputArgs, console: &Console) -> Outcome {
    let sinks = output.sinks(console, &[Format::Text, Format::Json])?;
    let (root, backing) = project_root(store)?;
    let (_, ledger) = open_existing(&root, &backing).await?;
    let fleet = ledger.fleet();
    sinks.write(|format, style| match format {
        Format::Json => windlass_compiler::escape::json(&listed(fleet)),
        _ => table(fleet).text(style),
    })?;
    Ok(Exit::Done)
}

fn table(fleet: &Fleet) -> Table {
    let now = Timestamp::now();
    let mut table = Table::new(["APPLY", "WHEN", "BY", "CHANGES", "PROGRESS", "MESSAGE"]);
    for apply in by_time(fleet) {
        table.row([
            apply.id.to_string().into(),
            ago(apply.change.at, now).into(),
            apply.change.author.as_str().into(),
            apply.operations.len().to_string().into(),
            progress(fleet, apply).into(),
            apply.change.message.clone().unwrap_or_default().into(),
        ]);
    }
    table
}

/// How far an apply is; of one that was not seen to its end, by what is now.
fn progress(fleet: &Fleet, apply: &Apply) -> String {
    match &apply.progress {
        Progress::Converged(_) => "converged".to_owned(),
        Progress::Failed(_) => "failed".to_owned(),
        Progress::Aborted(_) => "aborted".to_owned(),
        Progress::Committed => {
            let about = apply.instances(fleet);
            let mut outlooks = fleet.outlooks();
            let met = about.iter().filter(|one| outlooks.of(one) == Outlook::Met).count();
            format!("committed: {met} of {} reached", about.len())
        }
    }
}

/// All applies, the latest last. Ids of one second have no order.
fn by_time(fleet: &Fleet) -> Vec<&Apply> {
    let mut applies: Vec<&Apply> = fleet.applies.values().collect();
    applies.sort_by_key(|apply| apply.change.at);
    applies
}

/// The apply of that id, or the latest.
fn find(fleet: &Fleet, id: Option<&str>) -> Result<Apply, Failure> {
    let Some(id) = id else {
        let latest = by_time(fleet).pop().cloned();
        return latest.ok_or_else(|| Failure::error("nothing was ever applied here"));
    };
    fleet.applies.get(&ApplyId(id.to_owned())).cloned().ok_or_else(|| {
        let failure = Failure::error(format!("there is no apply `{id}`"));
        match nearest(id, fleet.applies.keys().map(|known| known.0.as_str())) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`windlass applies list` lists them"),
        }
    })
}

async fn resume(id: Option<&str>, store: &StoreArgs, patience: &Patience, console: &Console) -> Outcome {
    let (root, backing) = project_root(store)?;
    let (session, ledger) = open_existing(&root, &backing).await?;
    let apply = find(ledger.fleet(), id)?;
    let resume = format!("windlass applies resume {}", apply.id);
    let task = Task {
        command: "applies resume",
        instances: &|fleet| apply.instances(fleet),
        patience,
        resume: &resume,
    };
    let mut ended = see_through(&session, ledger, &task, console).await?;
    close(&mut ended, &apply.id).await?;
    conclude(&ended, &task, Exit::Partial, console)
}

async fn end(id: Option<&str>, store: &StoreArgs, wait: &WaitArgs, console: &Console) -> Outcome {
    let (root, backing) = project_root(store)?;
    let (session, mut ledger) = open_existing(&root, &backing).await?;
    let id = find(ledger.fleet(), id)?.id;
    let stopped = give_up(&mut ledger, &id).await?;
    console.note(&format!("given up: {} stopped", stopped.len()));
    if wait.no_wait {
        return Ok(Exit::Done);
    }
    let task = Task {
        command: "applies abort",
        instances: &|_| stopped.clone(),
        patience: &wait.patience,
        resume: "windlass wait",
    };
    let ended = see_through(&session, ledger, &task, console).await?;
    conclude(&ended, &task, Exit::Error, console)
}

/// Stops what has not reached its goal, and says so in the journal, in one transaction.
async fn give_up(ledger: &mut Ledger, id: &ApplyId) -> Result<Vec<Instance>, Failure> {
    let change = change("applies abort", None);
    commit_last_wins(ledger, |fleet| {
        let apply = find(fleet, Some(&id.0))?;
        // Asked every time: whoever sees it to its end may be faster.
        if apply.progress != Progress::Committed {
            return Err(Failure::error(format!("{id} is over: there is nothing to give up")));
        }
        let (mutation, stopped) = abort(fleet, &apply, &change);
        Ok((mutation, Vec::new(), stopped))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{at, change};

    #[test]
    fn the_latest_apply_of_one_second_is_the_latest() {
        let mut fleet = Fleet::default();
        for (id, clock) in [("1-b", "02:00:00.1"), ("1-a", "02:00:00.2")] {
            let apply = Apply {
                id: ApplyId(id.to_owned()),
                change: windlass_core::desired::Change { at: at(clock), ..change("apply", None) }.into(),
                root: "/shop".into(),
                environment: None,
                plan: String::new(),
                operations: Vec::new(),
                runs: Vec::new(),
                progress: Progress::Committed,
            };
            fleet.applies.insert(apply.id.clone(), apply);
        }
        assert_eq!(find(&fleet, None).unwrap().id.0, "1-a");
    }
}
