//! Changes for people: one line a change in aligned columns, and what follows from it below.

use super::{Change, Changes, FieldChange, Kind, Summary};
use crate::escape::{shortened, visible};
use crate::name::JobId;
use crate::spelling;
use crate::style::{Style, Tone};

/// What a caller knows beside the changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notes<'a> {
    /// What follows the plan's name in the first line, such as `14 specs, read 2026-11-22T20:42Z`.
    pub heading: Option<&'a str>,
    /// What is known of drift, such as `none`.
    pub drift: Option<&'a str>,
}

/// The longest value in a line; the JSON has it whole.
const LONGEST_VALUE: usize = 32;
/// The narrowest column of field changes, also where the terminal is narrower.
const NARROWEST: usize = 24;
const GAP: &str = "    ";

impl Changes {
    /// The changes as text, ending in a line of counts.
    pub fn text(&self, style: &Style, notes: &Notes<'_>) -> String {
        let mut lines = vec![self.heading(style, notes)];
        let columns = Columns::of(&self.changes, style);
        for change in &self.changes {
            lines.push(columns.line(change, style));
            lines.extend(consequences(change, style));
        }
        lines.push(self.rest(style, notes));
        lines.push(self.summary().text(style));
        lines.join("\n") + "\n"
    }

    fn heading(&self, style: &Style, notes: &Notes<'_>) -> String {
        let title = style.paint(Tone::Strong, &self.title());
        match notes.heading {
            Some(heading) => format!("{title}   {}", visible(heading)),
            None => title,
        }
    }

    /// `Plan for prod @ 9f3c1e2`.
    pub(super) fn title(&self) -> String {
        let digest = self.plan.short();
        format!("Plan for {} @ {}", self.environment.as_ref().unwrap_or(&self.project), &digest[..7])
    }

    fn rest(&self, style: &Style, notes: &Notes<'_>) -> String {
        let rest = format!("= {}", self.unlisted(style));
        match notes.drift {
            Some(drift) => format!("{rest} {} drift: {}", style.dot(), visible(drift)),
            None => rest,
        }
    }

    /// `12 unchanged · 3 not selected`.
    pub(super) fn unlisted(&self, style: &Style) -> String {
        match self.unselected {
            0 => format!("{} unchanged", self.unchanged),
            unselected => {
                format!("{} unchanged {} {unselected} not selected", self.unchanged, style.dot())
            }
        }
    }
}

impl Summary {
    /// `2 to change · 0 to create · 0 to stop · 0 lose state · 0 protected touched`.
    pub fn text(&self, style: &Style) -> String {
        let part = |count: usize, what: &str, tone| {
            let text = format!("{count} {what}");
            if count == 0 { text } else { style.paint(tone, &text) }
        };
        let parts = [
            part(self.change, "to change", Tone::Doubtful),
            part(self.create, "to create", Tone::Good),
            part(self.stop, "to stop", Tone::Bad),
            part(self.lose_state, "lose state", Tone::Bad),
            part(self.protected, "protected touched", Tone::Bad),
        ];
        parts.join(&format!(" {} ", style.dot()))
    }
}

impl Kind {
    /// The sign at the start of a line.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Remove => "-",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Create => Tone::Good,
            Self::Update => Tone::Doubtful,
            Self::Remove => Tone::Bad,
        }
    }
}

/// The widths that all lines share.
struct Columns {
    job: usize,
    what: usize,
    effect: usize,
    /// How much room field changes may take.
    room: usize,
}

impl Columns {
    fn of(changes: &[Change], style: &Style) -> Self {
        let widest = |of: &dyn Fn(&Change) -> usize| changes.iter().map(of).max().unwrap_or(0);
        let job = widest(&|change| change.job.to_string().len());
        let effect = widest(&|change| change.effect.to_string().len());
        let origin = widest(&|change| origin(change).chars().count());
        let taken = 2 + job + effect + origin + 3 * GAP.len();
        let room = style.width.saturating_sub(taken).max(NARROWEST);
        let what = widest(&|change| what(change, room, style).chars().count());
        Self { job, what, effect, room }
    }

