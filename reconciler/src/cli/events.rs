//! `windlass events`: everything that is committed to the history, in that order, as it comes. Reads only.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use windlass_compiler::escape::visible;
use windlass_compiler::style::Style;

use super::args::{SelectArgs, StoreArgs};
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::story::{json_line, sentence};
use super::targets::Scope;
use crate::ledger::Ledger;
use crate::session::Session;
use crate::store::{Line, Query};

/// Show everything that happens, in order, as it comes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass events -f                          everything so far, and on
  windlass events -f --since 0s               only what comes
  windlass events --since 1h --format jsonl   for programs")]
pub struct Args {
    /// Go on until ^C
    #[arg(short, long)]
    follow: bool,
    /// Only what is later: a time such as 2026-11-22T02:00Z, or how long ago, such as 10m
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// text, or jsonl: one JSON document a line
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Form,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The form of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Jsonl,
}

/// A time, or how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    let ago: Result<windlass_compiler::units::Duration, _> = text.parse();
    if let Ok(ago) = ago {
        let millis = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        let earliest = Timestamp::MIN;
        return Ok(Timestamp::now().checked_sub(SignedDuration::from_millis(millis)).unwrap_or(earliest));
    }
    let whole = text.strip_suffix('Z').filter(|minutes| minutes.len() == "2026-11-22T02:00".len());
    let whole = whole.map_or_else(|| text.to_owned(), |minutes| format!("{minutes}:00Z"));
    whole
        .parse()
        .map_err(|_| "a time looks like 2026-11-22T02:00Z, how long ago like 90s, 10m or 2h".to_owned())
}

/// Tells.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(async {
        let (root, backing) = project_root(&args.store)?;
        let (session, ledger) = open_existing(&root, &backing).await?;
        tell(&session, ledger, args, console).await
    })
}

async fn tell(session: &Session, mut ledger: Ledger, args: &Args, console: &Console) -> Outcome {
    let store = Arc::clone(&session.store);
    let mut scope = Scope::of(ledger.fleet(), &args.select)?;
    let mut after = 0;
    loop {
        // Taken before the reading: what is committed in between ends the wait at once.
        let moment = store.moment().await?;
        let lines = store.history(&Query { after, ..Query::default() }).await?;
        after = lines.last().map_or(after, |line| line.position);
        print(&lines, &scope, args, console)?;
        if !args.follow {
            return Ok(Exit::Done);
        }
        store.changed(moment).await?;
        scope = again(scope, &mut ledger, args).await?;
    }
}

/// What is selected by now: jobs may have come.
async fn again(scope: Scope, ledger: &mut Ledger, args: &Args) -> Result<Scope, Failure> {
    if args.select.is_empty() {
        return Ok(scope);
    }
    ledger.refresh().await?;
    // What was selected once may have gone; its end is still told.
    Ok(Scope::of(ledger.fleet(), &args.select).unwrap_or(scope))
}

fn print(lines: &[Line], scope: &Scope, args: &Args, console: &Console) -> Result<(), Failure> {
    let wanted = lines.iter().filter(|line| is_since(line, args.since));
    let wanted = wanted.filter(|line| scope.holds_subject(&line.entry.subject));
    let text: String = wanted.map(|line| written(line, args.format, console.style())).collect();
    if text.is_empty() { Ok(()) } else { console.print(&text) }
}

fn is_since(line: &Line, since: Option<Timestamp>) -> bool {
    since.is_none_or(|since| line.entry.at >= since.as_millisecond())
}

fn written(line: &Line, form: Form, style: &Style) -> String {
    match form {
        Form::Text => visible(&sentence(line, style)).into_owned() + "\n",
        Form::Jsonl => json_line(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::state::Name;

    use crate::cli::sample::{line, step};

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        assert_eq!(moment("2026-11-22T02:00Z").unwrap().to_string(), "2026-11-22T02:00:00Z");
        assert_eq!(moment("2026-11-22T02:00:07Z").unwrap().to_string(), "2026-11-22T02:00:07Z");
        assert!(moment("10m").unwrap() < moment("9m").unwrap());
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn only_what_is_later_is_told() {
        let line = line(1, "a.b", "02:00:00", &step(Name::Running, Name::Failed, 1, None));
        let at = |text: &str| Some(format!("2026-11-22T{text}Z").parse().unwrap());
        assert!(is_since(&line, None) && is_since(&line, at("02:00:00")) && !is_since(&line, at("02:00:01")));
    }
}
