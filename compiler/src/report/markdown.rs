//! Diagnostics as one table for a comment on a pull request.

use super::{Finding, Findings, environments};
use crate::escape::{markdown, markdown_code, shortened};

/// The most that a comment can hold, with room for what others put around it.
const LONGEST: usize = 65_000;
/// Room for what follows the table.
const END: usize = 300;
/// The longest text in a cell.
const LONGEST_TEXT: usize = 500;

pub(super) fn write(findings: &Findings<'_>) -> String {
    let mut out = String::from("### windlass validate\n");
    let all = findings.worst_first();
    if !all.is_empty() {
        out.push_str("\n| where | code | what |\n|---|---|---|\n");
    }
    let mut left_out = 0;
    for row in all.iter().map(row) {
        let fits = left_out == 0 && out.len() + row.len() + END <= LONGEST;
        if fits { out.push_str(&row) } else { left_out += 1 }
    }
    if left_out > 0 {
        out.push_str(&format!("\n… {left_out} more\n"));
    }
    format!("{out}\n**{}**\n", findings.summary())
}

fn row(finding: &Finding<'_>) -> String {
    let report = finding.report;
    let place = finding.place.map(|place| {
        let path = shortened(place.path, LONGEST_TEXT);
        markdown_code(&format!("{path}:{}", place.start.line))
    });
    let place = place.unwrap_or_default();
    format!("| {place} | {} {} | {} |\n", report.severity.name(), report.code, what(finding))
}

fn what(finding: &Finding<'_>) -> String {
    let report = finding.report;
    let parts = [Some(report.message.clone()), report.help.clone(), environments(report)];
    let parts: Vec<String> =
        parts.iter().flatten().map(|part| markdown(&shortened(part, LONGEST_TEXT))).collect();
    parts.join("<br>")
}
