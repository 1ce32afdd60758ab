//! `[job.*]`, `[template.*]`, `[defaults.*]` and their overlays: all of them parts of a job.

use std::borrow::Cow;

use crate::diagnostic::{Fault, Layers, Shape, Values};
use crate::source::Span;
use crate::spec::{self, Act, Content, Field, Key, Partial, Recovery, Setting};

use super::reader::Reader;
use super::tree::{Entry, Kind, Table, Value};
use super::value::Expected;

/// The keys of a job.
const KEYS: &[&str] = &[
    "mode",
    "use",
    "cluster",
    "process",
    "after",
    "retry",
    "restart",
    "timeout",
    "protect",
    "enabled",
    "only_in",
    "tags",
    "description",
];
/// The keys of a job that are not run yet.
const LATER: &[&str] = &["flink", "spark", "container", "resource", "upgrade", "pool", "priority", "matrix"];
/// The keys of `process`.
const PROCESS: &[&str] = &["command", "env", "dir", "stdin", "files", "ready", "grace"];
/// The keys of `retry` and `restart`.
const RECOVERY: &[&str] = &["attempts", "within", "backoff", "on_lost"];

/// Which layer a part of a job belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// `defaults.<mode>`.
    Defaults,
    /// `template.<name>`.
    Template,
    /// `job.<name>`.
    Job,
    /// `environment.<name>.job.<name>`.
    Overlay,
}

impl Layer {
    fn noun(self) -> &'static str {
        match self {
            Self::Defaults => "a default",
            Self::Template => "a template",
            Self::Job => "a job",
            Self::Overlay => "an environment",
        }
    }

    fn forbids(self, field: &Field<'_>) -> bool {
        match self {
            Self::Job => false,
            Self::Defaults => matches!(field, Field::Use | Field::Mode | Field::OnlyIn | Field::After),
            Self::Template => matches!(field, Field::OnlyIn),
            Self::Overlay => matches!(field, Field::Use | Field::OnlyIn),
        }
    }
}

/// Reads a part of a job.
pub(super) fn partial<'s>(
    key: Key<'s>,
    table: Table<'s>,
    layer: Layer,
    reader: &mut Reader<'_, 's>,
) -> Partial<'s> {
    let called = match layer {
        Layer::Job => format!("job `{}`", key.text),
        Layer::Template => format!("template `{}`", key.text),
        Layer::Defaults => format!("`defaults.{}`", key.text),
        Layer::Overlay => format!("the overlay of job `{}`", key.text),
    };
    let entries = table.into_entries();
    let mut job = Job { settings: Vec::with_capacity(entries.len() * 2), layer, called, reader };
    for entry in entries {
        job.entry(entry);
    }
    Partial { key, settings: job.settings.into_boxed_slice() }
}

struct Job<'r, 'a, 's> {
    settings: Vec<Setting<'s>>,
    layer: Layer,
    called: String,
    reader: &'r mut Reader<'a, 's>,
}

impl<'s> Job<'_, '_, 's> {
    fn entry(&mut self, entry: Entry<'s>) {
        let name = entry.key.text.clone();
        let (plus, name) = match name.strip_prefix('+') {
            Some(rest) => (true, Cow::Owned(rest.to_owned())),
            None => (false, name),
        };
        match name.as_ref() {
            "process" if !plus => self.nested(Field::Process, entry, Self::process),
            "retry" if !plus => self.recovery(Recovery::Retry, entry),
            "restart" if !plus => self.recovery(Recovery::Restart, entry),
            name if !plus && LATER.contains(&name) => self.reader.not_yet(&entry.key),
            name => match field(name) {
                Some((field, expected)) => self.field(field, expected, plus, entry),
                None => {
                    let near = self.reader.near_key(&entry.key, &self.called, KEYS);
                    let meant = near.and_then(|near| match near {
                        "process" => Some(Field::Command),
                        near => field(near).map(|(field, _)| field),
                    });
                    self.misspelt(entry.key.span, meant);
                }
            },
        }
    }

    /// A key that is misspelt stands for the one that it looks like: that this one is missing follows from it.
    fn misspelt(&mut self, span: Span, meant: Option<Field<'s>>) {
        if let Some(field) = meant.filter(|field| !self.layer.forbids(field)) {
            self.push(field, span, Act::Set(spec::Value { span, content: Content::Poisoned }));
        }
    }

