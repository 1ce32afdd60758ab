//! Performs actions on attempts' folders. It may block.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use windlass_compiler::units::Duration;
use windlass_core::action::{Action, Create, Outcome};
use windlass_core::fault::{self, Rule};
use windlass_core::id::{ExternalName, Uid};
use windlass_core::observed::{Observation, Phase};

use super::look::{Seen, look};
use super::{create, events, launch, phase, silence, stop};

/// Where attempts live, and how their supervisors are started.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The folder of all attempts' folders.
    pub top: PathBuf,
    /// The command line of a supervisor, without folder and uid.
    pub supervisor: Vec<OsString>,
}

/// The rules that hold, as seen by the thread that asked: test builds can switch them off there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    create_only: bool,
    recorded_uid: bool,
}

impl Rules {
    /// The rules that hold on this thread.
    pub(super) fn now() -> Self {
        Self {
            create_only: !fault::is_off(Rule::CreateOnly),
            recorded_uid: !fault::is_off(Rule::RecordedUid),
        }
    }
}

/// An outcome that ends an action early.
type Otherwise = Box<Outcome>;

impl Site {
    /// The folder of an attempt; `None` for a name that could lead elsewhere.
    pub(super) fn path(&self, name: &ExternalName) -> Option<PathBuf> {
        let name = name.as_str();
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
        is_plain.then(|| self.top.join(name))
    }

    /// Performs an action.
    pub(super) fn perform(&self, action: &Action, rules: Rules) -> Outcome {
        let outcome = match action {
            Action::Create(create) => self.create(create, rules),
            Action::Activate { name, uid } => {
                self.find(name, Some(uid), rules).and_then(|seen| self.activate(&seen))
            }
            Action::Stop { name, uid, grace } => {
                self.find(name, uid.as_ref(), rules).and_then(|seen| self.stop(&seen, *grace))
            }
        };
        outcome.map_or_else(|otherwise| *otherwise, Outcome::Done)
    }

    fn create(&self, create: &Create, rules: Rules) -> Result<Observation, Otherwise> {
        let Some(path) = self.path(&create.name) else {
            return Err(Box::new(Outcome::Refused {
                reason: format!("`{}` cannot be a folder's name", create.name),
            }));
        };
        if !rules.create_only {
            create::unmake(&path).map_err(|error| unknown(&path, &error))?;
        }
        if create::is_haunted(&self.top, create) {
            return Err(silent("the folder of an earlier attempt was deleted, and it still runs".to_owned()));
        }
        if create::make(&path, create).map_err(|error| unknown(&path, &error))? {
            events::touch(&self.top);
        }
        let found = self.find(&create.name, None, rules)?.observation;
        if found.label == create.label { Ok(found) } else { Err(Box::new(Outcome::Foreign(found))) }
    }

    /// Finds the attempt that is meant.
    fn find(&self, name: &ExternalName, uid: Option<&Uid>, rules: Rules) -> Result<Seen, Otherwise> {
        let path = self.path(name).ok_or(Box::new(Outcome::Gone))?;
        let seen = look(&path).map_err(|error| unknown(&path, &error))?.ok_or(Box::new(Outcome::Gone))?;
        match uid {
            Some(uid) if *uid != seen.observation.uid && rules.recorded_uid => {
                Err(Box::new(Outcome::Foreign(seen.observation)))
            }
            _ => Ok(seen),
        }
    }

    /// Starts a supervisor, unless the one start of the attempt is used, and waits until it has begun.
    fn activate(&self, seen: &Seen) -> Result<Observation, Otherwise> {
        if seen.observation.phase != Phase::Suspended {
            return Ok(seen.observation.clone());
        }
        let mut child = self.supervise(seen)?;
        crate::fault::point("activate.after-launch");
        launch::settle(&mut child, || phase::is_spent(&seen.folder).unwrap_or(false));
        let found = again(seen)?;
        if found.phase != Phase::Suspended {
            return Ok(found);
        }
        let complaint = launch::complaint(&seen.folder).unwrap_or_else(|| "it has not begun yet".to_owned());
        Err(silent(format!("its supervisor did not say that it began: {complaint}")))
    }

    /// Records that the attempt is to end, and sees to it that somebody ends it.
    fn stop(&self, seen: &Seen, grace: Duration) -> Result<Observation, Otherwise> {
        if matches!(seen.observation.phase, Phase::Ended { .. }) {
            return Ok(seen.observation.clone());
        }
        let folder = &seen.folder;
        crate::fault::point("stop.before-request");
        // A request that is repeated tells nobody: whoever waits for news would repeat it for ever.
        if stop::record(folder, grace).map_err(|error| unknown(folder.path(), &error))? {
            crate::fault::point("stop.after-request");
            stop::wake(folder);
            events::touch(&self.top);
        }
        let found = again(seen)?;
        if matches!(found.phase, Phase::Impaired { .. }) {
            self.supervise(seen)?;
        }
        Ok(found)
    }

    fn supervise(&self, seen: &Seen) -> Result<launch::Child, Otherwise> {
        launch::supervisor(&self.supervisor, &seen.folder, &seen.observation.uid)
            .map_err(|error| silent(format!("no supervisor could be started: {error}")))
    }
}

fn again(seen: &Seen) -> Result<Observation, Otherwise> {
    seen.again().map_err(|error| unknown(seen.folder.path(), &error))
}

fn unknown(path: &Path, error: &io::Error) -> Otherwise {
    silent(silence(path, error).reason)
}

fn silent(reason: String) -> Otherwise {
    Box::new(Outcome::Unknown { reason })
}
