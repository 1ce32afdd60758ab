//! An opened project: its store, its lease, and the way to its clusters.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_compiler::model::Cluster;
use windlass_compiler::name::Name;

use crate::driver::Driver;
use crate::driver::local::Local;
use crate::engine::Connect;
use crate::lease::Lease;
use crate::ledger::{self, Ledger};
use crate::store::Store;

/// An opened project.
pub struct Session {
    /// Its store.
    pub store: Arc<dyn Store>,
    /// Its lease.
    pub lease: Arc<dyn Lease>,
    /// The folder that the embedded store and the local clusters live in.
    pub folder: PathBuf,
}

impl Session {
    /// Reads all records.
    pub async fn ledger(&self) -> Result<Ledger, ledger::Error> {
        Ledger::load(Arc::clone(&self.store)).await
    }

    /// The driver of a cluster.
    pub fn driver(&self, name: &Name, kind: &Cluster) -> Arc<dyn Driver> {
        connect(&self.folder, name, kind)
    }

    /// How an engine makes drivers.
    pub fn connect(&self) -> Connect {
        let folder = self.folder.clone();
        Arc::new(move |name, kind| connect(&folder, name, kind))
    }
}

/// The one place that knows which kind of cluster has which driver.
fn connect(folder: &Path, name: &Name, kind: &Cluster) -> Arc<dyn Driver> {
    match kind {
        Cluster::Local => Arc::new(Local::new(folder.join("local").join(name.as_str()), supervisor())),
    }
}

/// The command line that starts a supervisor: this program itself.
fn supervisor() -> Vec<OsString> {
    let itself = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("windlass"));
    vec![itself.into_os_string(), "__supervise".into()]
}
