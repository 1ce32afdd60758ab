//! Templates: what they stand on, circles among them, and those that nobody uses.

use std::collections::BTreeMap;

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

/// What each template stands on.
#[derive(Debug)]
pub(crate) struct Lineages {
    /// The template that each one uses.
    below: Vec<Option<usize>>,
    /// Whether it is part of a circle.
    circular: Vec<bool>,
}

impl Lineages {
    /// Reads them; circles are reported.
    pub(crate) fn of(spec: &Spec<'_>, found: &mut Vec<Diagnostic>) -> Self {
        let places = spec.templates.iter().enumerate().rev();
        let places: BTreeMap<&str, usize> = places.map(|(at, one)| (one.key.text.as_ref(), at)).collect();
        let below = |partial| used(partial).and_then(|(_, name)| places.get(name).copied());
        let below: Vec<Option<usize>> = spec.templates.iter().map(below).collect();
        let mut circular = vec![false; below.len()];
        // On which walk each was met first: a circle is closed by what was met on the same one.
        let mut met = vec![usize::MAX; below.len()];
        for walk in 0..below.len() {
            let (mut chain, mut next) = (Vec::new(), Some(walk));
            while let Some(at) = next.filter(|at| met[*at] == usize::MAX) {
                met[at] = walk;
                chain.push(at);
                next = below[at];
            }
            let from =
                next.filter(|at| met[*at] == walk).and_then(|at| chain.iter().position(|one| *one == at));
            if let Some(from) = from {
                chain[from..].iter().for_each(|at| circular[*at] = true);
                found.push(cycle(spec, &chain[from..]));
            }
        }
        Self { below, circular }
    }

    /// The templates that one stands on, lowest first, itself last. A circle is walked through once.
    pub(crate) fn line(&self, template: usize) -> Vec<usize> {
        let (mut line, mut next, mut entered) = (Vec::new(), Some(template), None);
        while let Some(at) = next.filter(|at| entered != Some(*at)) {
            if self.circular[at] {
                entered.get_or_insert(at);
            }
            line.push(at);
            next = self.below[at];
        }
        line.reverse();
        line
    }
}

fn cycle(spec: &Spec<'_>, circle: &[usize]) -> Diagnostic {
    let uses = circle.iter().filter_map(|at| used(&spec.templates[*at]));
    let uses = uses.map(|(span, name)| (span, name.into())).collect();
    Fault::Layers(Layers::TemplateCycle { uses }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_comes_back() {
        let below = vec![Some(1), Some(2), None, Some(4), Some(5), Some(4)];
        let circular = vec![false, false, false, false, true, true];
        let lines = Lineages { below, circular };
        assert_eq!(lines.line(0), [2, 1, 0]);
        assert_eq!(lines.line(3), [5, 4, 3]);
        assert_eq!(lines.line(5), [4, 5]);
    }
}
