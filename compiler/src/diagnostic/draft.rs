//! Writes a [`Report`] sentence by sentence.

use super::codes::{self, CodeInfo};
use super::{Edit, Fix, Label, Report};
use crate::source::Span;

/// A report in the making.
pub(super) struct Draft(Report);

impl Draft {
    /// A report with a code and what is wrong.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let CodeInfo { code, name, severity, .. } =
            *codes::find(code).expect("every fault's code is in the table");
        Self(Report {
            code,
            name,
            severity,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            fixes: Vec::new(),
            address: None,
            environments: Vec::new(),
        })
    }

    /// Points at a place; the first one is the primary one.
    pub(super) fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.0.labels.push(Label { span, text: text.into() });
        self
    }

    /// Points at a place that exists only sometimes.
    pub(super) fn maybe_at(self, span: Option<Span>, text: &str) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    /// Says what to do.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.0.help = Some(text.into());
        self
    }

    /// Offers a near name in place of what is written.
    pub(super) fn did_you_mean(self, span: Span, written: &str, near: Option<&str>) -> Self {
        match near {
            Some(near) => self.help(format!("did you mean `{near}`?")).replace(span, written, near, false),
            None => self,
        }
    }

    /// Offers to replace a text; where its span holds quotes too, so does the new one.
    pub(super) fn replace(self, span: Span, written: &str, new: &str, safe: bool) -> Self {
        let quoted = span.range().len() == written.len() + 2;
        let text = if quoted { format!("\"{new}\"") } else { new.to_owned() };
        self.fix(format!("replace `{written}` with `{new}`"), safe, span, text)
    }

    /// Offers an edit.
    pub(super) fn fix(
        mut self,
        title: impl Into<String>,
        safe: bool,
        span: Span,
        text: impl Into<String>,
    ) -> Self {
        let edits = vec![Edit { span, text: text.into() }];
        self.0.fixes.push(Fix { title: title.into(), safe, edits });
        self
    }

    /// The report.
    pub(super) fn done(self) -> Report {
        self.0
    }
}

/// `` `a`, `b` or `c` ``.
pub(super) fn one_of<T: AsRef<str>>(options: &[T]) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("`{}`", option.as_ref())).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}
