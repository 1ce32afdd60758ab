//! A spec tree on disk: where its root is, and what a compilation may read of it.
//!
//! Nothing outside of the root is ever read, whatever a path or a symbolic link says. Knows no TOML.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use windlass_compiler::world::{Unreadable, World};

/// The file that makes a folder the root of a tree.
pub const ROOT: &str = "windlass.toml";
/// The name under which standard input is read.
pub const STDIN: &str = "<stdin>";

/// A spec tree.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
    start: String,
    /// The text of the start file where it is in no file.
    piped: Option<Vec<u8>>,
}

/// Why there is no tree.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// Neither this folder nor, where that was asked, one above it has a root file.
    #[error("no spec found: `{}` has no {ROOT}{}", .from.display(), if *.above { ", and no folder above it has one" } else { "" })]
    Spec {
        /// Where the search began.
        from: PathBuf,
        /// Whether the folders above were searched as well.
        above: bool,
    },
    /// There is nothing at this path.
    #[error("no spec found: there is no `{}`", .path.display())]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// A path could not be followed.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

impl Tree {
    /// The tree at `path`: a folder with a root file, a single file, or `-` for standard input. Without a path the
    /// nearest root file from the working directory upwards is taken.
    pub fn at(path: Option<&Path>) -> Result<Self, NotFound> {
        match path {
            None => Self::above(&here()?),
            Some(path) if path == Path::new("-") => Self::of_stdin(),
            Some(path) if path.is_dir() => Self::of_folder(path, false),
            Some(path) => Self::of_file(path),
        }
    }

    /// The folder that everything is relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file at which a compilation starts, relative to the root.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// Whether it is a whole tree, and not one file on its own.
    pub fn is_whole(&self) -> bool {
        self.start == ROOT
    }

    /// The path on disk of a file of the tree.
    pub fn on_disk(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn above(start: &Path) -> Result<Self, NotFound> {
        match start.ancestors().find(|folder| folder.join(ROOT).is_file()) {
            Some(folder) => Self::of_folder(folder, true),
            None => Err(NotFound::Spec { from: start.to_owned(), above: true }),
        }
    }

    fn of_folder(folder: &Path, above: bool) -> Result<Self, NotFound> {
        if !folder.join(ROOT).is_file() {
            return Err(NotFound::Spec { from: folder.to_owned(), above });
        }
        Ok(Self { root: canonical(folder)?, start: ROOT.to_owned(), piped: None })
    }

    fn of_file(path: &Path) -> Result<Self, NotFound> {
        if !path.exists() {
            return Err(NotFound::Nothing { path: path.to_owned() });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let start = name.ok_or_else(|| NotFound::Nothing { path: path.to_owned() })?;
        Ok(Self { root: canonical(folder)?, start, piped: None })
    }

    fn of_stdin() -> Result<Self, NotFound> {
        let mut text = Vec::new();
        let unreadable = |reason| NotFound::Unreadable { path: STDIN.into(), reason };
        io::stdin().lock().read_to_end(&mut text).map_err(unreadable)?;
        Ok(Self { root: here()?, start: STDIN.to_owned(), piped: Some(text) })
    }

    /// The place of a file of the tree. A path that leaves the tree is refused before anything is touched.
    fn inside(&self, path: &str) -> Result<PathBuf, Unreadable> {
        let mut place = self.root.clone();
        let mut linked = false;
        for component in Path::new(path).components() {
            match component {
                Component::Normal(name) => place.push(name),
                Component::CurDir => continue,
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(Unreadable::Outside);
                }
            }
            linked |= fs::symlink_metadata(&place).map_err(unreadable)?.is_symlink();
        }
        if linked && !fs::canonicalize(&place).map_err(unreadable)?.starts_with(&self.root) {
            return Err(Unreadable::Outside);
        }
        Ok(place)
    }
}

impl World for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        if let Some(piped) = self.piped.as_ref().filter(|_| path == self.start) {
            return Ok(piped.clone());
        }
        let place = self.inside(path)?;
        // A pipe or a device would be waited on for ever.
        match fs::metadata(&place).map_err(unreadable)? {
            file if file.is_file() => fs::read(&place).map_err(unreadable),
            _ => Err(Unreadable::Other("it is not a file".to_owned())),
        }
    }

    fn specs(&self) -> Result<Vec<String>, Unreadable> {
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            list(&self.root, &folder, &mut found, &mut open)?;
        }
        found.sort();
        Ok(found)
    }
}

