//! Spec trees for tests, and diagnostics as plain text.

use std::collections::BTreeMap;
use std::path::Path;

use windlass_compiler::diagnostic::{Report, Severity};
use windlass_compiler::source::SourceSet;
use windlass_compiler::world::Unreadable;
use windlass_compiler::{Compilation, Options, World, compile};

/// A tree in memory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Vec<u8>>);

impl World for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        match self.0.get(path) {
            Some(bytes) if bytes == b"!unreadable" => Err(Unreadable::Other("permission denied".to_owned())),
            Some(bytes) => Ok(bytes.clone()),
            None => Err(Unreadable::Missing),
        }
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        if self.0.contains_key("!unlisted") {
            return Err(Unreadable::Other("permission denied".to_owned()));
        }
        Ok(self.0.keys().filter(|path| path.ends_with(".toml")).cloned().collect())
    }
}

impl Tree {
    /// A tree of files.
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect())
    }

    /// The files below a folder; a file `NAME.repeat` stands for `NAME`: a count, then a line to repeat.
    pub(crate) fn load(folder: &Path) -> Self {
        let mut tree = Self::default();
        tree.add(folder, "");
        tree
    }

    fn add(&mut self, folder: &Path, prefix: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.add(&entry.path(), &format!("{path}/"));
            } else if let Some(path) = path.strip_suffix(".repeat") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let (count, line) = text.split_once('\n').unwrap();
                self.0.insert(path.to_owned(), line.repeat(count.trim().parse().unwrap()).into_bytes());
            } else {
                self.0.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }

    /// Compiles it for every environment.
    pub(crate) fn compile(&self) -> Compilation {
        compile(self, &Options::default())
    }
}

/// Diagnostics as plain text: a block each, every label with its place.
pub(crate) fn render(compilation: &Compilation) -> String {
    let blocks = compilation.diagnostics.iter().map(|one| block(&one.report(), &compilation.sources));
    blocks.collect::<Vec<_>>().join("\n")
}

fn block(report: &Report, sources: &SourceSet) -> String {
    let severity = match report.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{severity}[{} {}] {}\n", report.code, report.name, report.message);
    for label in &report.labels {
        let place = sources.place(label.span);
        let (path, snippet) = (sources.path(label.span.file), sources.snippet(label.span));
        text += &format!("  at {path}:{}:{} {snippet:?}: {}\n", place.line, place.column, label.text);
    }
    if let Some(help) = &report.help {
        text += &format!("  help: {help}\n");
    }
    for fix in &report.fixes {
        let edits: Vec<String> = fix
            .edits
            .iter()
            .map(|edit| format!("{:?} → {:?}", sources.snippet(edit.span), edit.text))
            .collect();
        text += &format!(
            "  fix ({}): {}: {}\n",
            if fix.safe { "safe" } else { "unsafe" },
            fix.title,
            edits.join(", ")
        );
    }
    if let Some(address) = &report.address {
        text += &format!("  about: {address}\n");
    }
    if !report.environments.is_empty() {
        text += &format!("  only in: {}\n", report.environments.join(", "));
    }
    text
}
