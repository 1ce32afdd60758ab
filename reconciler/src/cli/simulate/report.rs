//! The story of a rehearsal, for people and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use windlass_compiler::escape::{self, visible};
use windlass_compiler::style::Style;
use windlass_core::fleet::Outlook;
use windlass_core::sim::rehearsal::{Rehearsed, Standing};
use windlass_core::sim::story::{Kind, Line};

use super::super::paint::{Tone, of_state, paint};
use super::clock;

/// The lines that are told: without `full`, not every call and message.
fn told(story: &[Line], full: bool) -> impl Iterator<Item = &Line> {
    story.iter().filter(move |line| full || !matches!(line.kind, Kind::Call | Kind::Detail))
}

/// For people: what happens, line by line, and where everything stands in the end.
pub(super) fn text(rehearsed: &Rehearsed, full: bool, style: &Style) -> String {
    let mut text = lines(&rehearsed.story, full, style);
    writeln!(text, "\nin the end").expect("a string takes all text");
    let width = rehearsed.end.iter().map(|one| one.instance.to_string().len()).max().unwrap_or(0);
    for one in &rehearsed.end {
        let state = paint(style, of_state(one.state), &format!("{:<10}", one.state.to_string()));
        let row = format!("  {:<width$}  {state}  {}", one.instance.to_string(), say(one));
        writeln!(text, "{}", row.trim_end()).expect("a string takes all text");
    }
    text + "\n" + &verdict(rehearsed, style)
}

/// Lines of a story.
pub(super) fn lines(story: &[Line], full: bool, style: &Style) -> String {
    let mut text = String::new();
    let width = story.iter().map(|line| line.who.len()).max().unwrap_or(0);
    for line in told(story, full) {
        let (mark, tone) = match line.kind {
            Kind::Fault => ("!", Tone::Doubtful),
            Kind::Command => (">", Tone::Strong),
            Kind::State | Kind::Wait | Kind::Effect => (" ", Tone::Plain),
            Kind::Call | Kind::Detail => (" ", Tone::Quiet),
        };
        let said = paint(style, tone, &visible(&line.text));
        let who = visible(&line.who).into_owned();
        writeln!(text, "{} {mark} {who:<width$}  {said}", clock::show(line.at))
            .expect("a string takes all text");
    }
    text
}

/// What there is to say of where an instance stands.
fn say(one: &Standing) -> String {
    let mut parts = Vec::new();
    match (one.attempt, one.starts) {
        (0, _) => parts.push("no attempt".to_owned()),
        (attempt, 1) => parts.push(format!("attempt {attempt}, started once")),
        (attempt, 0) => parts.push(format!("attempt {attempt}, never started")),
        (attempt, starts) => parts.push(format!("attempt {attempt}, {starts} starts in all")),
    }
    parts.extend(one.reason.as_deref().map(|reason| visible(reason).into_owned()));
    parts.extend(one.waits.iter().map(|wait| format!("waits: {}", visible(wait))));
    if let Outlook::Missed(_) = one.outlook {
        parts.push("stays so until somebody acts".to_owned());
    }
    parts.join("; ")
}

fn verdict(rehearsed: &Rehearsed, style: &Style) -> String {
    match &rehearsed.verdict {
        Ok(summary) => {
            let word = paint(style, Tone::Good, "every promise held");
            let starts = if summary.starts == 1 { "1 start" } else { &format!("{} starts", summary.starts) };
            format!("{word}: {starts}, none of an attempt twice\n")
        }
        Err(violation) => {
            let word = paint(style, Tone::Bad, "a promise was broken");
            format!("{word}: {}: {}\n", violation.invariant, visible(&violation.detail))
        }
    }
}

/// One line, as a report has it.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    at: String,
    kind: &'static str,
    who: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    text: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    story: Vec<Entry<'a>>,
    end: Vec<End<'a>>,
    verdict: Verdict<'a>,
}

#[derive(Serialize)]
struct End<'a> {
    instance: String,
    state: String,
    attempt: u64,
    starts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    waits: &'a [String],
    outlook: &'static str,
}

#[derive(Serialize)]
struct Verdict<'a> {
    held: bool,
    starts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'a str>,
}

/// The entries of a story.
pub(super) fn entries(story: &[Line], full: bool) -> Vec<Entry<'_>> {
    told(story, full).map(entry).collect()
}

fn entry(line: &Line) -> Entry<'_> {
    Entry {
        at: clock::full(line.at),
        kind: line.kind.name(),
        who: &line.who,
        about: line.about.as_ref().map(ToString::to_string),
        text: &line.text,
    }
}

fn end(one: &Standing) -> End<'_> {
    End {
        instance: one.instance.to_string(),
        state: one.state.to_string(),
        attempt: one.attempt,
        starts: one.starts,
        reason: one.reason.as_deref(),
        waits: &one.waits,
        outlook: match one.outlook {
            Outlook::Met => "met",
            Outlook::Moving => "moving",
            Outlook::Missed(_) => "missed",
        },
    }
}

/// The same as JSON.
pub(super) fn json(rehearsed: &Rehearsed, full: bool) -> String {
    let verdict = match &rehearsed.verdict {
        Ok(summary) => Verdict { held: true, starts: summary.starts, promise: None, how: None },
        Err(violation) => Verdict {
            held: false,
            starts: rehearsed.end.iter().map(|one| one.starts).sum(),
            promise: Some(violation.invariant),
            how: Some(&violation.detail),
        },
    };
    let document = Document {
        story: entries(&rehearsed.story, full),
        end: rehearsed.end.iter().map(end).collect(),
        verdict,
    };
    escape::json(&document)
}
