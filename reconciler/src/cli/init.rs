//! `windlass init`: a spec tree to start from, which validates and runs as it is.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use windlass_compiler::name::Name;

use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};

/// The files of a new tree, with `PROJECT` for its name.
const FILES: &[(&str, &str)] = &[
    ("windlass.toml", include_str!("init/windlass.toml")),
    ("pipelines/hello.toml", include_str!("init/hello.toml")),
];
const IGNORE: (&str, &str) = (".gitignore", "/.windlass/\n/out/\n");

/// Write a small spec that runs on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass init                 in the current folder
  windlass init shop            in a new folder
  windlass init --project shop  under a name of its own")]
pub struct Args {
    /// The folder; it is made if it does not exist
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The project's name [default: that of the folder]
    #[arg(long, value_name = "NAME", value_parser = name)]
    project: Option<Name>,
}

fn name(text: &str) -> Result<Name, String> {
    text.parse::<Name>().map_err(|bad| format!("a name looks like `my-project`, and {bad}"))
}

/// Writes the files, and says what to do with them. Overwrites nothing.
pub fn run(args: &Args, console: &Console) -> Outcome {
    refuse_to_overwrite(&args.dir)?;
    let project = args.project.clone().unwrap_or_else(|| name_of(&args.dir));
    for (path, text) in FILES {
        write(&args.dir.join(path), &text.replace("PROJECT", project.as_str()))?;
        console.print(&format!("wrote {}\n", args.dir.join(path).display()))?;
    }
    if !args.dir.join(IGNORE.0).exists() {
        write(&args.dir.join(IGNORE.0), IGNORE.1)?;
    }
    next_steps(&args.dir, console);
    Ok(Exit::Done)
}

fn refuse_to_overwrite(dir: &Path) -> Result<(), Failure> {
    match FILES.iter().map(|(path, _)| dir.join(path)).find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(Failure::error(format!("`{}` exists already", path.display()))
            .hint("nothing was written; choose another folder")),
        None => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    let failed =
        |error: io::Error| Failure::error(format!("`{}` cannot be written", path.display())).because(&error);
    parent.and_then(|()| fs::File::create_new(path)?.write_all(text.as_bytes())).map_err(failed)
}

/// The name of the folder as far as it can be a project's name.
fn name_of(dir: &Path) -> Name {
    let folder = std::path::absolute(dir).ok();
    let folder = folder.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let lower = folder.to_ascii_lowercase();
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let start = lower.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name: String = start.chars().map(fits).take(windlass_compiler::name::LONGEST).collect();
    let fallback = || "hello".parse().expect("it is a name");
    name.trim_end_matches('-').parse().unwrap_or_else(|_| fallback())
}

fn next_steps(dir: &Path, console: &Console) {
    let inside = if dir == Path::new(".") { String::new() } else { format!(" -C {}", dir.display()) };
    for (command, what) in [
        ("validate", "finds every mistake, offline"),
        ("plan", "shows what apply would change"),
        ("apply", "changes it, and waits until the jobs are where they should be"),
    ] {
        console.hint(&format!("`windlass{inside} {command}` {what}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_after_its_folder() {
        for (folder, name) in [
            ("shop", "shop"),
            ("/srv/My Shop_2/", "my-shop-2"),
            ("2nd", "nd"),
            ("表", "hello"),
            ("/", "hello"),
        ] {
            assert_eq!(name_of(Path::new(folder)).as_str(), name, "{folder}");
        }
    }
}
