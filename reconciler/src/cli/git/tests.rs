use std::fs;
use std::os::unix::fs::symlink;

use windlass_compiler::world::{Unreadable, World as _};

use super::*;

/// A repository with one commit, and a tree in the folder `specs` of it.
struct Fixture {
    top: tempfile::TempDir,
}

impl Fixture {
    fn new(files: &[&str]) -> Self {
        let fixture = Self { top: tempfile::tempdir().unwrap() };
        fixture.git(&["init", "--quiet"]);
        files.iter().for_each(|file| fixture.write(file, "old"));
        fixture
    }

    fn git(&self, args: &[&str]) {
        let mut git = command(self.top.path());
        // Whatever the hooks and settings of whoever runs the tests are.
        git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
        let identity = ["-c", "user.name=ann", "-c", "user.email=ann@desk", "-c", "commit.gpgsign=false"];
        assert!(git.args(identity).args(args).status().unwrap().success(), "{args:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "-m", "x"]);
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.top.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn repository(&self) -> Repository {
        Repository::around(&self.top.path().join("specs")).unwrap()
    }
}

#[test]
fn only_what_git_tracks_and_nobody_touched_is_unchanged() {
    let fixture = Fixture::new(&["specs/same.toml", "specs/other.toml", "specs/staged.toml", "outside.toml"]);
    fixture.commit();
    fixture.write("specs/other.toml", "new");
    fixture.write("specs/staged.toml", "new");
    fixture.git(&["add", "specs/staged.toml"]);
    fixture.write("specs/untracked.toml", "new");
    fixture.write(".gitignore", "ignored.toml\n");
    fixture.write("specs/ignored.toml", "new");
    let repository = fixture.repository();
    let head = repository.revision("HEAD").unwrap();
    assert_eq!(repository.unchanged_since(&head).unwrap(), BTreeSet::from(["same.toml".to_owned()]));
}

#[test]
fn a_snapshot_is_the_folder_as_it_was_and_nothing_outside() {
    let fixture =
        Fixture::new(&["specs/windlass.toml", "specs/a b/ü.toml", "specs/.hidden/x.toml", "x.toml"]);
    symlink("../x.toml", fixture.top.path().join("specs/out.toml")).unwrap();
    symlink("a b/ü.toml", fixture.top.path().join("specs/in.toml")).unwrap();
    symlink("nowhere", fixture.top.path().join("specs/dangling.toml")).unwrap();
    fixture.commit();
    fixture.write("specs/windlass.toml", "new");
    fixture.write("specs/later.toml", "new");
    let repository = fixture.repository();
    let then = repository.at(&repository.revision("HEAD").unwrap()).unwrap();
    let specs = ["a b/ü.toml", "dangling.toml", "in.toml", "out.toml", "windlass.toml"];
    assert_eq!(then.specs(), Ok(specs.map(str::to_owned).into()));
    for (path, expected) in [
        ("windlass.toml", Ok(b"old".to_vec())),
        ("./a b/ü.toml", Ok(b"old".to_vec())),
        ("in.toml", Ok(b"old".to_vec())),
        ("later.toml", Err(Unreadable::Missing)),
        ("a\nb", Err(Unreadable::Missing)),
        ("dangling.toml", Err(Unreadable::Missing)),
        ("out.toml", Err(Unreadable::Outside)),
        ("../x.toml", Err(Unreadable::Outside)),
        ("a b", Err(Unreadable::Other("it is not a file".to_owned()))),
        ("windlass.toml", Ok(b"old".to_vec())),
    ] {
        assert_eq!(then.read(path), expected, "{path:?}");
    }
}

#[test]
fn what_git_does_not_have_is_named() {
    let fixture = Fixture::new(&["x.toml"]);
    fixture.commit();
    fixture.write("specs/windlass.toml", "new");
    let repository = fixture.repository();
    for name in ["nonsense", "--all", "-h", "HEAD:x.toml", ""] {
        let error = repository.revision(name).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no revision `{name}`"));
    }
    let error = repository.at(&repository.revision("HEAD").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "`HEAD` has no folder `specs`");
    let outside = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::around(outside.path()), Err(Error::NoRepository { .. })));
}
