//! Jobs as bytes for a digest; the format stands in [`crate::digest`].

use std::collections::BTreeSet;

use crate::model::{Edge, Engine, Job, Process, Retry};
use crate::spelling;

use super::Digest;

/// The tags, each for one meaning for ever.
mod tag {
    pub(super) const PART: u8 = 1;
    pub(super) const PIPELINE: u8 = 2;
    pub(super) const JOB: u8 = 3;
    pub(super) const MODE: u8 = 4;
    pub(super) const CLUSTER: u8 = 5;
    pub(super) const AFTER: u8 = 6;
    pub(super) const RETRY_ATTEMPTS: u8 = 7;
    pub(super) const RETRY_WITHIN: u8 = 8;
    pub(super) const RETRY_BACKOFF_MIN: u8 = 9;
    pub(super) const RETRY_BACKOFF_MAX: u8 = 10;
    pub(super) const RETRY_ON_LOST: u8 = 11;
    pub(super) const TIMEOUT: u8 = 12;
    pub(super) const PROTECT: u8 = 13;
    pub(super) const TAGS: u8 = 14;
    pub(super) const DESCRIPTION: u8 = 15;

    pub(super) const PROCESS_COMMAND: u8 = 32;
    pub(super) const PROCESS_ENV: u8 = 33;
    pub(super) const PROCESS_DIR: u8 = 34;
    pub(super) const PROCESS_STDIN: u8 = 35;
    pub(super) const PROCESS_FILES: u8 = 36;
    pub(super) const PROCESS_READY: u8 = 37;
    pub(super) const PROCESS_GRACE: u8 = 38;
}

/// The bytes that a digest is taken of.
pub(super) struct Message(Vec<u8>);

impl Message {
    /// An empty message of a kind.
    pub(super) fn new(kind: &str) -> Self {
        let mut message = Self(Vec::with_capacity(512));
        message.bytes(kind.as_bytes());
        message
    }

    /// Everything that a job is.
    pub(super) fn of_job(job: &Job) -> Self {
        let mut message = Self::new("windlass job 1");
        message.text(tag::PIPELINE, job.id.pipeline.as_str());
        message.text(tag::JOB, job.id.job.as_str());
        message.text(tag::MODE, spelling::mode(job.mode));
        message.runtime(job);
        message.supervision(&job.engine);
        message.edges(&job.after);
        message.retry(&job.retry);
        message.optional(tag::TIMEOUT, job.timeout.map(|timeout| timeout.as_millis()));
        message.optional(tag::PROTECT, job.protect.then_some(1));
        message.sorted(tag::TAGS, job.tags.iter().map(|tag| [tag.as_str()]));
        message.optional_text(tag::DESCRIPTION, job.description.as_deref());
        message
    }

    /// What a running process depends on.
    pub(super) fn of_runtime(job: &Job) -> Self {
        let mut message = Self::new("windlass runtime 1");
        message.runtime(job);
        message
    }

    /// A digest among several.
    pub(super) fn part(&mut self, name: &str, digest: &str) {
        self.list(tag::PART, &[name, digest]);
    }

    /// The digest of what was written.
    pub(super) fn digest(&self) -> Digest {
        Digest::of_bytes(&self.0)
    }

    fn runtime(&mut self, job: &Job) {
        self.text(tag::CLUSTER, job.cluster.as_str());
        match &job.engine {
            Engine::Process(process) => self.process(process),
        }
    }

    fn process(&mut self, process: &Process) {
        let command: Vec<&str> = process.command.iter().map(String::as_str).collect();
        self.list(tag::PROCESS_COMMAND, &command);
        self.sorted(tag::PROCESS_ENV, process.env.iter().map(|(key, value)| [key.as_str(), value]));
        self.text(tag::PROCESS_DIR, &process.dir);
        self.optional_text(tag::PROCESS_STDIN, process.stdin.as_deref());
        self.sorted(tag::PROCESS_FILES, process.files.iter().map(|(path, digest)| [path.as_str(), digest]));
    }

    /// The fields of an engine that its keeper reads and the process does not.
    fn supervision(&mut self, engine: &Engine) {
        match engine {
            Engine::Process(process) => {
                self.number(tag::PROCESS_READY, process.ready.as_millis());
                self.number(tag::PROCESS_GRACE, process.grace.as_millis());
            }
        }
    }

    fn edges(&mut self, edges: &[Edge]) {
        let names: Vec<String> = edges.iter().map(|edge| edge.job.to_string()).collect();
        let whens = edges.iter().map(|edge| spelling::when(edge.when));
        self.sorted(tag::AFTER, names.iter().zip(whens).map(|(name, when)| [name.as_str(), when]));
    }

    fn retry(&mut self, retry: &Retry) {
        self.number(tag::RETRY_ATTEMPTS, retry.attempts.into());
        self.optional(tag::RETRY_WITHIN, retry.within.map(|within| within.as_millis()));
        self.number(tag::RETRY_BACKOFF_MIN, retry.backoff.min.as_millis());
        self.number(tag::RETRY_BACKOFF_MAX, retry.backoff.max.as_millis());
        self.text(tag::RETRY_ON_LOST, spelling::on_lost(retry.on_lost));
    }

    fn number(&mut self, tag: u8, number: u64) {
        self.0.push(tag);
        self.0.extend(number.to_le_bytes());
    }

    fn optional(&mut self, tag: u8, number: Option<u64>) {
        if let Some(number) = number {
            self.number(tag, number);
        }
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.0.push(tag);
        self.bytes(text.as_bytes());
    }

    fn optional_text(&mut self, tag: u8, text: Option<&str>) {
        if let Some(text) = text {
            self.text(tag, text);
        }
    }

    fn list(&mut self, tag: u8, texts: &[&str]) {
        self.0.push(tag);
        self.0.extend((texts.len() as u64).to_le_bytes());
        for text in texts {
            self.bytes(text.as_bytes());
        }
    }

    /// A set: sorted, each item once, left out where there is none.
    fn sorted<'a, const N: usize>(&mut self, tag: u8, items: impl Iterator<Item = [&'a str; N]>) {
        let items: BTreeSet<[&str; N]> = items.collect();
        if !items.is_empty() {
            let flat: Vec<&str> = items.into_iter().flatten().collect();
            self.list(tag, &flat);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u64).to_le_bytes());
        self.0.extend(bytes);
    }
}
