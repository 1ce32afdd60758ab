//! Which environments there are, which are asked for, and which jobs they change.

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Fault, Layers};
use crate::options::Environments;
use crate::source::{FileId, Span};
use crate::spec::{Content, Field, Partial, Spec};
use crate::suggest::nearest;

/// The overlays of jobs, by the file and the job's name.
pub(crate) type Overlays<'e, 's> = IndexMap<(FileId, &'e str), &'e Partial<'s>>;

/// Checks that all environments exist that a part of the tree mentions.
pub(super) fn check(spec: &Spec<'_>, part: &Spec<'_>, found: &mut Vec<Diagnostic>) {
    let declared = declared(spec);
    for (name, span) in mentioned(part) {
        if !declared.contains(&name) {
            found.push(unknown(&declared, name, Some(span)));
        }
    }
}

/// The environments to compile, none being the spec without overlays.
pub(super) fn asked<'e>(
    spec: &'e Spec<'_>,
    asked: &'e Environments,
    found: &mut Vec<Diagnostic>,
) -> Vec<Option<&'e str>> {
    let declared = declared(spec);
    match asked {
        Environments::Base => vec![None],
        Environments::Every if declared.is_empty() => vec![None],
        Environments::Every => declared.into_iter().map(Some).collect(),
        Environments::One(name) if declared.contains(&name.as_str()) => vec![Some(name)],
        Environments::One(name) => {
            found.push(unknown(&declared, name, None));
            declared.into_iter().map(Some).collect()
        }
    }
}

/// The environments that the root file declares, in source order.
fn declared<'e>(spec: &'e Spec<'_>) -> Vec<&'e str> {
    let declaring = spec.environments.iter().filter(|environment| environment.declares);
    declaring.map(|environment| environment.key.text.as_ref()).collect()
}

/// Every other place that names an environment.
fn mentioned<'e>(spec: &'e Spec<'_>) -> Vec<(&'e str, Span)> {
    let overlays = spec.environments.iter().filter(|environment| !environment.declares);
    let overlays = overlays.map(|environment| (environment.key.text.as_ref(), environment.key.span));
    let jobs = spec.pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
    let settings = jobs.flat_map(|job| &job.settings).filter(|setting| setting.field == Field::OnlyIn);
    let lists = settings.filter_map(|setting| match &setting.act.value()?.content {
        Content::List(items) => Some(items),
        _ => None,
    });
    let names = lists.flatten().filter_map(|item| Some((item.content.text()?, item.span)));
    overlays.chain(names).collect()
}

fn unknown(declared: &[&str], name: &str, span: Option<Span>) -> Diagnostic {
    let near = nearest(name, declared.iter().copied()).map(Into::into);
    let known = declared.iter().map(|name| (*name).into()).collect();
    Fault::Layers(Layers::UnknownEnvironment { span, name: name.into(), near, known }).into()
}

/// The overlays of jobs in one environment that a part of the tree holds.
pub(crate) fn overlays<'e, 's>(part: &'e Spec<'s>, environment: Option<&str>) -> Overlays<'e, 's> {
    let here = part.environments.iter().filter(|one| Some(one.key.text.as_ref()) == environment);
    let jobs = here.flat_map(|one| one.jobs.iter().map(|job| ((one.file, job.key.text.as_ref()), job)));
    jobs.collect()
}
