//! Compiles the pages of all diagnostics into the program, so that `windlass explain` needs no files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics");
    println!("cargo::rerun-if-changed={}", pages.display());
    let table = table(&pages)?;
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    fs::write(out.join("pages.rs"), table)
}

/// `static PAGES`, sorted by code. A page is a file whose name is its code.
fn table(folder: &Path) -> io::Result<String> {
    let mut pages: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut table = "static PAGES: &[(&str, &str)] = &[\n".to_owned();
    for page in pages {
        let code = page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(table, "    ({code:?}, include_str!({:?})),", page.canonicalize()?)
            .map_err(io::Error::other)?;
    }
    Ok(table + "];\n")
}
