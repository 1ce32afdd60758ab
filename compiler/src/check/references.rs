//! Every `${…}`: whether it can be read, what it names, and whether that fits. Once, for all environments.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Fault, Layers, References, Shape, Unsupported};
use crate::param::Type;
use crate::reference::{FIXED, Piece, Target, pieces, target};
use crate::source::{SourceSet, Span};
use crate::spec::{Needs, Param, Reference, Spec};
use crate::suggest::nearest;

/// Checks all references in a part of the tree, and gathers the params that they name.
pub(super) fn check<'e>(
    spec: &'e Spec<'_>,
    part: &Spec<'_>,
    sources: &SourceSet,
    used: &mut BTreeSet<&'e str>,
    found: &mut Vec<Diagnostic>,
) {
    for reference in &part.references {
        let mut faults = Vec::new();
        one(spec, sources, reference, used, &mut faults);
        let address = &reference.address;
        found.extend(faults.into_iter().map(|fault| Diagnostic { address: address.clone(), ..fault.into() }));
    }
}

/// Reports the params that nothing refers to.
pub(super) fn unused(spec: &Spec<'_>, used: &BTreeSet<&str>, found: &mut Vec<Diagnostic>) {
    for param in spec.params.iter().filter(|param| !used.contains(param.key.text.as_ref())) {
        let (span, name) = (param.key.span, param.key.text.as_ref().into());
        let address = Some(format!("param.{}", param.key.text).into());
        found.push(Diagnostic { address, ..Fault::Layers(Layers::UnusedParam { span, name }).into() });
    }
}

fn one<'e>(
    spec: &'e Spec<'_>,
    sources: &SourceSet,
    reference: &Reference<'_>,
    used: &mut BTreeSet<&'e str>,
    faults: &mut Vec<Fault>,
) {
    let place = |range: &Range<usize>| inside(sources, reference, range);
    let pieces = match pieces(&reference.text) {
        Ok(pieces) => pieces,
        Err(bad) => {
            let span = place(&bad.range);
            if reference.needs == Needs::Nothing {
                return;
            }
            return faults.push(Fault::References(References::Malformed { span, why: bad.why }));
        }
    };
    let mut known = true;
    for piece in &pieces {
        let Piece::Name(name, range) = piece else { continue };
        let before = faults.len();
        if let Some(param) = named(spec, name, place(range), faults) {
            used.insert(param.key.text.as_ref());
        }
        known &= faults.len() == before;
    }
    if reference.needs == Needs::Nothing {
        faults.clear();
    } else if known {
        faults.extend(misfit(spec, &pieces, reference));
    }
}

/// The param that a name refers to; a name of nothing is reported.
fn named<'e, 's>(
    spec: &'e Spec<'s>,
    name: &str,
    span: Span,
    faults: &mut Vec<Fault>,
) -> Option<&'e Param<'s>> {
    match target(name) {
        Target::Param(param) => {
            let found = spec.params.iter().find(|declared| declared.key.text == param);
            if found.is_none() {
                let names = spec.params.iter().map(|declared| declared.key.text.as_ref());
                let near = nearest(param, names).map(Into::into);
                // The label covers the param's name alone, so that the fix can replace it.
                let end = span.end;
                let start = end.saturating_sub(u32::try_from(param.len()).unwrap_or(0)).max(span.start);
                let (span, name) = (Some(Span { start, ..span }), param.into());
                faults.push(Fault::References(References::UnknownParam { span, origin: None, name, near }));
            }
            return found;
        }
        Target::Later => faults.push(Fault::Unsupported(Unsupported::Reference { span, name: name.into() })),
        Target::Unknown => {
            let near = near_name(spec, name);
            faults.push(Fault::References(References::Unknown { span, name: name.into(), near }));
        }
        Target::Environment | Target::Pipeline | Target::Job | Target::Cluster => {}
    }
    None
}

fn near_name(spec: &Spec<'_>, name: &str) -> Option<Box<str>> {
    let params: Vec<String> = spec.params.iter().map(|param| format!("param.{}", param.key.text)).collect();
    if let Some(param) = params.iter().find(|param| param.strip_prefix("param.") == Some(name)) {
        return Some(param.as_str().into());
    }
    nearest(name, FIXED.into_iter().chain(params.iter().map(String::as_str))).map(Into::into)
}

/// A reference whose value has a type that does not fit.
fn misfit(spec: &Spec<'_>, pieces: &[Piece<'_>], reference: &Reference<'_>) -> Option<Fault> {
    let span = reference.span;
    let expected = reference.needs.noun();
    let [Piece::Name(name, _)] = pieces else {
        let text = matches!(reference.needs, Needs::Int | Needs::Bool | Needs::List);
        return text.then(|| wrong_type(span, expected));
    };
    let Target::Param(param) = target(name) else {
        let fits = matches!(reference.needs, Needs::Text);
        return (!fits).then(|| wrong_type(span, expected));
    };
    let declared = spec.params.iter().find(|declared| declared.key.text == param)?;
    let kind = declared.kind?;
    let (name, found, declared) = (param.into(), kind.as_str(), declared.key.span);
    (!reference.needs.takes(kind)).then_some(Fault::References(References::WrongType {
        span,
        name,
        found,
        expected,
        declared,
    }))
}

fn wrong_type(span: Span, expected: &'static str) -> Fault {
    let (key, found, example) = ("this value".into(), "a text with a reference", "${param.name}");
    Fault::Shape(Shape::WrongType { span, key, expected, found, example })
}

impl Needs {
    fn takes(self, kind: Type) -> bool {
        match self {
            Self::Text => kind != Type::List,
            Self::Duration => kind == Type::Duration,
            Self::Backoff => kind == Type::String,
            Self::Int => kind == Type::Int,
            Self::Bool => kind == Type::Bool,
            Self::List => kind == Type::List,
            Self::Nothing => true,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Duration => "a duration",
            Self::Backoff => "a range of durations",
            Self::Int => "a whole number",
            Self::Bool => "a boolean",
            Self::List => "a list",
            Self::Nothing => "a plain value",
        }
    }
}

/// The span of a part of a text; the whole where escapes make the parts unequal.
fn inside(sources: &SourceSet, reference: &Reference<'_>, range: &Range<usize>) -> Span {
    let Span { file, start, end } = reference.span;
    let written = sources.snippet(reference.span);
    match written.find(reference.text.as_ref()) {
        Some(quote) => {
            let from = start as usize + quote;
            Span::new(file, from + range.start..from + range.end)
        }
        None => Span { file, start, end },
    }
}
