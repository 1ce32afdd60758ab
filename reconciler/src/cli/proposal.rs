//! What an apply would do: a plan against the records, refused or confirmed.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use windlass_compiler::diff::{Changes, Effect, Kind, Notes, Recorded, diff};
use windlass_compiler::escape;
use windlass_compiler::model::Cluster;
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::plan::Plan;
use windlass_compiler::style::Style;
use windlass_core::desired::Change;
use windlass_core::fleet::Fleet;
use windlass_core::id::ApplyId;
use windlass_core::mutation::Mutation;
use windlass_core::propose::{Proposal, propose};

use super::args::SelectArgs;
use super::commit::{TRIES, outrun};
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::select::Universe;
use super::sink::Format;
use crate::ledger::Ledger;
use crate::policy::{Allowed, other_project, refusals};
use crate::saved::{self, Stale};
use crate::store::Key;

/// A plan and its changes against what is recorded.
pub struct Proposed {
    /// The plan.
    pub plan: Plan,
    /// Its clusters.
    pub clusters: IndexMap<Name, Cluster>,
    /// The folder that relative paths in the specs are relative to.
    pub root: String,
    /// What it changes.
    pub changes: Changes,
}

impl Proposed {
    /// What `plan` changes of what is recorded, as far as it was selected.
    pub fn new(
        plan: Plan,
        clusters: IndexMap<Name, Cluster>,
        root: String,
        recorded: &Recorded,
        select: &SelectArgs,
    ) -> Result<Self, Failure> {
        let mut changes = diff(recorded, &plan);
        if !select.is_empty() {
            narrow(&mut changes, &plan, recorded, select)?;
        }
        Ok(Self { plan, clusters, root, changes })
    }

    /// What applying it writes.
    pub fn mutation(&self, fleet: &Fleet, id: ApplyId, change: Change) -> Mutation {
        let (plan, changes, clusters, root) = (&self.plan, &self.changes, &self.clusters, &*self.root);
        propose(fleet, &Proposal { plan, changes, clusters, root, id, change })
    }

    /// Fails where the changes are refused, with every reason.
    pub fn permit(&self, fleet: &Fleet, allowed: &Allowed) -> Result<(), Failure> {
        let reasons = refusals(fleet, &self.changes, allowed);
        match reasons.as_slice() {
            [] => Ok(()),
            reasons => {
                let failure = Failure::new(Exit::Refused, "these changes are refused; nothing was changed");
                Err(reasons.iter().fold(failure, Failure::detail))
            }
        }
    }

    /// Asks, where the changes end or interrupt something that runs.
    pub fn confirm(&self, fleet: &Fleet, yes: bool, console: &Console) -> Result<(), Failure> {
        let interrupts = |change: &&windlass_compiler::diff::Change| {
            let live = fleet.latest(&change.job).and_then(|instance| fleet.statuses.get(&instance));
            // A job that was forgotten may still run: creating it anew replaces what runs.
            let replaces = change.effect.interrupts() || change.kind == Kind::Create;
            replaces && live.is_some_and(|status| status.state.is_live())
        };
        let count = self.changes.changes.iter().filter(interrupts).count();
        if yes || count == 0 {
            return Ok(());
        }
        let question = format!("{count} running {} would be interrupted. Apply? [y/N]", plural(count, "job"));
        agree(&question, "`--yes` applies without asking", console)
    }
}

/// Asks a question that has to be answered with yes.
pub fn agree(question: &str, otherwise: &str, console: &Console) -> Result<(), Failure> {
    let answer = console.ask(question, otherwise)?;
    let agreed = matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes");
    if agreed { Ok(()) } else { Err(Failure::new(Exit::Refused, "not applied: the answer was no")) }
}

/// Leaves only the changes of selected jobs: those of the plan, and those that it removes.
fn narrow(
    changes: &mut Changes,
    plan: &Plan,
    recorded: &Recorded,
    select: &SelectArgs,
) -> Result<(), Failure> {
    let removed = recorded.jobs().filter(|recorded| plan.job(&recorded.id).is_none());
    let universe = Universe::of_plan(plan).with(removed.map(|recorded| recorded.spec.job()));
    let selected = universe.select(select)?;
    let selected: BTreeSet<JobId> = selected.iter().map(|subject| subject.instance.job.clone()).collect();
    let before = changes.changes.len();
    changes.changes.retain(|change| selected.contains(&change.job));
    changes.unselected = before - changes.changes.len();
    Ok(())
}

/// The forms of changes.
pub const FORMATS: &[Format] = &[Format::Text, Format::Concise, Format::Json, Format::Markdown];

/// The changes in a form of output; one of [`FORMATS`].
pub fn write(changes: &Changes, heading: &str, drift: Option<&str>, format: Format, style: &Style) -> String {
    let notes = Notes { heading: Some(heading), drift };
    match format {
        Format::Json => escape::json(changes),
        Format::Markdown => changes.markdown(&notes),
        Format::Concise => concise(changes),
        _ => changes.text(style, &notes),
    }
}

/// One line a change, without columns.
fn concise(changes: &Changes) -> String {
    let line = |change: &windlass_compiler::diff::Change| {
        let sign = match change.kind {
            Kind::Create => '+',
            Kind::Update => '~',
            Kind::Remove => '-',
        };
        format!("{sign} {} {}\n", change.job, change.effect)
    };
    changes.changes.iter().map(line).collect()
}

