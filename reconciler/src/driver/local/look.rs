//! Reads attempts from their folders.

use std::io;
use std::path::{Path, PathBuf};

use windlass_core::id::ExternalName;
use windlass_core::observed::Observation;

use super::folder::Folder;
use super::memory::{Memory, Stamp};
use super::record::{self, Attempt};
use super::{lock, phase, silence};
use crate::driver::Silence;

/// An attempt that was looked at, and its folder, which stays the same one whatever happens to its path.
#[derive(Debug)]
pub(super) struct Seen {
    /// The folder.
    pub folder: Folder,
    /// What stood in it.
    pub observation: Observation,
}

impl Seen {
    /// What stands in the folder now.
    pub(super) fn again(&self) -> io::Result<Observation> {
        Ok(Observation { phase: phase::read(&self.folder)?, ..self.observation.clone() })
    }
}

/// Looks at the attempt whose folder is at `path`; `None` if there is none.
pub(super) fn look(path: &Path) -> io::Result<Option<Seen>> {
    let Some(folder) = Folder::open(path)? else { return Ok(None) };
    let Some(attempt) = record::read::<Attempt>(&folder)? else { return absent(&folder) };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = ExternalName::reported(name);
    let phase = phase::read(&folder)?;
    let observation = Observation { name, uid: attempt.uid, label: attempt.label, phase };
    Ok(Some(Seen { folder, observation }))
}

/// A folder without its record is being deleted: the attempt is absent once nothing of it is alive.
fn absent(folder: &Folder) -> io::Result<Option<Seen>> {
    match is_alive(folder)? {
        false => Ok(None),
        true => Err(io::Error::other("its record is gone, and something of it is still alive")),
    }
}

fn is_alive(folder: &Folder) -> io::Result<bool> {
    Ok(lock::is_held(folder, lock::SUPERVISOR)? || phase::is_anything_alive(folder)?)
}

/// All attempts whose folders are in `top`, by name. `memory` is left with exactly those that have ended.
pub(super) fn list(top: &Path, memory: &mut Memory) -> Result<Vec<Observation>, Silence> {
    let mut before = std::mem::take(memory);
    let mut found = Vec::new();
    for path in folders(top).map_err(|error| silence(top, &error))? {
        let stamp = Stamp::of(&path);
        let seen = match before.recall(&path, stamp) {
            Some(observation) => Ok(Some(observation)),
            None => look(&path).map(|seen| seen.map(|seen| seen.observation)),
        };
        match seen {
            Ok(Some(observation)) => {
                memory.keep(path, stamp, &observation);
                found.push(observation);
            }
            Ok(None) => {}
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
