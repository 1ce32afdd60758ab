//! Templates: what they stand on, circles among them, and those that nobody uses.

use crate::diagnostic::{Diagnostic, Fault, Layers};
use crate::resolve::{template, used};
use crate::spec::{Partial, Spec};
use crate::suggest::nearest;

/// Checks the templates that a part of the tree uses, and marks them.
pub(super) fn check(spec: &Spec<'_>, part: &Spec<'_>, marks: &mut [bool], found: &mut Vec<Diagnostic>) {
    for partial in part.templates.iter().chain(part.pipelines.iter().flat_map(|pipeline| &pipeline.jobs)) {
        match template(spec, partial) {
            Some(at) => marks[at] = true,
            None => unknown(spec, partial, found),
        }
    }
}

/// Reports the templates that no part of the tree has marked.
pub(super) fn unused(spec: &Spec<'_>, marks: &[bool], found: &mut Vec<Diagnostic>) {
    for (partial, _) in spec.templates.iter().zip(marks).filter(|(_, used)| !**used) {
        let (span, name) = (partial.key.span, partial.key.text.as_ref().into());
        found.push(at(partial, Fault::Layers(Layers::UnusedTemplate { span, name })));
    }
}

fn unknown(spec: &Spec<'_>, partial: &Partial<'_>, found: &mut Vec<Diagnostic>) {
    let Some((span, name)) = used(partial) else { return };
    let near =
        nearest(name, spec.templates.iter().map(|template| template.key.text.as_ref())).map(Into::into);
    found.push(Fault::Layers(Layers::UnknownTemplate { span, name: name.into(), near }).into());
}

fn at(partial: &Partial<'_>, fault: Fault) -> Diagnostic {
    Diagnostic { address: Some(format!("template.{}", partial.key.text).into()), ..fault.into() }
}

/// The templates that each one stands on, lowest first, itself last; circles are reported.
pub(crate) fn lineages(spec: &Spec<'_>, found: &mut Vec<Diagnostic>) -> Vec<Vec<usize>> {
    let below: Vec<Option<usize>> = spec.templates.iter().map(|partial| template(spec, partial)).collect();
    let mut reported = vec![false; below.len()];
    let mut lineage = |start: usize| {
        let mut chain = vec![start];
        while let Some(next) = below[*chain.last().unwrap_or(&start)] {
            if let Some(from) = chain.iter().position(|at| *at == next) {
                let circle = &chain[from..];
                if circle.iter().all(|at| !reported[*at]) {
                    found.push(cycle(spec, circle));
                }
                circle.iter().for_each(|at| reported[*at] = true);
                break;
            }
            chain.push(next);
        }
        chain.reverse();
        chain
    };
    (0..below.len()).map(&mut lineage).collect()
}

fn cycle(spec: &Spec<'_>, circle: &[usize]) -> Diagnostic {
    let uses = circle.iter().filter_map(|at| used(&spec.templates[*at]));
    let uses = uses.map(|(span, name)| (span, name.into())).collect();
    Fault::Layers(Layers::TemplateCycle { uses }).into()
}
