//! Which recorded job or instance a word on the command line means, removed jobs included.
//!
//! Where nothing or more than one thing is meant, the answer is a failure that says what to type instead.

use windlass_compiler::name::JobId;
use windlass_core::desired::Desired;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::operate::Target;

use super::args::SelectArgs;
use super::failure::Failure;
use super::nearest::nearest;
use super::select::Expression;
use super::targets::{Scope, targets};

/// The most names that a failure lists.
const LISTED: usize = 5;

/// What a word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A job: all of its instances, or the latest, as the command has it.
    Job(JobId),
    /// One batch of one run.
    Instance(Instance),
}

impl Named {
    fn of(target: Target) -> Self {
        target.instance.map_or(Self::Job(target.job), Self::Instance)
    }

    /// The job.
    pub fn job(&self) -> &JobId {
        match self {
            Self::Job(job) => job,
            Self::Instance(instance) => &instance.job,
        }
    }

    /// The instance that is meant, or the latest of the job.
    pub fn instance(&self, fleet: &Fleet) -> Result<Instance, Failure> {
        match self {
            Self::Instance(instance) => Ok(instance.clone()),
            Self::Job(job) => fleet.latest(job).ok_or_else(|| {
                Failure::error(format!("{job} has not run yet"))
                    .hint(format!("`windlass run {}` makes a run", job.pipeline))
            }),
        }
    }
}

/// The one job or instance that `text` means: a whole name, or a job's own name where no other job has it.
pub fn one(fleet: &Fleet, text: &str) -> Result<Named, Failure> {
    if text.contains('@') {
        return instance(fleet, text);
    }
    if let Some(job) = text.parse().ok().filter(|job| fleet.desired.contains_key(job)) {
        return Ok(Named::Job(job));
    }
    let jobs = || fleet.desired.keys();
    let alike: Vec<&JobId> = jobs().filter(|job| job.job.as_str() == text).collect();
    match alike.as_slice() {
        [job] => Ok(Named::Job((*job).clone())),
        [] => Err(unknown(fleet, text)),
        several => Err(Failure::error(format!("`{text}` is the name of several jobs"))
            .hint(format!("name one of them: {}", listed(several)))),
    }
}

/// Every job or instance that these words mean; a word may also be a selection expression.
pub fn many(fleet: &Fleet, texts: &[String]) -> Result<Vec<Named>, Failure> {
    let mut found = Vec::new();
    for text in texts {
        match one(fleet, text) {
            Ok(named) => found.push(named),
            Err(failure) => found.extend(selected(fleet, text).map_err(|other| other.unwrap_or(failure))?),
        }
    }
    Ok(once(found))
}

/// The same, with what is selected and without what is excluded.
pub fn chosen(fleet: &Fleet, texts: &[String], select: &SelectArgs) -> Result<Vec<Named>, Failure> {
    let mut found = many(fleet, texts)?;
    if !select.select.is_empty() {
        let targets = targets(fleet, &SelectArgs::default().with(&select.select))?;
        found.extend(targets.into_iter().map(Named::of));
    }
    let scope = Scope::of(fleet, &SelectArgs { select: Vec::new(), ..select.clone() })?;
    found.retain(|named| match named {
        Named::Job(job) => scope.holds(&Instance::stream(job.clone())),
        Named::Instance(instance) => scope.holds(instance),
    });
    match found.as_slice() {
        [] => Err(Failure::error("nothing is left of what was named: all of it is excluded")),
        _ => Ok(once(found)),
    }
}

/// Each thing once, where it stands first.
fn once(mut found: Vec<Named>) -> Vec<Named> {
    let mut seen = Vec::new();
    found.retain(|named| {
        !seen.contains(named) && {
            seen.push(named.clone());
            true
        }
    });
    found
}

/// What an expression selects. `Err(None)`: it selects nothing, and a name was probably meant.
fn selected(fleet: &Fleet, text: &str) -> Result<Vec<Named>, Option<Failure>> {
    let expression: Expression =
        text.parse().map_err(|why| Some(Failure::usage(format!("`{text}`: {why}"))))?;
    let targets = targets(fleet, &SelectArgs::default().with(&[expression])).map_err(|_| None)?;
    Ok(targets.into_iter().map(Named::of).collect())
}

fn instance(fleet: &Fleet, text: &str) -> Result<Named, Failure> {
    let instance: Instance =
        text.parse().map_err(|why| Failure::error(format!("`{text}` names no instance: {why}")))?;
    if fleet.wanted(&instance).is_some() || fleet.statuses.contains_key(&instance) {
        return Ok(Named::Instance(instance));
    }
    let failure = Failure::error(format!("there is no {instance}"));
    let known: Vec<String> = fleet
        .runs_of(&instance.job.pipeline)
        .rev()
        .filter_map(|run| run.instance(&instance.job))
        .map(|instance| instance.to_string())
        .collect();
    Err(match known.as_slice() {
        [] => match nearest(&instance.job.to_string(), fleet.desired.keys().map(ToString::to_string)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        },
        known => failure.hint(format!("the latest: {}", shortened(known))),
    })
}

