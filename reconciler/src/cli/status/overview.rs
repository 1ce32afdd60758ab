//! What is, as one value: from the records, the lease and what the clusters say, to text and JSON.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use windlass_compiler::model::{Job, Mode};
use windlass_compiler::style::Style;
use windlass_core::desired::{Change, Intent};
use windlass_core::fleet::{Fleet, Outlook, Outlooks};
use windlass_core::id::Instance;
use windlass_core::recovery::Recovery;
use windlass_core::run::Run;
use windlass_core::shard::Shard;
use windlass_core::spec::Spec;
use windlass_core::state::Name;
use windlass_core::status::Status;

use crate::cli::converging::named;
use crate::cli::drift::{About, Finding};
use crate::cli::paint::{self, Tone, paint};
use crate::cli::rows::{intent, of_state, since, to_come};
use crate::cli::story::by;
use crate::cli::table::{Cell, Table};
use crate::cli::thawing;
use crate::cli::time::{age, ago};
use crate::lease::Owner;
use windlass_compiler::escape::visible;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    /// Streams, the latest instance of each batch, and whatever has yet to end.
    Latest,
    /// Every instance that is recorded, removed jobs included.
    All,
}

/// What is known beside the records.
pub(super) struct Seen {
    /// The present time.
    pub(super) now: Timestamp,
    /// The store, as far as its name may be shown.
    pub(super) store: String,
    /// Who drives, each its own shards; or why that is not known.
    pub(super) owners: Result<Vec<Owner>, String>,
    /// What the clusters contradict.
    pub(super) findings: Vec<Finding>,
    /// Who asked for it, of each instance that is not simply to run.
    pub(super) decided: BTreeMap<Instance, Change>,
}

/// A project at a glance.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    project: Option<String>,
    environment: Option<String>,
    store: String,
    /// The present time.
    at: Timestamp,
    /// Who drives; nobody if none.
    drivers: Vec<Driver>,
    /// Why it is not known who drives.
    unowned: Option<String>,
    /// Whether everything is what is wanted.
    met: bool,
    jobs: Vec<Line>,
    /// The latest run of each pipeline, and in full view all.
    runs: Vec<RunLine>,
    /// Clusters that do not answer, and why.
    silent: BTreeMap<String, String>,
    /// What runs and should not.
    strays: Vec<String>,
    /// What the store has forgotten, where that is not over.
    recovery: Option<Recovery>,
    #[serde(skip)]
    wide: bool,
}

/// Who owns a part of the work.
#[derive(Debug, Serialize)]
struct Driver {
    id: String,
    command: String,
    pid: u32,
    host: String,
    since: Option<Timestamp>,
    /// How many shards are its own.
    shards: usize,
    #[serde(skip)]
    named: String,
}

/// One instance, or a batch that has not run yet.
#[derive(Debug, Serialize)]
struct Line {
    instance: String,
    job: String,
    mode: Mode,
    cluster: String,
    state: Name,
    since: Option<Timestamp>,
    attempt: u64,
    /// Failures since it was last begun.
    failures: usize,
    /// Who decides about it; nobody if none.
    owner: Option<String>,
    /// The generation of the spec that is wanted of it.
    generation: u64,
    intent: Intent,
    /// Who asked for that intent, unless it is to run.
    by: Option<Change>,
    protected: bool,
    /// Whether it is what is wanted; none while it is on its way.
    met: Option<bool>,
    detail: String,
    /// What its cluster shows instead of what is recorded.
    stale: Option<String>,
    /// Why its cluster says nothing.
    silent: Option<String>,
    #[serde(skip)]
    has_run: bool,
}

#[derive(Debug, Serialize)]
struct RunLine {
    run: String,
    states: BTreeMap<Name, usize>,
    ended: Option<Timestamp>,
}