    fn line(&self, change: &Change, style: &Style) -> String {
        let sign = style.paint(change.kind.tone(), change.kind.sign());
        let what = what(change, self.room, style);
        let origin = origin(change);
        let effect =
            format!("{:<width$}", change.effect, width = if origin.is_empty() { 0 } else { self.effect });
        let tone = if change.effect.interrupts() { Tone::Bad } else { Tone::Quiet };
        let start =
            format!("{sign} {:<job$}{GAP}{what:<width$}", change.job, job = self.job, width = self.what);
        let end = format!("{GAP}{}{GAP}{}", style.paint(tone, &effect), style.paint(Tone::Quiet, &origin));
        format!("{start}{end}").trim_end().to_owned()
    }
}

fn origin(change: &Change) -> String {
    let of = |origin: &crate::model::Origin| format!("{}:{}", visible(&origin.file), origin.line);
    change.origin.as_ref().map(of).unwrap_or_default()
}

/// What is to be said of a change between its job and its effect.
fn what(change: &Change, room: usize, style: &Style) -> String {
    match change.kind {
        Kind::Create | Kind::Remove => format!("{} on {}", spelling::mode(change.mode), change.cluster),
        Kind::Update => {
            let fields = change.fields.iter().map(|field| field.text(LONGEST_VALUE, style));
            fit(fields.collect(), room, style)
        }
    }
}

/// As many of the items as fit, at least one, and how many more there are.
fn fit(items: Vec<String>, room: usize, style: &Style) -> String {
    let total = items.len();
    let mut out = String::new();
    for (index, item) in items.into_iter().enumerate() {
        let more = format!(", {} {} more", style.ellipsis(), total - index);
        let spare = if index + 1 == total { 0 } else { more.chars().count() };
        let separator = if index == 0 { 0 } else { 2 };
        if index > 0 && out.chars().count() + separator + item.chars().count() + spare > room {
            return out + &more;
        }
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(&item);
    }
    out
}

impl FieldChange {
    /// `parallelism 4 → 6`, `env[TZ] set to UTC`, `tags[nightly] removed`, on one line, harmless.
    pub(super) fn text(&self, longest: usize, style: &Style) -> String {
        let path = self.path.strip_prefix("process.").unwrap_or(&self.path);
        let path = visible(path);
        match (&self.before, &self.after) {
            (Some(_), Some(_)) if self.is_digest() => format!("{path} changed"),
            (Some(before), Some(after)) => {
                format!("{path} {} {} {}", value(before, longest), style.arrow(), value(after, longest))
            }
            (None, Some(after)) if !self.speaks_for_itself(after) => {
                format!("{path} set to {}", value(after, longest))
            }
            (None, _) => format!("{path} added"),
            (Some(_), None) => format!("{path} removed"),
        }
    }

    fn is_digest(&self) -> bool {
        self.path.starts_with("process.files[")
    }

    /// Whether the path says all that the value would.
    fn speaks_for_itself(&self, value: &str) -> bool {
        self.is_digest()
            || self.path == format!("tags[{value}]")
            || self.path.starts_with("after[") && value == "met"
    }
}

/// A value on one line; one that is empty or has spaces is quoted, so that its ends are seen.
fn value(text: &str, longest: usize) -> String {
    let text = visible(text);
    let text = shortened(&text, longest);
    if text.is_empty() || text.contains(' ') { format!("\"{text}\"") } else { text.into_owned() }
}

/// The lines below a change.
fn consequences(change: &Change, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    if !change.downstream.is_empty() {
        lines.push(affected(change, style));
    }
    if change.touches_protected() {
        lines.push(protected(change));
    }
    let count = lines.len();
    let below = |(index, line)| format!("  {} {line}", style.branch(index + 1 == count));
    lines.into_iter().enumerate().map(below).collect()
}

fn affected(change: &Change, style: &Style) -> String {
    let start = change.reach();
    let names = change.downstream.iter().map(|job| relative(job, &change.job)).collect();
    let room = style.width.saturating_sub(start.len() + 4);
    start + &fit(names, room, style)
}

fn protected(change: &Change) -> String {
    match change.kind {
        Kind::Remove => format!("protected: only after `windlass unprotect {}`", change.job),
        Kind::Create | Kind::Update => "protected".to_owned(),
    }
}

/// A job's name as one says it within a pipeline.
fn relative(job: &JobId, from: &JobId) -> String {
    if job.pipeline == from.pipeline { job.job.to_string() } else { job.to_string() }
}
