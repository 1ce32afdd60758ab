//! Workflow commands that GitHub turns into annotations.
//!
//! GitHub shows ten errors and ten warnings of a step and drops the rest silently, so the worst come first and
//! what is left out is counted in one notice.

use super::{Finding, Findings, environments};
use crate::diagnostic::{Report, Severity};
use crate::escape::visible;

/// How many annotations of one kind a step may have.
const SHOWN: usize = 10;

pub(super) fn write(findings: &Findings<'_>) -> String {
    let all = findings.worst_first();
    let of = |severity| all.iter().filter(move |finding| finding.report.severity == severity).take(SHOWN);
    let shown = of(Severity::Error).chain(of(Severity::Warning));
    let mut lines: Vec<String> = shown.map(annotation).collect();
    let more = all.len() - lines.len();
    if more > 0 {
        lines.push(format!("::notice title=windlass::{more} more: {}", data(&findings.summary())));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn annotation(finding: &Finding<'_>) -> String {
    let report = finding.report;
    let mut properties: Vec<String> = place(finding);
    properties.push(format!("title={}", property(&format!("{} {}", report.code, report.name))));
    format!("::{} {}::{}", report.severity.name(), properties.join(","), data(&message(report)))
}

fn place(finding: &Finding<'_>) -> Vec<String> {
    let Some(place) = finding.place else { return Vec::new() };
    let mut properties = vec![
        format!("file={}", property(place.path)),
        format!("line={}", place.start.line),
        format!("endLine={}", place.end.line),
    ];
    // Columns of a span over several lines make GitHub drop the place.
    if place.start.line == place.end.line {
        properties.push(format!("col={}", place.start.column));
        properties.push(format!("endColumn={}", place.end.column));
    }
    properties
}

fn message(report: &Report) -> String {
    let label = report.labels.first().map(|label| label.text.clone()).filter(|text| !text.is_empty());
    let parts = [Some(report.message.clone()), label, report.help.clone(), environments(report)];
    parts.iter().flatten().map(|part| visible(part).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Text behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}