/// The instances that are shown; a batch that has not run yet stands for itself.
pub(super) fn instances(fleet: &Fleet, wide: Wide) -> Vec<Instance> {
    let jobs = fleet.desired.values().filter(|one| wide == Wide::All || one.goal.intent.belongs());
    let streams_and_new = jobs.filter_map(|desired| match fleet.latest(desired.job()) {
        Some(_) if desired.spec.mode == Mode::Batch => None,
        _ => Some(Instance::stream(desired.job().clone())),
    });
    let batches: Vec<Instance> = match wide {
        Wide::Latest => fleet.present(),
        Wide::All => fleet.runs.values().flat_map(|run| run.instances().map(|(one, _)| one)).collect(),
    };
    streams_and_new.chain(batches).collect::<BTreeSet<_>>().into_iter().collect()
}

impl Driver {
    fn new(owner: &Owner) -> Self {
        let Owner { id, holder, shards } = owner;
        Self {
            id: id.clone(),
            command: holder.command.clone(),
            pid: holder.pid,
            host: holder.host.clone(),
            since: Timestamp::from_millisecond(holder.since).ok(),
            shards: shards.len(),
            named: named(holder),
        }
    }
}

impl Overview {
    pub(super) fn new(fleet: &Fleet, instances: &[Instance], wide: Wide, seen: &Seen) -> Self {
        let silent: BTreeMap<String, String> = seen.findings.iter().filter_map(silence).collect();
        let mut outlooks = fleet.outlooks();
        let lines =
            instances.iter().filter_map(|instance| line(fleet, &mut outlooks, instance, seen, &silent));
        let jobs: Vec<Line> = lines.collect();
        let project = fleet.project.as_ref();
        let stray =
            |finding: &Finding| matches!(finding.about, About::Stray(_)).then(|| finding.what.clone());
        Self {
            project: project.map(|project| project.name.to_string()),
            environment: project.and_then(|project| project.environment.as_ref()).map(ToString::to_string),
            store: seen.store.clone(),
            at: seen.now,
            drivers: seen.owners.iter().flatten().map(Driver::new).collect(),
            unowned: seen.owners.as_ref().err().cloned(),
            met: jobs.iter().all(|line| line.met == Some(true) && line.stale.is_none()),
            runs: runs(fleet, instances, wide),
            jobs,
            silent,
            strays: seen.findings.iter().filter_map(stray).collect(),
            recovery: fleet.recovery.clone().filter(|recovery| !recovery.is_over()),
            wide: wide == Wide::All,
        }
    }

    /// What must change for a log of what is to be told again: everything but ages.
    pub(super) fn news(&self) -> String {
        let line = |line: &Line| {
            format!("{:?}", (&line.instance, line.state, line.since, &line.detail, &line.stale))
        };
        let lines: Vec<String> = self.jobs.iter().map(line).collect();
        format!(
            "{lines:?} {:?} {:?} {:?}",
            self.silent,
            self.strays,
            self.drivers.iter().map(|one| (&one.id, one.shards)).collect::<Vec<_>>()
        )
    }

    /// One line an instance.
    pub(super) fn concise(&self) -> String {
        let text = |line: &Line| {
            let stale = line.stale.as_ref().map(|what| format!("recorded {}, but {what}", line.state));
            let detail = stale.as_deref().unwrap_or(&line.detail);
            format!("{} {} {detail}", line.instance, line.shown_state()).trim_end().to_owned()
        };
        self.jobs.iter().map(|line| visible(&text(line)).into_owned() + "\n").collect()
    }

    /// For people.
    pub(super) fn text(&self, style: &Style) -> String {
        let mut text = self.head(style);
        if !self.jobs.is_empty() {
            text.push('\n');
            text.push_str(&self.table().text(style));
        }
        if !self.wide && !self.runs.is_empty() {
            text.push('\n');
            text.push_str(&self.run_table().text(style));
        }
        text + &self.foot(style)
    }

