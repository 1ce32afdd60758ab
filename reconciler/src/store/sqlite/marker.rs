//! The marker: a small file beside the database with the lineage of the store that was initialised there. With it,
//! a database that is gone, emptied or another one is noticed instead of being taken for a new store.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use super::site::Site;
use crate::store::Error;

/// The lineage that the marker names; `None` if there is no marker.
pub(super) fn read(site: &Site) -> Result<Option<String>, Error> {
    match fs::read_to_string(&site.marker) {
        Ok(text) => lineage(site, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(spoilt(site)),
        Err(error) => Err(site.denied(&format!("reading {}", site.marker.display()), &error)),
    }
}

fn lineage(site: &Site, text: &str) -> Result<String, Error> {
    let lineage = text.trim();
    let good = !lineage.is_empty() && lineage.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(lineage.to_owned()) } else { Err(spoilt(site)) }
}

fn spoilt(site: &Site) -> Error {
    let marker = site.marker.display();
    site.refused(format!(
        "{marker} is damaged, so nothing tells whether the file is the store that was initialised here: restore \
         it, or remove it to accept the file as it is"
    ))
}

/// Writes the marker whole and durably. Several processes may do so at once: all of them write the same.
pub(super) fn write(site: &Site, lineage: &str) -> Result<(), Error> {
    place(site, lineage).map_err(|error| site.denied(&format!("writing {}", site.marker.display()), &error))
}

fn place(site: &Site, lineage: &str) -> io::Result<()> {
    let folder = File::open(site.folder())?;
    // The name of the database must be durable before the marker claims that it exists.
    folder.sync_all()?;
    // A name that no other process or thread draws.
    let draft = site.marker.with_extension(format!("id.{:016x}", RandomState::new().hash_one(lineage)));
    let mut file = File::create(&draft)?;
    writeln!(file, "{lineage}")?;
    file.sync_all()?;
    fs::rename(&draft, &site.marker)?;
    folder.sync_all()
}
