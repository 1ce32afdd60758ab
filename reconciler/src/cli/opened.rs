//! An opened project for a command: its store and lease, and the folder that its specs are in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use windlass_compiler::model::Lease;
use windlass_core::desired::Change;
use windlass_core::id::ApplyId;

use super::args::StoreArgs;
use super::failure::Failure;
use crate::ledger::{Ledger, new_op};
use crate::session::Session;
use crate::store;

/// The environment variable with the nodes of the lease, separated by commas.
const LEASE: &str = "WINDLASS_LEASE";

/// The store of a project that names none.
pub const DEFAULT_STORE: &str = "file:.windlass";

/// Where the records of a project are, and who says which replica owns what.
#[derive(Debug, Clone)]
pub struct Backing {
    /// The store's URL. It may hold a password.
    pub url: String,
    /// The lease; that of the store without one.
    pub lease: Option<Lease>,
}

impl Backing {
    /// The store that a flag, the environment or a spec names, in this order, and the lease likewise; with the
    /// acknowledgements that the spec asks for.
    pub fn new(args: &StoreArgs, spec: Option<&str>, acknowledge: Option<u8>, lease: Option<Lease>) -> Self {
        let url = store::acknowledged(args.url().or(spec).unwrap_or(DEFAULT_STORE), acknowledge);
        Self { url, lease: leased(std::env::var(LEASE).ok().as_deref(), lease) }
    }
}

/// The lease of a spec, on the nodes that the environment names if it does.
fn leased(variable: Option<&str>, spec: Option<Lease>) -> Option<Lease> {
    let Some(named) = variable.filter(|named| !named.is_empty()) else { return spec };
    let nodes = named.split(',').map(|node| node.trim().to_owned()).collect();
    Some(Lease { nodes, ttl: spec.map_or(Lease::TTL, |lease| lease.ttl) })
}

/// Opens the store of the project in `root`. `create`: one that does not exist yet is made, not refused.
pub async fn open_project(root: &Path, backing: &Backing, create: bool) -> Result<Session, Failure> {
    let Backing { url, lease } = backing;
    if !create && !store::exists(url, root).await? {
        return Err(Failure::error(format!(
            "nothing was ever applied here: there is no store in {}",
            place(url, root)
        ))
        .hint("`windlass apply` makes one; `-C DIR` or `--store URL` names another place"));
    }
    let opened = store::open(url, root, create, lease.as_ref()).await?;
    let folder = opened.folder.unwrap_or_else(|| root.join(".windlass"));
    Ok(Session { store: opened.store, lease: opened.lease, folder })
}

/// Opens a project that must have been applied before, and reads its records.
pub async fn open_existing(root: &Path, backing: &Backing) -> Result<(Arc<Session>, Ledger), Failure> {
    let session = Arc::new(open_project(root, backing, false).await?);
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
