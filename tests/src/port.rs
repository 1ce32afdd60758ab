//! Ports that no other test takes, not even while their server is down.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FlockOperation, flock};

use crate::seed::Random;

/// Below the ports that the kernel gives to outgoing connections, and above the well-known ones.
const FIRST: u16 = 16_000;
const COUNT: u16 = 16_000;

/// A port on loopback that is ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// One that nobody listens on and nobody has reserved.
    pub fn free() -> Self {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(u64::from(process::id()) << 32 | drawn);
        let mut numbers = (0..1000).map(|_| FIRST + (random.below(COUNT.into()) as u16));
        numbers.find_map(Self::reserve).expect("one of a thousand ports is free")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address on loopback.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }

    fn reserve(number: u16) -> Option<Self> {
        let path = path(number);
        let lock = OpenOptions::new().create(true).append(true).open(&path).ok()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        // Whoever had it before removes the file when it is done: a lock on a removed file is none.
        if lock.metadata().ok()?.ino() != fs::metadata(&path).ok()?.ino() {
            return None;
        }
        let port = Self { number, _lock: lock };
        TcpListener::bind(port.address()).ok()?;
        Some(port)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = fs::remove_file(path(self.number));
    }
}

/// The file whose lock is the reservation: the same for all test processes of this user.
fn path(number: u16) -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("windlass-test-ports-{user}"));
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder.join(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_nobody_elses_until_it_is_dropped() {
        let port = Port::free();
        let number = port.number();
        assert!(Port::reserve(number).is_none());
        drop(port);
        assert!(Port::reserve(number).is_some());
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(Port::reserve(listener.local_addr().unwrap().port()).is_none());
    }
}
