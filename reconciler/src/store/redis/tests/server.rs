//! A Redis server of a test's own, in a temporary folder, on a free port. It ends with its value. A test that finds
//! none fails.

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far longer than any server takes to start.
const STARTED: Duration = Duration::from_secs(20);

/// A running server.
pub(super) struct Server {
    pub(super) port: u16,
    process: Child,
    _folder: TempDir,
}

impl Server {
    /// Starts one with these settings on top of the usual ones.
    pub(super) fn start(settings: &[&str]) -> Self {
        // Somebody else may take the port between our look and the server's.
        (0..5).find_map(|_| Self::try_start(settings)).expect("no Redis server could be started")
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let mut command = Command::new(binary());
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--loglevel",
            "warning",
        ]);
        command.arg("--dir").arg(folder.path()).args(settings).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("redis-server is not there: tests/run installs it");
        let mut server = Self { port, process, _folder: folder };
        server.answers().then_some(server)
    }

    /// Sends one command as a line, and returns the first part of what comes back.
    pub(super) fn say(&self, line: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(STARTED))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < STARTED && self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
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

fn binary() -> OsString {
    env::var_os("WINDLASS_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port()
}
