//! JUnit XML: a suite a file, a failed case an error. Without any report there is one case that passes, so that
//! a valid tree is not a run without a test.

use std::collections::BTreeMap;

use super::{Finding, Findings, environments};
use crate::diagnostic::Severity;
use crate::escape::{xml, xml_lines};

/// The suite of reports about a whole tree.
const TREE: &str = "(the whole tree)";

pub(super) fn write(findings: &Findings<'_>) -> String {
    let suites = suites(findings);
    let tests: usize = suites.values().map(|findings| findings.len().max(1)).sum();
    let suites: Vec<String> = suites.iter().map(|(path, findings)| suite(path, findings)).collect();
    let errors = findings.errors();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"windlass\" tests=\"{tests}\" failures=\"{errors}\" errors=\"0\">\n{}</testsuites>\n",
        suites.concat()
    )
}

fn suites<'a>(findings: &'a Findings<'_>) -> BTreeMap<&'a str, Vec<Finding<'a>>> {
    let mut suites: BTreeMap<&str, Vec<Finding<'_>>> = BTreeMap::new();
    if findings.reports.is_empty() {
        suites.insert(TREE, Vec::new());
    }
    for finding in findings.all() {
        suites.entry(finding.place.map_or(TREE, |place| place.path)).or_default().push(finding);
    }
    suites
}

fn suite(path: &str, findings: &[Finding<'_>]) -> String {
    let path = xml(path);
    let failures = findings.iter().filter(|finding| finding.report.severity == Severity::Error).count();
    let cases: Vec<String> = findings.iter().map(|finding| case(&path, finding)).collect();
    let passed = format!("    <testcase classname=\"{path}\" name=\"valid\"/>\n");
    let cases = if cases.is_empty() { passed } else { cases.concat() };
    let tests = findings.len().max(1);
    format!(
        "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n{cases}  </testsuite>\n"
    )
}

fn case(path: &str, finding: &Finding<'_>) -> String {
    let report = finding.report;
    let name = xml(&format!("{} {}{}", report.code, report.name, line(finding)));
    let message = xml(&report.message);
    let details = xml_lines(&details(finding));
    let body = match report.severity {
        Severity::Error => {
            format!("<failure type=\"{}\" message=\"{message}\">{details}</failure>", report.code)
        }
        Severity::Warning => {
            format!("<system-out>{}</system-out>", [message, details].join("\n").trim_end())
        }
    };
    format!("    <testcase classname=\"{path}\" name=\"{name}\">\n      {body}\n    </testcase>\n")
}

fn line(finding: &Finding<'_>) -> String {
    finding.place.map(|place| format!(" line {}", place.start.line)).unwrap_or_default()
}

fn details(finding: &Finding<'_>) -> String {
    let place =
        finding.place.map(|place| format!("{}:{}:{}", place.path, place.start.line, place.start.column));
    [place, finding.report.help.clone(), environments(finding.report)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}
