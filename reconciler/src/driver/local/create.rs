//! Makes an attempt's folder: complete, under a name that is given once.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use windlass_compiler::model::Engine;
use windlass_core::action::Create;
use windlass_core::id::{AttemptNumber, ExternalName, Uid};

use super::folder::{self, Folder};
use super::process;
use super::record::{self, Attempt, Command};
use crate::fault;

/// Makes the folder of a new attempt at `path`; `false`, and nothing is changed, if that name is taken.
pub(super) fn make(path: &Path, create: &Create) -> io::Result<bool> {
    let top = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(top)?;
    let uid = folder::random()?;
    let draft = Draft(top.join(format!(".new.{uid}")));
    fs::create_dir(&draft.0)?;
    let folder = Folder::open(&draft.0)?.ok_or(io::ErrorKind::NotFound)?;
    record::write_once(&folder, &attempt(Uid(uid), create)?)?;
    fault::point("create.before-publish");
    let made = folder::publish(&draft.0, path);
    fault::point("create.after-publish");
    made
}

/// Whether something of an earlier attempt is alive whose folder was deleted, so that nothing else tells of it.
pub(super) fn is_haunted(top: &Path, create: &Create) -> bool {
    let top = fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
    let label = &create.label;
    let earlier = (1..label.attempt.0).map(AttemptNumber);
    let folders: BTreeSet<PathBuf> =
        earlier.map(|number| top.join(ExternalName::of(&label.instance, number).as_str())).collect();
    !folders.is_empty() && process::is_any_left(|folder| folders.contains(folder))
}

/// Deletes an attempt's folder, running or not: what the rule of names that are given once forbids.
pub(super) fn unmake(path: &Path) -> io::Result<()> {
    let top = path.parent().unwrap_or(Path::new("/"));
    // In one step: its supervisor may be adding to it.
    let aside = Draft(top.join(format!(".old.{}", folder::random()?)));
    match fs::rename(path, &aside.0) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A folder under a name that is nobody's; what is left of it is deleted.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn attempt(uid: Uid, create: &Create) -> io::Result<Attempt> {
    Ok(Attempt {
        uid,
        label: create.label.clone(),
        boot: process::boot_id(),
        created: Timestamp::now(),
        command: command(create)?,
    })
}

fn command(create: &Create) -> io::Result<Command> {
    let Engine::Process(process) = &create.job.engine;
    let root = std::path::absolute(&create.root)?;
    // Joining an absolute path replaces the root; joining nothing would add a slash.
    let resolve = |path: &str| if path.is_empty() { root.clone() } else { root.join(path) };
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Ok(Command {
        line: process.command.clone(),
        env: process.env.clone(),
        dir: text(resolve(&process.dir)),
        stdin: process.stdin.as_deref().map(|path| text(resolve(path))),
        ready: process.ready,
        grace: process.grace,
    })
}
