//! A Redis server on a free port of loopback, with a folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Client, FromRedisValue};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use windlass_tests::project::patiently;

/// The server. Dropping it ends it.
pub(crate) struct Server {
    address: SocketAddr,
    settings: &'static str,
    child: Option<Child>,
    folder: TempDir,
}

impl Server {
    /// Starts a server with these lines in its configuration, and waits until it answers.
    pub(crate) fn start(settings: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self { address, settings, child: None, folder };
        server.spawn();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(self.url()).expect("an address is all that it takes")
    }

    #[track_caller]
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        let mut connection = self.client().get_connection().expect("it answers");
        command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// How often a command was called, as the server counts.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let all: String = self.command(&["INFO", "commandstats"]);
        let line = all.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Kills it and starts it with what it has on disk.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.spawn();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().map(Child::id).and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).expect("it is alive");
        kill_process(pid, signal).expect("it is ours");
    }

    fn spawn(&mut self) {
        let configuration = self.folder.path().join("conf");
        let (port, folder) = (self.address.port(), self.folder.path().display());
        let text = format!("bind 127.0.0.1\nport {port}\ndir {folder}\nsave \"\"\n{}\n", self.settings);
        fs::write(&configuration, text).expect("writable");
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"));
        let mut command = Command::new(program());
        command.arg(configuration).stdin(Stdio::null()).stdout(log.expect("writable"));
        self.child =
            Some(command.spawn().expect("redis-server is installed, or named by WINDLASS_REDIS_SERVER"));
        assert!(patiently(Duration::from_secs(30), || self.answers()), "the server does not start");
    }

    fn answers(&self) -> bool {
        let mut connection = match self.client().get_connection() {
            Ok(connection) => connection,
            // A password is asked for: it answers.
            Err(error) => return error.code().is_some(),
        };
        match redis::cmd("PING").query::<String>(&mut connection) {
            Ok(_) => true,
            Err(error) => error.code() == Some("NOAUTH"),
        }
    }
}

/// The server's program: that of `WINDLASS_REDIS_SERVER`, else the one that was installed for the tests, else the
/// system's.
fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/servers/redis/bin/redis-server");
    match std::env::var_os("WINDLASS_REDIS_SERVER") {
        Some(named) => named.into(),
        None if installed.exists() => installed,
        None => "redis-server".into(),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
