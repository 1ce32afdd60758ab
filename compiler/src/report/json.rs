//! Our own JSON: everything that we know, and only ever more of it.
//!
//! Texts for people are harmless as they are; paths and edits are exact.

use serde_json::{Value, json};

use super::place::{Place, Position};
use super::{Finding, Findings};
use crate::diagnostic::{Edit, Fix, Label};
use crate::escape::{json as write_json, visible};

/// Grows when a field changes its meaning; new fields do not count.
const FORMAT_VERSION: u32 = 1;

pub(super) fn write(findings: &Findings<'_>) -> String {
    let diagnostics: Vec<Value> = findings.all().map(|finding| diagnostic(findings, &finding)).collect();
    write_json(&json!({
        "format_version": FORMAT_VERSION,
        "tool": { "name": "windlass", "version": env!("CARGO_PKG_VERSION") },
        "summary": {
            "errors": findings.errors(),
            "warnings": findings.warnings(),
            "files": findings.sources.len(),
            "fixable": findings.fixable(),
        },
        "diagnostics": diagnostics,
    }))
}

fn diagnostic(findings: &Findings<'_>, finding: &Finding<'_>) -> Value {
    let report = finding.report;
    let labels: Vec<Value> = report.labels.iter().map(|one| label(findings, one)).collect();
    let fixes: Vec<Value> = report.fixes.iter().map(|one| fix(findings, one)).collect();
    json!({
        "code": report.code,
        "name": report.name,
        "severity": report.severity.name(),
        "message": visible(&report.message),
        "file": finding.place.map(|place| place.path),
        "start": finding.place.map(|place| position(place.start)),
        "end": finding.place.map(|place| position(place.end)),
        "help": report.help.as_deref().map(visible),
        "labels": labels,
        "fixes": fixes,
        "address": report.address.as_deref().map(visible),
        "environments": report.environments.iter().map(|name| visible(name)).collect::<Vec<_>>(),
        "fingerprint": finding.fingerprint,
        "explain": format!("windlass explain {}", report.code),
    })
}

fn label(findings: &Findings<'_>, label: &Label) -> Value {
    let mut value = located(findings.places.of(label.span));
    value["text"] = visible(&label.text).into();
    value
}

fn fix(findings: &Findings<'_>, fix: &Fix) -> Value {
    let edits: Vec<Value> = fix.edits.iter().map(|one| edit(findings, one)).collect();
    json!({ "title": visible(&fix.title), "safe": fix.safe, "edits": edits })
}

fn edit(findings: &Findings<'_>, edit: &Edit) -> Value {
    let mut value = located(findings.places.of(edit.span));
    value["text"] = edit.text.as_str().into();
    value
}

fn located(place: Place<'_>) -> Value {
    json!({ "file": place.path, "start": position(place.start), "end": position(place.end) })
}

fn position(position: Position) -> Value {
    json!({
        "offset": position.offset,
        "line": position.line,
        "column": position.column,
        "column_utf8": position.utf8,
        "column_utf16": position.utf16,
    })
}
