//! The records in an attempt's folder, one file each: what was asked, what began, how it ended.
//!
//! Each is written once, except `running.json` (rewritten when the command counts as running) and `stop.json`
//! (rewritten when a later request grants less time).

use std::io;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use windlass_compiler::units::Duration;
use windlass_core::document::{self, Document};
use windlass_core::id::Uid;
use windlass_core::observed::{End, Label};

use super::folder::Folder;
use super::process::Identity;

/// A record with the file that it lives in.
pub(super) trait Record: Document {
    /// The file's name.
    const FILE: &'static str;
}

/// What an attempt is: written at its creation, and the reason that its folder exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// Tells this folder from any other that has its name at another time.
    pub uid: Uid,
    /// Whose attempt it is.
    pub label: Label,
    /// The boot of the host in which it was made.
    pub boot: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it runs.
    pub command: Command,
}

/// A command with all of its paths resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    /// The program and its arguments.
    pub line: Vec<String>,
    /// Variables on top of the inherited environment.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Its working directory.
    pub dir: String,
    /// Its standard input; empty without it.
    #[serde(default)]
    pub stdin: Option<String>,
    /// How long it must have run before it counts as running.
    pub ready: Duration,
    /// How long it may take to end after TERM.
    pub grace: Duration,
}

/// That the one start of the attempt has been used: durable before the command is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Started {
    /// The supervisor.
    pub supervisor: Identity,
    /// The boot of the host.
    pub boot: String,
    /// When.
    pub at: Timestamp,
}

/// That the command was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// Its process, which leads its process group.
    pub command: Identity,
    /// Since when.
    pub since: Timestamp,
    /// Whether it has run for long enough to count as running.
    pub ready: bool,
}

/// That the attempt is to end, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stop {
    /// When it was asked.
    pub at: Timestamp,
    /// How long the command may take to end after TERM.
    pub grace: Duration,
}

/// How the attempt ended: durable when nothing of it is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// When.
    pub at: Timestamp,
    /// When the command was started, if it was.
    pub started: Option<Timestamp>,
    /// How.
    pub end: End,
    /// The exit status of the command, if it exited.
    pub code: Option<i32>,
    /// The signal that killed the command, if one did.
    pub signal: Option<i32>,
    /// What it took.
    pub usage: Option<Usage>,
}

/// What an attempt took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    /// Processor time of the command and everything that it started.
    pub cpu_millis: u64,
    /// The most memory that the command itself was seen to hold, if it lived long enough to be looked at.
    pub peak_kib: Option<u64>,
}

macro_rules! record {
    ($type:ty, $kind:literal, $($field:literal),+) => {
        impl Document for $type {
            const KIND: &'static str = $kind;
            const FORMAT: u64 = 1;
            const FIELDS: &'static [&'static str] = &[$($field),+];
        }

        impl Record for $type {
            const FILE: &'static str = concat!($kind, ".json");
        }
    };
}

record!(Attempt, "attempt", "uid", "label", "boot", "created", "command");
record!(Started, "started", "supervisor", "boot", "at");
record!(Running, "running", "command", "since", "ready");
record!(Stop, "stop", "at", "grace");
record!(Ended, "ended", "at", "started", "end", "code", "signal", "usage");

/// Reads a record; `None` if it was not written yet.
pub(super) fn read<R: Record>(folder: &Folder) -> io::Result<Option<R>> {
    let Some(text) = folder.read(R::FILE)? else { return Ok(None) };
    document::decode(&text).map(Some).map_err(io::Error::other)
}

/// Writes a record durably; `false`, and nothing is changed, if it was written before.
pub(super) fn write_once<R: Record>(folder: &Folder, record: &R) -> io::Result<bool> {
    folder.put_new(R::FILE, &document::encode(record, None))
}

/// Writes or replaces a record durably.
pub(super) fn write<R: Record>(folder: &Folder, record: &R) -> io::Result<()> {
    folder.put(R::FILE, &document::encode(record, None))
}
