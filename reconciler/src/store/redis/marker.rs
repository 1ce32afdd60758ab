//! The marker: a small file beside the specs with the lineage of the store that was used from there. With it, a Redis
//! that was emptied, or another one at the same address, is noticed instead of being taken for a new store.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::place::Place;
use crate::store::Error;

/// The file for one store.
pub(super) struct Marker {
    file: PathBuf,
}

impl Marker {
    /// That of the store at `place`, in `folder`.
    pub(super) fn new(folder: &Path, place: &Place) -> Self {
        let name = blake3::hash(place.0.as_bytes()).to_hex();
        Self { file: folder.join(format!("redis-{}.id", &name[..16])) }
    }

    /// The lineage that it names; `None` if there is no marker.
    pub(super) fn read(&self, place: &Place) -> Result<Option<String>, Error> {
        let damaged = || {
            place.refused(format!(
                "{} is damaged, so nothing tells whether this is the store that was used from here: restore it, or \
                 remove it to accept the store as it is",
                self.file.display()
            ))
        };
        match fs::read_to_string(&self.file) {
            Ok(text) => match text.lines().next().map(str::trim) {
                Some(lineage) if good(lineage) => Ok(Some(lineage.to_owned())),
                _ => Err(damaged()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(damaged()),
            Err(error) => Err(Error::denied(&place.0, &format!("reading {}", self.file.display()), &error)),
        }
    }

    /// Writes it whole and durably. Where that cannot be done, the store can still be used; it is then not known
    /// again.
    pub(super) fn write(&self, place: &Place, lineage: &str) {
        if let Err(error) = self.put(place, lineage) {
            tracing::warn!(
                store = %place.0, file = %self.file.display(), %error,
                "the store's identity cannot be kept here, so one that is emptied will not be noticed"
            );
        }
    }

    /// The file, for messages.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    fn put(&self, place: &Place, lineage: &str) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            fs::write(folder.join(".gitignore"), "*\n")?;
        }
        // A name that no other process or thread draws.
        let draft = self.file.with_extension(format!("id.{:016x}", RandomState::new().hash_one(lineage)));
        let mut file = File::create(&draft)?;
        writeln!(file, "{lineage}\n{}", place.0)?;
        file.sync_all()?;
        fs::rename(&draft, &self.file)?;
        File::open(folder)?.sync_all()
    }
}

fn good(lineage: &str) -> bool {
    !lineage.is_empty() && lineage.bytes().all(|byte| byte.is_ascii_hexdigit())
}
