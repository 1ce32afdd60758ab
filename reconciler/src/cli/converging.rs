//! Seeing a command to its end: progress meanwhile, interrupts, and what to say and do afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use windlass_compiler::model::Mode;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::Instance;

use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::progress::Progress;
use super::proposal::plural;
use super::rows::rows;
use super::thawing;
use crate::converge::{Aim, End, Interrupts, OnError, Watch, converge};
use crate::lease::Holder;
use crate::ledger::Ledger;
use crate::session::Session;

/// Whether a command waits, and how long.
#[derive(Debug, Clone, clap::Args)]
pub struct WaitArgs {
    /// Return as soon as the change is recorded; `windlass reconcile` or a later command does the rest
    #[arg(long, help_heading = "Waiting", conflicts_with = "wait")]
    pub no_wait: bool,
    /// Wait until every job has reached its goal or can't (the default)
    #[arg(long, help_heading = "Waiting")]
    pub wait: bool,
    /// How long it waits.
    #[command(flatten)]
    pub patience: Patience,
}

/// How long a command waits that always does.
#[derive(Debug, Clone, clap::Args)]
pub struct Patience {
    /// Wait no longer than this, such as 90s or 10m; exit 6 then
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Waiting")]
    pub timeout: Option<Duration>,
    /// Wait no longer than this for an owner of the lease that does nothing; exit 7 then
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", help_heading = "Waiting")]
    pub lock_timeout: Duration,
}

/// A duration, as the spec language writes it.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<windlass_compiler::units::Duration, _> = text.parse();
    parsed.map(Duration::from).map_err(|bad| match bad.suggestion {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "a duration looks like 500ms, 30s, 10m or 2h".to_owned(),
    })
}

/// What a command sees to its end.
pub struct Task<'a> {
    /// Its name.
    pub command: &'a str,
    /// The instances that it is about.
    pub instances: &'a dyn Fn(&Fleet) -> Vec<Instance>,
    /// How long it waits.
    pub patience: &'a Patience,
    /// What an interrupted or impatient user types to go on.
    pub resume: &'a str,
}

/// How it ended, and the records as they are then.
pub struct Ended {
    /// How.
    pub end: End,
    /// The records.
    pub ledger: Ledger,
    /// Whether SIGTERM, not ^C, has interrupted it.
    pub terminated: bool,
}

/// Sees a task to its end, with progress. What fails on the way stops nothing else.
pub async fn see_through(
    session: &Session,
    ledger: Ledger,
    task: &Task<'_>,
    console: &Console,
) -> Result<Ended, Failure> {
    see_through_unless(session, ledger, task, OnError::Continue, console).await
}

/// The same, and `on_error` says what is done when something fails on the way.
pub async fn see_through_unless(
    session: &Session,
    ledger: Ledger,
    task: &Task<'_>,
    on_error: OnError,
    console: &Console,
) -> Result<Ended, Failure> {
    thawing::warn(ledger.fleet(), console);
    let interrupts = Interrupts::default();
    let terminated = listen(&interrupts, console)?;
    let aim = Aim {
        command: task.command,
        instances: task.instances,
        timeout: task.patience.timeout,
        lock_timeout: task.patience.lock_timeout,
        on_error,
    };
    let mut shown = Shown { progress: Progress::new(console, Timestamp::now()), console };
    let result = converge(session, ledger, &aim, &interrupts, &mut shown).await;
    shown.progress.finish();
    let goes_on = || format!("what was asked is recorded; `{}` goes on", task.resume);
    let (end, ledger) = result.map_err(|error| Failure::from(error).hint(goes_on()))?;
    Ok(Ended { end, ledger, terminated: terminated.load(Ordering::SeqCst) })
}

/// Counts ^C and SIGTERM. Returns whether SIGTERM was among them.
fn listen(interrupts: &Interrupts, console: &Console) -> Result<Arc<AtomicBool>, Failure> {
    let failed = |error: std::io::Error| Failure::error("signals cannot be watched").because(&error);
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let terminated = Arc::new(AtomicBool::new(false));
    let (seen, interrupts, console) = (Arc::clone(&terminated), interrupts.clone(), console.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => seen.store(true, Ordering::SeqCst),
            }
            if interrupts.count() == 0 {
                console
                    .note("interrupted: nothing new is started, what runs goes on; again to leave at once");
            }
            interrupts.interrupt();
        }
    });
    Ok(terminated)
}

