//! The values of params: default < environment < variables from outside.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Fault, References};
use crate::options::Variable;
use crate::param::Value;
use crate::source::Span;
use crate::spec::{Param, Spec};
use crate::suggest::nearest;

/// Checks that everything that sets a param sets one that exists, and that every set value fits, used or not.
pub(super) fn check(spec: &Spec<'_>, variables: &[Variable], found: &mut Vec<Diagnostic>) {
    for param in &spec.params {
        if let Some((span, value)) =
            param.default.as_ref().and_then(|default| Some((default.span, default.value.as_ref()?)))
        {
            bounded(param, value, Some(span), None, found);
        }
    }
    for variable in variables {
        if declared(spec, &variable.name).is_none() {
            found.push(unknown(spec, &variable.name, None, Some(&variable.origin)));
        }
    }
    for environment in &spec.environments {
        for (key, value) in &environment.params {
            match (declared(spec, &key.text), value) {
                (None, _) => found.push(unknown(spec, &key.text, Some(key.span), None)),
                (Some(param), Some(value)) => {
                    let Some(kind) = param.kind else { continue };
                    match Value::from_tree(kind, "default", value) {
                        Ok(Some(read)) => bounded(param, &read, Some(value.span), None, found),
                        Ok(None) => {}
                        Err(fault) => found.push(at(param, fault)),
                    }
                }
                (Some(_), None) => {}
            }
        }
    }
}

/// The values in one environment; a param whose value is at fault has none.
pub(crate) fn resolve<'e>(
    spec: &'e Spec<'_>,
    environment: Option<&str>,
    variables: &[Variable],
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<&'e str, Option<Value>> {
    let value =
        |param: &'e Param<'_>| (param.key.text.as_ref(), one(spec, param, environment, variables, found));
    spec.params.iter().map(value).collect()
}

fn one(
    spec: &Spec<'_>,
    param: &Param<'_>,
    environment: Option<&str>,
    variables: &[Variable],
    found: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let kind = param.kind?;
    if let Some(variable) = variables.iter().rev().find(|variable| variable.name == param.key.text) {
        return from_outside(param, variable, found);
    }
    let overlays = spec.environments.iter().filter(|one| Some(one.key.text.as_ref()) == environment);
    let mut overlaid = overlays.flat_map(|one| &one.params).filter(|(key, _)| key.text == param.key.text);
    if let Some((_, Some(value))) = overlaid.next_back() {
        return Value::from_tree(kind, "default", value).ok().flatten();
    }
    match &param.default {
        Some(default) => default.value.clone(),
        None => {
            let (span, name) = (param.key.span, param.key.text.as_ref().into());
            found.push(at(param, Fault::References(References::NoValue { span, name })));
            None
        }
    }
}

fn from_outside(param: &Param<'_>, variable: &Variable, found: &mut Vec<Diagnostic>) -> Option<Value> {
    let kind = param.kind?;
    let read = Value::from_text(kind, &variable.value);
    match &read {
        Some(value) => bounded(param, value, None, Some(&variable.origin), found),
        None => {
            let fault = References::BadVariable {
                origin: variable.origin.as_str().into(),
                name: param.key.text.as_ref().into(),
                value: variable.value.as_str().into(),
                expected: kind.noun(),
                declared: param.key.span,
            };
            found.push(at(param, Fault::References(fault)));
        }
    }
    read
}

fn bounded(
    param: &Param<'_>,
    value: &Value,
    span: Option<Span>,
    origin: Option<&str>,
    found: &mut Vec<Diagnostic>,
) {
    if let Some((bound, bound_span)) = param.bounds.broken_by(value) {
        let (name, value) = (param.key.text.as_ref().into(), value.to_string().into());
        let origin = origin.map(Into::into);
        let fault = References::OutOfBounds { span, origin, name, value, bound, bound_span };
        found.push(at(param, Fault::References(fault)));
    }
}

fn declared<'e, 's>(spec: &'e Spec<'s>, name: &str) -> Option<&'e Param<'s>> {
    spec.params.iter().find(|param| param.key.text == name)
}

fn unknown(spec: &Spec<'_>, name: &str, span: Option<Span>, origin: Option<&str>) -> Diagnostic {
    let near = nearest(name, spec.params.iter().map(|param| param.key.text.as_ref())).map(Into::into);
    let origin = origin.map(Into::into);
    Fault::References(References::UnknownParam { span, origin, name: name.into(), near }).into()
}

fn at(param: &Param<'_>, fault: Fault) -> Diagnostic {
    Diagnostic { address: Some(format!("param.{}", param.key.text).into()), ..fault.into() }
}
