//! A git repository, as far as commands ask for it: which files are as they were at a revision, and the tree then.
//!
//! Runs the `git` program and links no library, so that what is read is what the user's own git shows. Only reads.

mod snapshot;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::failure::Failure;
pub use snapshot::Snapshot;

/// A folder in the work tree of a repository.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
    /// The way to the folder from the top of the repository, without a slash at its end.
    prefix: String,
}

/// A commit, and the name that a user has for it.
#[derive(Debug, Clone)]
pub struct Revision {
    name: String,
    commit: String,
}

/// Why git does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot be started.
    #[error("`git` cannot be started")]
    NoProgram(#[source] io::Error),
    /// The folder is in no repository that git would read.
    #[error("`{}` is in no git repository", .folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
        /// What git says.
        said: String,
    },
    /// No commit has this name.
    #[error("there is no revision `{name}`")]
    NoRevision {
        /// The name.
        name: String,
    },
    /// The folder did not exist then.
    #[error("`{revision}` has no folder `{folder}`")]
    NoFolder {
        /// The revision.
        revision: String,
        /// The folder, from the top of the repository.
        folder: String,
    },
    /// Anything else.
    #[error("`git {verb}` failed")]
    Failed {
        /// What git was asked to do.
        verb: String,
        /// What git says.
        said: String,
    },
    /// Its answer could not be read.
    #[error("the answer of `git {verb}` cannot be read")]
    Unreadable {
        /// What git was asked to do.
        verb: String,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

impl Repository {
    /// The repository around a folder.
    pub fn around(folder: &Path) -> Result<Self, Error> {
        let found = output(folder, &["rev-parse", "--show-prefix"])?;
        if !found.status.success() {
            return Err(Error::NoRepository { folder: folder.to_owned(), said: said(&found) });
        }
        let prefix = String::from_utf8_lossy(&found.stdout);
        let prefix = prefix.trim_end_matches('\n').trim_end_matches('/').to_owned();
        Ok(Self { folder: folder.to_owned(), prefix })
    }

    /// The commit of that name. Whatever the name looks like, git takes it for no flag.
    pub fn revision(&self, name: &str) -> Result<Revision, Error> {
        let wanted = format!("{name}^{{commit}}");
        let found = output(&self.folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        if !found.status.success() {
            return Err(Error::NoRevision { name: name.to_owned() });
        }
        let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        Ok(Revision { name: name.to_owned(), commit })
    }

    /// The files below the folder that are as they were at a revision. What git does not track is not among them.
    pub fn unchanged_since(&self, revision: &Revision) -> Result<BTreeSet<String>, Error> {
        let diff =
            ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", &revision.commit];
        let changed = names(&self.ask(&diff)?);
        let tracked = names(&self.ask(&["ls-files", "-z"])?);
        Ok(tracked.difference(&changed).cloned().collect())
    }

    /// The folder as it was at a revision.
    pub fn at(&self, revision: &Revision) -> Result<Snapshot, Error> {
        let wanted = format!("{}:{}", revision.commit, self.prefix);
        let found = output(&self.folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        if !found.status.success() {
            return Err(Error::NoFolder { revision: revision.name.clone(), folder: self.prefix.clone() });
        }
        let tree = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let files = names(&self.ask(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", &tree])?);
        Snapshot::of(&self.folder, tree, files)
    }

    /// What git answers to a question that it should be able to answer.
    fn ask(&self, args: &[&str]) -> Result<Vec<u8>, Error> {
        let answer = output(&self.folder, args)?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        Err(Error::Failed { verb: args.first().copied().unwrap_or_default().to_owned(), said: said(&answer) })
    }
}

/// Names that end in zero bytes. What is no text names no spec.
fn names(answer: &[u8]) -> BTreeSet<String> {
    let names = answer.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect()
}

fn output(folder: &Path, args: &[&str]) -> Result<Output, Error> {
    command(folder).args(args).output().map_err(Error::NoProgram)
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // Looking must not write: without this, `git diff` refreshes the index.
    command.env("GIT_OPTIONAL_LOCKS", "0");
    // A hook is told of its repository relative to another folder than this one.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command.arg("-C").arg(folder).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::error(&error);
        match error {
            Error::NoProgram(reason) => {
                failure.because(&reason).hint("revisions are read with the `git` program; is it installed?")
            }
            Error::NoRepository { said, .. } | Error::Failed { said, .. } => failure.detail(said),
            Error::NoRevision { .. } => {
                failure.hint("`git branch --all` and `git tag` list names; a shallow clone has few commits")
            }
            Error::NoFolder { .. } => failure.hint("the specs are looked for where they are now"),
            Error::Unreadable { reason, .. } => failure.because(&reason),
        }
    }
}

#[cfg(test)]
mod tests;
