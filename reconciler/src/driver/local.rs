//! Real processes on this host.
//!
//! One folder per attempt, named like the attempt, holds everything that is known of it; one supervisor process
//! per attempt that was activated stands behind it (see [`supervisor`]). This module only reads folders, writes
//! requests into them and starts supervisors; it keeps nothing in memory, so whoever comes later knows as much.
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
mod output;
mod phase;
mod process;
mod record;
mod stop;
pub mod supervisor;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use windlass_compiler::units::Duration;
use windlass_core::action::{Action, Create, Outcome};
use windlass_core::fault::{self, Rule};
use windlass_core::id::{ExternalName, Uid};
use windlass_core::observed::{Observation, Phase};

use self::folder::Folder;
use self::record::Attempt;
use super::{Driver, Output, Silence};

/// The local cluster.
#[derive(Debug)]
pub struct Local {
    top: PathBuf,
    supervisor: Vec<OsString>,
    watch: events::Watch,
}

impl Local {
    /// The cluster whose attempts have their folders in `top`, which need not exist yet. `supervisor` is the
    /// command line that starts a supervisor; folder and uid are added to it.
    pub fn new(top: PathBuf, supervisor: Vec<OsString>) -> Self {
        let top = std::path::absolute(&top).unwrap_or(top);
        Self { watch: events::Watch::new(top.clone()), top, supervisor }
    }

    /// The folder of an attempt; `None` for a name that could lead elsewhere.
    fn path(&self, name: &ExternalName) -> Option<PathBuf> {
        let name = name.as_str();
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
        is_plain.then(|| self.top.join(name))
    }

    /// Runs `act` on an attempt's folder where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        name: &ExternalName,
        act: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Silence> {
        let path = self.path(name).ok_or_else(|| Silence { reason: format!("bad name {name:?}") })?;
        off(move || act(&path).map_err(|error| silence(&path, &error))).await
    }

    async fn create(&self, create: Create) -> Outcome {
        let label = create.label.clone();
        let anew = fault::is_off(Rule::CreateOnly);
        let name = create.name.clone();
        let made = self.blocking(&name, move |path| {
            if anew {
                create::unmake(path);
            }
            create::make(path, &create)?;
            tell(path);
            look(path)
        });
        match made.await {
            Ok(Some(found)) if found.label == label => Outcome::Done(found),
            Ok(Some(found)) => Outcome::Foreign(found),
            Ok(None) => {
                Outcome::Unknown { reason: "its folder was deleted as soon as it was made".to_owned() }
            }
            Err(Silence { reason }) => Outcome::Unknown { reason },
        }
    }

    async fn activate(&self, name: &ExternalName, uid: &Uid) -> Outcome {
        let found = match self.observe(name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::Gone,
            Err(Silence { reason }) => return Outcome::Unknown { reason },
        };
        if found.uid != *uid && !fault::is_off(Rule::RecordedUid) {
            return Outcome::Foreign(found);
        }
        match found.phase {
            Phase::Suspended => self.start(name, found.uid).await,
            _ => Outcome::Done(found),
        }
    }

    /// Starts a supervisor and waits until it has said something.
    async fn start(&self, name: &ExternalName, uid: Uid) -> Outcome {
        let line = self.supervisor.clone();
        let opened = self.blocking(name, Folder::open).await;
        let folder = match opened {
            Ok(Some(folder)) => folder,
            Ok(None) => return Outcome::Gone,
            Err(Silence { reason }) => return Outcome::Unknown { reason },
        };
        let mut child = match launch::supervisor(&line, &folder, &uid) {
            Ok(child) => child,
            Err(error) => {
                return Outcome::Unknown { reason: format!("no supervisor could be started: {error}") };
            }
        };
        launch::settle(&mut child, || phase::is_spent(&folder).unwrap_or(false)).await;
        match self.observe(name).await {
            Ok(Some(found)) if found.phase == Phase::Suspended => {
                let complaint =
                    launch::complaint(&folder).unwrap_or_else(|| "it has not begun yet".to_owned());
                Outcome::Unknown { reason: format!("its supervisor did not say that it began: {complaint}") }
            }
            Ok(Some(found)) => Outcome::Done(found),
            Ok(None) => Outcome::Gone,
            Err(Silence { reason }) => Outcome::Unknown { reason },
        }
    }