/// Adds the spec files of one folder to `found` and its folders to `open`. A linked folder is not followed: it
/// could lead out of the tree or round in a circle. A folder that cannot be listed is an error, because jobs that
/// are not seen would be taken for jobs that are no longer wanted.
fn list(
    root: &Path,
    folder: &str,
    found: &mut Vec<String>,
    open: &mut Vec<String>,
) -> Result<(), Unreadable> {
    let failed = |error: io::Error| Unreadable::Other(format!("{}: {error}", root.join(folder).display()));
    for entry in fs::read_dir(root.join(folder)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A name that is no text cannot be written in an `include` either.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        match entry.file_type().map_err(failed)? {
            kind if kind.is_dir() => open.push(path),
            kind if path.ends_with(".toml") && !is_linked_folder(kind, &entry) => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

fn is_linked_folder(kind: fs::FileType, entry: &fs::DirEntry) -> bool {
    kind.is_symlink() && entry.path().is_dir()
}

fn here() -> Result<PathBuf, NotFound> {
    env::current_dir().map_err(|reason| NotFound::Unreadable { path: ".".into(), reason })
}

fn canonical(folder: &Path) -> Result<PathBuf, NotFound> {
    fs::canonicalize(folder).map_err(|reason| NotFound::Unreadable { path: folder.to_owned(), reason })
}

fn unreadable(error: io::Error) -> Unreadable {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unreadable::Missing,
        _ => Unreadable::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, path_text()).unwrap();
    }

    fn path_text() -> &'static [u8] {
        b"text"
    }

    fn tree(files: &[&str]) -> (tempfile::TempDir, Tree) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), ROOT);
        files.iter().for_each(|file| write(dir.path(), file));
        let tree = Tree::at(Some(dir.path())).unwrap();
        (dir, tree)
    }

    #[test]
    fn specs_are_sorted_and_hidden_folders_are_left_out() {
        let (_dir, tree) =
            tree(&["pipelines/b.toml", "pipelines/a/x.toml", ".git/c.toml", "a.txt", "a.toml"]);
        let expected = ["a.toml", "pipelines/a/x.toml", "pipelines/b.toml", "windlass.toml"];
        assert_eq!(tree.specs(), Ok(expected.map(str::to_owned).into()));
    }

    #[test]
    fn nothing_outside_of_the_root_is_read() {
        let (dir, tree) = tree(&["pipelines/a.toml"]);
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "secret.toml");
        symlink(outside.path().join("secret.toml"), dir.path().join("link.toml")).unwrap();
        symlink(outside.path(), dir.path().join("folder")).unwrap();
        symlink("pipelines/a.toml", dir.path().join("inside.toml")).unwrap();
        symlink(dir.path(), dir.path().join("pipelines/circle")).unwrap();
        for path in ["../x", "/etc/passwd", "a/../../x", "link.toml", "folder/secret.toml"] {
            let answer = tree.read(path);
            assert!(matches!(answer, Err(Unreadable::Outside | Unreadable::Missing)), "{path}: {answer:?}");
        }
        assert_eq!(tree.read("link.toml"), Err(Unreadable::Outside));
        assert_eq!(tree.read("inside.toml"), Ok(path_text().into()));
        let expected = ["inside.toml", "link.toml", "pipelines/a.toml", "windlass.toml"];
        assert_eq!(tree.specs(), Ok(expected.map(str::to_owned).into()));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let (dir, tree) = tree(&[]);
        fs::create_dir(dir.path().join("folder.toml")).unwrap();
        assert_eq!(tree.read("none.toml"), Err(Unreadable::Missing));
        assert_eq!(tree.read("windlass.toml/x"), Err(Unreadable::Missing));
        assert_eq!(tree.read("folder.toml"), Err(Unreadable::Other("it is not a file".to_owned())));
    }

    #[test]
    fn the_root_is_found_from_below_but_not_where_a_folder_was_named() {
        let (dir, _) = tree(&["pipelines/deep/a.toml"]);
        let deep = dir.path().join("pipelines/deep");
        let found = Tree::above(&deep).unwrap();
        assert_eq!(found.root(), fs::canonicalize(dir.path()).unwrap());
        assert!(matches!(Tree::at(Some(&deep)), Err(NotFound::Spec { above: false, .. })));
        assert!(matches!(Tree::at(Some(&deep.join("b.toml"))), Err(NotFound::Nothing { .. })));
    }

    #[test]
    fn a_file_is_a_tree_of_one() {
        let (dir, _) = tree(&["pipelines/a.toml"]);
        let one = Tree::at(Some(&dir.path().join("pipelines/a.toml"))).unwrap();
        assert_eq!((one.start(), one.is_whole()), ("a.toml", false));
        let whole = Tree::at(Some(&dir.path().join(ROOT))).unwrap();
        assert!(whole.is_whole());
    }
}
