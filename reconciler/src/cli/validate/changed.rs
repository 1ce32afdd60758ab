//! `--changed-since`: leaves out what is wrong in files that are as they were at a revision.

use std::collections::BTreeSet;

use windlass_compiler::diagnostic::Report;

use crate::cli::compiled::Compiled;
use crate::cli::failure::Failure;
use crate::cli::git::Repository;

/// Takes out and returns every report of which all places lie in unchanged files. A report about the whole tree has
/// no place, and stays.
pub(super) fn leave_out(compiled: &mut Compiled, since: &str) -> Result<Vec<Report>, Failure> {
    let repository = Repository::around(compiled.tree.root())?;
    let unchanged = repository.unchanged_since(&repository.revision(since)?)?;
    let reports = std::mem::take(&mut compiled.reports);
    let (left_out, left) = reports.into_iter().partition(|report| is_old(compiled, &unchanged, report));
    compiled.reports = left;
    Ok(left_out)
}

fn is_old(compiled: &Compiled, unchanged: &BTreeSet<String>, report: &Report) -> bool {
    let untouched = |path: &str| unchanged.contains(path);
    let mut places = report.labels.iter().map(|label| compiled.in_tree(label.span.file));
    !report.labels.is_empty() && places.all(untouched)
}
