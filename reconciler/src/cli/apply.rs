//! `windlass apply`: commits the desired state, and sees it to its goals.

use std::path::PathBuf;

use jiff::Timestamp;
use windlass_core::apply::{Apply, Progress};
use windlass_core::fleet::Fleet;
use windlass_core::id::ApplyId;
use windlass_core::mutation::Mutation;

use super::args::{OutputArgs, SelectArgs, SpecArgs, StoreArgs};
use super::consent::Consent;
use super::console::Console;
use super::converging::{Ended, Task, WaitArgs, conclude, see_through_unless};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::{apply_id, change, open_project};
use super::prepared::{prepare, saved_backing};
use super::proposal::{FORMATS, Proposed, agree, commit, plural, stale, write};
use super::replan::replan;
use super::runtime::block_on;
use super::show;
use super::sink::Sinks;
use super::thawing;
use crate::converge::{End, OnError};
use crate::ledger::Ledger;
use crate::saved::Saved;
use crate::session::Session;
use crate::store::Key;
use crate::thaw::is_frozen;

/// Bring what runs to the specs, or to a saved plan
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Formats: text, concise, json, markdown.

Examples:
  windlass apply                        the tree of this folder
  windlass apply specs/quickstart       another tree
  windlass apply plan.json              exactly what a saved plan showed
  windlass apply plan.json --on-stale replan
  windlass apply -s 'orders.*' -m 'more workers'")]
pub struct Args {
    /// A spec tree, a spec file, `-`, or a plan that `windlass plan --out` saved
    path: Option<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    consent: Consent,
    /// When a saved plan is stale: fail (exit 4), or replan from the specs and ask for approval anew
    #[arg(long, value_name = "fail|replan", hide_possible_values = true, help_heading = "Consent")]
    on_stale: Option<OnStale>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    wait: WaitArgs,
    /// When a job has failed for good: continue with the others, or stop (start nothing new; exit 5)
    #[arg(
        long,
        value_name = "continue|stop",
        default_value = "continue",
        hide_default_value = true,
        hide_possible_values = true,
        conflicts_with = "no_wait",
        help_heading = "Waiting"
    )]
    on_error: OnError,
}

/// What to do with a saved plan that is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum OnStale {
    /// Refuse it.
    #[default]
    Fail,
    /// Plan again, the same way.
    Replan,
}

/// Applies specs or a saved plan.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, FORMATS)?;
    match args.path.as_deref().filter(|path| show::is_saved(path)) {
        Some(path) => {
            alone(args)?;
            let saved = show::read(path)?;
            same_environment(&args.spec, &saved)?;
            block_on(apply_saved(args, saved, &sinks, console))
        }
        None if args.on_stale.is_some() => {
            Err(Failure::usage("only a saved plan can be stale: no --on-stale beside specs"))
        }
        None => block_on(apply_specs(args, &sinks, console)),
    }
}

/// A saved plan is what it is.
fn alone(args: &Args) -> Result<(), Failure> {
    if !args.select.is_empty() {
        return Err(Failure::usage("a saved plan is applied as a whole: no --select or --exclude beside it"));
    }
    if !args.spec.var.is_empty() || !args.spec.var_file.is_empty() {
        return Err(Failure::usage("a saved plan has its values: no --var or --var-file beside it"));
    }
    Ok(())
}

/// A saved plan was made for one environment; another one that is named beside it is a mistake.
fn same_environment(spec: &SpecArgs, saved: &Saved) -> Result<(), Failure> {
    let made = saved.changes.environment.as_ref().map(ToString::to_string);
    match spec.environment() {
        Some(named) if made.as_deref() != Some(named) => Err(Failure::usage(format!(
            "the plan was made for {}, not for {named}",
            made.as_deref().unwrap_or("no environment")
        ))),
        _ => Ok(()),
    }
}

async fn apply_specs(args: &Args, sinks: &Sinks<'_>, console: &Console) -> Outcome {
    let prepared = prepare(args.path.as_deref(), &args.spec, console)?;
    let backing = prepared.backing(&args.store);
    let session = open_project(prepared.tree.root(), &backing, true).await?;
    let ledger = thawing::prepare(&session, session.ledger().await?, console).await?;
    let heading = prepared.heading();
    let root = prepared.tree.root().display().to_string();
    let recorded = ledger.fleet().recorded();
    let proposed = Proposed::new(prepared.plan, prepared.model.clusters, root, &recorded, &args.select)?;
    let draft = Draft { proposed, guards: Vec::new(), heading, approval: Approval::Fresh };
    carry_out(args, &draft, &session, ledger, sinks, console).await
}

/// Why a plan may be stale from the beginning.
const ELSEWHERE: &str = "the plan was made against another store, or before there was one here";

async fn apply_saved(args: &Args, saved: Saved, sinks: &Sinks<'_>, console: &Console) -> Outcome {
    let root = std::path::Path::new(&saved.root);
    let backing = saved_backing(root, &saved.store, &args.store);
    let session = open_project(root, &backing, true).await?;
    let ledger = session.ledger().await?;
    if is_frozen(ledger.fleet()) {
        return Err(Failure::new(Exit::Stale, "the store went back in time after the plan was made")
            .hint("`windlass apply` of the specs gives the desired state anew"));
    }
    let found = saved.stale(&ledger);
    let draft = if found.is_empty() {
        let (guards, heading) = (saved.keys(), format!("saved {:.0}", saved.created));
        // Whoever saved it has looked at it: that is what a saved plan is for.
        Draft { proposed: show::proposed(saved)?, guards, heading, approval: Approval::Given }
    } else {
        let stale = stale(&found);
        let elsewhere = ledger.store().lineage() != saved.lineage;
        let stale = if elsewhere { stale.detail(ELSEWHERE) } else { stale };
        match args.on_stale.unwrap_or_default() {
            OnStale::Fail => return Err(stale),
            OnStale::Replan => replan(&saved, stale, ledger.fleet(), console)?,
        }
    };
    carry_out(args, &draft, &session, ledger, sinks, console).await
}

