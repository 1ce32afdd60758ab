//! `windlass explain`: the page of a diagnostic, as the documentation has it.

use windlass_compiler::diagnostic::{CODES, CodeInfo, Severity};
use windlass_compiler::style::Style;

use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::nearest::nearest;
use super::paint::{Tone, paint};
use super::table::{Cell, Table};

// Pairs of a code and its page, sorted: `static PAGES: &[(&str, &str)]`.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Explain a diagnostic, with an example of the mistake
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass explain WL0201
  windlass explain unknown-key
  windlass explain              all codes")]
pub struct Args {
    /// The code or the name of a diagnostic; without one, all are listed
    code: Option<String>,
}

/// Prints the page, or the list of codes.
pub fn run(args: &Args, console: &Console) -> Outcome {
    match &args.code {
        None => console.print(&list().text(console.style()))?,
        Some(code) => console.print(&page(find(code)?, console.style()))?,
    }
    Ok(Exit::Done)
}

fn list() -> Table {
    let mut table = Table::new(["CODE", "NAME", "MEANING"]);
    for info in CODES {
        let tone = if info.severity == Severity::Error { Tone::Bad } else { Tone::Doubtful };
        table.row([Cell::new(info.code, tone), info.name.into(), info.summary.into()]);
    }
    table
}

/// The diagnostic of a code or a name.
pub fn find(wanted: &str) -> Result<&'static CodeInfo, Failure> {
    let wanted = wanted.trim();
    let is_wanted = |info: &&CodeInfo| info.code.eq_ignore_ascii_case(wanted) || info.name == wanted;
    CODES.iter().find(is_wanted).ok_or_else(|| unknown(wanted))
}

fn unknown(wanted: &str) -> Failure {
    let failure = Failure::error(format!("there is no diagnostic `{wanted}`"));
    let near_code = nearest(&wanted.to_ascii_uppercase(), CODES.iter().map(|info| info.code));
    match near_code.or_else(|| nearest(wanted, CODES.iter().map(|info| info.name))) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`windlass explain` lists all of them"),
    }
}

/// The page; of a code without one, what its table says.
fn page(info: &CodeInfo, style: &Style) -> String {
    let page = PAGES.binary_search_by_key(&info.code, |(code, _)| code).map(|at| PAGES[at].1);
    let page =
        page.map_or_else(|_| format!("# {}: {}\n\n{}\n", info.code, info.name, info.summary), str::to_owned);
    page.lines().map(|line| headline(line, style) + "\n").collect()
}

fn headline(line: &str, style: &Style) -> String {
    if line.starts_with('#') { paint(style, Tone::Strong, line) } else { line.to_owned() }
}
