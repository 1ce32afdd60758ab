//! `[param.*]`.

use crate::diagnostic::{Fault, References};
use crate::param::{Bounds, TYPES, Type, Value};
use crate::source::Span;
use crate::spec::{Default, Key, Needs, Param, Reference};

use super::reader::Reader;
use super::tree::{self, Entry, Kind, Table};

/// The keys of a param.
const KEYS: &[&str] = &["type", "default", "min", "max", "choices", "description"];

/// Reads a param.
pub(super) fn param<'s>(
    key: Key<'s>,
    span: Span,
    table: Table<'s>,
    reader: &mut Reader<'_, 's>,
) -> Param<'s> {
    let kind = match table.get("type") {
        Some(Entry { value, .. }) => kind(value, reader),
        None => {
            reader.missing(span, format!("param `{}`", key.text), "type", "type = \"string\"");
            None
        }
    };
    let mut param = Param { key, kind, default: None, bounds: Bounds::default() };
    for Entry { key, value } in table.into_entries() {
        match key.text.as_ref() {
            "type" => {}
            "default" => param.default = Some(default(kind, value, reader)),
            "min" => param.bounds.min = bound(kind, &key, &value, reader),
            "max" => param.bounds.max = bound(kind, &key, &value, reader),
            "choices" => param.bounds.choices = choices(kind, value, reader),
            "description" => drop(reader.plain(&key, value)),
            _ => reader.unknown_key(&key, &format!("param `{}`", param.key.text), KEYS),
        }
    }
    order(&mut param.bounds, reader);
    param
}

fn kind(value: &tree::Value<'_>, reader: &mut Reader<'_, '_>) -> Option<Type> {
    let Kind::Text(text) = &value.kind else {
        reader.wrong_type("type", value, "a string", "type = \"string\"");
        return None;
    };
    let kind = Type::named(text);
    if kind.is_none() {
        reader.choice("type", value.span, text, TYPES);
    }
    kind
}

fn default<'s>(kind: Option<Type>, value: tree::Value<'s>, reader: &mut Reader<'_, 's>) -> Default {
    let span = value.span;
    if let Kind::Text(text) = &value.kind
        && text.contains("${")
    {
        let (text, address) = (text.clone(), reader.address.clone());
        reader.references.push(Reference { text, span, needs: Needs::Nothing, address });
        reader.report(Fault::References(References::NotHere { span, key: "default".into() }));
        return Default { span, value: None };
    }
    Default { span, value: kind.and_then(|kind| typed(kind, "default", &value, reader)) }
}

fn typed(kind: Type, key: &str, value: &tree::Value<'_>, reader: &mut Reader<'_, '_>) -> Option<Value> {
    Value::from_tree(kind, key, value).unwrap_or_else(|fault| {
        reader.report(fault);
        None
    })
}

fn bound(
    kind: Option<Type>,
    key: &Key<'_>,
    value: &tree::Value<'_>,
    reader: &mut Reader<'_, '_>,
) -> Option<(Span, Value)> {
    let kind = kind?;
    if !kind.has_order() {
        reader.report(Fault::References(References::Unordered { span: key.span }));
        return None;
    }
    typed(kind, &key.text, value, reader).map(|bound| (value.span, bound))
}

fn choices(
    kind: Option<Type>,
    value: tree::Value<'_>,
    reader: &mut Reader<'_, '_>,
) -> Option<(Span, Vec<Value>)> {
    let (span, kind) = (value.span, kind?);
    let Kind::Array(items) = value.kind else {
        reader.wrong_type("choices", &value, "a list", "choices = [\"a\", \"b\"]");
        return None;
    };
    if items.is_empty() {
        reader.report(Fault::References(References::NoChoice { span }));
    }
    let choices: Vec<Value> = items.iter().filter_map(|item| typed(kind, "choices", item, reader)).collect();
    // A choice that could not be read makes every value look wrong.
    (choices.len() == items.len() && !choices.is_empty()).then_some((span, choices))
}

fn order(bounds: &mut Bounds, reader: &mut Reader<'_, '_>) {
    let (Some((least, min)), Some((greatest, max))) = (&bounds.min, &bounds.max) else { return };
    if min.compare(max) == Some(std::cmp::Ordering::Greater) {
        let (min, max) = (*least, *greatest);
        reader.report(Fault::References(References::BoundsInverted { max, min }));
        // Every value would break one of the two.
        bounds.max = None;
    }
}
