//! An opened project for a command: its store and lease, and the folder that its specs are in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use windlass_core::desired::Change;
use windlass_core::id::ApplyId;

use super::args::StoreArgs;
use super::failure::Failure;
use crate::ledger::{Ledger, new_op};
use crate::session::Session;
use crate::store;

/// The store of a project that names none.
pub const DEFAULT_STORE: &str = "file:.windlass";

/// Opens the store of the project in `root`. `create`: one that does not exist yet is made, not refused.
pub async fn open_project(root: &Path, url: &str, create: bool) -> Result<Session, Failure> {
    if !create && !store::exists(url, root).await? {
        return Err(Failure::error(format!(
            "nothing was ever applied here: there is no store in {}",
            place(url, root)
        ))
        .hint("`windlass apply` makes one; `-C DIR` or `--store URL` names another place"));
    }
    let opened = store::open(url, root, create).await?;
    let folder = opened.folder.unwrap_or_else(|| root.join(".windlass"));
    Ok(Session { store: opened.store, lease: opened.lease, folder })
}

/// The URL that counts: flag or environment variable, spec, default; with the acknowledgements that the spec asks for.
pub fn store_url(args: &StoreArgs, spec: Option<&str>, acknowledge: Option<u8>) -> String {
    store::acknowledged(args.url().or(spec).unwrap_or(DEFAULT_STORE), acknowledge)
}

/// Opens a project that must have been applied before, and reads its records.
pub async fn open_existing(root: &Path, url: &str) -> Result<(Arc<Session>, Ledger), Failure> {
    let session = Arc::new(open_project(root, url, false).await?);
    let ledger = session.ledger().await?;
    Ok((session, ledger))
}

/// Where a store is, as far as it may be shown.
fn place(url: &str, root: &Path) -> String {
    match url.strip_prefix("file:") {
        Some(folder) => root.join(folder).display().to_string(),
        None => store::without_password(url),
    }
}

/// A change by whoever runs this command, now.
pub fn change(command: &str, message: Option<&str>) -> Change {
    let at = Timestamp::now();
    Change {
        author: author(),
        at,
        command: command.to_owned(),
        apply: None,
        message: message.map(str::to_owned),
    }
}

/// A fresh id for an apply: the time, so that ids sort, and a few characters to tell two of one second apart.
pub fn apply_id(at: Timestamp) -> ApplyId {
    let op = new_op().to_string();
    ApplyId(format!("{}-{}", at.strftime("%Y%m%dT%H%M%SZ"), &op[..4]))
}

/// `user@host`.
fn author() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let system = rustix::system::uname();
    format!("{user}@{}", system.nodename().to_string_lossy())
}

/// The folder as an absolute path, for records that outlive this process's working folder.
pub fn absolute(root: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(root)
        .map_err(|error| Failure::error("the working folder cannot be read").because(&error))
}
