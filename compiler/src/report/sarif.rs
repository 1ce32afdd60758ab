//! SARIF 2.1.0, as code scanning services read it: rules, places, fixes, and fingerprints that survive moves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::place::Place;
use super::{Finding, Findings, environments};
use crate::diagnostic::{Fix, Label, Report};
use crate::escape::{json as write_json, visible};

pub(super) fn write(findings: &Findings<'_>) -> String {
    let rules = rules(findings);
    let results: Vec<Value> = findings.all().map(|finding| result(findings, &finding, &rules)).collect();
    let descriptors: Vec<Value> = rules.values().map(|(_, report)| rule(report)).collect();
    write_json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "windlass",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": descriptors,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

/// A report of each code with its index, in the order of the codes.
type Rules<'a> = BTreeMap<&'static str, (usize, &'a Report)>;

fn rules<'a>(findings: &Findings<'a>) -> Rules<'a> {
    let mut rules: Rules<'a> =
        findings.reports.iter().rev().map(|report| (report.code, (0, report))).collect();
    for (index, (place, _)) in rules.values_mut().enumerate() {
        *place = index;
    }
    rules
}

fn rule(report: &Report) -> Value {
    json!({
        "id": report.code,
        "name": report.name,
        "shortDescription": { "text": report.name.replace('-', " ") },
        "help": { "text": format!("windlass explain {}", report.code) },
        "defaultConfiguration": { "level": report.severity.name() },
    })
}

fn result(findings: &Findings<'_>, finding: &Finding<'_>, rules: &Rules<'_>) -> Value {
    let report = finding.report;
    let related = report.labels.iter().skip(1).enumerate();
    let related: Vec<Value> = related.map(|(index, one)| related_location(findings, index, one)).collect();
    let fixes = report.fixes.iter().filter(|fix| !fix.edits.is_empty());
    let fixes: Vec<Value> = fixes.map(|one| fix(findings, one)).collect();
    json!({
        "ruleId": report.code,
        "ruleIndex": rules.get(report.code).map_or(0, |(index, _)| *index),
        "level": report.severity.name(),
        "message": { "text": message(report) },
        "locations": finding.place.map(location).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related,
        "partialFingerprints": { "windlass/v1": finding.fingerprint },
        "fixes": fixes,
        "properties": {
            "address": report.address.as_deref().map(visible),
            "environments": report.environments.iter().map(|name| visible(name)).collect::<Vec<_>>(),
        },
    })
}

/// What is wrong, and what to do about it: most viewers show one text only.
fn message(report: &Report) -> String {
    let parts = [Some(report.message.clone()), report.help.clone(), environments(report)];
    let parts: Vec<String> = parts.iter().flatten().map(|part| visible(part).into_owned()).collect();
    parts.join("\n")
}

fn location(place: Place<'_>) -> Value {
    json!({ "physicalLocation": { "artifactLocation": artifact(place), "region": region(place) } })
}

fn related_location(findings: &Findings<'_>, index: usize, label: &Label) -> Value {
    let mut value = location(findings.places.of(label.span));
    value["id"] = index.into();
    value["message"] = json!({ "text": visible(&label.text) });
    value
}

fn artifact(place: Place<'_>) -> Value {
    json!({ "uri": uri(place.path), "uriBaseId": "%SRCROOT%" })
}

fn region(place: Place<'_>) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
        "byteOffset": place.start.offset,
        "byteLength": place.end.offset - place.start.offset,
    })
}

fn fix(findings: &Findings<'_>, fix: &Fix) -> Value {
    let mut changes: BTreeMap<&str, (Value, Vec<Value>)> = BTreeMap::new();
    for edit in &fix.edits {
        let place = findings.places.of(edit.span);
        let replacement = json!({ "deletedRegion": region(place), "insertedContent": { "text": edit.text } });
        changes.entry(place.path).or_insert_with(|| (artifact(place), Vec::new())).1.push(replacement);
    }
    let change =
        |(artifact, replacements)| json!({ "artifactLocation": artifact, "replacements": replacements });
    let changes: Vec<Value> = changes.into_values().map(change).collect();
    json!({ "description": { "text": visible(&fix.title) }, "artifactChanges": changes })
}

/// A relative path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into())
            }
            other => write!(out, "%{other:02X}").expect("a string takes all text"),
        }
    }
    out
}
