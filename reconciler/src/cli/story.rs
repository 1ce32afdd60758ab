//! The history in words: what happened, to whom, and by whom.
//!
//! Lines that a newer build wrote, and that this one does not know, are shown as they are.

use jiff::Timestamp;
use serde_json::{Map, Value};
use windlass_compiler::escape::is_hidden;
use windlass_compiler::style::Style;
use windlass_core::desired::{Change, Intent};
use windlass_core::history::Note;
use windlass_core::status::Transition;

use super::time::full;
use crate::store::Line;

/// A line of history, told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// The job or instance.
    pub subject: String,
    /// What happened: `running → failed`, `stop`.
    pub what: String,
    /// The attempt that it belongs to, if it belongs to one.
    pub attempt: Option<u64>,
    /// Why, and by whom.
    pub detail: String,
}

impl Told {
    /// The attempt and the detail, for the last column of a table: `attempt 1: exit status 3`.
    pub fn rest(&self) -> String {
        match (self.attempt, self.detail.as_str()) {
            (None, detail) => detail.to_owned(),
            (Some(attempt), "") => format!("attempt {attempt}"),
            (Some(attempt), detail) => format!("attempt {attempt}: {detail}"),
        }
    }
}

/// Tells a line.
pub fn told(line: &Line, style: &Style) -> Told {
    let entry = &line.entry;
    let at = Timestamp::from_millisecond(entry.at).unwrap_or_default();
    let (what, attempt, detail) = match serde_json::from_str(&entry.text) {
        Ok(Note::Transition(step)) => transition(&step, style),
        Ok(Note::Command { change, intent, .. }) => (command(&change), None, wanted(&change, intent)),
        Ok(Note::Swept { name, reason }) => ("ended a stray".to_owned(), None, format!("{name}: {reason}")),
        Ok(Note::Frozen { reason }) => ("frozen: the store went back in time".to_owned(), None, reason),
        Ok(Note::GivenAnew { change }) => ("given anew from the specs".to_owned(), None, by(&change)),
        Ok(Note::Thawed) => ("recovered, and goes on".to_owned(), None, String::new()),
        Err(_) => ("something that a newer windlass knows".to_owned(), None, entry.text.clone()),
    };
    Told { at, subject: entry.subject.clone(), what, attempt, detail }
}

/// `running → failed`; where the state stays and only its data changes, `submitting (created)`.
pub fn moved(step: &Transition, style: &Style) -> String {
    let arrow = if style.unicode { "→" } else { "->" };
    if step.from == step.to {
        format!("{} ({})", step.to, step.event)
    } else {
        format!("{} {arrow} {}", step.from, step.to)
    }
}

fn transition(step: &Transition, style: &Style) -> (String, Option<u64>, String) {
    let what = moved(step, style);
    let attempt = (step.attempt.0 > 0).then_some(step.attempt.0);
    (what, attempt, step.reason.clone().unwrap_or_default())
}

fn command(change: &Change) -> String {
    match change.command.as_str() {
        "apply" => "applied".to_owned(),
        other => format!("asked to {other}"),
    }
}

/// `by ann@desk: maintenance`; where the command's name does not say what is wanted, that too.
fn wanted(change: &Change, intent: Intent) -> String {
    let removal = match (change.command.as_str(), intent) {
        ("apply", Intent::Remove) => "removed, ",
        ("apply", Intent::Stop) => "still to be stopped, ",
        ("apply", Intent::Suspend) => "still suspended, ",
        _ => "",
    };
    format!("{removal}{}", by(change))
}

/// `by ann@desk: maintenance`.
pub fn by(change: &Change) -> String {
    match &change.message {
        Some(message) => format!("by {}: {message}", change.author),
        None => format!("by {}", change.author),
    }
}

/// Who asked for the intent that holds now: the first of the last commands that all want it.
pub fn decided(lines: &[Line], intent: Intent) -> Option<Change> {
    let commands = lines.iter().rev().filter_map(|line| match serde_json::from_str(&line.entry.text) {
        Ok(Note::Command { change, intent, .. }) => Some((change, intent)),
        _ => None,
    });
    commands.take_while(|(_, wanted)| *wanted == intent).last().map(|(change, _)| change)
}

