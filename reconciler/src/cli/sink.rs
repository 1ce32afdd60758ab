//! One result in many forms and places: standard output in one form, and a file for each `--report`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use windlass_compiler::style::Style;

use super::args::OutputArgs;
use super::console::Console;
use super::failure::Failure;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For people: one line an entry.
    Concise,
    /// One JSON document.
    Json,
    /// One JSON document a line, as things happen.
    Jsonl,
    /// For a comment on a pull request.
    Markdown,
    /// Workflow commands of GitHub.
    Github,
    /// Code quality of GitLab.
    Gitlab,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_possible_value().expect("no format is skipped").get_name())
    }
}

/// A form and a file: `sarif=out/windlass.sarif`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    format: Format,
    path: PathBuf,
}

impl FromStr for Sink {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text.split_once('=').ok_or("it looks like `sarif=FILE`")?;
        let format = Format::from_str(format, false).map_err(|_| format!("`{format}` is no format"))?;
        if path.is_empty() {
            return Err("the file's name is missing".to_owned());
        }
        Ok(Self { format, path: path.into() })
    }
}

/// Writes one result everywhere it was asked for.
pub struct Sinks<'a> {
    console: &'a Console,
    format: Format,
    files: &'a [Sink],
}

impl OutputArgs {
    /// The format on standard output.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format.unwrap_or(Format::Text) }
    }

    /// The places of a result that exists in these forms. Asking for another form is a mistyped command line.
    pub fn sinks<'a>(&'a self, console: &'a Console, forms: &[Format]) -> Result<Sinks<'a>, Failure> {
        let mut asked = std::iter::once(self.format()).chain(self.report.iter().map(|sink| sink.format));
        if let Some(format) = asked.find(|format| !forms.contains(format)) {
            let known: Vec<String> = forms.iter().map(Format::to_string).collect();
            let failure = Failure::usage(format!("this command has no format `{format}`"));
            return Err(failure.hint(format!("it has {}", known.join(", "))));
        }
        Ok(Sinks { console, format: self.format(), files: &self.report })
    }
}

impl Sinks<'_> {
    /// Writes the files first, so that a reader who closes standard output early costs nobody a report.
    pub fn write(&self, render: impl Fn(Format, &Style) -> String) -> Result<(), Failure> {
        for sink in self.files {
            let text = render(sink.format, &Style::default());
            write_file(sink, &text)?;
        }
        self.console.print(&render(self.format, self.console.style()))
    }
}

fn write_file(sink: &Sink, text: &str) -> Result<(), Failure> {
    let path = &sink.path;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let made = parent.map_or(Ok(()), std::fs::create_dir_all);
    let failed = || Failure::error(format!("the report `{}` cannot be written", path.display()));
    made.and_then(|()| std::fs::write(path, text)).map_err(|error| failed().because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_a_format_and_a_file() {
        let sink = Sink { format: Format::Sarif, path: "a=b.sarif".into() };
        assert_eq!("sarif=a=b.sarif".parse(), Ok(sink));
        for (bad, why) in [
            ("sarif", "it looks like `sarif=FILE`"),
            ("sarif=", "the file's name is missing"),
            ("pdf=x", "`pdf` is no format"),
        ] {
            assert_eq!(bad.parse::<Sink>(), Err(why.to_owned()));
        }
    }
}
