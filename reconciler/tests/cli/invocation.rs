//! One call of the real program, in an environment of its own.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder of its own, and calls in it.
pub(crate) struct Place {
    dir: TempDir,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("there is a temporary folder") }
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        files.iter().for_each(|(path, text)| place.write(path, text));
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("the file is there")
    }

    /// The program with nothing in its environment but a width and a locale.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).current_dir(self.path()).env_clear();
        command.envs([("COLUMNS", "80"), ("LANG", "C.UTF-8")]).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let output = self.command(args).envs(variables.iter().copied()).output().expect("it starts");
        self.ended(&output)
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        self.ended(&child.wait_with_output().expect("it ends"))
    }

    fn ended(&self, output: &Output) -> Ended {
        let here = self.path().canonicalize().expect("the folder exists");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&here.display().to_string(), "HERE");
        let code = output.status.code().expect("it was not killed");
        Ended { code, out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ended {
    /// Everything, for a snapshot.
    pub(crate) fn story(&self) -> String {
        format!("{}--- stderr\n{}--- exit {}", self.out, self.err, self.code)
    }
}
