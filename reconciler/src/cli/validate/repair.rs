//! `--fix`: writes what surely keeps the meaning, or shows it.

use std::path::Path;
use std::{fs, io};

use windlass_compiler::fix::{Fixed, fixed};

use crate::cli::compiled::Compiled;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::tree::STDIN;

/// Prints what would change, as a unified diff.
pub(super) fn show(compiled: &Compiled, console: &Console) -> Result<(), Failure> {
    let files = fixed(&compiled.compilation.sources, &compiled.reports);
    if files.is_empty() {
        console.note("nothing that can be fixed without a person");
    }
    files.iter().try_for_each(|file| console.print(&file.diff))
}

/// Writes the mended files, and says whether there were any.
pub(super) fn mend(compiled: &Compiled, console: &Console) -> Result<bool, Failure> {
    let files = fixed(&compiled.compilation.sources, &compiled.reports);
    for file in &files {
        write(file, console)?;
    }
    Ok(!files.is_empty())
}

fn write(file: &Fixed, console: &Console) -> Result<(), Failure> {
    if file.path == STDIN {
        return Err(Failure::usage("standard input cannot be fixed").hint("--fix --diff shows the changes"));
    }
    let failed = |error| Failure::error(format!("`{}` cannot be written", file.path)).because(&error);
    replace(Path::new(&file.path), &file.text).map_err(failed)?;
    console.note(&format!("fixed {}", file.path));
    Ok(())
}

/// Puts a new text in the place of a file in one step, so that a full disk costs nobody their spec.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let mut beside = path.clone().into_os_string();
    beside.push(".fixed");
    let written = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, fs::metadata(&path)?.permissions()))
        .and_then(|()| fs::rename(&beside, &path));
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_where_it_really_is_and_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a.toml"), dir.path().join("link.toml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.toml", &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
