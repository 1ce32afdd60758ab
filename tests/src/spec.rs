//! Small specs whose jobs leave evidence.

use std::fmt::Write;

/// The script that every job runs.
pub const SCRIPT: &str = include_str!("job.sh");

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    name: &'static str,
    mode: &'static str,
    command: Vec<String>,
    more: String,
}

impl Job {
    /// A stream whose script does this.
    pub fn stream(name: &'static str, kind: &str) -> Self {
        let restart = "restart = { attempts = 5, backoff = \"50ms..100ms\" }\n";
        Self { name, mode: "stream", command: script(kind), more: restart.to_owned() }
    }

    /// A batch whose script does this.
    pub fn batch(name: &'static str, kind: &str) -> Self {
        Self { name, mode: "batch", command: script(kind), more: String::new() }
    }

    /// With another command.
    #[must_use]
    pub fn running(mut self, command: &[&str]) -> Self {
        self.command = command.iter().map(ToString::to_string).collect();
        self
    }

    /// With these edges, as the language writes them.
    #[must_use]
    pub fn after(mut self, edges: &str) -> Self {
        let _ = writeln!(self.more, "after = [{edges}]");
        self
    }

    /// With these lines in its table instead of those that it had.
    #[must_use]
    pub fn with(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.more);
        self
    }
}

fn script(kind: &str) -> Vec<String> {
    ["sh", "job.sh", kind, "${param.fee}"].map(str::to_owned).to_vec()
}

/// A stream, a batch that waits for it, and a batch that waits for that one.
pub fn mixed() -> Vec<Job> {
    vec![
        Job::stream("follow", "stream"),
        Job::batch("settle", "batch").after("\"follow\""),
        Job::batch("report", "batch").after("\"settle\""),
    ]
}

/// Two batches, one after the other.
pub fn batches() -> Vec<Job> {
    vec![Job::batch("settle", "batch"), Job::batch("report", "batch").after("\"settle\"")]
}

/// The text of a spec with these jobs, in the pipeline `p` of the project `evidence`, with a parameter `fee`.
pub fn text(jobs: &[Job]) -> String {
    let mut text = "version = 1\nproject = \"evidence\"\n\n[param.fee]\ntype = \"int\"\ndefault = 1\n\n\
        [cluster.here]\nkind = \"local\"\n\n[pipeline]\nname = \"p\"\n"
        .to_owned();
    for job in jobs {
        let Job { name, mode, command, more } = job;
        let _ = write!(
            text,
            "\n[job.{name}]\nmode = \"{mode}\"\ncluster = \"here\"\n\
             process = {{ command = {command:?}, dir = \".\", ready = \"0s\", grace = \"1s\", \
             files = [\"job.sh\"] }}\n{more}"
        );
    }
    text
}
