//! `[lease]`: the servers that say who owns which shard.

use crate::diagnostic::{Coordination, Fault, Values};
use crate::source::Span;
use crate::spec::Lease;
use crate::units::Duration;

use super::reader::Reader;
use super::tree::{Entry, Kind, Value};

/// The keys of `[lease]`.
const KEYS: &[&str] = &["nodes", "ttl"];
/// How many servers there can be: one, or as many as leave a clear majority when one or two are away.
const COUNTS: [usize; 3] = [1, 3, 5];
/// The shortest and the longest time that an owner is believed without a word from it.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Reads the table, whose key is at `span`.
pub(super) fn lease<'s>(span: Span, value: Value<'s>, reader: &mut Reader<'_, 's>) -> Lease {
    let mut lease = Lease { span, nodes: Vec::new(), ttl: None };
    for Entry { key, value } in reader.table("lease", value, "[lease]") {
        match key.text.as_ref() {
            "nodes" => lease.nodes = nodes(&value, reader),
            "ttl" => {
                let written = reader.plain(&key, value);
                lease.ttl = written.and_then(|(text, span)| ttl(&text, span, reader));
            }
            _ => reader.unknown_key(&key, "`[lease]`", KEYS),
        }
    }
    lease
}

fn ttl(text: &str, span: Span, reader: &mut Reader<'_, '_>) -> Option<Duration> {
    match text.parse::<Duration>() {
        Ok(ttl) if (SHORTEST..=LONGEST).contains(&ttl) => return Some(ttl),
        Ok(_) => reader.report(Fault::Coordination(Coordination::Ttl { span, min: SHORTEST, max: LONGEST })),
        Err(bad) => {
            let near = bad.suggestion.map(Into::into);
            reader.report(Fault::Values(Values::Duration { span, text: text.into(), near }));
        }
    }
    None
}

fn nodes(value: &Value<'_>, reader: &mut Reader<'_, '_>) -> Vec<String> {
    let Kind::Array(items) = &value.kind else {
        reader.wrong_type("nodes", value, "a list of addresses", "nodes = [\"redis://r1:6379\"]");
        return Vec::new();
    };
    if !COUNTS.contains(&items.len()) {
        reader.report(Fault::Coordination(Coordination::Count { span: value.span, count: items.len() }));
    }
    let mut nodes: Vec<(String, Span)> = Vec::with_capacity(items.len());
    for item in items {
        let Kind::Text(text) = &item.kind else {
            reader.wrong_type("nodes", item, "a text", "nodes = [\"redis://r1:6379\"]");
            continue;
        };
        let (text, span) = (text.to_string(), item.span);
        if let Some(fault) = address(&text, span) {
            reader.report(fault);
        } else if let Some((_, first)) = nodes.iter().find(|(other, _)| *other == text) {
            reader.report(Fault::Coordination(Coordination::SameNode { again: span, first: *first }));
        } else {
            nodes.push((text, span));
        }
    }
    nodes.into_iter().map(|(text, _)| text).collect()
}

/// What is wrong with the address of a server of Redis, if anything is.
fn address(text: &str, span: Span) -> Option<Fault> {
    let rest = text.strip_prefix("redis://").or_else(|| text.strip_prefix("rediss://"));
    match rest {
        Some(rest) if has_password(rest) => {
            Some(Fault::Coordination(Coordination::Password { span, variable: "WINDLASS_LEASE" }))
        }
        Some(rest) if !rest.is_empty() => None,
        _ => Some(Fault::Coordination(Coordination::Node { span, text: text.into() })),
    }
}

/// Whether an address, without its scheme, holds a password.
pub(super) fn has_password(rest: &str) -> bool {
    let host = rest.find('/').unwrap_or(rest.len());
    rest[..host].rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}
