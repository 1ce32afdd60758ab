//! Edits as a unified diff, which people read and `patch` applies.
//!
//! The edits are known, so nothing is searched for: each hunk is the lines that some edits touch.

use super::apply;
use crate::diagnostic::Edit;
use crate::escape::visible;
use crate::source::Span;

/// The unchanged lines around a change.
const CONTEXT: usize = 3;

/// The unified diff of some edits in one text, in order.
pub(super) fn diff(path: &str, text: &str, edits: &[&Edit]) -> String {
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
