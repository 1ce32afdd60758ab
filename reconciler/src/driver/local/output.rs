//! What an attempt prints: kept in pieces of bounded size, addressed by offsets of the whole.
//!
//! Each piece is a file that carries the offset of its first byte in its name, so nothing else has to be kept in
//! step with it: `output.0.log`, `output.8388608.log`. The newest two pieces are kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use rustix::fs::OFlags;

use super::folder::Folder;
use crate::driver::Output;

/// The size at which a piece is complete.
const PIECE: u64 = 8 << 20;
/// How many pieces are kept.
const KEPT: usize = 2;

fn name(start: u64) -> String {
    format!("output.{start}.log")
}

/// The offsets at which the kept pieces start, ascending.
fn starts(folder: &Folder) -> io::Result<Vec<u64>> {
    let offset = |name: &str| name.strip_prefix("output.")?.strip_suffix(".log")?.parse().ok();
    let mut starts: Vec<u64> = folder.names()?.iter().filter_map(|name| offset(name)).collect();
    starts.sort_unstable();
    Ok(starts)
}

/// Reads at most `limit` bytes from `offset` on.
pub(super) fn read(folder: &Folder, offset: u64, limit: usize) -> io::Result<Output> {
    let starts = starts(folder)?;
    let first = starts.first().copied().unwrap_or(0);
    let from = offset.max(first);
    let mut output = Output { bytes: Vec::new(), next: from, dropped: from - offset };
    for start in starts.iter().copied().skip_while(|start| !reaches(&starts, *start, from)) {
        let room = limit - output.bytes.len();
        // A piece may be dropped while we read: then what follows is read the next time, by its offset.
        let Some(mut piece) = folder.file(&name(start), OFlags::RDONLY)? else { break };
        piece.seek(SeekFrom::Start(output.next.saturating_sub(start)))?;
        let read = piece.take(room as u64).read_to_end(&mut output.bytes)?;
        output.next += read as u64;
    }
    Ok(output)
}

/// Whether the piece at `start` is the one that holds `offset`, or a later one.
fn reaches(starts: &[u64], start: u64, offset: u64) -> bool {
    starts.iter().find(|next| **next > start).is_none_or(|next| *next > offset)
}

/// Where what the attempt prints is written, by one process at a time.
#[derive(Debug)]
pub(super) struct Log {
    piece: Option<File>,
    start: u64,
    length: u64,
    lost: u64,
    limit: u64,
}

impl Log {
    /// The log of a folder, to be gone on with where the last process that wrote to it ended.
    pub(super) fn resume(folder: &Folder) -> Self {
        Self::within(folder, PIECE)
    }

    fn within(folder: &Folder, limit: u64) -> Self {
        let start = starts(folder).ok().and_then(|starts| starts.last().copied()).unwrap_or(0);
        let piece = folder.file(&name(start), OFlags::RDONLY).ok().flatten();
        let length = piece.and_then(|piece| piece.metadata().ok()).map_or(0, |metadata| metadata.len());
        let mut log = Self { piece: None, start, length, lost: 0, limit };
        if length >= limit {
            log.turn(folder);
        }
        log
    }

    /// Adds bytes. What cannot be written is lost, and its amount is noted in the log as soon as that can be.
    pub(super) fn add(&mut self, folder: &Folder, bytes: &[u8]) {
        if self.lost > 0 {
            self.note(folder);
        }
        self.lost += self.write(folder, bytes) as u64;
    }

    /// Notes what was lost, if anything was.
    pub(super) fn note(&mut self, folder: &Folder) {
        if self.lost == 0 {
            return;
        }
        let note = format!("\n[windlass: {} bytes of output could not be kept]\n", self.lost);
        if self.write(folder, note.as_bytes()) == 0 {
            self.lost = 0;
        }
    }

    /// Writes as much as it can; returns how many bytes are left.
    fn write(&mut self, folder: &Folder, mut bytes: &[u8]) -> usize {
        while !bytes.is_empty() {
            let room = usize::try_from(self.limit - self.length).unwrap_or(usize::MAX).min(bytes.len());
            let Ok(piece) = self.piece(folder) else { break };
            match piece.write(&bytes[..room]) {
                Ok(0) => break,
                Ok(written) => {
                    self.length += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            if self.length >= self.limit {
                self.turn(folder);
            }
        }
        bytes.len()
    }

    fn piece(&mut self, folder: &Folder) -> io::Result<&mut File> {
        if self.piece.is_none() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
            self.piece = folder.file(&name(self.start), flags)?;
        }
        self.piece.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Begins the next piece and drops the oldest ones.
    fn turn(&mut self, folder: &Folder) {
        self.start += self.length;
        self.length = 0;
        self.piece = None;
        let Ok(starts) = starts(folder) else { return };
        // The piece that begins now is not there yet.
        for start in starts.iter().take((starts.len() + 1).saturating_sub(KEPT)) {
            folder.delete(&name(*start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a temp folder");
        let folder = Folder::open(place.path()).expect("readable").expect("there");
        (place, folder)
    }

    #[test]
    fn offsets_hold_over_pieces_and_say_what_was_dropped() {
        let (_place, folder) = folder();
        let mut log = Log::within(&folder, 4);
        for bytes in ["ab", "cdef", "ghij"] {
            log.add(&folder, bytes.as_bytes());
        }
        let read = |offset, limit| read(&folder, offset, limit).expect("readable");
        let output = |bytes: &str, next, dropped| Output { bytes: bytes.into(), next, dropped };
        assert_eq!(read(0, 100), output("efghij", 10, 4));
        assert_eq!(read(5, 2), output("fg", 7, 0));
        assert_eq!(read(8, 100), output("ij", 10, 0));
        assert_eq!(read(10, 100), output("", 10, 0));
        log.add(&folder, b"kl");
        assert_eq!(read(10, 100), output("kl", 12, 0));
    }

    #[test]
    fn whoever_goes_on_with_a_log_keeps_its_offsets() {
        let (_place, folder) = folder();
        for bytes in ["ab", "cd", "efghi", "j"] {
            Log::within(&folder, 4).add(&folder, bytes.as_bytes());
        }
        let output = read(&folder, 0, 100).expect("readable");
        assert_eq!(output, Output { bytes: b"efghij".into(), next: 10, dropped: 4 });
    }

    #[test]
    fn nothing_printed_is_an_empty_output() {
        let (_place, folder) = folder();
        assert_eq!(read(&folder, 0, 10).expect("readable"), Output::default());
    }

    #[test]
    fn what_cannot_be_kept_is_noted_later() {
        let (_place, folder) = folder();
        let mut log = Log::within(&folder, 100);
        std::fs::create_dir(folder.path().join("output.0.log")).expect("in the way");
        log.add(&folder, b"lost");
        std::fs::remove_dir(folder.path().join("output.0.log")).expect("no more");
        log.add(&folder, b"kept");
        let text = String::from_utf8(read(&folder, 0, 100).expect("readable").bytes).expect("text");
        assert_eq!(text, "\n[windlass: 4 bytes of output could not be kept]\nkept");
    }
}
