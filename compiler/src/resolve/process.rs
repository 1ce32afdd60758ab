//! `process`: a command with what it needs.

use indexmap::IndexMap;

use super::Resolver;
use crate::diagnostic::{Fault, Files, Shape, Values};
use crate::model::{Mode, Process};
use crate::path;
use crate::source::Span;
use crate::spec::{Content, Field, Value};
use crate::units::Duration;
use crate::world::Unreadable;

impl<'e, 's> Resolver<'_, 'e, 's> {
    /// The process; nothing where its command is at fault.
    pub(super) fn process(&mut self, mode: Mode) -> Option<Process> {
        let command = self.command();
        let env = self.variables();
        let dir = self.dir();
        let stdin = self.stdin();
        let files = self.files();
        let ready = Duration::from_secs(if mode == Mode::Stream { 1 } else { 0 });
        let ready = self.duration(&Field::Ready).unwrap_or(ready);
        let grace = self.duration(&Field::Grace).unwrap_or(Duration::from_secs(10));
        Some(Process { command: command?, env, dir, stdin, files, ready, grace })
    }

    fn command(&mut self) -> Option<Vec<String>> {
        let Some(value) = self.layers.get(&Field::Command) else {
            let table = format!("job `{}`", self.scope.job).into();
            let (key, example) = ("process.command", "process = { command = [\"sh\", \"settle.sh\"] }");
            let span = self.partial.key.span;
            self.report(Fault::Shape(Shape::MissingKey { span, table, key, example }));
            return None;
        };
        let command: Vec<String> = self.list(value).into_iter().map(|(_, text)| text).collect();
        let empty = command.first().is_none_or(String::is_empty);
        // What is empty in the file itself has been reported when it was read.
        if empty && matches!(value.content, Content::Reference(_)) {
            let (span, key) = (value.span, "command".into());
            self.report_field(&Field::Command, Fault::Values(Values::Empty { span, key }));
        }
        (!empty).then_some(command)
    }

    fn variables(&mut self) -> IndexMap<String, String> {
        let mut read = IndexMap::new();
        for (name, value) in self.layers.variables() {
            if let Some(text) = self.text_value(value) {
                read.insert(name.to_owned(), text);
            }
        }
        read
    }

    fn dir(&mut self) -> String {
        let default = self.environment.sources.path(self.pipeline.file);
        let Some(value) = self.layers.get(&Field::Dir) else { return path::folder(default).to_owned() };
        let Some(text) = self.text_value(value) else { return String::new() };
        if text.starts_with('/') {
            return text;
        }
        self.inside(value.span, &text).unwrap_or_default()
    }

    fn stdin(&mut self) -> Option<String> {
        let value = self.layers.get(&Field::Stdin)?;
        let text = self.text_value(value)?;
        self.inside(value.span, &text)
    }

    /// The path from the root, counted from the folder of the file in which it is written.
    fn inside(&mut self, span: Span, text: &str) -> Option<String> {
        let folder = path::folder(self.environment.sources.path(span.file));
        let resolved = path::resolve(folder, text);
        if resolved.is_none() {
            self.report(Fault::Files(Files::Outside { span, path: text.into() }));
        }
        resolved
    }

    fn files(&mut self) -> IndexMap<String, String> {
        let lists: Vec<&'e Value<'s>> = self.layers.all(&Field::Files).collect();
        let mut files = IndexMap::new();
        for (span, text) in lists.into_iter().flat_map(|list| self.list(list)).collect::<Vec<_>>() {
            let Some(path) = self.inside(span, &text) else { continue };
            match self.digest(&path) {
                Ok(digest) => drop(files.insert(path, digest)),
                Err(why) => self.unreadable(span, &path, why),
            }
        }
        files
    }

    fn digest(&mut self, path: &str) -> Result<String, Unreadable> {
        if !self.digests.contains_key(path) {
            let read = self.environment.world.read(path);
            let digest = read.map(|bytes| blake3::hash(&bytes).to_hex().as_str().into());
            self.digests.insert(path.to_owned(), digest);
        }
        self.digests[path].as_ref().map(|digest| digest.to_string()).map_err(Clone::clone)
    }

    fn unreadable(&mut self, span: Span, path: &str, why: Unreadable) {
        let path = path.into();
        self.report(Fault::Files(match why {
            Unreadable::Missing => Files::Missing { span, path },
            Unreadable::Outside => Files::Outside { span, path },
            Unreadable::Other(why) => Files::Unreadable { span: Some(span), path, why: why.into() },
        }));
    }
}
