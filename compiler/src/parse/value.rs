//! Tree value → spec value, by what a key needs.

use std::borrow::Cow;

use crate::diagnostic::{Fault, References, Shape, Values};
use crate::model::{Backoff, Mode, OnLost, When};
use crate::source::Span;
use crate::spec::{Content, Edge, Needs, Reference, Value};
use crate::suggest::nearest;

use super::reader::Reader;
use super::tree::{self, Key, Kind};

/// What a key needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// `stream` or `batch`.
    Mode,
    /// A name of something else, without references.
    Name,
    /// A text.
    Text,
    /// A path.
    Path,
    /// A duration.
    Duration,
    /// A range of durations.
    Backoff,
    /// A count of attempts.
    Count,
    /// A boolean.
    Bool,
    /// `hold` or `retry`.
    OnLost,
    /// A list of texts.
    Texts,
    /// A list of texts without references.
    Names,
    /// A command.
    Command,
    /// What a job waits for.
    Edges,
}

impl<'s> Reader<'_, 's> {
    /// Reads a value.
    pub(super) fn value(&mut self, key: &str, shape: Expected, value: tree::Value<'s>) -> Value<'s> {
        let span = value.span;
        Value { span, content: self.content(key, shape, value) }
    }

    fn content(&mut self, key: &str, shape: Expected, value: tree::Value<'s>) -> Content<'s> {
        let span = value.span;
        match (shape, value.kind) {
            (_, Kind::Poisoned) => Content::Poisoned,
            (_, Kind::Text(text)) if refers(&text) => self.reference(key, shape, span, text),
            (Expected::Mode, Kind::Text(text)) => self.mode(span, &text),
            (Expected::OnLost, Kind::Text(text)) => self.on_lost(span, &text),
            (Expected::Name | Expected::Text, Kind::Text(text)) => Content::plain(text),
            (Expected::Path, Kind::Text(text)) => self.passable("a path", span, text),
            (Expected::Duration, Kind::Text(text)) => match crate::param::duration(span, &text) {
                Ok(duration) => Content::Duration(duration),
                Err(fault) => self.poison(fault),
            },
            (Expected::Duration, Kind::Int(number)) => {
                let near = (number >= 0).then(|| format!("{number}s").into());
                self.poison(Fault::Values(Values::Duration { span, text: number.to_string().into(), near }))
            }
            (Expected::Backoff, Kind::Text(text)) => match backoff(span, &text) {
                Ok(backoff) => Content::Backoff(backoff),
                Err(fault) => self.poison(fault),
            },
            (Expected::Count, Kind::Int(number)) => self.count(key, span, number),
            (Expected::Bool, Kind::Bool(value)) => Content::Bool(value),
            (Expected::Texts | Expected::Names, Kind::Array(items)) => self.texts(key, shape, items),
            (Expected::Command, Kind::Array(items)) => self.command(span, items),
            (Expected::Command, Kind::Text(text)) => {
                let list = as_list(&text);
                self.poison(Fault::Shape(Shape::CommandText { span, list }))
            }
            (Expected::Edges, Kind::Array(items)) => self.edges(items),
            (shape, kind) => {
                let (expected, example) = shape.words();
                self.wrong_type(key, &tree::Value { span, kind }, expected, example);
                Content::Poisoned
            }
        }
    }

    fn poison(&mut self, fault: Fault) -> Content<'s> {
        self.report(fault);
        Content::Poisoned
    }

    fn reference(&mut self, key: &str, shape: Expected, span: Span, text: Cow<'s, str>) -> Content<'s> {
        let address = self.address.clone();
        let Some(needs) = shape.needs() else {
            self.references.push(Reference { text, span, needs: Needs::Nothing, address });
            return self.poison(Fault::References(References::NotHere { span, key: key.into() }));
        };
        self.references.push(Reference { text: text.clone(), span, needs, address });
        Content::Reference(Box::new(text))
    }

    fn mode(&mut self, span: Span, text: &str) -> Content<'s> {
        match text {
            "stream" => Content::Mode(Mode::Stream),
            "batch" => Content::Mode(Mode::Batch),
            _ => self.choice("mode", span, text, &["stream", "batch"]),
        }
    }

    fn on_lost(&mut self, span: Span, text: &str) -> Content<'s> {
        match text {
            "hold" => Content::OnLost(OnLost::Hold),
            "retry" => Content::OnLost(OnLost::Retry),
            _ => self.choice("on_lost", span, text, &["hold", "retry"]),
        }
    }

    /// Reports a word that is none of those that are possible.
    pub(super) fn choice(
        &mut self,
        key: &str,
        span: Span,
        text: &str,
        known: &'static [&'static str],
    ) -> Content<'s> {
        let near = nearest(text, known.iter().copied());
        self.poison(Fault::Values(Values::Choice { span, key: key.into(), text: text.into(), known, near }))
    }

    fn passable(&mut self, what: &'static str, span: Span, text: Cow<'s, str>) -> Content<'s> {
        if text.contains('\0') {
            return self.poison(Fault::Values(Values::Unpassable { span, what, why: "it has a zero byte" }));
        }
        Content::plain(text)
    }

    fn count(&mut self, key: &str, span: Span, number: i64) -> Content<'s> {
        if (0..=1_000_000).contains(&number) {
            return Content::Int(number);
        }
        self.poison(Fault::Values(Values::Number { span, key: key.into(), min: 0, max: 1_000_000 }))
    }

    fn texts(&mut self, key: &str, shape: Expected, items: Vec<tree::Value<'s>>) -> Content<'s> {
        let element = if shape == Expected::Names { Expected::Name } else { Expected::Path };
        Content::List(items.into_iter().map(|item| self.value(key, element, item)).collect())
    }

    fn command(&mut self, span: Span, items: Vec<tree::Value<'s>>) -> Content<'s> {
        let Some(first) = items.first() else {
            return self.poison(Fault::Values(Values::Empty { span, key: "command".into() }));
        };
        let (first_span, program) = match &first.kind {
            Kind::Text(text) => (first.span, Some(text.clone())),
            _ => (first.span, None),
        };
        match program.as_deref() {
            Some("") => self.report(Fault::Values(Values::Empty { span: first_span, key: "command".into() })),
            Some(text) if text.contains(' ') && !text.contains("${") => {
                self.report(Fault::Values(Values::ProgramWithSpaces { span: first_span, text: text.into() }));
            }
            _ => {}
        }
        self.texts("command", Expected::Command, items)
    }

    fn edges(&mut self, items: Vec<tree::Value<'s>>) -> Content<'s> {
        Content::Edges(items.into_iter().filter_map(|item| self.edge(item)).collect())
    }

    fn edge(&mut self, item: tree::Value<'s>) -> Option<Edge<'s>> {
        let span = item.span;
        let Kind::Table(table) = item.kind else {
            let job = self.value("after", Expected::Text, item);
            return Some(Edge { span, job, when: (When::Met, span) });
        };
        let (mut job, mut when) = (None, (When::Met, span));
        for tree::Entry { key, value } in table.into_entries() {
            match key.text.as_ref() {
                "job" => job = Some(self.value("job", Expected::Text, value)),
                "when" => when = (self.when(&value), value.span),
                "at" => self.not_yet(&key),
                _ => self.unknown_key(&key, "an edge", &["job", "when", "at"]),
            }
        }
        if job.is_none() {
            self.missing(span, "an edge", "job", "job = \"ingest\"");
        }
        Some(Edge { span, job: job?, when })
    }

    fn when(&mut self, value: &tree::Value<'s>) -> When {
        let known = &["met", "succeeded", "failed", "finished", "running"];
        match &value.kind {
            Kind::Text(text) => match text.as_ref() {
                "met" => return When::Met,
                "succeeded" => return When::Succeeded,
                "failed" => return When::Failed,
                "finished" => return When::Finished,
                "running" => return When::Running,
                _ => drop(self.choice("when", value.span, text, known)),
            },
            _ => self.wrong_type("when", value, "a string", "when = \"failed\""),
        }
        When::Met
    }

    /// A plain text without references.
    pub(super) fn plain(&mut self, key: &Key<'s>, value: tree::Value<'s>) -> Option<(Cow<'s, str>, Span)> {
        let span = value.span;
        match self.content(&key.text, Expected::Name, value) {
            Content::Text(text) => Some((Cow::Borrowed(text), span)),
            Content::Escaped(text) => Some((Cow::Owned(text.into()), span)),
            _ => None,
        }
    }
}

impl Expected {
    /// What a reference in its place must become; nothing where no reference may stand.
    fn needs(self) -> Option<Needs> {
        Some(match self {
            Self::Mode | Self::Name | Self::OnLost | Self::Names => return None,
            Self::Text | Self::Path => Needs::Text,
            Self::Duration => Needs::Duration,
            Self::Backoff => Needs::Backoff,
            Self::Count => Needs::Int,
            Self::Bool => Needs::Bool,
            Self::Texts | Self::Command => Needs::List,
            Self::Edges => return None,
        })
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Mode => ("a string", "mode = \"batch\""),
            Self::Name | Self::Text | Self::Path => ("a string", "\"text\""),
            Self::Duration => ("a duration", "\"30s\""),
            Self::Backoff => ("a range of durations", "\"10s..5m\""),
            Self::Count => ("a whole number", "3"),
            Self::Bool => ("a boolean", "true"),
            Self::OnLost => ("a string", "on_lost = \"hold\""),
            Self::Texts | Self::Names => ("a list of strings", "[\"a\", \"b\"]"),
            Self::Command => ("a list of strings", "command = [\"sh\", \"settle.sh\"]"),
            Self::Edges => ("a list of jobs", "after = [\"ingest\", { job = \"probe\", when = \"failed\" }]"),
        }
    }
}

/// Whether a text has a reference. Most texts have no dollar at all, and one byte is found much faster than two.
fn refers(text: &str) -> bool {
    text.contains('$') && text.contains("${")
}

/// Reads `10s..5m`.
pub(crate) fn backoff(span: Span, text: &str) -> Result<Backoff, Fault> {
    let near = |near: Option<String>| {
        Fault::Values(Values::Range { span, text: text.into(), near: near.map(Into::into) })
    };
    let Some((min, max)) = text.split_once("..") else {
        let one: Option<crate::units::Duration> = text.trim().parse().ok();
        return Err(near(one.map(|one| format!("{one}..{one}"))));
    };
    let meant = |part: &str| match part.trim().parse::<crate::units::Duration>() {
        Ok(_) => Some(part.trim().to_owned()),
        Err(bad) => bad.suggestion,
    };
    match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) => Ok(Backoff { min, max }),
        _ => Err(near(meant(min).zip(meant(max)).map(|(min, max)| format!("{min}..{max}")))),
    }
}

/// A command line as a list, as TOML; words in quotes stay together.
fn as_list(text: &str) -> Box<str> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), close) if open == close => quote = None,
            (None, space) if space.is_whitespace() => words.push(String::new()),
            (_, other) => words.last_mut().expect("there is always a word").push(other),
        }
    }
    let words: Vec<String> =
        words.into_iter().filter(|word| !word.is_empty()).map(|word| format!("{word:?}")).collect();
    format!("[{}]", words.join(", ")).into()
}