fn unknown(fleet: &Fleet, text: &str) -> Failure {
    let of_pipeline: Vec<&JobId> = fleet
        .desired
        .values()
        .filter(|desired| desired.goal.intent.belongs())
        .map(Desired::job)
        .filter(|job| job.pipeline.as_str() == text)
        .collect();
    if !of_pipeline.is_empty() {
        return Failure::error(format!("`{text}` is a pipeline"))
            .hint(format!("name one of its jobs: {}", listed(&of_pipeline)));
    }
    let failure = Failure::error(format!("there is no job `{text}`"));
    match near(fleet, text) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`windlass status` lists the jobs"),
    }
}

/// The job whose whole or own name is nearest.
fn near(fleet: &Fleet, text: &str) -> Option<String> {
    let whole = nearest(text, fleet.desired.keys().map(ToString::to_string));
    whole.or_else(|| {
        let own = nearest(text, fleet.desired.keys().map(|job| job.job.to_string()))?;
        fleet.desired.keys().find(|job| job.job.as_str() == own).map(ToString::to_string)
    })
}

fn listed(jobs: &[&JobId]) -> String {
    shortened(&jobs.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use windlass_compiler::style::Style;
    use windlass_core::desired::Intent;

    use super::*;
    use crate::cli::sample::Sample;

    fn fleet() -> Fleet {
        let sample = Sample::default();
        let sample = sample.stream("orders.totals").stream("sales.totals").stream("orders.ingest");
        let sample = sample.batch("orders.settle", "2026-11-22T02:00Z");
        sample.intent("orders.ingest", Intent::Remove).fleet
    }

    fn said(text: &str) -> String {
        match one(&fleet(), text) {
            Ok(Named::Job(job)) => format!("job {job}"),
            Ok(Named::Instance(instance)) => format!("instance {instance}"),
            Err(failure) => failure.text(&Style::default()).trim_end().replace('\n', " | "),
        }
    }

    #[test]
    fn a_word_means_one_thing_or_says_what_to_type() {
        for (text, expected) in [
            ("orders.totals", "job orders.totals"),
            ("settle", "job orders.settle"),
            ("orders.ingest", "job orders.ingest"),
            ("orders.settle@2026-11-22T02:00Z", "instance orders.settle@2026-11-22T02:00Z"),
            (
                "totals",
                "error: `totals` is the name of several jobs | hint: name one of them: orders.totals, sales.totals",
            ),
            (
                "orders",
                "error: `orders` is a pipeline | hint: name one of its jobs: orders.settle, orders.totals",
            ),
            ("orders.total", "error: there is no job `orders.total` | hint: did you mean `orders.totals`?"),
            ("setle", "error: there is no job `setle` | hint: did you mean `orders.settle`?"),
            ("x.y", "error: there is no job `x.y` | hint: `windlass status` lists the jobs"),
            (
                "orders.settle@2026-11-22T03:00Z",
                "error: there is no orders.settle@2026-11-22T03:00Z | hint: the latest: orders.settle@2026-11-22T02:00Z",
            ),
            (
                "orders.settle@yesterday",
                "error: `orders.settle@yesterday` names no instance: a logical time looks like 2026-11-22T02:00Z",
            ),
        ] {
            assert_eq!(said(text), expected);
        }
    }

    #[test]
    fn many_words_and_expressions_mean_each_thing_once() {
        let texts = ["orders".to_owned(), "orders.totals".to_owned(), "*.totals".to_owned()];
        let found = many(&fleet(), &texts).unwrap();
        let names: Vec<String> = found.iter().map(|named| named.job().to_string()).collect();
        assert_eq!(names, ["orders.settle", "orders.totals", "sales.totals"]);
        assert!(many(&fleet(), &["orders.nothing".to_owned()]).is_err());
        let args = |select: &[&str], exclude: &[&str]| {
            let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
            SelectArgs { select: parse(select), exclude: parse(exclude) }
        };
        let found = chosen(&fleet(), &texts[1..2], &args(&["sales"], &[])).unwrap();
        assert_eq!(found.iter().map(|named| named.job().to_string()).collect::<Vec<_>>(), names[1..]);
        let found = chosen(&fleet(), &texts, &args(&[], &["*.totals"])).unwrap();
        assert_eq!(found.iter().map(|named| named.job().to_string()).collect::<Vec<_>>(), names[..1]);
        assert!(chosen(&fleet(), &texts, &args(&[], &["*"])).is_err());
    }
}