struct Shown<'a> {
    progress: Progress,
    console: &'a Console,
}

impl Watch for Shown<'_> {
    fn show(&mut self, fleet: &Fleet, instances: &[Instance]) {
        self.progress.show(&rows(fleet, instances), Timestamp::now());
    }

    fn follow(&mut self, holder: Option<&Holder>) {
        self.console.note(&match holder {
            Some(holder) => format!("following {}, which does the work", named(holder)),
            None => "another process does the work; following it".to_owned(),
        });
    }

    fn halt(&mut self, cause: &Instance, drives: bool) {
        let follows = match drives {
            true => "nothing new is started, what runs goes on",
            false => "the rest is left to whoever does the work",
        };
        self.console.note(&format!("{cause} has failed: {follows} (--on-error stop)"));
    }
}

/// A holder of the lease, for people.
pub fn named(holder: &Holder) -> String {
    format!("`windlass {}` (process {} on {})", holder.command, holder.pid, holder.host)
}

/// Says how it ended. `missed`: the exit code where jobs did not reach their goals.
pub fn conclude(ended: &Ended, task: &Task<'_>, missed: Exit, console: &Console) -> Outcome {
    let fleet = ended.ledger.fleet();
    let instances = (task.instances)(fleet);
    let failed = failures(fleet, &instances);
    for (instance, reason) in &failed {
        console.note(&format!("{instance} {reason}"));
    }
    match &ended.end {
        End::Settled if failed.is_empty() => Ok(Exit::Done),
        End::Settled => Err(not_met(fleet, &failed, instances.len(), missed)),
        End::Halted => {
            let failure = match failed.as_slice() {
                // Somebody was faster, and tries it again.
                [] => Failure::new(missed, "a job has failed"),
                failed => not_met(fleet, failed, instances.len(), missed),
            };
            Err(failure.hint(format!(
                "the rest was not waited for; what was asked is recorded, and `{}` goes on",
                task.resume
            )))
        }
        End::TimedOut => Err(Failure::new(Exit::Unconverged, "not everything reached its goal in time")
            .hint(format!("what was asked is recorded; `{}` goes on waiting", task.resume))),
        End::Interrupted => {
            let exit = if ended.terminated { Exit::Terminated } else { Exit::Interrupted };
            Err(Failure::new(exit, "interrupted; what was asked is recorded")
                .hint(format!("`{}` goes on", task.resume)))
        }
        End::Busy(holder) => {
            let who = holder.as_ref().map_or("another process".to_owned(), named);
            Err(Failure::new(Exit::Busy, format!("{who} holds the lease, and nothing happens"))
                .hint("what was asked is recorded; end that process, and the next command goes on"))
        }
    }
}

/// The instances that are not what is wanted, and will not be on their own.
pub fn failures(fleet: &Fleet, instances: &[Instance]) -> Vec<(Instance, String)> {
    let mut outlooks = fleet.outlooks();
    let missed = |instance: &Instance| match outlooks.of(instance) {
        Outlook::Missed(reason) => Some((instance.clone(), reason)),
        Outlook::Met | Outlook::Moving => None,
    };
    instances.iter().filter_map(missed).collect()
}

fn not_met(fleet: &Fleet, failed: &[(Instance, String)], of: usize, exit: Exit) -> Failure {
    let (first, _) = &failed[0];
    // The first that failed by itself, not by what it waits for, is the one to look at.
    let root = failed.iter().map(|(instance, _)| instance).find(|instance| {
        let name = fleet.statuses.get(instance).map(|status| status.state.name());
        !matches!(
            name,
            None | Some(windlass_core::state::Name::Skipped | windlass_core::state::Name::Waiting)
        )
    });
    let job = &root.unwrap_or(first).job;
    let goal = match fleet.desired.get(job).map(|desired| desired.spec.mode) {
        Some(Mode::Stream) => "run",
        _ => "succeed",
    };
    Failure::new(exit, format!("{} of {of} {} did not reach the goal", failed.len(), plural(of, "job")))
        .hint(format!(
            "`windlass why {job}` says why it did not {goal}, `windlass logs {job}` what it printed"
        ))
        .hint(format!("`windlass retry {job}` tries again"))
}
