//! What reading commands say of a small project of real processes, through the binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SPEC: &str = r#"
version = 1
project = "small"

[cluster.here]
kind = "local"

[pipeline]
name = "p"

[job.follow]
mode = "stream"
cluster = "here"
process = { command = ["sh", "-c", "echo 'following \u001b[2J'; exec sleep 600"] }
restart = { attempts = 0 }

[job.settle]
mode = "batch"
cluster = "here"
after = ["follow"]
process = { command = ["sh", "-c", "echo one; echo two; exit 3"] }
retry = { attempts = 1, backoff = "10ms..10ms" }

[job.report]
mode = "batch"
cluster = "here"
after = ["settle"]
process = { command = ["true"] }
"#;

/// A project in a folder of its own, whose processes end with it.
struct Project(tempfile::TempDir);

impl Project {
    fn applied() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::write(project.path().join("windlass.toml"), SPEC).unwrap();
        let applied = project.output(&["apply", "--yes"]);
        assert_eq!(applied.status.code(), Some(5), "settle is to fail: {}", errors(&applied));
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env("COLUMNS", "80");
        for name in ["WINDLASS_STORE", "WINDLASS_ENV", "WINDLASS_LOG", "CLICOLOR_FORCE", "LC_ALL"] {
            command.env_remove(name);
        }
        command
    }

    fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command that succeeds writes.
    fn says(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "{args:?}: {}", errors(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.says(args)).unwrap()
    }

    /// What a command that fails says of it.
    fn complains(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        errors(&output)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let ended = self.output(&["destroy", "--auto-approve"]);
        if !std::thread::panicking() {
            assert!(ended.status.success(), "{}", errors(&ended));
        }
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_project_tells_its_story() {
    let project = Project::applied();

    let status = project.json(&["status", "--json"]);
    let states: Vec<_> = status["jobs"].as_array().unwrap().iter().map(|job| job["state"].clone()).collect();
    assert_eq!(states, ["running", "skipped", "failed"]);
    assert!(project.says(&["status"]).contains("nobody drives"));

    let why = project.says(&["why", "report"]);
    assert!(why.contains("to succeed: it has failed") && why.contains("windlass retry p.settle"), "{why}");

    assert_eq!(project.says(&["logs", "p.settle"]), "one\ntwo\n");
    assert_eq!(project.says(&["logs", "settle", "-n", "1", "--attempt", "1"]), "two\n");
    assert_eq!(project.says(&["logs", "p.follow"]), "following \u{1b}[2J\n", "a pipe gets what was printed");
    let several = project.says(&["logs", "p.follow", "p.settle", "-n", "1"]);
    assert!(several.ends_with("p.settle | two\n"), "{several}");
    assert_eq!(project.says(&["logs", "-f", "p.settle"]), "one\ntwo\n", "a failed batch goes on no more");

    let history = project.says(&["history", "p.follow"]);
    let told: Vec<&str> = history.lines().map(|line| line.split("  ").nth(2).unwrap().trim()).collect();
    let expected = ["applied", "waiting → submitting", "submitting (created)", "submitting → running"];
    assert_eq!(told, expected, "no line is lost");
    let events = project.says(&["events", "--format", "jsonl"]);
    assert!(events.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert_eq!(project.says(&["events", "--since", "0s"]), "");

    assert!(project.complains(&["logs", "p.report"]).contains("has never started"));
    assert!(project.complains(&["logs", "p.settle", "--attempt", "9"]).contains("has had 2 attempts, not 9"));
    assert!(project.complains(&["why", "p.setle"]).contains("did you mean `p.settle`?"));
    assert!(project.complains(&["status", "p.setle"]).contains("did you mean `p.settle`?"));
}

#[test]
fn a_status_is_no_lie_where_nobody_drives() {
    let project = Project::applied();
    let pid = format!("{}/.windlass/local/here/p.follow-1/running.json", project.path().display());
    let running: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(pid).unwrap()).unwrap();
    let pid = find_pid(&running).expect("the record names its process");
    Command::new("kill").arg(pid.to_string()).status().unwrap();
    let stale = |project: &Project| {
        let status = project.json(&["status", "p.follow", "--json"]);
        status["jobs"][0]["stale"].as_str().map(str::to_owned)
    };
    let until = Instant::now() + Duration::from_secs(20);
    let what = loop {
        match stale(&project) {
            Some(what) if what.contains("ended") => break what,
            _ => assert!(Instant::now() < until, "the end is never seen"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let text = project.says(&["status", "p.follow"]);
    assert!(
        text.contains("running?") && text.contains("recorded running, but it has ended"),
        "{what}: {text}"
    );
}

/// The process that stands somewhere in the record.
fn find_pid(value: &serde_json::Value) -> Option<u64> {
    match value {
        serde_json::Value::Object(fields) => fields
            .get("pid")
            .and_then(serde_json::Value::as_u64)
            .or_else(|| fields.values().find_map(find_pid)),
        _ => None,
    }
}

#[test]
fn removed_jobs_and_missing_stores_are_named_as_such() {
    let project = Project::applied();
    let without = SPEC.replace("[job.report]", "[job.other]").replace("[job.follow]", "[job.new]");
    let without = without.replace("after = [\"follow\"]", "after = [\"new\"]");
    std::fs::write(project.path().join("windlass.toml"), without).unwrap();
    project.output(&["apply", "--yes", "--allow-destroy", "2"]);
    assert!(!project.says(&["status"]).contains("p.follow"));
    for status in [&["status", "p.follow"] as &[&str], &["status", "p.report"], &["status", "--all"]] {
        assert!(project.says(status).contains("removed by"), "{status:?}");
    }
    assert_eq!(project.says(&["logs", "p.follow"]), "following \u{1b}[2J\n", "what was printed is kept");
    assert!(project.says(&["why", "p.report"]).contains("removed by"));

    let empty = tempfile::tempdir().unwrap();
    let place = empty.path().to_str().unwrap();
    for command in ["status", "history", "events"] {
        let output = project.output(&["-C", place, command]);
        assert!(errors(&output).contains("nothing was ever applied here"), "{command}");
    }
}

#[test]
fn what_a_spec_says_forges_no_line_of_ours() {
    let project = Project(tempfile::tempdir().unwrap());
    let spec = SPEC.replace("[\"sh\", \"-c\", \"echo one; echo two; exit 3\"]", r#"["gone\nerror: forged"]"#);
    std::fs::write(project.path().join("windlass.toml"), spec).unwrap();
    let told = errors(&project.output(&["apply", "--yes"]));
    assert!(told.contains(r"gone\nerror: forged"), "{told}");
    assert!(!told.lines().any(|line| line.starts_with("error: forged")), "{told}");
}

#[test]
fn a_plan_that_is_not_there_is_not_a_broken_plan() {
    let empty = tempfile::tempdir().unwrap();
    let mut show = Command::new(env!("CARGO_BIN_EXE_windlass"));
    let told = errors(&show.args(["show", "plan.json"]).current_dir(empty.path()).output().unwrap());
    assert!(told.starts_with("error: the plan `plan.json` cannot be read\n"), "{told}");
}
