//! `[store]`: where the records are, and when a write counts as done.

use std::borrow::Cow;

use crate::diagnostic::{Coordination, Fault, Values};
use crate::source::Span;
use crate::spec::Spec;

use super::lease::has_password;
use super::reader::Reader;
use super::tree::{Entry, Value};

/// The keys of `[store]`.
const KEYS: &[&str] = &["url", "acknowledge"];
/// How the address of a store in Redis begins: one server, sentinels, a Redis Cluster; with `rediss` under TLS.
const REDIS: [&str; 6] = [
    "redis://",
    "rediss://",
    "redis+sentinel://",
    "rediss+sentinel://",
    "redis+cluster://",
    "rediss+cluster://",
];
/// The most replicas that can be waited for.
const REPLICAS: std::ops::RangeInclusive<u8> = 1..=9;

/// Reads the table.
pub(super) fn store<'s>(value: Value<'s>, reader: &mut Reader<'_, 's>, spec: &mut Spec<'s>) {
    let mut acknowledge = None;
    for Entry { key, value } in reader.table("store", value, "[store]") {
        match key.text.as_ref() {
            "url" => {
                let written = reader.plain(&key, value);
                spec.store = written.and_then(|(text, span)| url(text, span, reader));
            }
            "acknowledge" => {
                acknowledge = Some(key.span);
                let written = reader.plain(&key, value);
                spec.acknowledge = written.and_then(|(text, span)| replicas(&text, span, reader));
            }
            _ => reader.unknown_key(&key, "`[store]`", KEYS),
        }
    }
    let in_redis = spec.store.as_ref().is_some_and(|url| url.starts_with("redis"));
    if let Some(span) = acknowledge.filter(|_| !in_redis) {
        reader.report(Fault::Coordination(Coordination::NoReplicas { span }));
    }
}

fn url<'s>(text: Cow<'s, str>, span: Span, reader: &mut Reader<'_, 's>) -> Option<Cow<'s, str>> {
    let on_server = REDIS.iter().find_map(|scheme| text.strip_prefix(scheme));
    match (on_server, text.strip_prefix("file:")) {
        (Some(rest), _) if has_password(rest) => {
            let variable = "WINDLASS_STORE";
            reader.report(Fault::Coordination(Coordination::Password { span, variable }));
        }
        (Some(rest), _) if !rest.is_empty() => return Some(text),
        (_, Some(folder)) if !folder.is_empty() => return Some(text),
        _ => reader.report(Fault::Values(Values::Store { span, text: text.as_ref().into() })),
    }
    None
}

/// `replicas:N`.
fn replicas(text: &str, span: Span, reader: &mut Reader<'_, '_>) -> Option<u8> {
    let number = text.strip_prefix("replicas:").and_then(|number| number.parse().ok());
    let number = number.filter(|number| REPLICAS.contains(number));
    if number.is_none() {
        reader.report(Fault::Coordination(Coordination::Acknowledge { span, text: text.into() }));
    }
    number
}
