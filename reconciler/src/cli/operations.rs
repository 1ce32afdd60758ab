//! `windlass stop`, `start`, `restart`, `retry`, `suspend`, `resume`, `protect`, `unprotect`, `forget`: versioned
//! changes of intent, and what follows from them.

use std::collections::BTreeSet;

use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::operate::{Answer, Operation, Target, operate};

use super::args::{SelectArgs, StoreArgs};
use super::commit::commit_last_wins;
use super::console::Console;
use super::converging::{Task, WaitArgs, conclude, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::{change, open_existing};
use super::prepared::project_root;
use super::runtime::block_on;
use super::select::Expression;
use super::targets::targets;
use crate::ledger::Ledger;

/// Which jobs, and how long to wait for them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Jobs or instances: a glob on pipeline.job, an instance with its @time, tag:T, cluster:C, +job, job+
    #[arg(required_unless_present = "select", value_name = "SELECT")]
    jobs: Vec<Expression>,
    #[command(flatten)]
    select: SelectArgs,
    /// Say why; it stands in the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Does one operation on what was selected.
pub fn run(operation: Operation, command: &str, args: &Args, console: &Console) -> Outcome {
    block_on(perform(operation, command, args, console))
}

async fn perform(operation: Operation, command: &str, args: &Args, console: &Console) -> Outcome {
    let (root, backing) = project_root(&args.store)?;
    let (session, mut ledger) = open_existing(&root, &backing).await?;
    let targets = targets(ledger.fleet(), &args.select.with(&args.jobs))?;
    let answers = commit(operation, command, args, &targets, &mut ledger).await?;
    let refused = tell(command, &answers, console);
    let about: Vec<Target> = answers
        .iter()
        .filter(|(_, answer)| follows(operation, answer))
        .map(|(target, _)| target.clone())
        .collect();
    if args.wait.no_wait || about.is_empty() || !moves(operation) {
        return if refused { Err(Failure::error("not everything could be done")) } else { Ok(Exit::Done) };
    }
    let instances = |fleet: &Fleet| {
        let mut instances = instances(fleet, &about);
        if begins(operation) {
            instances.extend(downstream(fleet, &instances));
        }
        instances.into_iter().collect::<Vec<_>>()
    };
    let resume = format!(
        "windlass wait {}",
        about.iter().map(|one| one.job.to_string()).collect::<Vec<_>>().join(" ")
    );
    let task = Task { command, instances: &instances, patience: &args.wait.patience, resume: &resume };
    let ended = see_through(&session, ledger, &task, console).await?;
    let exit = conclude(&ended, &task, Exit::Error, console)?;
    for instance in instances(ended.ledger.fleet()) {
        let row = super::rows::row(ended.ledger.fleet(), &instance);
        console.note(&format!("{instance} {}", row.state.predicate()));
    }
    if refused { Err(Failure::error("not everything could be done")) } else { Ok(exit) }
}

/// Writes what the operation changes; where somebody else wrote first, it is worked out again: the last one wins.
async fn commit(
    operation: Operation,
    command: &str,
    args: &Args,
    targets: &[Target],
    ledger: &mut Ledger,
) -> Result<Vec<(Target, Answer)>, Failure> {
    let change = change(command, args.message.as_deref());
    commit_last_wins(ledger, |fleet| {
        let (mutation, answers) = operate(fleet, operation, targets, &change);
        Ok((mutation, Vec::new(), answers))
    })
    .await
}

/// Says what came of it where it is not simply done. Returns whether anything was refused.
fn tell(command: &str, answers: &[(Target, Answer)], console: &Console) -> bool {
    for (target, answer) in answers {
        let name = target.instance.as_ref().map_or_else(|| target.job.to_string(), Instance::to_string);
        match answer {
            Answer::Changed => {}
            Answer::Already(why) => console.note(&format!("{name}: {why}")),
            Answer::Refused(why) => console.warn(&format!("{name}: no {command}: {why}")),
        }
    }
    answers.iter().any(|(_, answer)| matches!(answer, Answer::Refused(_)))
}

/// Whether something on a cluster follows from the operation.
fn moves(operation: Operation) -> bool {
    !matches!(operation, Operation::Protect | Operation::Unprotect | Operation::Forget)
}

/// Whether a target with this answer is seen to its goal. What was asked before may still be under way, and whoever
/// asked may be gone.
fn follows(operation: Operation, answer: &Answer) -> bool {
    match answer {
        Answer::Changed => true,
        Answer::Already(_) => operation != Operation::Retry,
        Answer::Refused(_) => false,
    }
}

/// Whether the operation begins attempts, which others may wait for.
fn begins(operation: Operation) -> bool {
    matches!(operation, Operation::Start | Operation::Retry | Operation::Restart)
}

/// Everything under way that waits for one of these, directly or not.
fn downstream(fleet: &Fleet, of: &BTreeSet<Instance>) -> BTreeSet<Instance> {
    let active = fleet.active();
    let mut found = of.clone();
    loop {
        let waits = |one: &&Instance| {
            let mut upstreams = fleet.upstreams(one).into_iter();
            upstreams.any(|up| fleet.upstream(one, &up.edge.job).is_some_and(|up| found.contains(&up)))
        };
        let more: BTreeSet<_> =
            active.iter().filter(|one| !found.contains(one)).filter(waits).cloned().collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// The instances that an operation on these targets is about.
fn instances(fleet: &Fleet, targets: &[Target]) -> BTreeSet<Instance> {
    let of = |target: &Target| match &target.instance {
        Some(instance) => vec![instance.clone()],
        None => {
            let active = fleet.active().into_iter().filter(|instance| instance.job == target.job);
            active.chain(fleet.latest(&target.job)).collect()
        }
    };
    targets.iter().flat_map(of).collect()
}
