//! `windlass apply`: commits the desired state, and sees it to its goals.

use std::path::PathBuf;

use jiff::Timestamp;
use windlass_core::apply::{Apply, Progress};
use windlass_core::fleet::Fleet;
use windlass_core::id::ApplyId;
use windlass_core::mutation::Mutation;

use super::args::{SelectArgs, SpecArgs, StoreArgs};
use super::console::Console;
use super::converging::{Ended, Task, WaitArgs, conclude, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::{apply_id, change, open_project, store_url};
use super::prepared::prepare;
use super::proposal::{Proposed, commit, plural, stale, write};
use super::runtime::block_on;
use super::show;
use super::sink::Format;
use crate::converge::End;
use crate::ledger::Ledger;
use crate::policy::Allowed;
use crate::saved::Saved;
use crate::session::Session;
use crate::store::Key;

/// Bring what runs to the specs, or to a saved plan
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  windlass apply                        the tree of this folder
  windlass apply specs/quickstart       another tree
  windlass apply plan.json              exactly what a saved plan showed
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
    #[command(flatten)]
    wait: WaitArgs,
}

/// What a user agrees to beforehand.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Consent {
    /// Do not ask; covers neither protected jobs, nor state loss, nor many removals
    #[arg(short = 'y', long, visible_alias = "auto-approve", help_heading = "Consent")]
    pub yes: bool,
    /// Allow so many removals
    #[arg(long, value_name = "N", help_heading = "Consent")]
    pub allow_destroy: Option<usize>,
    /// Allow what would be refused: state-loss:JOB
    #[arg(long, value_name = "WHAT", help_heading = "Consent")]
    pub allow: Vec<String>,
    /// Say why; it stands in the history
    #[arg(short, long, value_name = "TEXT", help_heading = "Consent")]
    pub message: Option<String>,
}

impl Consent {
    /// What it allows.
    pub fn allowed(&self) -> Result<Allowed, Failure> {
        let state_loss = |what: &String| match what.strip_prefix("state-loss:") {
            Some(job) => Ok(job.to_owned()),
            None => Err(Failure::usage(format!("`--allow {what}` means nothing"))
                .hint("it looks like `--allow state-loss:orders.ingest`")),
        };
        Ok(Allowed {
            destroy: self.allow_destroy,
            state_loss: self.allow.iter().map(state_loss).collect::<Result<_, _>>()?,
        })
    }
}

/// Applies specs or a saved plan.
pub fn run(args: &Args, console: &Console) -> Outcome {
    match args.path.as_deref().filter(|path| show::is_saved(path)) {
        Some(path) => {
            if !args.select.select.is_empty() || !args.select.exclude.is_empty() {
                return Err(Failure::usage(
                    "a saved plan is applied as a whole: no --select or --exclude beside it",
                ));
            }
            let saved = show::read(path)?;
            same_environment(&args.spec, &saved)?;
            block_on(apply_saved(args, saved, console))
        }
        None => block_on(apply_specs(args, console)),
    }
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

async fn apply_specs(args: &Args, console: &Console) -> Outcome {
    let prepared = prepare(args.path.as_deref(), &args.spec, console)?;
    let url = store_url(&args.store, Some(&prepared.model.store), prepared.model.acknowledge);
    let session = open_project(prepared.tree.root(), &url, true).await?;
    let ledger = session.ledger().await?;
    let heading = prepared.heading();
    let root = prepared.tree.root().display().to_string();
    let proposed = Proposed::new(prepared.plan, prepared.model.clusters, root, ledger.fleet(), &args.select)?;
    carry_out(args, &session, ledger, &proposed, &[], &heading, console).await
}

/// Why a plan may be stale from the beginning.
const ELSEWHERE: &str = "the plan was made against another store, or before there was one here";

async fn apply_saved(args: &Args, saved: Saved, console: &Console) -> Outcome {
    let url = store_url(&args.store, Some(&saved.store), None);
    let session = open_project(std::path::Path::new(&saved.root), &url, true).await?;
    let ledger = session.ledger().await?;
    let found = saved.stale(&ledger);
    if !found.is_empty() {
        let stale = stale(&found);
        let elsewhere = ledger.store().lineage() != saved.lineage;
        return Err(if elsewhere { stale.detail(ELSEWHERE) } else { stale });
    }
    let guards = saved.keys();
    let heading = format!("saved {:.0}", saved.created);
    let proposed = show::proposed(saved)?;
    // Whoever saved it has looked at it: that is what a saved plan is for.
    let consent = Consent { yes: true, ..args.consent.clone() };
    let args = &Args { consent, path: None, ..args.clone() };
    carry_out(args, &session, ledger, &proposed, &guards, &heading, console).await
}

async fn carry_out(
    args: &Args,
    session: &Session,
    ledger: Ledger,
    proposed: &Proposed,
    guards: &[Key],
    heading: &str,
    console: &Console,
) -> Outcome {
    console.print(&write(&proposed.changes, heading, None, Format::Text, console.style()))?;
    proposed.permit(ledger.fleet(), &args.consent.allowed()?)?;
    proposed.confirm(ledger.fleet(), args.consent.yes, console)?;
    see_to_it(session, ledger, proposed, guards, &args.consent, &args.wait, "apply", console).await
}

/// Commits, and sees what was committed to its goals.
#[expect(clippy::too_many_arguments, reason = "the one place at which all that an apply consists of meets")]
pub async fn see_to_it(
    session: &Session,
    mut ledger: Ledger,
    proposed: &Proposed,
    guards: &[Key],
    consent: &Consent,
    wait: &WaitArgs,
    command: &str,
    console: &Console,
) -> Outcome {
    let change = change(command, consent.message.as_deref());
    let id = apply_id(change.at);
    let mutation = commit(&mut ledger, proposed, guards, &id, &change).await?;
    if wait.no_wait {
        console.note(&committed(&mutation));
        return Ok(Exit::Done);
    }
    let resume = format!("windlass applies resume {id}");
    let task = Task { command, instances: &Fleet::present, patience: &wait.patience, resume: &resume };
    let mut ended = see_through(session, ledger, &task, console).await?;
    let failed = super::converging::failures(ended.ledger.fleet(), &Fleet::present(ended.ledger.fleet()));
    close(&mut ended, &id, failed.is_empty()).await?;
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

/// Notes in the journal that an apply was seen to its end.
pub async fn close(ended: &mut Ended, id: &ApplyId, met: bool) -> Result<(), Failure> {
    if ended.end != End::Settled {
        return Ok(());
    }
    let now = Timestamp::now();
    let progress = if met { Progress::Converged(now) } else { Progress::Failed(now) };
    let Some(apply) = ended.ledger.fleet().applies.get(id).cloned() else { return Ok(()) };
    if apply.progress != Progress::Committed {
        return Ok(());
    }
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
