//! A project in a folder of its own, and the product's commands run, killed and held up in it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use windlass::store::Line;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::state::Name;

use crate::evidence::Evidence;
use crate::processes::{self, Found, MARK};
use crate::records;
use crate::spec::{self, Job};

/// Longer than any command takes on a busy machine: whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// A project. Dropping it ends every process that it left; its folder goes as well, or is copied into the folder that
/// `WINDLASS_TEST_KEEP` names where a test has failed.
#[derive(Debug)]
pub struct Project {
    binary: PathBuf,
    place: PathBuf,
    store: String,
    outputs: AtomicU32,
    _folder: TempDir,
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Done {
    /// How it was called.
    pub call: String,
    /// Its exit status, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    pub signal: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    call: String,
    child: Child,
    output: PathBuf,
}

impl Project {
    /// A project with these jobs, in which nothing was done yet. `binary` is the product under test.
    pub fn new(binary: &str, jobs: &[Job]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().canonicalize().expect("it is there");
        fs::create_dir(place.join("outputs")).expect("writable");
        fs::write(place.join("job.sh"), spec::SCRIPT).expect("writable");
        let project = Self {
            binary: binary.into(),
            place,
            store: records::DEFAULT.to_owned(),
            outputs: AtomicU32::new(0),
            _folder: folder,
        };
        project.write(jobs);
        project
    }

    /// The same project, whose records are in the store at `url`.
    #[must_use]
    pub fn in_store(mut self, url: &str) -> Self {
        url.clone_into(&mut self.store);
        self
    }

    /// Writes another spec.
    pub fn write(&self, jobs: &[Job]) {
        fs::write(self.place.join("windlass.toml"), spec::text(jobs)).expect("writable");
    }

    /// Its folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// The folder of an instance's attempt on its cluster, by the beginning of its name.
    pub fn attempt(&self, name: &str) -> PathBuf {
        let top = self.file(".windlass/local/here");
        let found = fs::read_dir(&top).into_iter().flatten().flatten();
        let mut found = found.filter(|entry| entry.file_name().to_string_lossy().starts_with(name));
        found.next().unwrap_or_else(|| panic!("{name} has no folder in {}", top.display())).path()
    }

    /// Whether its cluster has an attempt of this name.
    pub fn has_attempt(&self, name: &str) -> bool {
        self.file(".windlass/local/here").join(name).exists()
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        self.spawn(&[], arguments).end()
    }

    /// Runs a command to its end, in an environment with these variables besides.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Done {
        self.spawn(variables, arguments).end()
    }

