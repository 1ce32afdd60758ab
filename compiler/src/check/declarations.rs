//! Names and what they belong to: duplicates, overlays of nothing, projects without a job.

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Fault, Graph, Layers, Semantics, Severity};
use crate::source::{FileId, Span};
use crate::spec::{Environment, Key, Spec};
use crate::suggest::nearest;

use super::heads::Head;

/// Checks what a part of the tree declares.
pub(super) fn check(spec: &Spec<'_>, part: &Spec<'_>, found: &mut Vec<Diagnostic>) {
    empty_pipelines(part, found);
    overlays(spec, part, found);
}

/// Checks what all parts together declare; `spelled` is what was wrong with their texts.
pub(super) fn whole(
    spec: &Spec<'_>,
    heads: &[Head<'_>],
    spelled: &[Diagnostic],
    found: &mut Vec<Diagnostic>,
) {
    duplicate_pipelines(heads, found);
    // What could not be read may have held the jobs.
    if heads.is_empty() && spelled.iter().all(|one| one.fault.severity() == Severity::Warning) {
        let span = spec.project.as_ref().map_or(spec.start, |project| project.span);
        found.push(Fault::Semantics(Semantics::NoJob { span, what: "the project".into() }).into());
    }
}

fn duplicate_pipelines(heads: &[Head<'_>], found: &mut Vec<Diagnostic>) {
    let mut seen: IndexMap<&str, Span> = IndexMap::new();
    for name in heads.iter().filter_map(|head| head.name.as_ref()) {
        if let Some(first) = seen.get(name.text.as_ref()) {
            let (again, first, name) = (name.span, *first, name.text.as_ref().into());
            found.push(Fault::Graph(Graph::DuplicatePipeline { again, first, name }).into());
        } else {
            seen.insert(&name.text, name.span);
        }
    }
}

fn empty_pipelines(part: &Spec<'_>, found: &mut Vec<Diagnostic>) {
    for pipeline in part.pipelines.iter().filter(|pipeline| pipeline.jobs.is_empty()) {
        if let Some(name) = &pipeline.name {
            let what = format!("the pipeline `{}`", name.text).into();
            found.push(Fault::Semantics(Semantics::NoJob { span: name.span, what }).into());
        }
    }
}

fn overlays(spec: &Spec<'_>, part: &Spec<'_>, found: &mut Vec<Diagnostic>) {
    if part
        .environments
        .iter()
        .all(|environment| environment.clusters.is_empty() && environment.jobs.is_empty())
    {
        return;
    }
    let jobs = jobs_by_file(part);
    for environment in &part.environments {
        let clusters = || spec.clusters.iter().map(|cluster| cluster.key.text.as_ref());
        for key in &environment.clusters {
            if clusters().all(|name| name != key.text) {
                found.push(nothing_below(environment, "cluster", key, nearest(&key.text, clusters())));
            }
        }
        for job in &environment.jobs {
            let here = || {
                jobs.iter().filter(|((file, _), ())| *file == environment.file).map(|((_, name), ())| *name)
            };
            if !jobs.contains_key(&(environment.file, job.key.text.as_ref())) {
                found.push(nothing_below(environment, "job", &job.key, nearest(&job.key.text, here())));
            }
        }
    }
}

fn jobs_by_file<'e>(part: &'e Spec<'_>) -> IndexMap<(FileId, &'e str), ()> {
    let jobs = |pipeline: &'e crate::spec::Pipeline<'_>| {
        pipeline.jobs.iter().map(|job| ((pipeline.file, job.key.text.as_ref()), ()))
    };
    part.pipelines.iter().flat_map(jobs).collect()
}

fn nothing_below(
    environment: &Environment<'_>,
    what: &'static str,
    key: &Key<'_>,
    near: Option<&str>,
) -> Diagnostic {
    let (span, name, near) = (key.span, key.text.as_ref().into(), near.map(Into::into));
    let fault = Fault::Layers(Layers::NothingBelow { span, what, name, near });
    Diagnostic { address: Some(format!("environment.{}", environment.key.text).into()), ..fault.into() }
}
