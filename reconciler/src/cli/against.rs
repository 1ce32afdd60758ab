//! What a plan is compared with: what is recorded, another plan or spec, or the same specs at a git revision.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use windlass_compiler::diff::{Recorded, RecordedJob};
use windlass_compiler::model::Job;
use windlass_compiler::report;

use super::args::SpecArgs;
use super::compiled::Compiled;
use super::console::Console;
use super::failure::Failure;
use super::git::Repository;
use super::show;
use crate::tree::{STDIN, Tree};

/// The other side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Against {
    /// What is recorded in the store.
    #[default]
    Live,
    /// A saved plan, a spec tree or a spec file.
    File(PathBuf),
    /// The same specs at a git revision.
    Git(String),
}

impl FromStr for Against {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.strip_prefix("git:")) {
            ("live", _) => Self::Live,
            (_, Some(revision)) => Self::Git(revision.to_owned()),
            (path, None) => Self::File(path.into()),
        })
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Git(revision) => write!(f, "git:{revision}"),
        }
    }
}

/// The jobs of another plan or spec, as if they were recorded; none for what is recorded itself. `tree`: the specs
/// that are compared. Asks no store.
pub fn other(
    against: &Against,
    tree: &Tree,
    spec: &SpecArgs,
    console: &Console,
) -> Result<Option<Recorded>, Failure> {
    match against {
        Against::Live => Ok(None),
        Against::File(path) if show::is_saved(path) => Ok(Some(as_recorded(show::read(path)?.jobs))),
        Against::File(path) => compiled(Compiled::one(Some(path), spec)?, against, console).map(Some),
        Against::Git(revision) => compiled(at_revision(tree, revision, spec)?, against, console).map(Some),
    }
}

fn at_revision(tree: &Tree, name: &str, spec: &SpecArgs) -> Result<Compiled, Failure> {
    if tree.start() == STDIN {
        return Err(Failure::usage("standard input is in no repository: name the spec to compare it"));
    }
    let repository = Repository::around(tree.root())?;
    let then = repository.at(&repository.revision(name)?)?;
    Compiled::elsewhere(tree.clone(), &then, &format!("{name}:"), spec)
}

/// The jobs of a spec. Only its errors are told: nobody asked what it warns of.
fn compiled(compiled: Compiled, against: &Against, console: &Console) -> Result<Recorded, Failure> {
    let findings = compiled.findings();
    if findings.errors() > 0 {
        console.notes().write(&findings.write(report::Format::Text, console.note_style()));
        return Err(Failure::error(format!("what `--against {against}` names is not valid")));
    }
    let jobs = compiled.compilation.models.into_iter().flat_map(|model| model.jobs.into_values());
    Ok(as_recorded(jobs))
}

fn as_recorded(jobs: impl IntoIterator<Item = Job>) -> Recorded {
    jobs.into_iter().map(RecordedJob::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_live_a_revision_or_a_path() {
        for (text, expected) in [
            ("live", Against::Live),
            ("./live", Against::File("./live".into())),
            ("plan.json", Against::File("plan.json".into())),
            ("git:main~2", Against::Git("main~2".to_owned())),
            ("git:", Against::Git(String::new())),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()));
            assert_eq!(expected.to_string(), text);
        }
    }
}
