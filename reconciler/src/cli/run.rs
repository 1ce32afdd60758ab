//! `windlass run`: a run of a pipeline's batches, by hand.

use indexmap::IndexMap;
use jiff::Timestamp;
use windlass_compiler::model::Mode;
use windlass_compiler::name::Name;
use windlass_compiler::plan::Plan;
use windlass_core::desired::{Change, Desired, Intent};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;
use windlass_core::id::{Generation, Instance, RunId};
use windlass_core::mutation::Mutation;
use windlass_core::propose::{bind, free_time};
use windlass_core::run::Run;

use super::args::StoreArgs;
use super::commit::commit_last_wins;
use super::console::Console;
use super::converging::{Task, WaitArgs, conclude, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::nearest::nearest;
use super::opened::{change, open_existing};
use super::prepared::project_root;
use super::runtime::block_on;
use crate::ledger::Ledger;
use crate::store::Key;

/// Run a pipeline's batches now
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass run orders
  windlass run orders --at 2026-11-22T02:00Z     for a logical time, once")]
pub struct Args {
    /// The pipeline
    pipeline: String,
    /// The logical time, such as 2026-11-22T02:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Say why; it stands in the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Makes a run, and sees it to its end.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(begin(args, console))
}

async fn begin(args: &Args, console: &Console) -> Outcome {
    let (root, backing) = project_root(&args.store)?;
    let (session, mut ledger) = open_existing(&root, &backing).await?;
    let id = commit(&mut ledger, args).await?;
    console.note(&format!("run {id}"));
    if args.wait.no_wait {
        return Ok(Exit::Done);
    }
    let instances = |fleet: &Fleet| -> Vec<Instance> {
        fleet.runs.get(&id).map(|run| run.instances().map(|(one, _)| one).collect()).unwrap_or_default()
    };
    let resume =
        format!("windlass wait '{}.*@{}'", id.pipeline, id.to_string().split('@').nth(1).unwrap_or_default());
    let task = Task { command: "run", instances: &instances, patience: &args.wait.patience, resume: &resume };
    let ended = see_through(&session, ledger, &task, console).await?;
    conclude(&ended, &task, Exit::Error, console)
}

/// The pipeline of that name, if it has a batch.
fn pipeline(fleet: &Fleet, name: &str) -> Result<Name, Failure> {
    let batches = || batches(fleet).map(|desired| &desired.job().pipeline);
    let found = batches().find(|known| known.as_str() == name).cloned();
    found.ok_or_else(|| {
        let failure = Failure::error(format!("there is no pipeline `{name}` with a batch in it"));
        match nearest(name, batches().map(Name::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}

fn batches(fleet: &Fleet) -> impl Iterator<Item = &Desired> {
    let is_batch = |desired: &&Desired| desired.spec.mode == Mode::Batch && desired.goal.intent.belongs();
    fleet.desired.values().filter(is_batch)
}

async fn commit(ledger: &mut Ledger, args: &Args) -> Result<RunId, Failure> {
    let change = change("run", args.message.as_deref());
    commit_last_wins(ledger, |fleet| {
        let run = made(fleet, args, &change)?;
        let id = run.id.clone();
        let note = Note::Command { change: change.clone(), intent: Intent::Run, generation: Generation(1) };
        // What leaves the project while this is written does not come back by way of a run.
        let guards = run.instances().map(|(instance, _)| Key::desired(&instance.job)).collect();
        let notes = vec![(id.to_string(), note)];
        Ok((Mutation { runs: vec![run], notes, ..Mutation::default() }, guards, id))
    })
    .await
}

/// The run that is asked for.
fn made(fleet: &Fleet, args: &Args, change: &Change) -> Result<Run, Failure> {
    let pipeline = &pipeline(fleet, &args.pipeline)?;
    let time = match &args.at {
        None => free_time(fleet, change.at, std::iter::once(pipeline)),
        Some(text) => asked(pipeline, text)?,
    };
    let id = RunId { pipeline: pipeline.clone(), time };
    if fleet.runs.contains_key(&id) {
        return Err(Failure::error(format!("there is a run {id} already: a logical time has one run"))
            .hint(format!("`windlass retry '{pipeline}.*'` begins again what has failed in it")));
    }
    let root = batches(fleet).find(|one| one.job().pipeline == *pipeline).map(|one| one.root.clone());
    Ok(Run {
        jobs: jobs(fleet, pipeline)?,
        root: root.unwrap_or_default(),
        change: change.clone().into(),
        ended: None,
        id,
    })
}

fn asked(pipeline: &Name, text: &str) -> Result<Timestamp, Failure> {
    let id: Result<RunId, _> = format!("{pipeline}@{text}").parse();
    id.map(|id| id.time).map_err(|bad| Failure::usage(format!("`{text}` is no logical time: {bad}")))
}

/// All batches of the pipeline, bound, in topological order.
fn jobs(fleet: &Fleet, pipeline: &Name) -> Result<IndexMap<Name, windlass_core::run::Bound>, Failure> {
    let of_pipeline = || batches(fleet).filter(|desired| desired.job().pipeline == *pipeline);
    let plan = Plan::new(pipeline.clone(), None, of_pipeline().map(|desired| desired.spec.job()))
        .map_err(|cycle| Failure::error("the recorded jobs wait for each other").because(&cycle))?;
    Ok(plan.jobs().map(|job| (job.id.job.clone(), bind(&fleet.desired[&job.id]))).collect())
}
