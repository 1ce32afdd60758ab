//! How bad a diagnostic is here: `--deny` and `--allow`.

use std::collections::BTreeSet;

use windlass_compiler::diagnostic::{CODES, CodeInfo, Report, Severity};

use crate::cli::explain;
use crate::cli::failure::Failure;

/// Which warnings are errors, and which are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    deny: BTreeSet<&'static str>,
    allow: BTreeSet<&'static str>,
}

impl Levels {
    /// Reads codes and names of diagnostics. Of a warning that is both denied and allowed, nothing is said.
    pub(super) fn of(deny: &[String], allow: &[String]) -> Result<Self, Failure> {
        let mut levels = Self::default();
        for wanted in deny {
            match wanted.as_str() {
                "warnings" => levels.deny.extend(CODES.iter().map(|info| info.code)),
                code => drop(levels.deny.insert(known(code)?.code)),
            }
        }
        for wanted in allow {
            levels.allow.insert(allowable(known(wanted)?)?);
        }
        Ok(levels)
    }

    /// Raises what is denied to an error, and takes out what is allowed.
    pub(super) fn apply(&self, reports: &mut Vec<Report>) {
        reports.retain(|report| !self.allow.contains(report.code));
        for report in reports.iter_mut().filter(|report| self.deny.contains(report.code)) {
            report.severity = Severity::Error;
        }
    }
}

fn known(wanted: &str) -> Result<&'static CodeInfo, Failure> {
    explain::find(wanted).map_err(Failure::into_usage)
}

/// What cannot be applied cannot be allowed.
fn allowable(info: &CodeInfo) -> Result<&'static str, Failure> {
    match info.severity {
        Severity::Warning => Ok(info.code),
        Severity::Error => Err(Failure::usage(format!("{} is an error and cannot be allowed", info.code))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(deny: &[&str], allow: &[&str]) -> Result<Levels, Failure> {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Levels::of(&owned(deny), &owned(allow))
    }

    #[test]
    fn codes_and_names_mean_the_same() {
        assert_eq!(
            levels(&["WL0508"], &["wl0509"]).unwrap(),
            levels(&["unused-template"], &["unused-param"]).unwrap()
        );
    }

    #[test]
    fn errors_cannot_be_allowed_and_unknown_codes_are_usage() {
        for (deny, allow) in [(&[][..], &["WL0201"][..]), (&["WL9999"], &[]), (&[], &["nonsense"])] {
            let failure = levels(deny, allow).unwrap_err();
            assert_eq!(failure.exit(), crate::cli::exit::Exit::Usage);
        }
    }
}
