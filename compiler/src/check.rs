//! Spec → models: ordered passes, first those that hold everywhere, then those of each environment.

mod cycles;
mod declarations;
mod edges;
pub(crate) mod environments;
pub(crate) mod params;
mod references;
pub(crate) mod templates;

use indexmap::IndexMap;

use crate::World;
use crate::diagnostic::{Diagnostic, Severity};
use crate::layer::Layers;
use crate::model::{self, Model};
use crate::name::Name;
use crate::options::{Environments, Variable};
use crate::resolve::{Digests, Environment, Node, Resolver};
use crate::source::{SourceSet, Span};
use crate::spec::{Partial, Spec};

/// What the passes ask of the outside.
pub(crate) struct Asked<'a> {
    /// Where files come from.
    pub(crate) world: &'a dyn World,
    /// Values for params.
    pub(crate) variables: &'a [Variable],
    /// Which environments.
    pub(crate) environments: &'a Environments,
    /// Whether models are wanted.
    pub(crate) keep: bool,
}

/// What the passes find.
#[derive(Debug)]
pub(crate) struct Checked {
    /// One model an environment; none where there is an error.
    pub(crate) models: Vec<Model>,
    /// What is wrong.
    pub(crate) found: Vec<Diagnostic>,
}

/// Checks a spec; `found` holds what was wrong with its texts.
pub(crate) fn check(
    spec: &Spec<'_>,
    sources: &SourceSet,
    mut found: Vec<Diagnostic>,
    asked: &Asked<'_>,
) -> Checked {
    declarations::check(spec, &mut found);
    let lineages = templates::check(spec, &mut found);
    references::check(spec, sources, &mut found);
    let environments = environments::check(spec, asked.environments, &mut found);
    params::check(spec, asked.variables, &mut found);
    let lines = lines(spec, sources);
    let mut digests = Digests::new();
    let mut models = Vec::new();
    let mut by_environment = Vec::new();
    for name in &environments {
        let name = *name;
        let mut here = Vec::new();
        let params = params::resolve(spec, name, asked.variables, &mut here);
        let params = &params;
        let environment =
            Environment { spec, sources, lineages: &lineages, name, params, world: asked.world };
        let mut nodes = resolve(&environment, asked.keep, &lines, &mut digests, &mut here);
        edges::check(spec, &mut nodes, &mut here);
        let clean = found.iter().chain(&here).all(|one| one.fault.severity() == Severity::Warning);
        models.extend((asked.keep && clean).then(|| model(spec, name, nodes)).flatten());
        by_environment.push((name, here));
    }
    let found = merge(found, by_environment);
    if found.iter().any(|one| one.fault.severity() == Severity::Error) {
        models.clear();
    }
    Checked { models, found }
}

/// The line of each job's key.
fn lines(spec: &Spec<'_>, sources: &SourceSet) -> Vec<Vec<u32>> {
    let jobs = |pipeline: &crate::spec::Pipeline<'_>| {
        let (text, mut at, mut line) = (sources.text(pipeline.file), 0, 1);
        let mut count = |job: &Partial<'_>| {
            let start = (job.key.span.start as usize).min(text.len());
            if start < at {
                (at, line) = (0, 1);
            }
            line += u32::try_from(text.as_bytes()[at..start].iter().filter(|byte| **byte == b'\n').count())
                .unwrap_or(0);
            at = start;
            line
        };
        pipeline.jobs.iter().map(&mut count).collect()
    };
    spec.pipelines.iter().map(jobs).collect()
}

/// All jobs of one environment.
fn resolve<'e, 's>(
    environment: &Environment<'e, 's>,
    keep: bool,
    lines: &[Vec<u32>],
    digests: &mut Digests,
    found: &mut Vec<Diagnostic>,
) -> Vec<Node<'e>> {
    let overlays = environments::overlays(environment.spec, environment.name);
    let mut layers = Layers::default();
    let mut nodes = Vec::with_capacity(lines.iter().map(Vec::len).sum());
    for (pipeline, lines) in environment.spec.pipelines.iter().zip(lines) {
        let Some(name) = &pipeline.name else { continue };
        for (partial, line) in pipeline.jobs.iter().zip(lines) {
            let overlay = overlays.get(&(pipeline.file, partial.key.text.as_ref())).copied();
            let job = (partial, overlay);
            let resolver = Resolver::new(environment, (pipeline, name), job, &mut layers, digests, found);
            let node = resolver.resolve(*line);
            nodes.push(if keep { node } else { Node { job: None, ..node } });
        }
    }
    nodes
}

/// The model of one environment; nothing where a name in it is at fault.
fn model(spec: &Spec<'_>, environment: Option<&str>, nodes: Vec<Node<'_>>) -> Option<Model> {
    let name = |text: &str| text.parse::<Name>().ok();
    let clusters =
        spec.clusters.iter().map(|cluster| Some((name(&cluster.key.text)?, model::Cluster::Local)));
    let pipelines = spec.pipelines.iter().map(|pipeline| {
        let owner = pipeline.owner.as_deref().map(str::to_owned);
        let description = pipeline.description.as_deref().map(str::to_owned);
        Some((name(&pipeline.name.as_ref()?.text)?, model::Pipeline { owner, description }))
    });
    let jobs = nodes.into_iter().filter_map(|node| node.job).map(|job| (job.id.clone(), *job));
    Some(Model {
        project: name(&spec.project.as_ref()?.text)?,
        environment: environment.and_then(name),
        store: spec.store.as_deref().unwrap_or("file:.windlass").to_owned(),
        clusters: clusters.collect::<Option<IndexMap<_, _>>>()?,
        pipelines: pipelines.collect::<Option<IndexMap<_, _>>>()?,
        jobs: jobs.collect(),
    })
}

/// Puts everything into source order, each fault once, with the environments that it holds in.
fn merge(
    everywhere: Vec<Diagnostic>,
    by_environment: Vec<(Option<&str>, Vec<Diagnostic>)>,
) -> Vec<Diagnostic> {
    let all = by_environment.len();
    let mut found: Vec<(Option<usize>, Diagnostic)> = everywhere.into_iter().map(|one| (None, one)).collect();
    let names: Vec<Option<Name>> =
        by_environment.iter().map(|(name, _)| name.and_then(|name| name.parse().ok())).collect();
    for (at, (_, here)) in by_environment.into_iter().enumerate() {
        found.extend(here.into_iter().map(|one| (Some(at), one)));
    }
    let mut found: Vec<_> =
        found.into_iter().map(|(at, one)| (one.fault.place(), one.fault.code(), at, one)).collect();
    found.sort_by(|one, other| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)));
    let mut merged: Vec<(Vec<usize>, Option<Span>, Diagnostic)> = Vec::new();
    for (place, code, at, one) in found {
        // One place has one fault of a kind, however many jobs and environments come across it.
        let known = merged.iter_mut().rev().take_while(|(_, other, _)| *other == place);
        let known = known.filter(|(_, _, other)| other.fault.code() == code);
        let same = known.filter(|(_, _, other)| place.is_some() || other.fault == one.fault).last();
        match same {
            Some((environments, ..)) => environments.extend(at),
            None => merged.push((at.into_iter().collect(), place, one)),
        }
    }
    let named = |(mut held, _, one): (Vec<usize>, Option<Span>, Diagnostic)| {
        held.dedup();
        let only = if held.len() == all { Vec::new() } else { held };
        Diagnostic { environments: only.into_iter().filter_map(|at| names[at].clone()).collect(), ..one }
    };
    merged.into_iter().map(named).collect()
}
