//! A Redis server of a test's own, in a temporary folder, on a free port. It ends with its value. A test that finds
//! none fails.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far longer than any server takes for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub(super) struct Server {
    pub(super) port: u16,
    folder: TempDir,
    settings: Vec<String>,
    process: Child,
}

impl Server {
    /// Starts one with these settings on top of the usual ones.
    pub(super) fn start(settings: &[&str]) -> Self {
        // Somebody else may take the port between our look and the server's.
        (0..5).find_map(|_| Self::try_start(settings)).expect("no Redis server could be started")
    }

    /// Starts a sentinel that watches a primary.
    pub(super) fn sentinel(name: &str, primary: u16) -> Self {
        let monitor = format!("sentinel monitor {name} 127.0.0.1 {primary} 1");
        Self::start(&["--sentinel", &monitor])
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let port = free_port();
        let process = spawn(port, folder.path(), &settings);
        let mut server = Self { port, folder, settings, process };
        server.answers().then_some(server)
    }

    /// Kills it and starts it again with what is on its disk.
    pub(super) fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(self.port, self.folder.path(), &self.settings);
        assert!(self.answers(), "it did not come back");
    }

    /// Waits until the answer to `line` contains `wanted`.
    pub(super) fn until(&self, line: &str, wanted: &str) {
        let began = Instant::now();
        loop {
            // A server that changes its role may drop who asks.
            let answer = self.say(line).unwrap_or_else(|error| error.to_string());
            if answer.contains(wanted) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{line} never said {wanted}: {answer}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends one command as a line, and returns the first part of what comes back.
    pub(super) fn say(&self, line: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE && self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if self.say("PING").is_ok_and(|answer| answer.starts_with(['+', '-'])) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &Path, settings: &[String]) -> Child {
    let mut command = Command::new(binary());
    let common = ["--bind", "127.0.0.1", "--port", &port.to_string(), "--loglevel", "warning"];
    if let [sentinel, monitor] = settings
        && sentinel == "--sentinel"
    {
        let file = folder.join("sentinel.conf");
        std::fs::write(&file, monitor).unwrap();
        command.arg(file).arg(sentinel).args(common);
    } else {
        command.args(common).args(["--save", "", "--repl-diskless-sync-delay", "0"]).args(settings);
    }
    command.arg("--dir").arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a server can be started")
}

/// The server of `tests/servers`, or the one that `WINDLASS_REDIS_SERVER` names: another version, or Valkey.
fn binary() -> PathBuf {
    env::var_os("WINDLASS_REDIS_SERVER").map_or_else(|| installed("redis/bin/redis-server"), PathBuf::from)
}

/// What `tests/servers` has put under this name.
pub(super) fn installed(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/servers").join(name);
    assert!(path.exists(), "{} is missing: tests/servers gets it", path.display());
    path
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port()
}