/// What is to be applied, and how far somebody has agreed to it.
pub struct Draft {
    /// The plan and its changes.
    pub proposed: Proposed,
    /// The records that have to be as they were.
    pub guards: Vec<Key>,
    /// What stands above the changes.
    pub heading: String,
    /// How far somebody has agreed.
    pub approval: Approval,
}

/// How far somebody has agreed to a plan before it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Exactly this was looked at.
    Given,
    /// Nobody has looked; asked is where something that runs is interrupted.
    Fresh,
    /// Something else was looked at: every change needs a new yes.
    Anew,
}

async fn carry_out(
    args: &Args,
    draft: &Draft,
    session: &Session,
    ledger: Ledger,
    sinks: &Sinks<'_>,
    console: &Console,
) -> Outcome {
    let proposed = &draft.proposed;
    sinks.write(|format, style| write(&proposed.changes, &draft.heading, None, format, style))?;
    proposed.permit(ledger.fleet(), &args.consent.allowed()?)?;
    approve(draft, ledger.fleet(), args.consent.yes, console)?;
    let (consent, wait, on_error) = (&args.consent, &args.wait, args.on_error);
    let order = Order { command: "apply", guards: &draft.guards, consent, wait, on_error };
    see_to_it(session, ledger, proposed, &order, console).await
}

fn approve(draft: &Draft, fleet: &Fleet, yes: bool, console: &Console) -> Result<(), Failure> {
    match draft.approval {
        Approval::Given => Ok(()),
        Approval::Fresh => draft.proposed.confirm(fleet, yes, console),
        Approval::Anew if yes || draft.proposed.changes.is_empty() => Ok(()),
        Approval::Anew => agree(
            "This is not the plan that was saved. Apply it? [y/N]",
            "`--yes` approves the new plan, within the limits of every apply",
            console,
        ),
    }
}

/// How an apply is committed and seen to its end.
pub struct Order<'a> {
    /// The command.
    pub command: &'a str,
    /// The records that have to be as they were.
    pub guards: &'a [Key],
    /// What the user has agreed to.
    pub consent: &'a Consent,
    /// Whether and how long it waits.
    pub wait: &'a WaitArgs,
    /// What it does when a job has failed for good.
    pub on_error: OnError,
}

/// Commits, and sees what was committed to its goals.
pub async fn see_to_it(
    session: &Session,
    mut ledger: Ledger,
    proposed: &Proposed,
    order: &Order<'_>,
    console: &Console,
) -> Outcome {
    let command = order.command;
    let change = change(command, order.consent.message.as_deref());
    let id = apply_id(change.at);
    let mutation = commit(&mut ledger, proposed, order.guards, &id, &change).await?;
    let ledger = thawing::finish(session, ledger, &change, !order.wait.no_wait, console).await?;
    if order.wait.no_wait {
        console.note(&committed(&mutation));
        return Ok(Exit::Done);
    }
    let resume = format!("windlass applies resume {id}");
    let patience = &order.wait.patience;
    let task = Task { command, instances: &Fleet::present, patience, resume: &resume };
    let mut ended = see_through_unless(session, ledger, &task, order.on_error, console).await?;
    close(&mut ended, &id).await?;
    let missed = if mutation.is_empty() { Exit::Error } else { Exit::Partial };
    let outcome = conclude(&ended, &task, missed, console);
    if outcome.is_ok() {
        tell(ended.ledger.fleet(), console);
    }
    outcome
}

fn committed(mutation: &Mutation) -> String {
    let jobs = mutation.desired.len();
    format!(
        "recorded: {jobs} {}, {} {}",
        plural(jobs, "job"),
        mutation.runs.len(),
        plural(mutation.runs.len(), "run")
    )
}

/// Notes in the journal that an apply was seen to its end. What it did not touch does not count.
pub async fn close(ended: &mut Ended, id: &ApplyId) -> Result<(), Failure> {
    if ended.end != End::Settled {
        return Ok(());
    }
    let Some(apply) = ended.ledger.fleet().applies.get(id).cloned() else { return Ok(()) };
    if apply.progress != Progress::Committed {
        return Ok(());
    }
    let (now, met) = (Timestamp::now(), apply.is_met(ended.ledger.fleet()));
    let progress = if met { Progress::Converged(now) } else { Progress::Failed(now) };
    crate::fault::point("apply.before-end");
    let mutation = Mutation { apply: Some(Apply { progress, ..apply }), ..Mutation::default() };
    // Whoever was faster has written the same.
    ended.ledger.commit(&mutation, &[]).await?;
    crate::fault::point("apply.after-end");
    Ok(())
}

/// Says what there is now, and what to do next.
fn tell(fleet: &Fleet, console: &Console) {
    use windlass_core::state::Name;
    let present = fleet.present();
    let count = |wanted: Name| {
        let state = |instance| fleet.statuses.get(instance).map(|status| status.state.name());
        present.iter().filter(|instance| state(instance) == Some(wanted)).count()
    };
    let parts = [Name::Running, Name::Succeeded, Name::Skipped, Name::Stopped, Name::Suspended];
    let parts: Vec<_> = parts
        .into_iter()
        .map(|name| (name, count(name)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    console.note(&format!(
        "done: {}",
        if parts.is_empty() { "nothing left".to_owned() } else { parts.join(", ") }
    ));
    if count(Name::Running) > 0 {
        console.hint(
            "`windlass status` shows what runs, `windlass reconcile` keeps it so, `windlass destroy` ends it",
        );
    }
}
