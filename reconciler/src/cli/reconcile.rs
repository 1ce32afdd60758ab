//! `windlass reconcile`: the service. Keeps what runs as it is wanted, until it is told to end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use windlass_compiler::style::Style;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::status::Transition;

use super::args::StoreArgs;
use super::console::Console;
use super::converging::{Patience, Task, conclude, named, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::log;
use super::opened::{Backing, open_existing};
use super::prepared::project_root;
use super::runtime::block_on;
use super::story::moved;
use super::time::full;
use crate::engine::{Engine, Flow, Tell, TellOutage};
use crate::lease::{Acquired, Held};
use crate::ledger::Ledger;
use crate::session::Session;

/// How often a service that waits for the lease asks for it.
const ASK: Duration = Duration::from_secs(1);
/// How long what is under way may take to come to an end.
const PARTING: Duration = Duration::from_secs(5);
/// The pause before it begins again after an error.
const PAUSE: Duration = Duration::from_secs(2);

/// Keep what runs as it is wanted, until told to end
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bring everything to its goal once, and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    patience: Patience,
}

/// Serves.
pub fn run(args: &Args, console: &Console) -> Outcome {
    if args.patience.timeout.is_some() && !args.once {
        return Err(Failure::usage("the service does not end by itself; `--timeout` goes with `--once`"));
    }
    block_on(reconcile(args, console))
}

async fn reconcile(args: &Args, console: &Console) -> Outcome {
    let (root, backing) = project_root(&args.store)?;
    if args.once {
        let (session, ledger) = open_existing(&root, &backing).await?;
        warn(&session).await;
        let instances = Fleet::present;
        let task = Task {
            command: "reconcile",
            instances: &instances,
            patience: &args.patience,
            resume: "windlass reconcile --once",
        };
        let ended = see_through(&session, ledger, &task, console).await?;
        return conclude(&ended, &task, Exit::Error, console);
    }
    let (session, ledger) = reached(&root, &backing, console).await?;
    warn(&session).await;
    let failed = |error: std::io::Error| Failure::error("signals cannot be watched").because(&error);
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let end = Ending::default();
    let service = serve(&session, ledger, console, &end);
    tokio::pin!(service);
    let exit = tokio::select! {
        () = &mut service => Exit::Done,
        _ = int.recv() => Exit::Interrupted,
        _ = term.recv() => Exit::Terminated,
    };
    end.ask();
    // A second signal, or too long a wait, and it ends as it is: whatever it was is taken up again all the same.
    tokio::select! {
        () = &mut service => {}
        () = tokio::time::sleep(PARTING) => {}
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    // Jobs go on without us: they are taken up again by whoever comes next.
    let signal = if exit == Exit::Interrupted { "SIGINT" } else { "SIGTERM" };
    console.note(&format!("ended by {signal}; the jobs go on"));
    Ok(exit)
}

/// Tells what only whoever runs a service has to know.
async fn warn(session: &Session) {
    for warning in session.store.warnings().await {
        tracing::warn!("{warning}");
    }
}

/// Opens the project, as soon as its store can be asked: a host may be up before its servers are.
async fn reached(
    root: &Path,
    backing: &Backing,
    console: &Console,
) -> Result<(Arc<Session>, Ledger), Failure> {
    let mut told = false;
    loop {
        match open_existing(root, backing).await {
            Err(failure) if failure.passes() => {
                if !std::mem::replace(&mut told, true) {
                    console.fail(&failure);
                    console.note("waiting: the service begins when the store is there");
                }
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Whether the service was asked to end.
#[derive(Default)]
struct Ending {
    asked: AtomicBool,
    nudge: Notify,
}

impl Ending {
    fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.nudge.notify_one();
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Holds the lease whenever it can be had, and drives the engine under it. What fails is said, and tried again: a full
/// disk may have room later. The records are read anew then.
async fn serve(session: &Session, ledger: Ledger, console: &Console, end: &Ending) {
    let mut ledger = Some(ledger);
    while !end.is_asked() {
        if let Err(failure) = hold(session, &mut ledger, console, end).await {
            console.fail(&failure);
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = end.nudge.notified() => {}
            }
        }
    }
}

async fn hold(
    session: &Session,
    ledger: &mut Option<Ledger>,
    console: &Console,
    end: &Ending,
) -> Result<(), Failure> {
    let lease = tokio::select! {
        lease = acquire(session, console) => lease?,
        () = end.nudge.notified() => return Ok(()),
    };
    console.note(&format!("reconciling, {}", lease.title()));
    let ledger = match ledger.take() {
        Some(ledger) => ledger,
        None => session.ledger().await?,
    };
    drive(session, ledger, lease, console, end).await
}

async fn acquire(session: &Session, console: &Console) -> Result<Box<dyn Held>, Failure> {
    let mut told = None;
    loop {
        match session.lease.acquire("reconcile").await? {
            Acquired::Ours(lease) => return Ok(lease),
            Acquired::Busy(holder) => {
                if told != Some(holder.clone()) {
                    let who = holder.as_ref().map_or("another process".to_owned(), named);
                    console.note(&format!("waiting for {who}, which holds the lease"));
                    told = Some(holder);
                }
                tokio::time::sleep(ASK).await;
            }
        }
    }
}

/// Drives the engine until the service is asked to end: then finishes what is under way, and hands over.
async fn drive(
    session: &Session,
    ledger: Ledger,
    lease: Box<dyn Held>,
    console: &Console,
    end: &Ending,
) -> Result<(), Failure> {
    let tell = teller(console);
    let console = console.clone();
    let outage: TellOutage = Box::new(move |error| {
        console.fail(&Failure::error(error).hint("nothing is done on any cluster until the store is back"));
    });
    let mut engine = Engine::new(ledger, lease, session.connect()).telling(tell).enduring(outage);
    let steer = |_: &Fleet, idle| match (end.is_asked(), idle) {
        (false, _) => Flow::Go,
        (true, false) => Flow::Finish("the service was asked to end"),
        (true, true) => Flow::Done,
    };
    engine.run(&end.nudge, steer).await?;
    engine.leave().await;
    Ok(())
}

/// Says every transition on a line of its own, unless the log does already.
fn teller(console: &Console) -> Option<Tell> {
    let console = console.clone();
    (!log::is_in_charge()).then(|| -> Tell {
        Box::new(move |instance, step| console.note(&told(instance, step, console.note_style())))
    })
}

/// `2026-11-22T02:00:07Z orders.totals submitting → running`.
fn told(instance: &Instance, step: &Transition, style: &Style) -> String {
    let reason = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {instance} {}{reason}", full(step.at), moved(step, style))
}

#[cfg(test)]
mod tests {
    use windlass_core::history::Note;
    use windlass_core::state::Name;

    use super::*;
    use crate::cli::sample::step;

    fn check(note: Note, expected: &str) {
        let Note::Transition(step) = note else { panic!("it is a transition") };
        let style = Style { unicode: true, ..Style::default() };
        assert_eq!(told(&"orders.totals".parse().unwrap(), &step, &style), expected);
    }

    #[test]
    fn a_transition_is_one_plain_line() {
        check(
            step(Name::Submitting, Name::Running, 1, None),
            "2026-11-22T02:00:07Z orders.totals submitting → running",
        );
        check(
            step(Name::Submitting, Name::Submitting, 1, None),
            "2026-11-22T02:00:07Z orders.totals submitting (happened)",
        );
        check(
            step(Name::Running, Name::Failed, 1, Some("exit status 3")),
            "2026-11-22T02:00:07Z orders.totals running → failed: exit status 3",
        );
    }
}
