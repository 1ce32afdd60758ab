//! Applies the fixes that surely keep the meaning, and shows what they would change.

use std::collections::BTreeMap;

use crate::diagnostic::{Edit, Fix, Report};
use crate::escape::visible;
use crate::source::{FileId, SourceSet, Span};

/// The unchanged lines around a change in a diff.
const CONTEXT: usize = 3;

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
    let mut taken: BTreeMap<Span, &str> = BTreeMap::new();
    let mut chosen = Vec::new();
    for report in reports {
        let Some(fix) = report.fixes.iter().find(|fix| fix.safe && !fix.edits.is_empty()) else { continue };
        if fix.edits.iter().all(|edit| is_free(&taken, edit)) {
            taken.extend(fix.edits.iter().map(|edit| (edit.span, edit.text.as_str())));
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
    Fixed { file, path: path.to_owned(), text: apply(before, &edits), diff: unified(path, before, &edits) }
}

/// Two insertions at one place overlap as well: their order would be a guess.
fn is_free(taken: &BTreeMap<Span, &str>, edit: &Edit) -> bool {
    let overlaps = |other: &Span| {
        other.file == edit.span.file
            && (other.start < edit.span.end && edit.span.start < other.end || other.start == edit.span.start)
    };
    // Spans that are taken do not overlap, so only the neighbours can.
    let before = taken.range(..=edit.span).next_back();
    let after = taken.range(edit.span..).next();
    !before.into_iter().chain(after).any(|(span, _)| overlaps(span))
}

/// The unified diff of some edits in one text, in order.
fn unified(path: &str, text: &str, edits: &[&Edit]) -> String {
    let lines = Lines::of(text);
    let path = visible(path);
    let mut out = format!("--- a/{path}\n+++ b/{path}\n");
    let mut shift = 0;
    for hunk in hunks(&lines, edits) {
        let (text, growth) = hunk.text(&lines, shift);
        out.push_str(&text);
        shift += growth;
    }
    out
}

/// The lines of a text, each with its end.
struct Lines<'a> {
    lines: Vec<&'a str>,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let starts = lines.iter().scan(0, |at, line| Some(std::mem::replace(at, *at + line.len()))).collect();
        Self { lines, starts }
    }

    /// The line that holds an offset.
    fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn text(&self, lines: std::ops::Range<usize>) -> String {
        self.lines[lines].concat()
    }

    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(0)
    }
}

/// Neighbouring lines that change, with what they become.
struct Change {
    lines: std::ops::Range<usize>,
    after: String,
}

/// Changes that share their context.
struct Hunk {
    changes: Vec<Change>,
}

fn hunks(lines: &Lines<'_>, edits: &[&Edit]) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for change in changes(lines, edits) {
        match hunks.last_mut() {
            Some(hunk) if hunk.end() + 2 * CONTEXT >= change.lines.start => hunk.changes.push(change),
            _ => hunks.push(Hunk { changes: vec![change] }),
        }
    }
    hunks
}

fn changes(lines: &Lines<'_>, edits: &[&Edit]) -> Vec<Change> {
    let mut groups: Vec<(std::ops::Range<usize>, Vec<&Edit>)> = Vec::new();
    for edit in edits {
        let touched = touched(lines, edit);
        match groups.last_mut() {
            Some((range, group)) if touched.start < range.end => {
                range.end = range.end.max(touched.end);
                group.push(edit);
            }
            _ => groups.push((touched, vec![edit])),
        }
    }
    groups.into_iter().map(|(range, group)| change(lines, range, &group)).collect()
}

/// The lines of which an edit changes a part; the next one too where the end of the last one goes.
fn touched(lines: &Lines<'_>, edit: &Edit) -> std::ops::Range<usize> {
    let (start, end) = (lines.at(edit.span.start as usize), lines.at(edit.span.end as usize));
    let all = lines.lines.len();
    start.min(all)..(end + 1).min(all)
}

fn change(lines: &Lines<'_>, range: std::ops::Range<usize>, edits: &[&Edit]) -> Change {
    let base = lines.start(range.start);
    let moved = edits.iter().map(|edit| {
        let span = edit.span.range();
        let span = Span::new(edit.span.file, span.start.saturating_sub(base)..span.end.saturating_sub(base));
        Edit { span, text: edit.text.clone() }
    });
    let moved: Vec<Edit> = moved.collect();
    let before = lines.text(range.clone());
    let after = apply(&before, &moved.iter().collect::<Vec<_>>());
    narrowed(&before, range, &after)
}

/// The change without the lines at both ends that stay.
fn narrowed(before: &str, range: std::ops::Range<usize>, after: &str) -> Change {
    let [old, new] = [before, after].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[same..], &new[same..]);
    let same_end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let lines = range.start + same..range.end - same_end;
    Change { lines, after: new[..new.len() - same_end].concat() }
}

impl Hunk {
    fn end(&self) -> usize {
        self.changes.last().map_or(0, |change| change.lines.end)
    }

    /// The hunk as text, and by how many lines it grows the file.
    fn text(&self, lines: &Lines<'_>, shift: isize) -> (String, isize) {
        let first = self.changes.first().map_or(0, |change| change.lines.start);
        let start = first.saturating_sub(CONTEXT);
        let end = (self.end() + CONTEXT).min(lines.lines.len());
        let mut body = Body::default();
        let mut at = start;
        for change in &self.changes {
            body.lines(' ', &lines.lines[at..change.lines.start]);
            body.lines('-', &lines.lines[change.lines.clone()]);
            body.lines('+', &change.after.split_inclusive('\n').collect::<Vec<_>>());
            at = change.lines.end;
        }
        body.lines(' ', &lines.lines[at..end]);
        let growth = body.new.cast_signed() - body.old.cast_signed();
        let (old, new) = (range(start.cast_signed(), body.old), range(start.cast_signed() + shift, body.new));
        (format!("@@ -{old} +{new} @@\n{}", body.text), growth)
    }
}

/// `first line,count` as `diff` writes it: of no lines, the line before them.
fn range(start: isize, count: usize) -> String {
    format!("{},{count}", if count == 0 { start } else { start + 1 })
}

/// The lines of a hunk, counted.
#[derive(Default)]
struct Body {
    text: String,
    old: usize,
    new: usize,
}

impl Body {
    fn lines(&mut self, sign: char, lines: &[&str]) {
        self.old += if sign == '+' { 0 } else { lines.len() };
        self.new += if sign == '-' { 0 } else { lines.len() };
        for line in lines {
            self.line(sign, line);
        }
    }

    fn line(&mut self, sign: char, line: &str) {
        let (content, end) = match line.strip_suffix('\n') {
            None => (line, "\n\\ No newline at end of file\n"),
            Some(content) => content.strip_suffix('\r').map_or((content, "\n"), |content| (content, "\r\n")),
        };
        // A tab is what it looks like; everything else that hides is spelt out, as on any other way out.
        let content: Vec<_> = content.split('\t').map(visible).collect();
        self.text.push(sign);
        self.text.push_str(&content.join("\t"));
        self.text.push_str(end);
    }
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
