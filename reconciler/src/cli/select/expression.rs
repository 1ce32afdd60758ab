//! One selection expression, as it is typed.

use std::fmt;
use std::str::FromStr;

use globset::{Glob, GlobMatcher};

/// What `-s` and `-x` take: `orders.*`, `orders.settle@2026-11-22T02:00Z`, `tag:nightly`, `cluster:tokyo`,
/// `file:pipelines/orders.toml`, each with a `+` in front for its upstreams, or behind for its downstreams.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    pub(super) property: Property,
    pub(super) pattern: Pattern,
    pub(super) upstreams: bool,
    pub(super) downstreams: bool,
}

/// What an expression looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// The pipeline's name: a name without a dot.
    Pipeline,
    /// The job's whole name.
    Job,
    /// The instance's name: a name with an `@`.
    Instance,
    /// Any of its tags.
    Tag,
    /// The cluster that it runs on.
    Cluster,
    /// The file that defines it.
    File,
}

/// A glob that also matches itself, so that a name with brackets can be typed as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) text: String,
    glob: GlobMatcher,
}

impl Pattern {
    pub(super) fn matches(&self, text: &str) -> bool {
        self.text == text || self.glob.is_match(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (upstreams, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        let (downstreams, rest) = rest.strip_suffix('+').map_or((false, rest), |rest| (true, rest));
        let (property, pattern) = property(rest)?;
        if pattern.is_empty() {
            return Err("it names nothing".to_owned());
        }
        let glob = Glob::new(pattern).map_err(|error| error.kind().to_string())?.compile_matcher();
        let pattern = Pattern { text: pattern.to_owned(), glob };
        Ok(Self { text: text.to_owned(), property, pattern, upstreams, downstreams })
    }
}

fn property(text: &str) -> Result<(Property, &str), String> {
    match text.split_once(':') {
        Some(("tag", rest)) => Ok((Property::Tag, rest)),
        Some(("cluster", rest)) => Ok((Property::Cluster, rest)),
        Some(("file", rest)) => Ok((Property::File, rest.strip_prefix("./").unwrap_or(rest))),
        _ if text.contains('@') => Ok((Property::Instance, text)),
        Some((other, _)) => Err(format!("`{other}:` is none of `tag:`, `cluster:`, `file:`")),
        None if text.contains('.') => Ok((Property::Job, text)),
        None => Ok((Property::Pipeline, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_say_what_they_look_at() {
        for (text, property, upstreams, downstreams) in [
            ("orders", Property::Pipeline, false, false),
            ("orders.*", Property::Job, false, false),
            ("+orders.settle", Property::Job, true, false),
            ("orders.settle+", Property::Job, false, true),
            ("+tag:nightly+", Property::Tag, true, true),
            ("orders.settle@2026-11-22T02:00Z", Property::Instance, false, false),
            ("cluster:tokyo", Property::Cluster, false, false),
            ("file:./pipelines/*", Property::File, false, false),
        ] {
            let expression: Expression = text.parse().unwrap();
            assert_eq!(expression.property, property, "{text}");
            assert_eq!((expression.upstreams, expression.downstreams), (upstreams, downstreams), "{text}");
            assert_eq!(expression.to_string(), text);
        }
    }

    #[test]
    fn expressions_that_mean_nothing_are_refused() {
        for (text, why) in [
            ("", "it names nothing"),
            ("+", "it names nothing"),
            ("tag:", "it names nothing"),
            ("label:x", "`label:` is none of `tag:`, `cluster:`, `file:`"),
            ("orders.[", "unclosed character class; missing ']'"),
        ] {
            assert_eq!(text.parse::<Expression>().map(|_| ()), Err(why.to_owned()), "{text}");
        }
    }
}
