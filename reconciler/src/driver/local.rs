//! Real processes on this host.
//!
//! One folder per attempt, named like the attempt, holds everything that is known of it; one supervisor process
//! per attempt that was activated stands behind it (see [`supervisor`]). This module only reads folders, writes
//! requests into them and starts supervisors; all that is known stands in the folders, so whoever comes later knows
//! as much.
//!
//! # Why nothing runs twice, and no stop is lost
//!
//! The files of a folder appear completely or not at all, durably, and `attempt.json`, `started.json` and
//! `ended.json` never change.
//!
//! - *Create* gives a complete folder its final name in one step, which fails where the name is taken. The uid in
//!   it is random: a folder that was deleted and made anew is another one.
//! - *Activate* starts a supervisor, which needs the exclusive lock of the folder and makes `started.json`, which
//!   can be made only once. The command is started after that: if the supervisor dies in between, the one start
//!   is used up, and the attempt is lost rather than started again. Any number of activations is one start.
//! - *Stop* writes `stop.json` and then looks for `started.json`; a supervisor writes `started.json` and then
//!   looks for `stop.json`. Whichever comes first, one of them sees the other: either the supervisor never starts
//!   the command, or the stop finds a supervisor to wake, which looks every second in any case. Reading the two
//!   files in the order of the stop gives every reader the same certainty. No lock is needed, so a stop never
//!   waits.
//! - *Dead or alive* is answered by locks alone, which the operating system drops with their holder: the
//!   supervisor's, and the one that all processes of the attempt inherit. A lock that is held outweighs all that
//!   is written. Process ids are used for signals only, and never without start time and boot.
//! - A command whose supervisor was killed still runs, unsupervised. A stop of it starts another supervisor, which
//!   ends what is left and records that.

mod create;
mod events;
mod folder;
mod launch;
mod lock;
mod look;
mod memory;
mod output;
mod perform;
mod phase;
mod process;
mod record;
mod stop;
pub mod supervisor;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use windlass_core::action::{Action, Outcome};
use windlass_core::id::ExternalName;
use windlass_core::observed::Observation;

use self::folder::Folder;
use self::look::Seen;
use self::memory::Memory;
use self::perform::{Rules, Site};
use super::{Driver, Output, Silence};
use crate::fault;

/// The local cluster.
#[derive(Debug)]
pub struct Local {
    site: Site,
    memory: Arc<Mutex<Memory>>,
    watch: events::Watch,
}

impl Local {
    /// The cluster whose attempts have their folders in `top`, which need not exist yet. `supervisor` is the
    /// command line that starts a supervisor; folder and uid are added to it.
    pub fn new(top: PathBuf, supervisor: Vec<OsString>) -> Self {
        let top = std::path::absolute(&top).unwrap_or(top);
        let watch = events::Watch::new(top.clone());
        Self { site: Site { top, supervisor }, memory: Arc::default(), watch }
    }

    /// Asks something of an attempt's folder, if the name is one that a folder can have.
    async fn ask<T: Send + 'static>(
        &self,
        name: &ExternalName,
        question: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Silence> {
        let Some(path) = self.site.path(name) else { return Ok(None) };
        off(move || question(&path).map(Some).map_err(|error| silence(&path, &error))).await?
    }
}

#[async_trait]
impl Driver for Local {
    async fn list(&self) -> Result<Vec<Observation>, Silence> {
        let (top, memory) = (self.site.top.clone(), Arc::clone(&self.memory));
        off(move || {
            // A thread that died in the middle leaves less remembered, never anything wrong.
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            look::list(&top, &mut memory)
        })
        .await?
    }

    async fn observe(&self, name: &ExternalName) -> Result<Option<Observation>, Silence> {
        let seen = self.ask(name, look::look).await?;
        Ok(seen.flatten().map(|Seen { observation, .. }| observation))
    }

    async fn perform(&self, action: &Action) -> Outcome {
        let (site, action, rules) = (self.site.clone(), action.clone(), Rules::now());
        match off(move || site.perform(&action, rules)).await {
            Ok(outcome) => outcome,
            Err(Silence { reason }) => Outcome::Unknown { reason },
        }
    }

    async fn output(&self, name: &ExternalName, offset: u64, limit: usize) -> Result<Output, Silence> {
        let read = move |path: &Path| {
            Folder::open(path)?.map(|folder| output::read(&folder, offset, limit)).transpose()
        };
        let output = self.ask(name, read).await?.flatten();
        Ok(output.unwrap_or(Output { next: offset, ..Output::default() }))
    }

    async fn changed(&self) {
        self.watch.changed().await;
    }
}

fn silence(path: &Path, error: &io::Error) -> Silence {
    Silence { reason: format!("{}: {error}", path.display()) }
}

/// Runs `act` off the runtime's own threads, because files and processes may block.
async fn off<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T, Silence> {
    if fault::is_cut_off() {
        return Err(Silence { reason: "cut off by a test".to_owned() });
    }
    tokio::task::spawn_blocking(act).await.map_err(|error| Silence { reason: error.to_string() })
}