    async fn stop(&self, name: &ExternalName, uid: Option<&Uid>, grace: Duration) -> Outcome {
        let found = match self.observe(name).await {
            Ok(Some(found)) => found,
            Ok(None) => return Outcome::Gone,
            Err(Silence { reason }) => return Outcome::Unknown { reason },
        };
        if uid.is_some_and(|uid| found.uid != *uid) && !fault::is_off(Rule::RecordedUid) {
            return Outcome::Foreign(found);
        }
        if matches!(found.phase, Phase::Ended { .. }) {
            return Outcome::Done(found);
        }
        let asked = self.blocking(name, move |path| {
            let folder = Folder::open(path)?.ok_or(io::ErrorKind::NotFound)?;
            stop::record(&folder, grace)?;
            tell(path);
            stop::wake(&folder)?;
            Ok((look(path)?, folder))
        });
        match asked.await {
            Ok((Some(now), folder)) => self.take_over(now, &folder),
            Ok((None, _)) => Outcome::Gone,
            Err(Silence { reason }) => Outcome::Unknown { reason },
        }
    }

    /// Starts a supervisor for what nobody supervises any more, so that it ends too.
    fn take_over(&self, found: Observation, folder: &Folder) -> Outcome {
        if !matches!(found.phase, Phase::Impaired { .. }) {
            return Outcome::Done(found);
        }
        match launch::supervisor(&self.supervisor, folder, &found.uid) {
            Ok(_) => Outcome::Done(found),
            Err(error) => Outcome::Unknown { reason: format!("no supervisor could be started: {error}") },
        }
    }
}

#[async_trait]
impl Driver for Local {
    async fn list(&self) -> Result<Vec<Observation>, Silence> {
        let top = self.top.clone();
        off(move || list(&top)).await
    }

    async fn observe(&self, name: &ExternalName) -> Result<Option<Observation>, Silence> {
        match self.path(name) {
            Some(_) => self.blocking(name, look).await,
            None => Ok(None),
        }
    }

    async fn perform(&self, action: &Action) -> Outcome {
        match action {
            Action::Create(create) => self.create((**create).clone()).await,
            Action::Activate { name, uid } => self.activate(name, uid).await,
            Action::Stop { name, uid, grace } => self.stop(name, uid.as_ref(), *grace).await,
        }
    }

    async fn output(&self, name: &ExternalName, offset: u64, limit: usize) -> Result<Output, Silence> {
        let read = move |path: &Path| match Folder::open(path)? {
            Some(folder) => output::read(&folder, offset, limit),
            None => Ok(Output { next: offset, ..Output::default() }),
        };
        self.blocking(name, read).await
    }

    async fn changed(&self) {
        self.watch.changed().await;
    }
}

/// What stands in the folder at `path`; `None` if there is none.
fn look(path: &Path) -> io::Result<Option<Observation>> {
    let Some(folder) = Folder::open(path)? else { return Ok(None) };
    let Some(attempt) = record::read::<Attempt>(&folder)? else { return absent(&folder) };
    let phase = phase::read(&folder)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = ExternalName::reported(name);
    Ok(Some(Observation { name, uid: attempt.uid, label: attempt.label, phase }))
}

/// A folder without its record is being deleted: the attempt is absent once nothing of it is alive.
fn absent(folder: &Folder) -> io::Result<Option<Observation>> {
    match is_alive(folder)? {
        false => Ok(None),
        true => Err(io::Error::other("its record is gone, and something of it is still alive")),
    }
}

fn is_alive(folder: &Folder) -> io::Result<bool> {
    Ok(lock::is_held(folder, lock::SUPERVISOR)? || phase::is_anything_alive(folder)?)
}

/// All attempts whose folders are in `top`, by name.
fn list(top: &Path) -> Result<Vec<Observation>, Silence> {
    let mut found = Vec::new();
    for path in folders(top).map_err(|error| silence(top, &error))? {
        match look(&path) {
            Ok(observation) => found.extend(observation),
            Err(error) => pass_over(&path, &error)?,
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Passes over a folder that cannot be read, provided that nothing of it is alive: leaving it out says that the
/// attempt is absent, which must not be said of one that may run.
fn pass_over(path: &Path, error: &io::Error) -> Result<(), Silence> {
    let alive = match Folder::open(path) {
        Ok(Some(folder)) => is_alive(&folder),
        Ok(None) => Ok(false),
        Err(error) => Err(error),
    };
    if !matches!(alive, Ok(false)) {
        return Err(silence(path, error));
    }
    tracing::warn!(folder = %path.display(), %error, "an attempt's folder cannot be read and is passed over");
    Ok(())
}

/// The folders of attempts; none where nothing was ever created.
fn folders(top: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(top) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Drafts and the file of events start with a dot; no attempt's name does.
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

fn tell(path: &Path) {
    if let Some(top) = path.parent() {
        events::touch(top);
    }
}

fn silence(path: &Path, error: &io::Error) -> Silence {
    Silence { reason: format!("{}: {error}", path.display()) }
}

/// Runs `act` off the runtime's own threads.
async fn off<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Silence> + Send + 'static,
) -> Result<T, Silence> {
    match tokio::task::spawn_blocking(act).await {
        Ok(result) => result,
        Err(error) => Err(Silence { reason: error.to_string() }),
    }
}
