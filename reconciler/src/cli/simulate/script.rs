//! A script: what happens to the user's jobs, and when. A TOML file, whose every mistake is reported at once.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use toml::de::DeTable;
use windlass_compiler::diagnostic::Report;
use windlass_compiler::model::{Job, Mode, Model};
use windlass_compiler::name::{JobId, Name};
use windlass_compiler::source::FileId;
use windlass_compiler::units::Duration;
use windlass_core::sim::kind::Kind;
use windlass_core::sim::mishap::Timed;
use windlass_core::sim::scenario::{Life, Scenario};

use super::clock;
use super::events;
use super::reader::{At, Mistakes, Table};

/// How long before the first event the jobs are applied, unless the script says when.
const BEFORE: u64 = 10 * 60_000;
/// How long after the last event it goes on.
const AFTER: u64 = 60 * 60_000;
/// How long a batch takes, unless the script says so.
const TAKES: u64 = 60_000;

/// What a script says.
#[derive(Debug, Default)]
pub(super) struct Script {
    begin: Option<u64>,
    end: Option<u64>,
    kinds: BTreeMap<Name, Kind>,
    lives: BTreeMap<JobId, Life>,
    events: Vec<Timed>,
    /// When the last event is over.
    over: u64,
}

impl Script {
    /// The scenario of these jobs, and when it ends.
    pub(super) fn scenario(self, model: &Model, jobs: Vec<Job>, seed: u64) -> (Scenario, u64) {
        let first = self.events.iter().map(|timed| timed.at).min();
        let midnight = clock::parse("00:00").unwrap_or(0);
        let begins = self.begin.unwrap_or(first.map_or(midnight, |first| first.saturating_sub(BEFORE)));
        let until = self.end.unwrap_or(self.over.max(begins) + AFTER);
        let kind = |name: &Name| (name.clone(), self.kinds.get(name).copied().unwrap_or_default());
        let clusters: IndexMap<Name, Kind> = model.clusters.keys().map(kind).collect();
        let mut lives = self.lives;
        for job in &jobs {
            lives.entry(job.id.clone()).or_insert_with(|| usual(job));
        }
        let scenario = Scenario {
            seed,
            clusters,
            jobs,
            drift: [0, 0],
            team: None,
            begins,
            calm: until,
            lives,
            mishaps: self.events,
            strikes: Vec::new(),
        };
        (scenario, until)
    }
}

/// A batch takes a minute and succeeds, a stream runs.
fn usual(job: &Job) -> Life {
    Life { takes: (job.mode == Mode::Batch).then_some(TAKES), fails: 0 }
}

/// Reads a script about a model.
pub(super) fn parse(text: &str, file: FileId, model: &Model) -> (Script, Vec<Report>) {
    let mut mistakes = Mistakes::new(file);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        mistakes.add(span, error.message(), "here", "a script is written in TOML");
    }
    let mut script = Script::default();
    // What could not be read leaves tables with holes, which would only be complained about once more.
    if errors.is_empty() {
        script = root(Table::new(table.get_ref(), 0..0), model, &mut mistakes);
    }
    mistakes.reports.sort_by_key(|report| report.labels.first().map(|label| label.span));
    (script, mistakes.reports)
}

fn root(mut table: Table<'_>, model: &Model, mistakes: &mut Mistakes) -> Script {
    let begin = time(&mut table, "begin", mistakes);
    let end = time(&mut table, "end", mistakes);
    let mut script = Script { begin, end, ..Script::default() };
    for (name, cluster) in table.tables("cluster", mistakes) {
        if let Some(kind) = kind(&name, cluster, model, mistakes) {
            script.kinds.insert(kind.0, kind.1);
        }
    }
    for (name, job) in table.tables("job", mistakes) {
        if let Some((job, life)) = life(&name, job, model, mistakes) {
            script.lives.insert(job, life);
        }
    }
    for event in table.list("event", mistakes) {
        if let Some((timed, over)) = events::event(event, model, mistakes) {
            script.over = script.over.max(over);
            script.events.push(timed);
        }
    }
    // One moment's events keep the order in which they were written.
    script.events.sort_by_key(|timed| timed.at);
    table.finish("a script", mistakes);
    script
}

fn kind(
    name: &At<String>,
    mut table: Table<'_>,
    model: &Model,
    mistakes: &mut Mistakes,
) -> Option<(Name, Kind)> {
    let cluster = self::cluster(name, model, mistakes);
    let kind = table.text("kind", mistakes);
    table.finish("a cluster", mistakes);
    let kind = kind?;
    let found = Kind::ALL.into_iter().find(|known| known.name() == kind.value);
    if found.is_none() {
        mistakes.none_of(&kind, "kind of cluster", Kind::ALL.map(Kind::name));
    }
    Some((cluster?, found?))
}

fn life(
    name: &At<String>,
    mut table: Table<'_>,
    model: &Model,
    mistakes: &mut Mistakes,
) -> Option<(JobId, Life)> {
    let job = self::job(name, model, mistakes);
    let takes = duration(&mut table, "takes", mistakes);
    let fails = table.number("fails", mistakes);
    table.finish("a job", mistakes);
    let job = model.jobs.get(&job?)?;
    let usual = usual(job);
    let takes = takes.map(|takes| takes.value).or(usual.takes);
    Some((job.id.clone(), Life { takes, fails: fails.map_or(0, |fails| fails.value) }))
}

/// A cluster of the model.
pub(super) fn cluster(name: &At<String>, model: &Model, mistakes: &mut Mistakes) -> Option<Name> {
    let found = model.clusters.keys().find(|known| known.as_str() == name.value).cloned();
    if found.is_none() {
        mistakes.none_of(name, "cluster", model.clusters.keys().map(Name::as_str));
    }
    found
}

/// A job of the model.
pub(super) fn job(name: &At<String>, model: &Model, mistakes: &mut Mistakes) -> Option<JobId> {
    let names: Vec<String> = model.jobs.keys().map(ToString::to_string).collect();
    let found = name.value.parse().ok().filter(|id| model.jobs.contains_key(id));
    if found.is_none() {
        mistakes.none_of(name, "job", names.iter().map(String::as_str));
    }
    found
}

/// A time of day.
pub(super) fn time(table: &mut Table<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<u64> {
    let text = table.text(key, mistakes)?;
    let time = clock::parse(&text.value);
    if time.is_none() {
        let help = format!(
            "write `{key} = \"02:00\"`, or `\"02:00:30\"`; `\"26:00\"` is two hours into the next day"
        );
        mistakes.add(text.span, format!("`{}` is no time of day", text.value), "not a time", help);
    }
    time
}

/// A length of time, in milliseconds.
pub(super) fn duration(table: &mut Table<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<At<u64>> {
    let text = table.text(key, mistakes)?;
    match text.value.parse::<Duration>() {
        Ok(duration) => Some(At { value: duration.as_millis(), span: text.span }),
        Err(bad) => {
            let meant = bad.suggestion.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            let help = format!("{meant}durations look like `90s`, `10m`, `2h`");
            mistakes.add(text.span, format!("`{}` is no duration", text.value), "not a duration", help);
            None
        }
    }
}
