//! Changes for a pull request: one table, short enough for a comment.

use super::text::Notes;
use super::{Change, Changes, Kind};
use crate::escape::{markdown, markdown_code, shortened};
use crate::spelling;
use crate::style::Style;

/// The most that a comment can hold, with room for what others put around it.
const LONGEST: usize = 65_000;
/// Room for what follows the table.
const END: usize = 500;
/// The longest value in a cell.
const LONGEST_VALUE: usize = 120;
/// The longest list of field changes in a cell, in fields.
const MOST_FIELDS: usize = 12;
/// The longest list of affected jobs in a cell.
const MOST_JOBS: usize = 12;

impl Changes {
    /// The changes as Markdown, of at most 65,000 bytes: what does not fit is counted.
    pub fn markdown(&self, notes: &Notes<'_>) -> String {
        let mut out = self.markdown_heading(notes);
        if !self.changes.is_empty() {
            out.push_str("\n|   | job | change | effect | where |\n|---|---|---|---|---|\n");
        }
        let rows = self.changes.iter().map(row);
        let mut left_out = 0;
        for row in rows {
            let fits = left_out == 0 && out.len() + row.len() + END <= LONGEST;
            if fits { out.push_str(&row) } else { left_out += 1 }
        }
        out + &self.markdown_end(left_out, notes)
    }

    fn markdown_heading(&self, notes: &Notes<'_>) -> String {
        let heading = notes.heading.map(|text| format!("\n{}\n", markdown(&shortened(text, 500))));
        format!("### {}\n{}", self.title(), heading.unwrap_or_default())
    }

    fn markdown_end(&self, left_out: usize, notes: &Notes<'_>) -> String {
        let more = if left_out > 0 { format!("\n… {left_out} more changes\n") } else { String::new() };
        let drift = notes.drift.map(|drift| format!(" · drift: {}", markdown(&shortened(drift, 20))));
        let counts = self.summary().text(&Style::default());
        let unlisted = self.unlisted(&Style::default());
        format!("{more}\n{unlisted}{}\n\n**{counts}**\n", drift.unwrap_or_default())
    }
}

fn row(change: &Change) -> String {
    let origin = change.origin.as_ref().map(|origin| {
        let file = shortened(&origin.file, LONGEST_VALUE);
        markdown_code(&format!("{file}:{}", origin.line))
    });
    let protected = if change.touches_protected() { " **protected**" } else { "" };
    format!(
        "| {} | {} | {} | {}{protected} | {} |\n",
        sign(change.kind),
        markdown_code(&change.job.to_string()),
        what(change),
        change.effect,
        origin.unwrap_or_default()
    )
}

/// A bare `-`, `+` or `~` would be read as markup in some places.
fn sign(kind: Kind) -> String {
    format!("<code>{}</code>", kind.sign())
}

fn what(change: &Change) -> String {
    let mut parts = match change.kind {
        Kind::Create | Kind::Remove => vec![format!("{} on {}", spelling::mode(change.mode), change.cluster)],
        Kind::Update => fields(change),
    };
    if !change.downstream.is_empty() {
        parts.push(affected(change));
    }
    parts.join("<br>")
}

fn fields(change: &Change) -> Vec<String> {
    let text = |field: &super::FieldChange| markdown_code(&field.text(LONGEST_VALUE, &Style::default()));
    let mut fields: Vec<String> = change.fields.iter().take(MOST_FIELDS).map(text).collect();
    if change.fields.len() > MOST_FIELDS {
        fields.push(format!("… {} more", change.fields.len() - MOST_FIELDS));
    }
    fields
}

fn affected(change: &Change) -> String {
    let names: Vec<String> = change.downstream.iter().take(MOST_JOBS).map(ToString::to_string).collect();
    let more = change.downstream.len().saturating_sub(MOST_JOBS);
    let more = if more > 0 { format!(", … {more} more") } else { String::new() };
    format!("{}{}{more}", change.reach(), names.join(", "))
}
