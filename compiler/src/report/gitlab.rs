//! GitLab's code quality report.

use serde_json::{Value, json};

use super::{Finding, Findings};
use crate::diagnostic::Severity;
use crate::escape::{json as write_json, visible};

/// GitLab insists on a place; a report about a whole tree stands at the root's first line.
const ROOT: &str = "windlass.toml";

pub(super) fn write(findings: &Findings<'_>) -> String {
    write_json(&Value::Array(findings.all().map(|finding| issue(&finding)).collect()))
}

fn issue(finding: &Finding<'_>) -> Value {
    let report = finding.report;
    let (path, begin, end) =
        finding.place.map_or((ROOT, 1, 1), |place| (place.path, place.start.line, place.end.line));
    json!({
        "description": visible(&report.message),
        "check_name": format!("{} {}", report.code, report.name),
        "fingerprint": finding.fingerprint,
        "severity": severity(report.severity),
        "location": { "path": path, "lines": { "begin": begin, "end": end } },
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "minor",
        Severity::Error => "major",
    }
}
