//! `windlass validate`: every mistake of a spec, offline.

mod changed;
mod levels;
mod repair;

use std::path::{Path, PathBuf};

use windlass_compiler::diagnostic::{Report, Severity};
use windlass_compiler::report::{self, Findings};
use windlass_compiler::style::Style;

use super::args::{OutputArgs, SpecArgs};
use super::compiled::Compiled;
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::paint::{Tone, paint};
use super::proposal::plural;
use super::sink::Format;
use levels::Levels;

/// Find every mistake in a spec, offline
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, concise, json, sarif, github, gitlab, junit, markdown.

Examples:
  windlass validate                       the tree around the current folder
  windlass validate specs/shop -e prod    one environment instead of every one
  windlass validate --deny warnings --report sarif=windlass.sarif
  windlass validate --fix --diff          show what --fix would change
  windlass validate --changed-since main  only what this branch has touched
  make-spec | windlass validate -         a spec from standard input

Exit codes: 0 valid, 1 not valid, 64 usage.")]
pub struct Args {
    /// Trees or single files; `-` is standard input [default: the tree around the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Treat a warning, or all `warnings`, as an error; repeatable
    #[arg(short = 'D', long, value_name = "CODE|warnings")]
    deny: Vec<String>,
    /// Leave out a warning; repeatable
    #[arg(short = 'A', long, value_name = "CODE")]
    allow: Vec<String>,
    /// Apply the fixes that surely keep the meaning
    #[arg(long)]
    fix: bool,
    /// With --fix: show the changes instead of writing them
    #[arg(long, requires = "fix")]
    diff: bool,
    /// Only what touches a file that is not as it was at this git revision
    #[arg(long, value_name = "REF")]
    changed_since: Option<String>,
}

/// The formats of diagnostics.
const FORMATS: &[Format] = &[
    Format::Text,
    Format::Concise,
    Format::Json,
    Format::Sarif,
    Format::Github,
    Format::Gitlab,
    Format::Junit,
    Format::Markdown,
];

/// Compiles each tree and writes out what is wrong with it.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let levels = Levels::of(&args.deny, &args.allow)?;
    refuse_documents_in_a_row(args)?;
    let default = [None];
    let named: Vec<Option<&Path>> = args.paths.iter().map(|path| Some(path.as_path())).collect();
    let mut exit = Exit::Done;
    for path in if named.is_empty() { &default[..] } else { &named } {
        exit = exit.max(validate(*path, args, &levels, console)?);
    }
    Ok(exit)
}

/// Lines can follow lines; a document can't follow a document.
fn refuse_documents_in_a_row(args: &Args) -> Result<(), Failure> {
    let in_lines = matches!(args.output.format(), Format::Text | Format::Concise | Format::Github);
    if args.paths.len() < 2 || in_lines && args.output.report.is_empty() {
        return Ok(());
    }
    Err(Failure::usage("several paths can be written as text, concise or github only")
        .hint("validate one path at a time for other formats and for reports"))
}

fn validate(path: Option<&Path>, args: &Args, levels: &Levels, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, FORMATS)?;
    let (mut compiled, mut left_out) = checked(path, args)?;
    if args.fix && args.diff {
        repair::show(&compiled, console)?;
        return Ok(exit_of(&compiled.findings()));
    }
    if args.fix && repair::mend(&compiled, console)? {
        (compiled, left_out) = checked(path, args)?;
    }
    levels.apply(&mut compiled.reports);
    levels.apply(&mut left_out);
    tell(&left_out, args, console);
    let findings = compiled.findings();
    sinks.write(|format, style| match format {
        Format::Text if compiled.reports.is_empty() && left_out.is_empty() => praise(&compiled, style),
        format => findings.write(of_report(format), style),
    })?;
    Ok(exit_of(&findings))
}

/// The spec, and what is wrong with it that `--changed-since` leaves out.
fn checked(path: Option<&Path>, args: &Args) -> Result<(Compiled, Vec<Report>), Failure> {
    let mut compiled = Compiled::checked(path, &args.spec)?;
    let left_out = match &args.changed_since {
        Some(since) => changed::leave_out(&mut compiled, since)?,
        None => Vec::new(),
    };
    Ok((compiled, left_out))
}

/// Says how much was left out; errors among it still keep the spec from being applied.
fn tell(left_out: &[Report], args: &Args, console: &Console) {
    let (Some(since), count @ 1..) = (&args.changed_since, left_out.len()) else { return };
    let errors = left_out.iter().filter(|report| report.severity == Severity::Error).count();
    let (errors, warnings) = (of(errors, "error"), of(count - errors, "warning"));
    console.warn(&format!("left out: {errors}, {warnings} in files that have not changed since {since}"));
}

fn of(count: usize, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

fn exit_of(findings: &Findings<'_>) -> Exit {
    if findings.errors() > 0 { Exit::Error } else { Exit::Done }
}

/// `valid: 14 files`.
fn praise(compiled: &Compiled, style: &Style) -> String {
    let files = match compiled.compilation.sources.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    format!("{}: {files}\n", paint(style, Tone::Good, "valid"))
}

/// The compiler's name of a format; every one of [`FORMATS`] has one.
fn of_report(format: Format) -> report::Format {
    match format {
        Format::Concise => report::Format::Concise,
        Format::Json => report::Format::Json,
        Format::Sarif => report::Format::Sarif,
        Format::Github => report::Format::Github,
        Format::Gitlab => report::Format::Gitlab,
        Format::Junit => report::Format::Junit,
        Format::Markdown => report::Format::Markdown,
        Format::Text | Format::Jsonl => report::Format::Text,
    }
}
