//! From a URL to a store and the lease that belongs to it. What a URL says behind its scheme is never repeated
//! in a message, unless it is a path: it may hold a password.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_compiler::model;

use super::memory::Memory;
use super::redis::address::Address;
use super::redis::{self, Redis};
use super::sqlite::{Open, Sqlite};
use super::{Error, Store};
use crate::lease::Lease;
use crate::lease::file::FileLease;
use crate::lease::memory::MemoryLease;
use crate::lease::redlock::{self, Redlock};
use crate::lease::replicas::Replicas;

/// The file of the store in its folder.
const DATABASE: &str = "store.db";

/// The marker of the store in its folder.
const MARKER: &str = "store.id";

/// The file of the lease in the store's folder.
const LEASE: &str = "lease";

/// A store, and what belongs to it.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Who decides.
    pub lease: Arc<dyn Lease>,
    /// The folder of the store, where it has one.
    pub folder: Option<PathBuf>,
}

/// The folder beside the specs for what this host keeps of a store that is elsewhere.
const BESIDE: &str = ".windlass";

/// Opens the store that `url` names: `file:PATH`, a folder relative to `root`; `redis:`, with its kin, a server; or
/// `memory:`. Where there is none yet, `create` decides whether it is made or refused.
///
/// `lease`: who says which replica owns what of a store on a server; that server itself without one.
pub async fn open(
    url: &str,
    root: &Path,
    create: bool,
    lease: Option<&model::Lease>,
) -> Result<Opened, Error> {
    match Place::of(url, root)? {
        Place::Memory => Ok(in_memory()),
        Place::Redis(address) => on_server(*address, &root.join(BESIDE), create, lease).await,
        Place::Folder(folder) => {
            let mode = if create { Open::Create } else { Open::Existing };
            let place = folder.display().to_string();
            tokio::task::spawn_blocking(move || in_folder(folder, mode)).await.unwrap_or_else(|error| {
                Err(Error::Unavailable { store: place, reason: format!("opening it failed: {error}") })
            })
        }
    }
}

/// Whether a store was ever made where `url` says: it, or its marker, is there.
pub async fn exists(url: &str, root: &Path) -> Result<bool, Error> {
    match Place::of(url, root)? {
        Place::Memory => Ok(false),
        Place::Redis(address) => Redis::exists(*address, &root.join(BESIDE)).await,
        Place::Folder(folder) => Ok([DATABASE, MARKER].iter().any(|name| folder.join(name).exists())),
    }
}

fn in_memory() -> Opened {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let lease = Arc::new(MemoryLease::new(Arc::clone(&store)));
    Opened { store, lease, folder: None }
}

async fn on_server(
    address: Address,
    beside: &Path,
    create: bool,
    lease: Option<&model::Lease>,
) -> Result<Opened, Error> {
    let config = leased(&address, lease)?;
    let mode = if create { redis::Open::Create } else { redis::Open::Existing };
    let store: Arc<dyn Store> = Arc::new(Redis::open(address, beside, mode).await?);
    let named = format!("on {}", config.named());
    let lease = Arc::new(Replicas::new(Redlock::connect(&config), Arc::clone(&store), named));
    Ok(Opened { store, lease, folder: Some(beside.to_owned()) })
}

/// The lease of a store on a server: on the nodes that were named, or on that server.
fn leased(address: &Address, lease: Option<&model::Lease>) -> Result<redlock::Config, Error> {
    let refused = |reason: String| Error::Refused { store: "the lease".to_owned(), reason };
    let ttl = lease.map_or(model::Lease::TTL, |lease| lease.ttl).into();
    let own = || {
        address.node().map(|node| vec![node]).ok_or_else(|| {
            refused("behind Sentinel or on a cluster it needs nodes of its own: `[lease] nodes`".to_owned())
        })
    };
    let nodes = match lease.map(|lease| &lease.nodes) {
        Some(nodes) if !nodes.is_empty() => nodes.clone(),
        Some(_) | None => own()?,
    };
    redlock::Config::new(&nodes, &address.prefix, ttl, "").map_err(|bad| refused(bad.to_string()))
}

fn in_folder(folder: PathBuf, mode: Open) -> Result<Opened, Error> {
    if mode == Open::Create {
        prepare(&folder)
            .map_err(|error| Error::denied(folder.display().to_string(), "making its folder", &error))?;
    }
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.join(DATABASE), mode)?);
    let lease = Arc::new(FileLease::new(&folder.join(LEASE), Arc::clone(&store)));
    Ok(Opened { store, lease, folder: Some(folder) })
}

