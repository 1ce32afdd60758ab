//! Applies the fixes that surely keep the meaning, and shows what they would change.

mod unified;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Edit, Fix, Report};
use crate::source::{FileId, SourceSet, Span};

/// A file with its fixes applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The file.
    pub file: FileId,
    /// Its path, relative to the root of the tree.
    pub path: String,
    /// Its new text.
    pub text: String,
    /// What changed, as a unified diff.
    pub diff: String,
}

/// The safe fixes that can be applied together: the first one of each report, in order, none overlapping an
/// earlier one. A fix is applied whole or not at all.
pub fn chosen(reports: &[Report]) -> Vec<&Fix> {
    let mut taken: BTreeSet<Span> = BTreeSet::new();
    let mut chosen = Vec::new();
    for report in reports {
        let Some(fix) = report.fixes.iter().find(|fix| fix.safe && !fix.edits.is_empty()) else { continue };
        if fix.edits.iter().all(|edit| is_free(&taken, edit)) {
            taken.extend(fix.edits.iter().map(|edit| edit.span));
            chosen.push(fix);
        }
    }
    chosen
}

/// The files that the chosen fixes change, in the order of the tree.
pub fn fixed(sources: &SourceSet, reports: &[Report]) -> Vec<Fixed> {
    let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in chosen(reports).into_iter().flat_map(|fix| &fix.edits) {
        edits.entry(edit.span.file).or_default().push(edit);
    }
    edits.into_iter().map(|(file, edits)| fixed_file(sources, file, edits)).collect()
}

/// `text` with some replacements, none of which overlap. One whose span is not in the text is left out.
pub fn apply(text: &str, edits: &[&Edit]) -> String {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in edits {
        let range = edit.span.range();
        if let Some(kept) = text.get(copied..range.start).filter(|_| text.get(range.clone()).is_some()) {
            out.push_str(kept);
            out.push_str(&edit.text);
            copied = range.end;
        }
    }
    out + text.get(copied..).unwrap_or_default()
}

fn fixed_file(sources: &SourceSet, file: FileId, mut edits: Vec<&Edit>) -> Fixed {
    edits.sort_by_key(|edit| edit.span);
    let (path, before) = (sources.path(file), sources.text(file));
    Fixed {
        file,
        path: path.to_owned(),
        text: apply(before, &edits),
        diff: unified::diff(path, before, &edits),
    }
}

/// Two insertions at one place overlap as well: their order would be a guess.
fn is_free(taken: &BTreeSet<Span>, edit: &Edit) -> bool {
    let overlaps = |other: &Span| {
        other.file == edit.span.file
            && (other.start < edit.span.end && edit.span.start < other.end || other.start == edit.span.start)
    };
    // Spans that are taken do not overlap, so only the neighbours can.
    let before = taken.range(..=edit.span).next_back();
    let after = taken.range(edit.span..).next();
    !before.into_iter().chain(after).any(overlaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;

    fn edit(file: FileId, range: std::ops::Range<usize>, text: &str) -> Edit {
        Edit { span: Span::new(file, range), text: text.to_owned() }
    }

    fn report(safe: bool, edits: Vec<Edit>) -> Report {
        Report {
            code: "WL0203",
            name: "unknown-key",
            severity: Severity::Error,
            message: String::new(),
            labels: Vec::new(),
            help: None,
            fixes: vec![Fix { title: String::new(), safe, edits }],
            address: None,
            environments: Vec::new(),
        }
    }

    /// The text and the diff after some fixes, each of one edit.
    fn check(text: &str, edits: &[(bool, std::ops::Range<usize>, &str)]) -> (String, String) {
        let mut sources = SourceSet::default();
        let file = sources.add("a.toml", text.to_owned());
        let of = |(safe, range, text): &(bool, _, &str)| {
            report(*safe, vec![edit(file, Clone::clone(range), text)])
        };
        let reports: Vec<Report> = edits.iter().map(of).collect();
        let fixed = fixed(&sources, &reports).into_iter().next();
        fixed.map(|fixed| (fixed.text, fixed.diff)).unwrap_or_default()
    }

    #[test]
    fn only_safe_fixes_that_do_not_overlap_are_applied() {
        let edits =
            [(true, 0..3, "x"), (true, 2..5, "y"), (false, 6..7, "z"), (true, 5..6, ""), (true, 5..5, "w")];
        assert_eq!(check("abcdefgh", &edits).0, "xdegh");
    }

    #[test]
    fn a_fix_is_applied_whole_or_not_at_all() {
        let mut sources = SourceSet::default();
        let file = sources.add("a.toml", "abcdef".to_owned());
        let one = report(true, vec![edit(file, 0..1, "X")]);
        let two = report(true, vec![edit(file, 4..5, "Y"), edit(file, 0..1, "Z")]);
        assert_eq!(fixed(&sources, &[one, two])[0].text, "Xbcdef");
    }

    #[test]
    fn an_edit_outside_of_its_text_changes_nothing() {
        assert_eq!(check("äb", &[(true, 1..2, "x"), (true, 7..9, "y")]).0, "äb");
    }

    #[test]
    fn a_diff_has_hunks_with_context() {
        let text: String = (1..=20).map(|number| format!("line {number}\n")).collect();
        let at = |line: &str| text.find(line).unwrap();
        let (two, ten) = (at("line 2\n"), at("line 10\n"));
        let edits =
            [(true, two..two + 4, "LINE"), (true, ten..ten + 8, ""), (true, text.len()..text.len(), "end")];
        insta::assert_snapshot!(check(&text, &edits).1, @r"
        --- a/a.toml
        +++ b/a.toml
        @@ -1,5 +1,5 @@
         line 1
        -line 2
        +LINE 2
         line 3
         line 4
         line 5
        @@ -7,7 +7,6 @@
         line 7
         line 8
         line 9
        -line 10
         line 11
         line 12
         line 13
        @@ -18,3 +17,4 @@
         line 18
         line 19
         line 20
        +end
        \ No newline at end of file
        ");
    }

    #[test]
    fn a_diff_shows_the_missing_end_and_what_hides() {
        let (text, diff) = check("a\u{1b}\t= 1\r\nb", &[(true, 8..9, "c")]);
        assert_eq!(text, "a\u{1b}\t= 1\r\nc");
        assert_eq!(
            diff,
            "--- a/a.toml\n+++ b/a.toml\n@@ -1,2 +1,2 @@\n a\\u{1b}\t= 1\r\n-b\n\\ No newline at end of file\n+c\n\
             \\ No newline at end of file\n"
        );
    }
}