/// A line as JSON: its place, time and subject, and the note under its kind.
pub fn json(line: &Line) -> Value {
    let entry = &line.entry;
    let at = Timestamp::from_millisecond(entry.at).map_or_else(|_| entry.at.to_string(), |at| at.to_string());
    let mut fields = Map::new();
    fields.insert("position".to_owned(), line.position.into());
    fields.insert("at".to_owned(), at.into());
    fields.insert("subject".to_owned(), entry.subject.clone().into());
    fields.insert("sequence".to_owned(), entry.sequence.into());
    match serde_json::from_str(&entry.text) {
        Ok(Value::Object(note)) => fields.extend(note),
        _ => {
            fields.insert("text".to_owned(), entry.text.clone().into());
        }
    }
    Value::Object(fields)
}

/// A line as one line of JSON. The values are exact, but a terminal that shows it sees hidden characters as escapes.
pub fn json_line(line: &Line) -> String {
    let mut text = String::new();
    for c in json(line).to_string().chars() {
        if is_hidden(c) {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    text + "\n"
}

/// A line of a log of events: `2026-11-22T02:00:07Z orders.totals running → failed (attempt 1): exit status 3`.
pub fn sentence(line: &Line, style: &Style) -> String {
    let told = told(line, style);
    let attempt = told.attempt.map(|attempt| format!(" (attempt {attempt})")).unwrap_or_default();
    let detail = match told.detail.as_str() {
        "" => String::new(),
        by if by.starts_with("by ") => format!(" {by}"),
        other => format!(": {other}"),
    };
    format!("{} {} {}{attempt}{detail}", full(told.at), told.subject, told.what)
}

#[cfg(test)]
mod tests {
    use windlass_core::state::Name;

    use super::*;
    use crate::cli::sample::{asked, line, step};

    #[test]
    fn a_line_says_what_happened_and_by_whom() {
        for (note, expected) in [
            (
                step(Name::Running, Name::Failed, 1, Some("exit status 3")),
                "running → failed (attempt 1): exit status 3",
            ),
            (step(Name::Submitting, Name::Submitting, 1, None), "submitting (happened) (attempt 1)"),
            (asked("stop", Intent::Stop, Some("maintenance")), "asked to stop by ann@desk: maintenance"),
            (asked("apply", Intent::Run, None), "applied by ann@desk"),
            (asked("apply", Intent::Remove, None), "applied: removed, by ann@desk"),
        ] {
            let line = line(1, "orders.totals", "02:00:07", &note);
            let sentence = sentence(&line, &Style::default());
            assert_eq!(sentence, format!("2026-11-22T02:00:07Z orders.totals {expected}"));
        }
    }

    #[test]
    fn a_line_of_json_is_one_harmless_line() {
        let line = line(1, "a.b", "02:00:00", &asked("stop", Intent::Stop, Some("\u{202e}\n\u{9b}")));
        let text = json_line(&line);
        assert!(!text.trim_end_matches('\n').contains(is_hidden), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json(&line));
    }

    #[test]
    fn an_intent_was_decided_by_whoever_asked_for_it_first() {
        let ann = asked("stop", Intent::Stop, Some("maintenance"));
        let lines = [
            line(1, "a.b", "01:00:00", &asked("apply", Intent::Run, None)),
            line(2, "a.b", "02:00:00", &ann),
            line(3, "a.b", "02:00:01", &step(Name::Running, Name::Stopping, 1, None)),
            line(4, "a.b", "03:00:00", &asked("apply", Intent::Stop, None)),
        ];
        let found = decided(&lines, Intent::Stop).unwrap();
        assert_eq!(found.message.as_deref(), Some("maintenance"));
        assert_eq!(decided(&lines, Intent::Run), None);
    }

    #[test]
    fn what_a_newer_build_wrote_is_shown_as_it_is() {
        let mut line = line(1, "a.b", "02:00:00", &asked("stop", Intent::Stop, None));
        line.entry.text = r#"{"moved":{"to":"a.c"}}"#.to_owned();
        assert_eq!(told(&line, &Style::default()).detail, r#"{"moved":{"to":"a.c"}}"#);
        assert_eq!(json(&line)["moved"]["to"], "a.c");
    }
}
