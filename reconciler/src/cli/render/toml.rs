//! A resolved job in the words of the spec language, every default spelt out.

use std::fmt::Write as _;

use windlass_compiler::escape::{is_hidden, visible};
use windlass_compiler::model::{Edge, Engine, Job, Mode, OnLost, Process, Retry, When};
use windlass_compiler::style::Style;

use crate::cli::paint::{Tone, paint};

/// The job as TOML, under its whole name, with the place that defines it.
pub(super) fn job(job: &Job, style: &Style) -> String {
    let mut lines = Vec::new();
    let origin = job.origin.as_ref().map(|origin| format!("# {}:{}", visible(&origin.file), origin.line));
    lines.extend(origin.map(|origin| paint(style, Tone::Quiet, &origin)));
    lines.push(paint(style, Tone::Strong, &format!("[{}]", job.id)));
    lines.extend(common(job));
    let Engine::Process(process) = &job.engine;
    lines.extend(self::process(process));
    lines.into_iter().map(|line| line + "\n").collect()
}

fn common(job: &Job) -> Vec<String> {
    let mut lines = Vec::new();
    let mut set = |key: &str, value: String| lines.push(format!("{key} = {value}"));
    let (mode, recovery) = match job.mode {
        Mode::Stream => ("stream", "restart"),
        Mode::Batch => ("batch", "retry"),
    };
    job.description.iter().for_each(|text| set("description", quoted(text)));
    set("mode", quoted(mode));
    set("cluster", quoted(job.cluster.as_str()));
    if !job.after.is_empty() {
        set("after", list(job.after.iter().map(edge)));
    }
    set(recovery, retry(&job.retry));
    job.timeout.iter().for_each(|timeout| set("timeout", quoted(&timeout.to_string())));
    if job.protect {
        set("protect", "true".to_owned());
    }
    if !job.tags.is_empty() {
        set("tags", list(job.tags.iter().map(|tag| quoted(tag))));
    }
    lines
}

fn process(process: &Process) -> Vec<String> {
    let mut lines = Vec::new();
    let mut set = |key: &str, value: String| lines.push(format!("process.{key} = {value}"));
    set("command", list(process.command.iter().map(|word| quoted(word))));
    for (name, value) in &process.env {
        set(&format!("env.{}", key(name)), quoted(value));
    }
    set("dir", quoted(if process.dir.is_empty() { "." } else { &process.dir }));
    process.stdin.iter().for_each(|file| set("stdin", quoted(file)));
    if !process.files.is_empty() {
        set("files", list(process.files.keys().map(|file| quoted(file))));
    }
    set("ready", quoted(&process.ready.to_string()));
    set("grace", quoted(&process.grace.to_string()));
    lines
}

fn edge(edge: &Edge) -> String {
    let job = quoted(&edge.job.to_string());
    match edge.when {
        When::Met => job,
        when => format!("{{ job = {job}, when = {} }}", quoted(word(when))),
    }
}

fn word(when: When) -> &'static str {
    match when {
        When::Met => "met",
        When::Succeeded => "succeeded",
        When::Failed => "failed",
        When::Finished => "finished",
        When::Running => "running",
    }
}

fn retry(retry: &Retry) -> String {
    let within = retry.within.map(|within| format!("within = \"{within}\", ")).unwrap_or_default();
    let backoff = format!("{}..{}", retry.backoff.min, retry.backoff.max);
    let on_lost = match retry.on_lost {
        OnLost::Hold => "hold",
        OnLost::Retry => "retry",
    };
    format!("{{ attempts = {}, {within}backoff = \"{backoff}\", on_lost = \"{on_lost}\" }}", retry.attempts)
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A basic string: exact, and harmless to whoever looks at it.
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => write!(out, "\\U{:08x}", u32::from(c)).expect("a string takes all text"),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_read_back_as_they_were() {
        for text in ["", "plain", "a\"b\\c", "line\nline\ttab", "\u{1b}[2J \u{202e} \u{7f}", "表"] {
            let written = format!("x = {}\n{} = 1", quoted(text), key(text));
            let read: toml::Table = written.parse().unwrap();
            assert_eq!(read["x"].as_str(), Some(text));
            assert!(read.contains_key(text), "{written}");
        }
    }
}
