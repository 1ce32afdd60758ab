//! What the jobs themselves wrote down: one line for each start and each end, by the processes that did it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The file, in the project's folder.
pub const FILE: &str = "evidence";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The instance.
    pub instance: String,
    /// The attempt.
    pub attempt: u64,
    /// The process.
    pub pid: i32,
    /// `start`, `end` or `overlap`.
    pub what: String,
    /// What the job was given by its spec.
    pub given: String,
}

/// All lines, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The lines.
    pub lines: Vec<Line>,
}

impl Evidence {
    /// Reads what the jobs of the project in `place` wrote.
    pub fn read(place: &Path) -> Self {
        let text = fs::read_to_string(place.join(FILE)).unwrap_or_default();
        Self { lines: text.lines().filter_map(line).collect() }
    }

    /// The starts of an instance.
    pub fn starts(&self, instance: &str) -> Vec<&Line> {
        self.all_starts().filter(|line| line.instance == instance).collect()
    }

    /// The starts of all instances of a job.
    pub fn starts_of(&self, job: &str) -> Vec<&Line> {
        self.all_starts().filter(|line| line.instance.split('@').next() == Some(job)).collect()
    }

    /// How many starts there were.
    pub fn starts_in_all(&self) -> usize {
        self.all_starts().count()
    }

    fn all_starts(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.what == "start")
    }

    /// What an instance wrote.
    pub fn of<'a>(&'a self, instance: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.instance == instance)
    }

    /// The instances that started, by name.
    pub fn instances(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| line.instance.as_str()).collect()
    }

    /// Everything that must never happen and did: an attempt that started twice, an instance of which two
    /// processes were alive at once.
    pub fn violations(&self) -> Vec<String> {
        let mut starts = BTreeMap::new();
        for line in self.all_starts() {
            *starts.entry((&line.instance, line.attempt)).or_insert(0) += 1;
        }
        let twice = starts.into_iter().filter(|(_, count)| *count > 1);
        let twice = twice.map(|((instance, attempt), count)| {
            format!("attempt {attempt} of {instance} started {count} times")
        });
        let overlaps = self.lines.iter().filter(|line| line.what == "overlap");
        let overlaps = overlaps
            .map(|line| format!("attempt {} of {} started beside a live one", line.attempt, line.instance));
        twice.chain(overlaps).collect()
    }
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.split(' ');
    Some(Line {
        instance: words.next()?.to_owned(),
        attempt: words.next()?.parse().ok()?,
        pid: words.next()?.parse().ok()?,
        what: words.next()?.to_owned(),
        given: words.next().unwrap_or_default().to_owned(),
    })
}
