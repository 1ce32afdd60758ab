//! `windlass reconcile`: the service. Keeps what runs as it is wanted, until it is told to end.

use std::convert::Infallible;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::status::Transition;

use super::args::StoreArgs;
use super::console::Console;
use super::converging::{Patience, Task, conclude, named, see_through};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::log;
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::time::full;
use crate::engine::{Engine, Flow, Tell};
use crate::lease::{Acquired, Held};
use crate::session::Session;

/// How often a service that waits for the lease asks for it.
const ASK: Duration = Duration::from_secs(1);
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
    let (root, url) = project_root(&args.store)?;
    let (session, ledger) = open_existing(&root, &url).await?;
    if args.once {
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
    drop(ledger);
    let failed = |error: std::io::Error| Failure::error("signals cannot be watched").because(&error);
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        never = serve(&session, console) => match never {},
        // Jobs go on without us: they are taken up again by whoever comes next.
        _ = int.recv() => { console.note("ended by SIGINT; the jobs go on"); Ok(Exit::Interrupted) }
        _ = term.recv() => { console.note("ended by SIGTERM; the jobs go on"); Ok(Exit::Terminated) }
    }
}

/// Holds the lease whenever it can be had, and drives the engine under it. What fails is said, and tried again: a full
/// disk may have room later.
async fn serve(session: &Session, console: &Console) -> Infallible {
    loop {
        if let Err(failure) = hold(session, console).await {
            console.fail(&failure);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn hold(session: &Session, console: &Console) -> Result<(), Failure> {
    let lease = acquire(session, console).await?;
    console.note(&format!("reconciling, {}", lease.title()));
    drive(session, lease, teller(console)).await
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

async fn drive(session: &Session, lease: Box<dyn Held>, tell: Option<Tell>) -> Result<(), Failure> {
    let ledger = session.ledger().await?;
    let mut engine = Engine::new(ledger, lease, session.connect()).telling(tell);
    engine.run(&Notify::new(), |_, _| Flow::Go).await?;
    Ok(())
}

/// Says every transition on a line of its own, unless the log does already.
fn teller(console: &Console) -> Option<Tell> {
    let console = console.clone();
    (!log::is_in_charge())
        .then(|| -> Tell { Box::new(move |instance, step| console.note(&told(instance, step))) })
}

/// `2026-11-22T02:00:07Z orders.totals submitting → running`.
fn told(instance: &Instance, step: &Transition) -> String {
    let reason = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {instance} {} → {}{reason}", full(step.at), step.from, step.to)
}

#[cfg(test)]
mod tests {
    use windlass_core::history::Note;
    use windlass_core::state::Name;

    use super::*;
    use crate::cli::sample::step;

    fn check(note: Note, expected: &str) {
        let Note::Transition(step) = note else { panic!("it is a transition") };
        assert_eq!(told(&"orders.totals".parse().unwrap(), &step), expected);
    }

    #[test]
    fn a_transition_is_one_plain_line() {
        check(
            step(Name::Submitting, Name::Running, 1, None),
            "2026-11-22T02:00:07Z orders.totals submitting → running",
        );
        check(
            step(Name::Running, Name::Failed, 1, Some("exit status 3")),
            "2026-11-22T02:00:07Z orders.totals running → failed: exit status 3",
        );
    }
}
