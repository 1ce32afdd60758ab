//! Writes a generated spec tree: `cargo run -p windlass-compiler --example generate -- JOBS FILES FOLDER`.

#![expect(clippy::disallowed_methods, reason = "an example writes files, the compiler does not")]

use std::io;
use std::path::Path;

#[path = "../benches/generate/mod.rs"]
mod generate;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: generate JOBS FILES FOLDER");
    let [jobs, files, folder] = arguments.as_slice() else { return Err(usage()) };
    let count = |text: &String| text.parse().map_err(|_| usage());
    for (path, text) in generate::tree(count(jobs)?, count(files)?) {
        let path = Path::new(folder).join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