/// Reasons of `--fail-on` that hold.
pub fn fails_on(changes: &Changes, drifted: bool, warned: bool, reasons: &[FailOn]) -> Vec<FailOn> {
    let any = |test: &dyn Fn(&windlass_compiler::diff::Change) -> bool| changes.changes.iter().any(test);
    let holds = |reason: &FailOn| match reason {
        FailOn::Destroy => any(&|change| change.kind == Kind::Remove),
        FailOn::Restart => any(&|change| change.effect.interrupts() && change.kind == Kind::Update),
        FailOn::StateLoss => any(&|change| change.effect == Effect::StateLoss),
        FailOn::Drift => drifted,
        FailOn::Warning => warned,
    };
    reasons.iter().copied().filter(holds).collect()
}

/// What a plan may be made to fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// A job would be removed.
    Destroy,
    /// A running job would be interrupted.
    Restart,
    /// A job would lose state.
    StateLoss,
    /// Something is not as it was applied.
    Drift,
    /// The compiler warns.
    Warning,
}

/// Why a saved plan is stale, and what to do.
pub fn stale(found: &[Stale]) -> Failure {
    let failure =
        Failure::new(Exit::Stale, "the plan is stale: something that it rests on has changed since");
    told(failure, found).hint("make a new plan: `windlass plan --out FILE`")
}

/// Adds what has changed: each record with both versions, who wrote it and when.
fn told(failure: Failure, found: &[Stale]) -> Failure {
    let words = |stale: &Stale| {
        let version = |read: &Option<saved::Read>| match read {
            Some(read) => format!("version {}", read.version),
            None => "nothing".to_owned(),
        };
        let by = stale.found.as_ref().and_then(|read| read.change.as_ref()).map(|change| {
            format!(", by {} at {:.0} with `windlass {}`", change.author, change.at, change.command)
        });
        format!(
            "{}: the plan read {}, now there is {}{}",
            stale.key,
            version(&stale.planned),
            version(&stale.found),
            by.unwrap_or_default()
        )
    };
    found.iter().take(10).fold(failure, |failure, stale| failure.detail(words(stale)))
}

/// Commits a proposal. The records may move while a person thinks: then the same changes are worked out again, and
/// committed only if they are still the ones that were shown, and rest on the same `guards`.
pub async fn commit(
    ledger: &mut Ledger,
    proposed: &Proposed,
    guards: &[Key],
    id: &ApplyId,
    change: &Change,
) -> Result<Mutation, Failure> {
    let versions = |ledger: &Ledger| guards.iter().map(|key| ledger.version(key)).collect::<Vec<_>>();
    let shown = versions(ledger);
    let read = saved::reads(&proposed.plan, &proposed.changes, ledger);
    // Meanwhile the store may come to hold another environment.
    let held = [guards, &[Key::project()]].concat();
    for _ in 0..TRIES {
        let mut change = change.clone();
        change.apply = Some(id.clone());
        let mutation = proposed.mutation(ledger.fleet(), id.clone(), change);
        crate::fault::point("apply.before-commit");
        match ledger.commit(&mutation, &held).await? {
            crate::ledger::Written::Done => {
                crate::fault::point("apply.after-commit");
                return Ok(mutation);
            }
            crate::ledger::Written::Conflict(key) => {
                let again = diff(&ledger.fleet().recorded(), &proposed.plan);
                let moved = proposed.changes.changes.iter().any(|change| !again.changes.contains(change));
                let elsewhere = other_project(ledger.fleet(), &proposed.changes).is_some();
                if moved || elsewhere || versions(ledger) != shown {
                    let failure =
                        Failure::new(Exit::Stale, format!("{key} changed while this was being applied"));
                    return Err(told(failure, &saved::stale(&read, ledger))
                        .hint("nothing was applied; run the command again to see what it would do now"));
                }
            }
            crate::ledger::Written::Fenced(_) => {}
        }
    }
    Err(outrun())
}

/// `job` or `jobs`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_core::operate::{Operation, Target, operate};

    use super::*;
    use crate::cli::runtime::block_on;
    use crate::cli::sample::{Sample, at, change};
    use crate::store::Store;
    use crate::store::memory::Memory;

    #[test]
    fn who_was_overtaken_learns_by_whom() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let sample = Sample::default().project().stream("p.s").fleet;
        let refused = block_on(async {
            let mut ours = Ledger::load(Arc::clone(&store)).await?;
            let desired = sample.desired.into_values().collect();
            ours.commit(&Mutation { project: sample.project, desired, ..Mutation::default() }, &[]).await?;
            let project = ours.fleet().project.clone().expect("it was committed just now");
            let nothing = Plan::new(project.name, project.environment, []).expect("nothing has no cycle");
            let (select, recorded) = (SelectArgs::default(), ours.fleet().recorded());
            let removal = Proposed::new(nothing, project.clusters, String::new(), &recorded, &select)?;

            let mut theirs = Ledger::load(Arc::clone(&store)).await?;
            let target = Target { job: "p.s".parse().unwrap(), instance: None };
            let restart = change("restart", None);
            let (restarted, _) = operate(theirs.fleet(), Operation::Restart, &[target], &restart);
            theirs.commit(&restarted, &[]).await?;

            let guards = [Key::desired(&"p.s".parse().unwrap())];
            let id = crate::cli::opened::apply_id(at("02:00:00"));
            Ok(commit(&mut ours, &removal, &guards, &id, &change("apply", None)).await)
        });
        let failure = refused.unwrap().unwrap_err();
        assert_eq!(failure.exit(), Exit::Stale);
        assert_eq!(failure.message(), "desired/p.s changed while this was being applied");
        let [fact] = failure.details() else { panic!("one record has changed: {:?}", failure.details()) };
        assert!(fact.starts_with("desired/p.s: the plan read version 1-"), "{fact}");
        assert!(fact.contains("now there is version 2-"), "{fact}");
        assert!(fact.ends_with("by ann@desk at 2026-11-22T02:00:00Z with `windlass restart`"), "{fact}");
    }
}
