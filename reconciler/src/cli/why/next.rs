//! What to type next, by what is the matter.

use serde::Serialize;
use windlass_core::desired::Intent;
use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::Instance;
use windlass_core::state::{Name, State};

use super::account::Known;
use super::cause::Cause;
use crate::cli::rows::intent;

/// A command, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Hint {
    pub(super) command: String,
    pub(super) does: String,
}

fn hint(command: String, does: &str) -> Hint {
    Hint { command, does: does.to_owned() }
}

/// The commands that help, the most useful first. The roots of the matter count, not what only waits for them.
pub(super) fn next(fleet: &Fleet, instance: &Instance, cause: &Cause, known: &Known) -> Vec<Hint> {
    let mut hints = Vec::new();
    let moving = fleet.outlook(instance) == Outlook::Moving || !known.stale.is_empty();
    if known.driver.is_none() && moving {
        hints.push(hint("windlass reconcile".to_owned(), "drives; nobody does now"));
    }
    for root in cause.roots() {
        match root.instance.parse() {
            Ok(root) if fleet.wanted(&root).is_some() => hints.extend(of_root(fleet, &root, known)),
            _ => {}
        }
    }
    let mut seen = Vec::new();
    hints.retain(|one| {
        !seen.contains(one) && {
            seen.push(one.clone());
            true
        }
    });
    hints
}

fn of_root(fleet: &Fleet, root: &Instance, known: &Known) -> Vec<Hint> {
    let Some(intent) = intent(fleet, root) else { return Vec::new() };
    // The latest instance is what a job's name alone stands for.
    let name =
        if fleet.latest(&root.job).as_ref() == Some(root) { root.job.to_string() } else { root.to_string() };
    match intent {
        Intent::Stop => return vec![hint(format!("windlass start {name}"), "lets it run again")],
        Intent::Suspend => return vec![hint(format!("windlass resume {name}"), "goes on with it")],
        Intent::Remove | Intent::Forget => {
            return vec![hint("windlass apply".to_owned(), "brings it back, if it stands in the spec")];
        }
        Intent::Run => {}
    }
    let status = fleet.statuses.get(root);
    let state = status.map_or(&State::NEW, |status| &status.state);
    let logs = || hint(format!("windlass logs {name}"), "shows what it printed");
    match state {
        State::Waiting { not_before: Some(until) } => {
            let pause = hint(format!("windlass retry {name}"), "ends the pause");
            let paused = *until > known.now;
            std::iter::once(logs()).chain(paused.then_some(pause)).collect()
        }
        state => match state.name() {
            Name::Failed => vec![logs(), hint(format!("windlass retry {name}"), "begins it again")],
            Name::Lost => vec![
                logs(),
                hint(
                    format!("windlass retry {name}"),
                    "begins it again, once you are sure that it has ended",
                ),
            ],
            Name::Running | Name::Degraded => {
                vec![hint(format!("windlass logs -f {name}"), "follows what it prints")]
            }
            Name::Unknown => vec![hint("windlass drift".to_owned(), "asks the clusters again")],
            Name::Stopped => vec![hint(format!("windlass start {name}"), "lets it run again")],
            _ => Vec::new(),
        },
    }
}