    fn head(&self, style: &Style) -> String {
        let project = self.project.as_deref().unwrap_or("no project");
        let environment = self.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let project = paint(style, Tone::Strong, &visible(project));
        let counts = counts(self.jobs.iter().filter(|line| line.has_run).map(|line| line.state), style);
        let counts = if counts.is_empty() { "no jobs".to_owned() } else { counts };
        let head = format!("{project}{environment}, store {}: {counts}\n", visible(&self.store));
        // Where there is nothing to drive, nobody is missed.
        if self.jobs.is_empty() && self.drivers.is_empty() {
            return head;
        }
        format!("{head}{}\n", self.driven(style))
    }

    /// Who drives, or what follows from nobody's doing so.
    fn driven(&self, style: &Style) -> String {
        match self.drivers.as_slice() {
            [driver] => {
                let since = driver.since.map(|since| format!(", for {}", age(self.at.duration_since(since))));
                format!("driven by {}{}", visible(&driver.named), since.unwrap_or_default())
            }
            [_, _, ..] => self.shared(),
            [] if self.unowned.is_some() => {
                let why = self.unowned.as_deref().unwrap_or_default();
                paint(style, Tone::Doubtful, &format!("who drives is not known: {}", visible(why)))
            }
            [] if self.met => "nobody drives: `windlass reconcile` keeps it so".to_owned(),
            [] if self.is_moving() => {
                paint(style, Tone::Doubtful, "nobody drives: `windlass reconcile` goes on with it")
            }
            [] => "nobody drives, and nothing is left to do unless somebody acts".to_owned(),
        }
    }

    /// Who drives, where several do.
    fn shared(&self) -> String {
        let one = |driver: &Driver| {
            let jobs = self.jobs.iter().filter(|line| line.owner.as_deref() == Some(&driver.id)).count();
            format!("{} ({} shards, {jobs} jobs)", visible(&driver.id), driver.shards)
        };
        let all: Vec<_> = self.drivers.iter().map(one).collect();
        format!("driven by {} replicas: {}", all.len(), all.join(", "))
    }

    /// Whether an owner would have something to do.
    fn is_moving(&self) -> bool {
        self.jobs.iter().any(|line| line.met.is_none() || line.stale.is_some())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["JOB", "STATE", "SINCE", "ATTEMPT", "GEN", "DETAIL"]).folding();
        for line in &self.jobs {
            let name = if self.wide { &line.instance } else { &line.job };
            let since = line.since.map(|since| age(self.at.duration_since(since)));
            table.row([
                name.into(),
                Cell::new(line.shown_state(), line.tone()),
                since.unwrap_or_default().into(),
                line.attempts().into(),
                line.generation.to_string().into(),
                (&line.detail).into(),
            ]);
            if let Some(what) = &line.stale {
                let text = format!("recorded {}, but {what}", line.state);
                table.below(Cell::new(text, Tone::Doubtful));
            }
            if line.silent.is_some() {
                let text = format!("{} does not answer: this is what was known last", line.cluster);
                table.below(Cell::new(text, Tone::Doubtful));
            }
        }
        table
    }

    fn run_table(&self) -> Table {
        let mut table = Table::new(["RUN", "ENDED", "JOBS"]).folding();
        for run in &self.runs {
            let states = run.states.iter().flat_map(|(state, count)| std::iter::repeat_n(*state, *count));
            let ended = run.ended.map_or_else(|| "not yet".to_owned(), |ended| ago(ended, self.at));
            table.row([(&run.run).into(), ended.into(), counts(states, &Style::default()).into()]);
        }
        table
    }

    /// What needs a sentence of its own.
    fn foot(&self, style: &Style) -> String {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(
            self.silent.iter().map(|(cluster, why)| format!("cluster {cluster} does not answer: {why}")),
        );
        lines.extend(self.strays.iter().cloned());
        if let Some(recovery) = &self.recovery {
            lines.extend(thawing::lines(recovery));
            let next = match recovery.may_confirm() {
                true => "nothing is done on any cluster until `windlass apply` has given the specs anew"
                    .to_owned(),
                false => {
                    format!("its clusters are being asked: {} of 64 shards are done", recovery.looked.len())
                }
            };
            lines.push(next);
        }
        if self.jobs.iter().any(|line| line.stale.is_some()) && self.drivers.is_empty() {
            lines.push("records marked with ? are behind: `windlass reconcile`, or any command that waits, takes in what is".to_owned());
        }
        if lines.is_empty() {
            return String::new();
        }
        let wrapped = lines.iter().flat_map(|line| crate::cli::table::wrapped(&visible(line), style.width));
        let painted = wrapped.map(|line| paint(style, Tone::Doubtful, &line) + "\n");
        "\n".to_owned() + &painted.collect::<String>()
    }
}