    /// Runs a command that has to end well.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> Done {
        let done = self.run(arguments);
        assert_eq!(done.code, Some(0), "{done}\n{}", self.story());
        done
    }

    /// Starts a command.
    pub fn spawn(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Running {
        let mut command = Command::new(&self.binary);
        command.args(arguments);
        self.start(command, variables, arguments)
    }

    /// Starts a command by way of a shell, which may limit it before it becomes the command.
    pub fn spawn_by(&self, shell: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$@\""), "sh"]).arg(&self.binary).args(arguments);
        self.start(command, &[], arguments)
    }

    fn start(&self, mut command: Command, variables: &[(&str, &str)], arguments: &[&str]) -> Running {
        let number = self.outputs.fetch_add(1, Ordering::Relaxed);
        let output = self.place.join("outputs").join(number.to_string());
        let file = |extension| File::create(output.with_extension(extension)).expect("writable");
        command
            .current_dir(&self.place)
            .env(MARK, &self.place)
            .env("RUST_BACKTRACE", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"));
        let call = format!("{variables:?} windlass {}", arguments.join(" "));
        Running { call, child: command.spawn().expect("the product is built"), output }
    }

    /// What its jobs wrote down.
    pub fn evidence(&self) -> Evidence {
        Evidence::read(&self.place)
    }

    /// Everything in its store.
    pub fn dump(&self) -> Vec<String> {
        records::dump(&self.place)
    }

    /// Its records.
    pub fn fleet(&self) -> Fleet {
        self.try_fleet().expect("it can be read")
    }

    /// Its records; why not, where its store does not answer.
    pub fn try_fleet(&self) -> Result<Fleet, String> {
        records::fleet_in(&self.store, &self.place)
    }

    /// The whole history; why not, where its store does not answer.
    pub fn history(&self) -> Result<Vec<Line>, String> {
        records::history_in(&self.store, &self.place)
    }

    /// The state of the latest instance of a job.
    pub fn state(&self, job: &str) -> Option<Name> {
        let fleet = self.fleet();
        let latest = fleet.latest(&job.parse().expect("a good name"))?;
        fleet.statuses.get(&latest).map(|status| status.state.name())
    }

    /// The state of an instance.
    pub fn state_of(&self, instance: &str) -> Option<Name> {
        let instance: Instance = instance.parse().expect("a good name");
        self.fleet().statuses.get(&instance).map(|status| status.state.name())
    }

    /// All of its live processes.
    pub fn processes(&self) -> Vec<Found> {
        processes::marked(&self.place)
    }

    /// Its supervisors.
    pub fn supervisors(&self) -> Vec<Found> {
        self.processes().into_iter().filter(Found::is_supervisor).collect()
    }

    /// The live processes of an instance.
    pub fn alive(&self, instance: &str) -> Vec<Found> {
        let of = |found: &Found| found.instance.as_deref() == Some(instance);
        self.processes().into_iter().filter(of).collect()
    }

    /// Kills everything of this project, supervisors first, until nothing is left.
    pub fn kill_everything(&self) {
        until("everything is dead", || {
            let mut left = self.processes();
            left.sort_by_key(|found| !found.is_supervisor());
            left.iter().for_each(|found| found.signal(Signal::KILL));
            left.is_empty()
        });
    }

    /// Waits until nothing of this project is alive.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        let left = self.patiently(|| self.processes().is_empty());
        assert!(left, "still alive: {:#?}\n{}", self.processes(), self.story());
    }

    /// Waits until something holds; says whether it ever did.
    pub fn patiently(&self, holds: impl FnMut() -> bool) -> bool {
        patiently(Duration::from_secs(20), holds)
    }

    /// Fails if the evidence or the history shows what must never happen.
    #[track_caller]
    pub fn assert_sound(&self) {
        let violations =
            [self.evidence().violations(), records::gaps_of(self.history().expect("readable"))].concat();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.story());
    }

    /// Applies once more and fails unless that shows no change, starts nothing and writes nothing.
    #[track_caller]
    pub fn assert_settled(&self, arguments: &[&str]) {
        until("what runs has said so", || self.all_have_begun());
        let (before, evidence) = (self.dump(), self.evidence());
        let done = self.ok(&[&["apply"], arguments].concat());
        let after = self.dump();
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert!(new.is_empty(), "an unchanged apply wrote {new:#?}\n{done}\n{}", self.story());
        assert_eq!(self.evidence(), evidence, "{}", self.story());
        assert!(!done.out.lines().any(|line| line.starts_with(['+', '-', '~'])), "{done}");
    }

    /// Whether every attempt that is seen to run has left its evidence, which may come a little later.
    fn all_have_begun(&self) -> bool {
        let (fleet, evidence) = (self.fleet(), self.evidence());
        let mut running = fleet.statuses.values().filter(|status| status.state.name() == Name::Running);
        running.all(|status| {
            let starts = evidence.starts(&status.instance.to_string());
            starts.iter().any(|line| line.attempt == status.attempt_number().0)
        })
    }

    /// What happened, for whoever has to find out why: history, evidence, attempts and what the commands said.
    pub fn story(&self) -> String {
        let mut story = "--- history\n".to_owned();
        for line in self.history().unwrap_or_default() {
            story.push_str(&format!("{} {}\n", line.entry.subject, line.entry.text));
        }
        for line in self.evidence().lines {
            story.push_str(&format!("--- evidence {line:?}\n"));
        }
        story.push_str(&self.attempts());
        let outputs = self.outputs.load(Ordering::Relaxed);
        for number in outputs.saturating_sub(6)..outputs {
            let text = fs::read_to_string(self.place.join(format!("outputs/{number}.err")));
            story.push_str(&format!("--- standard error {number}\n{}", text.unwrap_or_default()));
        }
        story
    }

    /// What its cluster wrote down of each attempt.
    fn attempts(&self) -> String {
        let all = |folder: &Path| {
            let found = fs::read_dir(folder).into_iter().flatten().flatten();
            found.map(|entry| entry.path()).collect::<BTreeSet<_>>()
        };
        let mut told = String::new();
        for file in all(&self.file(".windlass/local/here")).iter().flat_map(|attempt| all(attempt)) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let name = file.strip_prefix(&self.place).unwrap_or(&file);
            if !text.is_empty() {
                told.push_str(&format!("--- {} {}\n", name.display(), text.trim()));
            }
        }
        told
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.kill_everything();
        if thread::panicking()
            && let Some(kept) = std::env::var_os("WINDLASS_TEST_KEEP")
        {
            let _ = Command::new("cp").arg("-a").arg(&self.place).arg(kept).status();
        }
    }
}

impl Running {
    /// Waits until it ends. Whatever does not end in a long while hangs.
    #[track_caller]
    pub fn end(mut self) -> Done {
        let ended = patiently(PATIENCE, || matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("it is a child");
        let done = self.done(status);
        assert!(ended, "it hangs: {done}");
        done
    }

    /// Kills it after a while, unless it has ended before.
    pub fn kill_after(mut self, pause: Duration) -> Done {
        patiently(pause, || matches!(self.child.try_wait(), Ok(Some(_))));
        let _ = self.child.kill();
        let status = self.child.wait().expect("it is a child");
        self.done(status)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The file with what it has said.
    pub fn log(&self) -> PathBuf {
        self.output.with_extension("err")
    }

    fn done(&self, status: ExitStatus) -> Done {
        let read = |extension| fs::read(self.output.with_extension(extension)).unwrap_or_default();
        let text = |extension| String::from_utf8_lossy(&read(extension)).into_owned();
        Done {
            call: self.call.clone(),
            code: status.code(),
            signal: status.signal(),
            out: text("out"),
            err: text("err"),
        }
    }
}

impl Done {
    /// Whether it was killed by KILL.
    pub fn was_killed(&self) -> bool {
        self.signal == Some(9)
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { call, code, signal, out, err } = self;
        write!(f, "{call}\nexit {code:?}, signal {signal:?}\n--- out\n{out}\n--- err\n{err}")
    }
}

/// Waits until something holds, and fails if it never does.
#[track_caller]
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(patiently(PATIENCE, holds), "never: {what}");
}

/// Waits until something holds, or for so long; says whether it did.
pub fn patiently(longest: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() >= longest {
            return false;
        }
        thread::sleep(LOOK);
    }
}

/// Says something to whoever reads the test's output.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Does something for each of these, on a few threads at once. A panic in one of them fails the whole.
pub fn for_each_at_once<T: Sync>(of: &[T], threads: usize, act: impl Fn(&T) + Sync) {
    let next = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = of.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                    act(one);
                }
            });
        }
    });
}
