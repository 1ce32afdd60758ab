//! Diagnostics for people at a terminal: what is wrong, where, and what to do about it.

use std::collections::BTreeSet;

use super::{Finding, Findings, environments, snippet};
use crate::diagnostic::{Fix, Severity};
use crate::escape::{visible, visible_lines};
use crate::style::{Style, Tone};

/// How many diagnostics a person is shown; the others are counted.
const SHOWN: usize = 50;

pub(super) fn write(findings: &Findings<'_>, style: &Style) -> String {
    let worst: BTreeSet<&str> =
        findings.worst_first().iter().take(SHOWN).map(|finding| finding.fingerprint).collect();
    let shown = findings.all().filter(|finding| worst.contains(finding.fingerprint));
    let mut out: String = shown.map(|finding| one(findings, &finding, style) + "\n").collect();
    let more = findings.reports.len() - worst.len();
    if more > 0 {
        out.push_str(&format!("{} {more} more\n\n", style.ellipsis()));
    }
    out + &findings.summary() + "\n"
}

fn one(findings: &Findings<'_>, finding: &Finding<'_>, style: &Style) -> String {
    header(finding, style) + &snippet::draw(findings, finding.report, style) + &footer(finding, style)
}

/// `error[WL0203]: …`; without the code where there is none, as in what is no spec.
fn header(finding: &Finding<'_>, style: &Style) -> String {
    let report = finding.report;
    let tone = match report.severity {
        Severity::Warning => Tone::Doubtful,
        Severity::Error => Tone::Bad,
    };
    let code = if report.code.is_empty() { String::new() } else { format!("[{}]", report.code) };
    let kind = style.paint(tone, &format!("{}{code}", report.severity.name()));
    format!("{kind}: {}\n", style.paint(Tone::Strong, &visible(&report.message)))
}

fn footer(finding: &Finding<'_>, style: &Style) -> String {
    let report = finding.report;
    let mut lines = Vec::new();
    lines.extend(report.help.as_deref().map(|help| entry("help", help, style)));
    lines.extend(report.fixes.iter().map(|fix| entry("fix", &title(fix), style)));
    lines.extend(environments(report).map(|only| entry("note", &only, style)));
    if !report.code.is_empty() {
        lines.push(entry("more", &format!("windlass explain {}", report.code), style));
    }
    lines.concat()
}

fn title(fix: &Fix) -> String {
    if fix.safe {
        format!("{} (--fix)", fix.title)
    } else {
        format!("{} (by hand: it may change the meaning)", fix.title)
    }
}

/// `  help: …`, further lines below the first.
fn entry(kind: &str, text: &str, style: &Style) -> String {
    let indent = " ".repeat(kind.len() + 4);
    let text = visible_lines(text).replace('\t', " ").replace('\n', &format!("\n{indent}"));
    format!("  {}: {text}\n", style.paint(Tone::Quiet, kind))
}
