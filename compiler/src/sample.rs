//! Small jobs for the tests and benchmarks of every package, complete and ordinary.

use crate::model::{Backoff, Edge, Engine, Job, Mode, OnLost, Origin, Process, Retry, When};
use crate::units::Duration;

/// A stream that follows a file.
pub fn stream(id: &str) -> Job {
    job(id, Mode::Stream)
}

/// A batch that does the same once.
pub fn batch(id: &str) -> Job {
    job(id, Mode::Batch)
}

/// `job`, after others, all of them `met`.
pub fn after(mut job: Job, upstreams: &[&str]) -> Job {
    let edge = |upstream: &&str| Edge { job: upstream.parse().expect("a sample's name"), when: When::Met };
    job.after = upstreams.iter().map(edge).collect();
    job
}

/// The process of a job.
pub fn process(job: &mut Job) -> &mut Process {
    match &mut job.engine {
        Engine::Process(process) => process,
    }
}

/// Either of them. What a test rests on, it sets itself.
pub fn job(id: &str, mode: Mode) -> Job {
    Job {
        id: id.parse().expect("a sample's name"),
        mode,
        cluster: "laptop".parse().expect("a name"),
        engine: Engine::Process(Process {
            command: ["tail", "-f", "4"].map(str::to_owned).into(),
            env: Default::default(),
            dir: String::new(),
            stdin: None,
            files: Default::default(),
            ready: Duration::from_secs(1),
            grace: Duration::from_secs(10),
        }),
        after: Vec::new(),
        retry: Retry {
            attempts: 3,
            within: None,
            backoff: Backoff { min: Duration::from_secs(1), max: Duration::from_secs(60) },
            on_lost: OnLost::Hold,
        },
        timeout: None,
        protect: false,
        tags: Vec::new(),
        description: None,
        origin: Some(Origin { file: "pipelines/orders.toml".to_owned(), line: 7 }),
    }
}