/// Makes the folder, and keeps a new one out of Git.
fn prepare(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join(".gitignore"), "*\n")?;
    match folder.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Where a URL points.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Redis(Box<Address>),
    Memory,
}

impl Place {
    fn of(url: &str, root: &Path) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once(':').ok_or_else(|| refused("", "has no scheme"))?;
        match (scheme, rest) {
            ("file", "") => Err(refused("file:", "names no folder")),
            ("file", path) => path_of(path).map(|path| Self::Folder(root.join(path))),
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => Err(refused("memory:", "takes nothing behind its colon")),
            (
                "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster"
                | "rediss+cluster",
                _,
            ) => {
                let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
                let address = Address::parse(url, variable);
                address
                    .map(|address| Self::Redis(Box::new(address)))
                    .map_err(|problem| refused(&format!("{scheme}:"), problem))
            }
            _ => Err(refused("", "has a scheme that is not known")),
        }
    }
}

/// The path of a `file:` URL; with two slashes it is absolute and names no host.
fn path_of(text: &str) -> Result<&str, Error> {
    match text.strip_prefix("//") {
        None => Ok(text),
        Some(path) if path.starts_with('/') => Ok(path),
        Some(_) => Err(refused("file:", "names a host: write `file:PATH`, or `file:///PATH` from the root")),
    }
}

fn refused(scheme: &str, problem: &str) -> Error {
    let reason = format!(
        "its URL {problem}; a store is `file:PATH`, a folder beside the specs, `redis://HOST:PORT/0`, or `memory:`"
    );
    Error::Refused { store: format!("{scheme}…"), reason }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use windlass_core::shard::Shard;

    use super::*;
    use crate::lease::Acquired;

    #[test]
    fn a_url_names_a_place() {
        let folder = |path: &str| Place::Folder(PathBuf::from(path));
        for (url, place) in [
            ("file:.windlass", folder("/root/.windlass")),
            ("file:../a b", folder("/root/../a b")),
            ("file:/srv/x", folder("/srv/x")),
            ("file:///srv/x", folder("/srv/x")),
            ("memory:", Place::Memory),
        ] {
            assert_eq!(Place::of(url, Path::new("/root")).unwrap(), place, "{url}");
        }
    }

    #[test]
    fn a_bad_url_is_refused_without_its_secrets() {
        for (url, problem) in [
            ("hunter2", "has no scheme"),
            ("file:", "names no folder"),
            ("file://me:hunter2@host/x", "names a host"),
            ("memory:hunter2", "takes nothing"),
            ("redis://me:hunter2@host:x", "a port that is no number"),
            ("rediss://:hunter2@", "names no host"),
            ("redis+hunter2://host", "a scheme that is not known"),
            ("hunter2:x", "a scheme that is not known"),
        ] {
            let message = Place::of(url, Path::new("/")).unwrap_err().to_string();
            assert!(message.contains(problem) && !message.contains("hunter2"), "{message}");
        }
    }

    #[tokio::test]
    async fn a_store_is_made_only_when_asked() {
        let root = TempDir::new().unwrap();
        let url = "file:.windlass/deep";
        assert!(!exists(url, root.path()).await.unwrap());
        let refused = open(url, root.path(), false, None).await.err().unwrap().to_string();
        assert!(refused.contains("there is no store yet"), "{refused}");
        assert!(!root.path().join(".windlass").exists());
        let opened = open(url, root.path(), true, None).await.unwrap();
        let folder = root.path().join(".windlass/deep");
        assert_eq!(opened.folder.as_deref(), Some(&*folder));
        assert_eq!(fs::read_to_string(folder.join(".gitignore")).unwrap(), "*\n");
        assert!(exists(url, root.path()).await.unwrap());
        let again = open(url, root.path(), false, None).await.unwrap();
        assert_eq!(again.store.lineage(), opened.store.lineage());
    }

    #[tokio::test]
    async fn a_folder_of_the_users_is_left_as_it_is() {
        let root = TempDir::new().unwrap();
        open("file:.", root.path(), true, None).await.unwrap();
        assert!(!root.path().join(".gitignore").exists());
    }

    #[tokio::test]
    async fn store_and_lease_belong_together() {
        let root = TempDir::new().unwrap();
        for url in ["memory:", "file:store"] {
            let opened = open(url, root.path(), true, None).await.unwrap();
            let Acquired::Ours(held) = opened.lease.acquire("test").await.unwrap() else {
                panic!("{url}: busy");
            };
            let next = opened.store.raise().await.unwrap();
            assert!(Shard::all().all(|shard| held.epoch(shard) < Some(next)), "{url}");
        }
    }
}