impl Line {
    /// The recorded state, with a mark where it is not so any more.
    fn shown_state(&self) -> String {
        match (&self.stale, &self.silent) {
            (None, None) => {
                if self.has_run {
                    self.state.to_string()
                } else {
                    "no run".to_owned()
                }
            }
            _ => format!("{}?", self.state),
        }
    }

    /// `3 (2 failed)`; nothing before the first attempt.
    fn attempts(&self) -> String {
        match (self.attempt, self.failures) {
            (0, _) => "-".to_owned(),
            (attempt, 0) => attempt.to_string(),
            (attempt, failures) => format!("{attempt} ({failures} failed)"),
        }
    }

    fn tone(&self) -> Tone {
        if self.stale.is_some() || self.silent.is_some() {
            Tone::Doubtful
        } else {
            paint::of_state(self.state)
        }
    }
}

fn silence(finding: &Finding) -> Option<(String, String)> {
    let About::Silent(cluster) = &finding.about else { return None };
    let why = finding.what.strip_prefix("does not answer: ").unwrap_or(&finding.what);
    Some((cluster.to_string(), why.to_owned()))
}

fn line(
    fleet: &Fleet,
    outlooks: &mut Outlooks<'_>,
    instance: &Instance,
    seen: &Seen,
    silent: &BTreeMap<String, String>,
) -> Option<Line> {
    let desired = fleet.desired.get(&instance.job);
    let wanted = fleet.wanted(instance)?;
    let status = fleet.statuses.get(instance);
    let attempt = status.and_then(|status| status.attempt.as_ref());
    let cluster = attempt.map_or(&wanted.spec.cluster, |attempt| &attempt.cluster).to_string();
    let is_live = status.is_some_and(|status| status.state.is_live());
    let contradicted =
        |finding: &&Finding| matches!(&finding.about, About::Recorded(other) if other == instance);
    let has_run = wanted.spec.mode == Mode::Stream || instance.run.is_some();
    Some(Line {
        instance: instance.to_string(),
        job: instance.job.to_string(),
        mode: wanted.spec.mode,
        state: status.map_or(Name::Waiting, |status| status.state.name()),
        since: if has_run { since(fleet, instance) } else { None },
        attempt: status.map_or(0, |status| status.attempt_number().0),
        owner: owner(seen, instance),
        failures: status.map_or(0, |status| status.failures.len()),
        generation: generation(fleet, instance),
        intent: intent(fleet, instance)?,
        by: seen.decided.get(instance).cloned(),
        protected: desired.is_some_and(windlass_core::desired::Desired::is_protected),
        met: met(outlooks, instance, has_run),
        detail: if has_run { said(fleet, instance, seen) } else { new_batch(&wanted, desired) },
        stale: seen.findings.iter().find(contradicted).map(|finding| finding.what.clone()),
        silent: silent.get(&cluster).filter(|_| is_live).cloned(),
        cluster,
        has_run,
    })
}

fn met(outlooks: &mut Outlooks<'_>, instance: &Instance, has_run: bool) -> Option<bool> {
    match outlooks.of(instance) {
        _ if !has_run => Some(true),
        Outlook::Met => Some(true),
        Outlook::Missed(_) => Some(false),
        Outlook::Moving => None,
    }
}

