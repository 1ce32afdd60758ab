//! One line a diagnostic, as compilers print them and editors read them.

use super::{Finding, Findings, environments};
use crate::escape::visible;

pub(super) fn write(findings: &Findings<'_>) -> String {
    let mut lines: Vec<String> = findings.all().map(|finding| line(&finding)).collect();
    lines.push(findings.summary());
    lines.join("\n") + "\n"
}

/// `pipelines/orders.toml:7:3: error[WL0203]: …`.
fn line(finding: &Finding<'_>) -> String {
    let report = finding.report;
    let place =
        finding.place.map(|place| format!("{}:{}:{}: ", place.path, place.start.line, place.start.column));
    let only = environments(report).map(|only| format!(" ({only})"));
    let place = place.unwrap_or_default();
    let only = only.unwrap_or_default();
    let line = format!("{place}{}[{}]: {}{only}", report.severity.name(), report.code, report.message);
    visible(&line).into_owned()
}
