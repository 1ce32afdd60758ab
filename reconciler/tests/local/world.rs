//! A local cluster in a folder of its own, whose jobs and their children all carry a mark.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use windlass::driver::Driver;
use windlass::driver::local::Local;
use windlass_compiler::model::{Engine, Job, Mode, Process};
use windlass_compiler::{sample, units};
use windlass_core::action::{Action, Create, Outcome};
use windlass_core::id::{AttemptNumber, ExternalName, Generation, Instance};
use windlass_core::observed::{End, Label, Observation, Phase};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    place: TempDir,
    pub(crate) local: Local,
}

impl World {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().expect("a temp folder");
        let local = cluster(place.path());
        Self { place, local }
    }

    /// What another process would see of the cluster.
    pub(crate) fn another(&self) -> Local {
        cluster(self.place.path())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn folder(&self, name: &ExternalName) -> PathBuf {
        self.file("cluster").join(name.as_str())
    }

    /// A shell script that runs in the world's folder.
    pub(crate) fn shell(&self, script: &str) -> Process {
        Process {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: [("TEST_MARK".to_owned(), self.place.path().display().to_string())].into_iter().collect(),
            dir: String::new(),
            stdin: None,
            files: Default::default(),
            ready: units::Duration::from_millis(0),
            grace: seconds(10),
        }
    }

    pub(crate) fn create(&self, instance: &str, process: Process) -> Create {
        let instance: Instance = instance.parse().expect("a good name");
        let label = Label {
            project: "test".parse().expect("a good name"),
            instance: instance.clone(),
            attempt: AttemptNumber(1),
            generation: Generation(1),
        };
        let name = ExternalName::of(&instance, AttemptNumber(1));
        let root = self.place.path().display().to_string();
        Create { name, label, job: job(instance, process), root }
    }

    pub(crate) async fn created(&self, instance: &str, process: Process) -> Observation {
        done(self.local.perform(&Action::Create(Box::new(self.create(instance, process)))).await)
    }

    pub(crate) async fn activate(&self, of: &Observation) -> Outcome {
        self.local.perform(&Action::Activate { name: of.name.clone(), uid: of.uid.clone() }).await
    }

    pub(crate) async fn started(&self, process: Process) -> Observation {
        let created = self.created("a.b", process).await;
        done(self.activate(&created).await)
    }

    pub(crate) async fn running(&self, script: &str) -> Observation {
        let started = self.started(self.shell(script)).await;
        self.until(&started, |phase| matches!(phase, Phase::Running { .. })).await
    }

    pub(crate) async fn stop(&self, of: &Observation, grace: units::Duration) -> Outcome {
        let stop = Action::Stop { name: of.name.clone(), uid: Some(of.uid.clone()), grace };
        self.local.perform(&stop).await
    }

    pub(crate) async fn seen(&self, of: &Observation) -> Observation {
        self.local.observe(&of.name).await.expect("readable").expect("there")
    }

    /// Waits, by hints alone, until the attempt is as asked.
    pub(crate) async fn until(&self, of: &Observation, is: impl Fn(&Phase) -> bool) -> Observation {
        let began = Instant::now();
        loop {
            let now = self.seen(of).await;
            if is(&now.phase) {
                return now;
            }
            assert!(began.elapsed() < PATIENCE, "it stays {:?}", now.phase);
            self.local.changed().await;
        }
    }

    pub(crate) async fn end(&self, of: &Observation) -> End {
        match self.until(of, |phase| matches!(phase, Phase::Ended { .. })).await.phase {
            Phase::Ended { end, .. } => end,
            other => unreachable!("{other:?}"),
        }
    }

    /// Stops an attempt and waits until nothing is left.
    pub(crate) async fn over(&self, of: &Observation) {
        done(self.stop(of, seconds(10)).await);
        assert_eq!(self.end(of).await, End::Stopped);
        self.nothing_is_left().await;
    }

    /// How a command ends that is left alone.
    pub(crate) async fn end_of(&self, process: Process) -> End {
        let started = self.started(process).await;
        let end = self.end(&started).await;
        self.nothing_is_left().await;
        end
    }

    /// Waits until a file has so many lines.
    pub(crate) async fn lines(&self, name: &str, count: usize) -> Vec<String> {
        eventually("the file has its lines", || {
            let text = fs::read_to_string(self.file(name)).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            (text.ends_with('\n') && lines.len() >= count).then_some(lines)
        })
        .await
    }

    /// Waits until a job has written a process id to a file.
    pub(crate) async fn pid(&self, name: &str) -> Pid {
        let line = self.lines(name, 1).await.remove(0);
        Pid::from_raw(line.parse().expect("a process id")).expect("positive")
    }

    pub(crate) fn supervisor(&self, of: &Observation) -> Pid {
        let text = fs::read_to_string(self.folder(&of.name).join("started.json")).expect("it was started");
        let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let pid = record["supervisor"]["pid"].as_i64().expect("a process id");
        Pid::from_raw(pid.try_into().expect("small")).expect("positive")
    }

    pub(crate) async fn kill_supervisor(&self, of: &Observation) {
        kill(self.supervisor(of)).await;
    }

    /// Every process, supervisors included, that belongs to this world, with its command line.
    pub(crate) fn left(&self) -> BTreeMap<i32, String> {
        let pids = fs::read_dir("/proc").expect("readable").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, self.command_line(pid)?))).collect()
    }

    /// The command line of a process, if it belongs to this world.
    fn command_line(&self, pid: i32) -> Option<String> {
        let here = self.place.path().display().to_string();
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let mark = format!("TEST_MARK={here}");
        let is_marked = read("environ").split(|byte| *byte == 0).any(|one| one == mark.as_bytes());
        (is_marked || line.contains(&here)).then_some(line)
    }

    /// The supervisors that are alive.
    pub(crate) fn supervisors(&self) -> Vec<i32> {
        self.left().into_iter().filter(|(_, line)| line.contains("__supervise")).map(|(pid, _)| pid).collect()
    }

    /// The processes that keep what jobs print.
    pub(crate) fn recorders(&self) -> Vec<Pid> {
        let recorders = self.left().into_iter().filter(|(_, line)| line.contains("__record"));
        recorders.filter_map(|(pid, _)| Pid::from_raw(pid)).collect()
    }

    /// Reads an attempt's output until it has so many bytes.
    pub(crate) async fn output(&self, name: &ExternalName, bytes: usize) -> Vec<u8> {
        let began = Instant::now();
        loop {
            let output = self.local.output(name, 0, usize::MAX).await.expect("readable");
            if output.bytes.len() >= bytes {
                return output.bytes;
            }
            assert!(began.elapsed() < PATIENCE, "only {} bytes", output.bytes.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is left of a world in which every job is a `sleep` in the end.
    pub(crate) fn sleepers(&self) -> Vec<String> {
        self.left().into_values().filter(|line| line.starts_with("sleep")).collect()
    }

    pub(crate) async fn nothing_is_left(&self) {
        eventually("nothing is left", || self.left().is_empty().then_some(())).await;
    }
}

impl Drop for World {
    /// A test that failed leaves nothing behind either.
    fn drop(&mut self) {
        for pid in self.left().into_keys().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn cluster(place: &Path) -> Local {
    let supervisor = vec![env!("CARGO_BIN_EXE_windlass").into(), "__supervise".into()];
    Local::new(place.join("cluster"), supervisor)
}

fn job(instance: Instance, process: Process) -> Job {
    let name = instance.job.to_string();
    Job { engine: Engine::Process(process), ..sample::job(&name, Mode::Stream) }
}

pub(crate) async fn eventually<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = is() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Kills a process and waits until it is no more, or a zombie.
pub(crate) async fn kill(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("it is alive");
    eventually("the process is gone", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
    })
    .await;
}

#[track_caller]
pub(crate) fn done(outcome: Outcome) -> Observation {
    match outcome {
        Outcome::Done(observation) => observation,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn seconds(seconds: u64) -> units::Duration {
    units::Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> units::Duration {
    units::Duration::from_millis(millis)
}

pub(crate) fn failed(reason: &str) -> End {
    End::Failed(reason.to_owned())
}
