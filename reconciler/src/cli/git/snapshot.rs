//! A folder as it was at a revision, read as a spec tree.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Component, Path};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use windlass_compiler::world::{Unreadable, World};

use super::{Error, command};

/// A folder as it was. One git process answers for all of its files.
#[derive(Debug)]
pub struct Snapshot {
    /// The tree of the folder itself, so that no path and no link leads out of it.
    tree: String,
    files: BTreeSet<String>,
    objects: RefCell<Objects>,
}

/// A running `git cat-file --batch`.
#[derive(Debug)]
struct Objects {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Snapshot {
    pub(super) fn of(folder: &Path, tree: String, files: BTreeSet<String>) -> Result<Self, Error> {
        let mut command = command(folder);
        command.args(["cat-file", "--batch", "--follow-symlinks"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(Error::NoProgram)?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            let reason = io::Error::other("it has no pipes");
            return Err(Error::Unreadable { verb: "cat-file".to_owned(), reason });
        };
        let objects = Objects { child, questions, answers: BufReader::new(answers) };
        Ok(Self { tree, files, objects: RefCell::new(objects) })
    }
}

impl World for Snapshot {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        let path = inside(path)?;
        let answer = self.objects.borrow_mut().ask(&format!("{}:{path}", self.tree));
        answer.unwrap_or_else(|broken| Err(Unreadable::Other(format!("git: {broken}"))))
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        let hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
        let specs = self.files.iter().filter(|path| path.ends_with(".toml") && !hidden(path));
        Ok(specs.cloned().collect())
    }
}

/// A path that stays in the tree, as git takes it: without `.`, which would mean the working folder.
fn inside(path: &str) -> Result<String, Unreadable> {
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Unreadable::Outside);
            }
        }
    }
    // A question is one line.
    if path.contains('\n') { Err(Unreadable::Missing) } else { Ok(parts.join("/")) }
}

impl Objects {
    /// The contents of one object, or why there are none; the outer error: git does not answer as it should.
    fn ask(&mut self, name: &str) -> io::Result<Result<Vec<u8>, Unreadable>> {
        writeln!(self.questions, "{name}")?;
        self.questions.flush()?;
        let mut head = String::new();
        if self.answers.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let head = head.trim_end_matches('\n');
        if head.ends_with(" missing") {
            return Ok(Err(Unreadable::Missing));
        }
        let (kind, size) = head.rsplit_once(' ').ok_or(io::ErrorKind::InvalidData)?;
        let size: usize = size.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        let mut contents = vec![0; size + 1];
        self.answers.read_exact(&mut contents)?;
        contents.truncate(size);
        Ok(match kind {
            "symlink" => Err(Unreadable::Outside),
            "dangling" | "notdir" => Err(Unreadable::Missing),
            "loop" => Err(Unreadable::Other("its links lead in a circle".to_owned())),
            kind if kind.ends_with(" blob") => Ok(contents),
            _ => Err(Unreadable::Other("it is not a file".to_owned())),
        })
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
