//! An attempt's folder, and small files in it that are there completely or not at all.
//!
//! Everything goes through the open folder, so a folder that was deleted and made anew is never mistaken for
//! the one that was opened. What the files mean is the business of `record`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// A folder that is open.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Folder {
    /// Opens a folder; `None` if there is none.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::open(path, flags, Mode::empty()) {
            Ok(handle) => Ok(Some(Self { path: path.to_owned(), handle })),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path that leads to it from this process and from what it starts, wherever it is now.
    pub(super) fn itself(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.handle.as_raw_fd()).into()
    }

    /// Whether its path still leads to it. Where that cannot be told, it does.
    pub(super) fn is_in_place(&self) -> bool {
        let there = match fs::stat(&self.path) {
            Ok(there) => there,
            Err(Errno::NOENT | Errno::NOTDIR) => return false,
            Err(_) => return true,
        };
        fs::fstat(&self.handle)
            .map_or(true, |here| (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))
    }

    /// Whether a file is there.
    pub(super) fn has(&self, name: &str) -> io::Result<bool> {
        match fs::statat(&self.handle, name, AtFlags::empty()) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of a file; `None` if there is none.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<String>> {
        let Some(mut file) = self.file(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// Opens a file; `None` if there is none and `flags` do not make one.
    pub(super) fn file(&self, name: &str, flags: OFlags) -> io::Result<Option<File>> {
        match fs::openat(&self.handle, name, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666)) {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file durably; `false`, and nothing is changed, if there is one of that name.
    pub(super) fn put_new(&self, name: &str, text: &str) -> io::Result<bool> {
        let draft = self.draft(name, text)?;
        let made = match fs::renameat_with(&self.handle, &draft, &self.handle, name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // File systems without that flag have hard links, which never replace either.
            Err(Errno::INVAL | Errno::NOSYS) => self.link_new(&draft, name),
            Err(error) => Err(error),
        };
        if !matches!(made, Ok(true)) {
            let _ = fs::unlinkat(&self.handle, &draft, AtFlags::empty());
        }
        fs::fsync(&self.handle)?;
        Ok(made?)
    }

    fn link_new(&self, draft: &str, name: &str) -> Result<bool, Errno> {
        match fs::linkat(&self.handle, draft, &self.handle, name, AtFlags::empty()) {
            Ok(()) => fs::unlinkat(&self.handle, draft, AtFlags::empty()).map(|()| true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes or replaces a file durably.
    pub(super) fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let draft = self.draft(name, text)?;
        if let Err(error) = fs::renameat(&self.handle, &draft, &self.handle, name) {
            let _ = fs::unlinkat(&self.handle, &draft, AtFlags::empty());
            return Err(error.into());
        }
        Ok(fs::fsync(&self.handle)?)
    }

    /// Writes what will become the file `name` under a name that nobody reads.
    fn draft(&self, name: &str, text: &str) -> io::Result<String> {
        let draft = format!(".{name}.{}", random()?);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let Some(mut file) = self.file(&draft, flags)? else { return Err(Errno::NOENT.into()) };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = fs::unlinkat(&self.handle, &draft, AtFlags::empty());
            return Err(error);
        }
        Ok(draft)
    }

    /// Deletes a file; whether that was done.
    pub(super) fn delete(&self, name: &str) -> bool {
        fs::unlinkat(&self.handle, name, AtFlags::empty()).is_ok()
    }

    /// The names of all files, in no order.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.handle)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }
}

/// Gives a complete folder its final name, durably; `false`, and nothing is changed, if that name is taken.
pub(super) fn publish(draft: &Path, path: &Path) -> io::Result<bool> {
    let renamed = match fs::renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        // File systems without that flag never replace a folder that has something in it.
        Err(Errno::INVAL | Errno::NOSYS) => fs::renameat(CWD, draft, CWD, path),
        renamed => renamed,
    };
    match renamed {
        Ok(()) => {}
        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(true)
}

/// 128 random bits as text.
pub(super) fn random() -> io::Result<String> {
    let mut bits = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bits)?;
    Ok(format!("{:032x}", u128::from_le_bytes(bits)))
}
