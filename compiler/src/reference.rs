//! `${…}` in texts: how it is read, and what stands in its place in one environment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::param;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Taken as it is.
    Text(&'t str),
    /// A name in braces, and where it stands in the text.
    Name(&'t str, Range<usize>),
}

/// A reference that cannot be read, and where it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// From `${` to the end of what belongs to it.
    pub(crate) range: Range<usize>,
    /// What is wrong.
    pub(crate) why: &'static str,
}

/// Reads a text; `$${` stands for `${`.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Malformed> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(dollar) = text[at..].find("${").map(|found| at + found) {
        if dollar > at && text.as_bytes()[dollar - 1] == b'$' {
            pieces.push(Piece::Text(&text[at..dollar - 1]));
            pieces.push(Piece::Text("${"));
            at = dollar + 2;
            continue;
        }
        let name = dollar + 2;
        let Some(length) = text[name..].find('}') else {
            return Err(Malformed { range: dollar..text.len(), why: "it is not closed" });
        };
        if text[name..name + length].trim().is_empty() {
            return Err(Malformed { range: dollar..name + length + 1, why: "it names nothing" });
        }
        pieces.push(Piece::Text(&text[at..dollar]));
        pieces.push(Piece::Name(text[name..name + length].trim(), name..name + length));
        at = name + length + 1;
    }
    pieces.push(Piece::Text(&text[at..]));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

/// What a name refers to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'t> {
    /// A param.
    Param(&'t str),
    /// The environment's name.
    Environment,
    /// The pipeline's name.
    Pipeline,
    /// The job's name.
    Job,
    /// The name of the job's cluster.
    Cluster,
    /// Something that is not run yet.
    Later,
    /// Nothing.
    Unknown,
}

/// The names that are fixed.
pub(crate) const FIXED: [&str; 4] = ["environment", "pipeline", "job", "cluster.name"];

/// What a name refers to.
pub(crate) fn target(name: &str) -> Target<'_> {
    match name {
        "environment" => Target::Environment,
        "pipeline" => Target::Pipeline,
        "job" => Target::Job,
        "cluster.name" => Target::Cluster,
        _ => match name.strip_prefix("param.") {
            Some(param) => Target::Param(param),
            None if ["matrix.", "run.", "secret:"].iter().any(|later| name.starts_with(later)) => {
                Target::Later
            }
            None => Target::Unknown,
        },
    }
}

/// The values that references stand for, at one job in one environment.
#[derive(Debug)]
pub(crate) struct Scope<'e> {
    /// The params; one whose value is at fault has none.
    pub(crate) params: &'e BTreeMap<&'e str, Option<param::Value>>,
    /// The environment, if there is one.
    pub(crate) environment: Option<&'e str>,
    /// The pipeline.
    pub(crate) pipeline: &'e str,
    /// The job.
    pub(crate) job: &'e str,
    /// The job's cluster, once it is known.
    pub(crate) cluster: Option<&'e str>,
}

/// What a text becomes.
#[derive(Debug)]
pub(crate) enum Filled<'e> {
    /// The text is one reference to a param, and keeps its type.
    Whole(&'e param::Value),
    /// A text.
    Text(String),
}

/// Why a text becomes nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfilled {
    /// For a reason that has been reported.
    Reported,
    /// There is no environment to name.
    NoEnvironment,
}

impl<'e> Scope<'e> {
    /// Puts values in the place of references.
    pub(crate) fn fill(&self, text: &str) -> Result<Filled<'e>, Unfilled> {
        let pieces = pieces(text).map_err(|_| Unfilled::Reported)?;
        if let [Piece::Name(name, _)] = pieces.as_slice()
            && let Target::Param(param) = target(name)
        {
            return self.param(param).map(Filled::Whole);
        }
        let texts: Result<Vec<Cow<'_, str>>, Unfilled> =
            pieces.iter().map(|piece| self.piece(piece)).collect();
        texts.map(|texts| Filled::Text(texts.concat()))
    }

    fn param(&self, name: &str) -> Result<&'e param::Value, Unfilled> {
        self.params.get(name).and_then(Option::as_ref).ok_or(Unfilled::Reported)
    }

    fn piece<'t>(&self, piece: &Piece<'t>) -> Result<Cow<'t, str>, Unfilled>
    where
        'e: 't,
    {
        let Piece::Name(name, _) = piece else {
            let Piece::Text(text) = piece else { return Err(Unfilled::Reported) };
            return Ok(Cow::Borrowed(text));
        };
        match target(name) {
            Target::Param(param) => self.param(param).map(|value| value.to_string().into()),
            Target::Environment => self.environment.map(Cow::Borrowed).ok_or(Unfilled::NoEnvironment),
            Target::Pipeline => Ok(Cow::Borrowed(self.pipeline)),
            Target::Job => Ok(Cow::Borrowed(self.job)),
            Target::Cluster => self.cluster.map(Cow::Borrowed).ok_or(Unfilled::Reported),
            Target::Later | Target::Unknown => Err(Unfilled::Reported),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_piece_by_piece() {
        let read = |text| pieces(text).unwrap();
        assert_eq!(read("a${ b }"), [Piece::Text("a"), Piece::Name("b", 3..6)]);
        assert_eq!(read("$${b}"), [Piece::Text("${"), Piece::Text("b}")]);
        assert_eq!(read("$5"), [Piece::Text("$5")]);
        assert_eq!(pieces("x${y").unwrap_err().range, 1..4);
        assert_eq!(pieces("${}").unwrap_err().why, "it names nothing");
    }
}