    /// A table whose keys are fields of their own.
    fn nested(&mut self, whole: Field<'s>, entry: Entry<'s>, read: fn(&mut Self, Entry<'s>)) {
        if self.unsets(&entry) {
            return self.push(whole, entry.key.span, Act::Unset);
        }
        let example = match whole {
            Field::Process => "process = { command = [\"sh\", \"run.sh\"] }",
            Field::Environment => "env = { REGION = \"eu\" }",
            _ => "{ attempts = 3, backoff = \"10s..5m\" }",
        };
        if whole == Field::Process && !matches!(entry.value.kind, Kind::Table(_)) {
            // It has been reported, and what it lacks follows from that.
            let value = spec::Value { span: entry.value.span, content: Content::Poisoned };
            self.push(Field::Command, entry.key.span, Act::Set(value));
        }
        for inner in self.reader.table(&entry.key.text, entry.value, example) {
            read(self, inner);
        }
    }

    fn process(&mut self, entry: Entry<'s>) {
        let name = entry.key.text.clone();
        let (plus, bare) = name.strip_prefix('+').map_or((false, name.as_ref()), |rest| (true, rest));
        if bare == "env" && !plus {
            return self.nested(Field::Environment, entry, Self::variable);
        }
        match process_field(bare) {
            Some((field, expected)) => self.field(field, expected, plus, entry),
            None => {
                let near = self.reader.near_key(&entry.key, "`process`", PROCESS);
                self.misspelt(entry.key.span, near.and_then(process_field).map(|(field, _)| field));
            }
        }
    }

    fn variable(&mut self, entry: Entry<'s>) {
        let (name, span) = (entry.key.text.clone(), entry.key.span);
        let why = match name.as_ref() {
            "" => Some("it has no name"),
            name if name.contains('=') => Some("its name has an equals sign"),
            name if name.contains('\0') => Some("its name has a zero byte"),
            _ => None,
        };
        if let Some(why) = why {
            return self.reader.report(Fault::Values(Values::Unpassable {
                span,
                what: "this variable",
                why,
            }));
        }
        self.field(Field::Variable(name), Expected::Path, false, entry);
    }

    fn recovery(&mut self, recovery: Recovery, entry: Entry<'s>) {
        let read: fn(&mut Self, Entry<'s>) = match recovery {
            Recovery::Retry => |job, entry| job.recovery_field(Recovery::Retry, entry),
            Recovery::Restart => |job, entry| job.recovery_field(Recovery::Restart, entry),
        };
        self.nested(Field::Recovery(recovery), entry, read);
    }

    fn recovery_field(&mut self, recovery: Recovery, entry: Entry<'s>) {
        match recovery_field(recovery, &entry.key.text) {
            Some((field, expected)) => self.field(field, expected, false, entry),
            None => {
                let table = format!("`{}`", recovery.as_str());
                let near = self.reader.near_key(&entry.key, &table, RECOVERY);
                let meant = near.and_then(|near| recovery_field(recovery, near));
                self.misspelt(entry.key.span, meant.map(|(field, _)| field));
            }
        }
    }

    fn field(&mut self, field: Field<'s>, expected: Expected, plus: bool, entry: Entry<'s>) {
        let span = entry.key.span;
        if self.layer.forbids(&field) {
            let (key, layer) = (entry.key.text.as_ref().into(), self.layer.noun());
            return self.reader.report(Fault::Layers(Layers::Fixed { span, key, layer }));
        }
        let bare = entry.key.text.strip_prefix('+').unwrap_or(&entry.key.text);
        if plus && !matches!(field, Field::After | Field::Tags | Field::Files) {
            return self.reader.report(Fault::Layers(Layers::NotAppendable { span, key: bare.into() }));
        }
        if self.unsets(&entry) {
            return self.push(field, span, Act::Unset);
        }
        let value = self.reader.value(bare, expected, entry.value);
        self.push(field, span, if plus { Act::Append(value) } else { Act::Set(value) });
    }

    /// Whether a value is `{ unset = true }`.
    fn unsets(&mut self, entry: &Entry<'s>) -> bool {
        let Kind::Table(table) = &entry.value.kind else { return false };
        let [Entry { key, value: Value { span, kind } }] = table.entries() else { return false };
        match kind {
            Kind::Bool(true) if key.text == "unset" => true,
            Kind::Bool(false) if key.text == "unset" => {
                let (span, key) = (*span, "unset".into());
                self.reader.report(Fault::Shape(Shape::WrongType {
                    span,
                    key,
                    expected: "`true`",
                    found: "`false`",
                    example: "{ unset = true }",
                }));
                true
            }
            _ => false,
        }
    }

    fn push(&mut self, field: Field<'s>, key: Span, act: Act<'s>) {
        self.settings.push(Setting { field, key, act });
    }
}

fn field(name: &str) -> Option<(Field<'static>, Expected)> {
    Some(match name {
        "mode" => (Field::Mode, Expected::Mode),
        "use" => (Field::Use, Expected::Name),
        "cluster" => (Field::Cluster, Expected::Text),
        "after" => (Field::After, Expected::Edges),
        "timeout" => (Field::Timeout, Expected::Duration),
        "protect" => (Field::Protect, Expected::Bool),
        "enabled" => (Field::Enabled, Expected::Bool),
        "only_in" => (Field::OnlyIn, Expected::Names),
        "tags" => (Field::Tags, Expected::Texts),
        "description" => (Field::Description, Expected::Text),
        _ => return None,
    })
}

fn process_field(name: &str) -> Option<(Field<'static>, Expected)> {
    Some(match name {
        "command" => (Field::Command, Expected::Command),
        "dir" => (Field::Dir, Expected::Path),
        "stdin" => (Field::Stdin, Expected::Path),
        "files" => (Field::Files, Expected::Texts),
        "ready" => (Field::Ready, Expected::Duration),
        "grace" => (Field::Grace, Expected::Duration),
        _ => return None,
    })
}

fn recovery_field(recovery: Recovery, name: &str) -> Option<(Field<'static>, Expected)> {
    Some(match name {
        "attempts" => (Field::Attempts(recovery), Expected::Count),
        "within" => (Field::Within(recovery), Expected::Duration),
        "backoff" => (Field::Backoff(recovery), Expected::Backoff),
        "on_lost" => (Field::OnLost(recovery), Expected::OnLost),
        _ => return None,
    })
}