/// The generation of the job's spec that an instance is of.
fn generation(fleet: &Fleet, instance: &Instance) -> u64 {
    let bound = instance.run_id().and_then(|id| fleet.runs.get(&id)?.jobs.get(&instance.job.job));
    let of_job = fleet.desired.get(&instance.job).map(|desired| desired.goal.generation);
    bound.map(|bound| bound.of).or(of_job).unwrap_or_default().0
}

fn new_batch(
    wanted: &windlass_core::fleet::Wanted<'_>,
    desired: Option<&windlass_core::desired::Desired>,
) -> String {
    let pipeline = &wanted.spec.id.pipeline;
    match desired.map(|desired| desired.goal.intent) {
        Some(Intent::Remove) => "removed".to_owned(),
        Some(Intent::Forget) => "forgotten".to_owned(),
        _ => format!("`windlass run {pipeline}` makes one"),
    }
}

/// Everything there is to say: the state's reason, whose intent it is, what a next run changes, protection.
fn said(fleet: &Fleet, instance: &Instance, seen: &Seen) -> String {
    let asked = to_come(fleet, instance).map(|asked| match seen.decided.get(instance).map(by) {
        Some(by) => format!("{asked} {by}").trim_start().to_owned(),
        None => asked.to_owned(),
    });
    let desired = fleet.desired.get(&instance.job);
    let protected = desired.is_some_and(windlass_core::desired::Desired::is_protected);
    let protected = protected.then(|| "protected".to_owned());
    let parts = [Some(of_state(fleet, instance)), asked, outdated(fleet, instance), protected];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A batch whose spec has changed since its run was made.
fn outdated(fleet: &Fleet, instance: &Instance) -> Option<String> {
    let bound = fleet.runs.get(&instance.run_id()?)?.jobs.get(&instance.job.job)?;
    let desired = fleet.desired.get(&instance.job).filter(|desired| desired.goal.intent.belongs())?;
    let is_latest = fleet.latest(&instance.job).as_ref() == Some(instance);
    let meant = |spec: &Spec| Job { origin: None, description: None, ..spec.job() };
    let differs = || bound.spec.mark != desired.spec.mark && meant(&bound.spec) != meant(&desired.spec);
    (is_latest && differs()).then(|| "its spec has changed since: the next run takes that in".to_owned())
}

/// The latest run of each pipeline that is shown.
/// Who decides about an instance.
fn owner(seen: &Seen, instance: &Instance) -> Option<String> {
    let shard = Shard::of_instance(instance);
    seen.owners.iter().flatten().find(|owner| owner.shards.contains(&shard)).map(|owner| owner.id.clone())
}

fn runs(fleet: &Fleet, instances: &[Instance], wide: Wide) -> Vec<RunLine> {
    let pipelines: BTreeSet<_> = instances.iter().map(|instance| &instance.job.pipeline).collect();
    let of = |pipeline| match wide {
        Wide::Latest => fleet.runs_of(pipeline).next_back().into_iter().collect::<Vec<_>>(),
        Wide::All => fleet.runs_of(pipeline).collect(),
    };
    pipelines.into_iter().flat_map(of).map(|run| run_line(fleet, run)).collect()
}

fn run_line(fleet: &Fleet, run: &Run) -> RunLine {
    let mut states = BTreeMap::new();
    for (instance, _) in run.instances() {
        let state =
            fleet.statuses.get(&instance).map_or(Name::Waiting, |status: &Status| status.state.name());
        *states.entry(state).or_default() += 1;
    }
    RunLine { run: run.id.to_string(), states, ended: run.ended }
}

/// `2 running, 1 failed`.
fn counts(states: impl Iterator<Item = Name>, style: &Style) -> String {
    let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    let text =
        |(state, count): (&Name, &usize)| paint(style, paint::of_state(*state), &format!("{count} {state}"));
    counts.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
