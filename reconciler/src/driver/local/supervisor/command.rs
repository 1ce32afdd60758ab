//! Starts the command of an attempt, or says in a user's words why it cannot be started.

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::process::Pid;

use super::recorder::Recorder;
use crate::driver::local::folder::Folder;
use crate::driver::local::lock;
use crate::driver::local::record::Attempt;

/// A command that was started.
pub(super) struct Started {
    /// Its process, which leads a process group.
    pub pid: Pid,
    /// What it and everything that it starts prints; reading it never blocks.
    pub output: PipeReader,
    /// Who keeps that. Without one it is the supervisor.
    pub recorder: Option<Recorder>,
}

/// Starts the command.
pub(super) fn start(folder: &Folder, attempt: &Attempt) -> Result<Started, String> {
    let command = &attempt.command;
    if !Path::new(&command.dir).is_dir() {
        return Err(format!("its folder `{}` does not exist", command.dir));
    }
    let stdin = stdin(command.stdin.as_deref())?;
    let (output, printer) = pipe().map_err(|error| format!("no pipe for its output: {error}"))?;
    // Before there is a lock to inherit: it is nothing of the attempt.
    let recorder = Recorder::start(folder, &output).ok();
    let alive = inheritable_lock(folder).map_err(|error| format!("no lock for its processes: {error}"))?;
    let spawned = prepare(attempt, stdin, printer).map_err(|error| error.to_string())?.spawn();
    // From here on only the command and what it starts keep the lock.
    drop(alive);
    let child = spawned.map_err(|error| explain(&error, &command.line, &command.dir))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has a positive id");
    Ok(Started { pid, output, recorder })
}

fn stdin(path: Option<&str>) -> Result<Stdio, String> {
    let Some(path) = path else { return Ok(Stdio::null()) };
    File::open(path).map(Stdio::from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("its standard input `{path}` does not exist"),
        _ => format!("its standard input `{path}` cannot be opened: {error}"),
    })
}

fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (output, printer) = io::pipe()?;
    ioctl_fionbio(&output, true)?;
    Ok((output, printer))
}

/// Takes the lock of the attempt's processes in a way that they inherit.
fn inheritable_lock(folder: &Folder) -> io::Result<File> {
    let lock = lock::hold(folder, lock::PROCESSES)?.ok_or_else(|| io::Error::other("it is held"))?;
    fcntl_setfd(&lock, FdFlags::empty())?;
    Ok(lock)
}

fn prepare(attempt: &Attempt, stdin: Stdio, printer: PipeWriter) -> io::Result<Command> {
    let (program, arguments) =
        attempt.command.line.split_first().ok_or_else(|| io::Error::other("it has no command"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(&attempt.command.env)
        .env("PWD", &attempt.command.dir)
        .envs(identity(attempt))
        .current_dir(&attempt.command.dir)
        .process_group(0)
        .stdin(stdin)
        .stdout(printer.try_clone()?)
        .stderr(printer);
    Ok(command)
}

/// What a command is told about itself.
fn identity(attempt: &Attempt) -> Vec<(&'static str, String)> {
    let label = &attempt.label;
    let (mark, uid) = super::mark(&attempt.uid);
    let mut variables = vec![
        ("WINDLASS_PROJECT", label.project.to_string()),
        ("WINDLASS_PIPELINE", label.instance.job.pipeline.to_string()),
        ("WINDLASS_JOB", label.instance.job.to_string()),
        ("WINDLASS_INSTANCE", label.instance.to_string()),
        ("WINDLASS_ATTEMPT", label.attempt.to_string()),
        ("WINDLASS_GENERATION", label.generation.to_string()),
        (mark, uid.to_owned()),
    ];
    variables.extend(label.instance.run.map(|time| ("WINDLASS_RUN_TIME", time.to_string())));
    variables
}

fn explain(error: &io::Error, line: &[String], dir: &str) -> String {
    let program = line.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound if is_file(program, dir) => {
            format!("command `{program}` cannot be run: the interpreter that it names does not exist")
        }
        io::ErrorKind::NotFound => format!("command `{program}` not found"),
        io::ErrorKind::PermissionDenied => format!("command `{program}` may not be executed"),
        _ => format!("command `{program}` cannot be run: {error}"),
    }
}

fn is_file(program: &str, dir: &str) -> bool {
    program.contains('/') && fs::metadata(Path::new(dir).join(program)).is_ok()
}
