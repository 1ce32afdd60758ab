//! Where `tests/servers` puts what the tests run.

use std::path::{Path, PathBuf};

use super::options::Program;

/// A program of Redis or Valkey: `server`, `cli`, `benchmark` or `check-aof`.
pub fn tool(program: Program, which: &str) -> PathBuf {
    let name = program.name();
    there(&format!("{name}/bin/{name}-{which}"))
}

/// The shim that moves the clocks of a process.
pub fn clock() -> PathBuf {
    there("clock.so")
}

/// A file for TLS: `authority.crt`, `server.crt`, `server.key`; `stranger.crt`, an authority that signed nothing.
pub fn tls(name: &str) -> PathBuf {
    there(&format!("tls/{name}"))
}

fn there(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let path = root.join(".cache/servers").join(name);
    assert!(path.exists(), "{} is missing: tests/servers gets it", path.display());
    path
}
