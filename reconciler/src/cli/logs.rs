//! `windlass logs`: what an attempt printed, and goes on printing.
//!
//! Asks the clusters for output and the records for attempts; writes nothing anywhere.

mod harmless;
mod source;
mod tail;
mod voice;

use std::io::IsTerminal;
use std::time::Duration;

use windlass_core::id::AttemptNumber;

use super::args::{SelectArgs, StoreArgs};
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::named;
use super::opened::open_existing;
use super::prepared::project_root;
use super::rows::row;
use super::runtime::block_on;
use crate::driver::Silence;
use crate::ledger::Ledger;
use crate::session::Session;
use source::{Found, Over, Source};
use tail::Tail;
use voice::Voice;

/// How often a follower asks for more.
const BEAT: Duration = Duration::from_millis(200);

/// Show what a job printed; -f follows it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass logs orders.totals -f             what it prints, across attempts
  windlass logs orders.settle --attempt 1    what an earlier attempt printed
  windlass logs 'orders.*' -n 20             the ends of several")]
pub struct Args {
    /// Jobs, or instances with their @time; of a batch, the latest instance is meant
    #[arg(required_unless_present = "select", value_name = "JOB")]
    jobs: Vec<String>,
    #[command(flatten)]
    select: SelectArgs,
    /// Go on until the attempt has ended, and with the attempts that follow it
    #[arg(short, long)]
    follow: bool,
    /// Only the last so many lines
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "bytes")]
    lines: Option<usize>,
    /// Only the last so many bytes
    #[arg(long, value_name = "N")]
    bytes: Option<usize>,
    /// The attempt; the last without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    attempt: Option<u64>,
    /// On a terminal too, pass everything on as it is, control characters included
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Shows.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(logs(args, console))
}

async fn logs(args: &Args, console: &Console) -> Outcome {
    let (root, backing) = project_root(&args.store)?;
    let (session, mut ledger) = open_existing(&root, &backing).await?;
    let mut sources = sources(args, &ledger, console)?;
    let mut missing = Vec::new();
    for source in &mut sources {
        if let Err(failure) = begin(source, args, &session, &mut ledger, console).await {
            missing.push(failure);
        }
    }
    // Of several jobs, some may not have begun; of none at all nothing can be shown.
    if missing.len() == sources.len() {
        return Err(missing.remove(0));
    }
    missing.iter().for_each(|failure| console.note(failure.message()));
    while args.follow && !sources.iter().all(Source::is_over) {
        tokio::time::sleep(BEAT).await;
        ledger.refresh().await?;
        let driven = session.lease.holder().await.is_ok_and(|holder| holder.is_some());
        for source in sources.iter_mut().filter(|source| !source.is_over()) {
            follow(source, args, &session, &ledger, driven, console).await?;
        }
    }
    sources.iter_mut().try_for_each(|source| source.voice.finish(console))?;
    Ok(Exit::Done)
}

fn sources(args: &Args, ledger: &Ledger, console: &Console) -> Result<Vec<Source>, Failure> {
    let named = named::chosen(ledger.fleet(), &args.jobs, &args.select)?;
    let instances = named.iter().map(|one| one.instance(ledger.fleet())).collect::<Result<Vec<_>, _>>()?;
    let several = instances.len() > 1;
    let widest = instances.iter().map(|instance| instance.job.to_string().len()).max().unwrap_or(0);
    let harmless = std::io::stdout().is_terminal() && !args.raw;
    let source = |instance: windlass_core::id::Instance| {
        let prefix = several.then(|| format!("{:<widest$} | ", instance.job.to_string()));
        Source::new(instance, Voice::new(prefix, harmless, console.style()))
    };
    Ok(instances.into_iter().map(source).collect())
}

/// Finds the attempt and shows what it has printed so far.
async fn begin(
    source: &mut Source,
    args: &Args,
    session: &Session,
    ledger: &mut Ledger,
    console: &Console,
) -> Result<(), Failure> {
    let last = ledger.fleet().statuses.get(&source.instance).map(|status| status.attempt_number());
    let last = last.unwrap_or_default();
    let number = args.attempt.map_or(last, AttemptNumber);
    if last.0 == 0 {
        if args.follow && source.is_to_start(ledger.fleet()) {
            console.note(&format!("{} has not started yet; waiting for it", source.instance));
            return Ok(());
        }
        return Err(never_started(ledger, source));
    }
    if number > last {
        let attempts = if last.0 == 1 { "one attempt".to_owned() } else { format!("{last} attempts") };
        return Err(Failure::error(format!("{} has had {attempts}, not {number}", source.instance)));
    }
    source.attempt = number;
    match source.locate(session, ledger.fleet()).await.map_err(|silence| silent(source, &silence))? {
        Found::Nowhere => return Err(forgotten(source)),
        Found::There => {}
    }
    let tail = Tail::of(args.lines, args.bytes);
    let (bytes, dropped) = source.all(tail).await.map_err(|silence| silent(source, &silence))?;
    if dropped > 0 {
        console.note(&format!("{}: the first {dropped} bytes are no longer kept", source.named()));
    }
    if bytes.is_empty() {
        console.note(&format!("{} has printed nothing{}", source.named(), source.so_far(ledger.fleet())));
    }
    source.voice.say(&bytes, console)?;
    if args.attempt.is_some_and(|attempt| AttemptNumber(attempt) < last) {
        source.end(Over::Earlier);
    }
    Ok(())
}

/// Shows what has come since, and goes over to the next attempt where this one has ended.
async fn follow(
    source: &mut Source,
    args: &Args,
    session: &Session,
    ledger: &Ledger,
    driven: bool,
    console: &Console,
) -> Result<(), Failure> {
    // Asked before the output is read: what is printed before an end is then read after it.
    let alive = source.is_alive().await;
    if source.attempt.0 > 0 {
        match source.more().await {
            Ok(output) => {
                if output.dropped > 0 {
                    console.note(&format!("{}: {} bytes were not kept", source.named(), output.dropped));
                }
                source.voice.say(&output.bytes, console)?;
                if !output.bytes.is_empty() {
                    return Ok(());
                }
            }
            Err(silence) => {
                source.complain(&silence, console);
                return Ok(());
            }
        }
        if alive != Ok(false) {
            return Ok(());
        }
    }
    let fleet = ledger.fleet();
    let last = fleet.statuses.get(&source.instance).map(|status| status.attempt_number()).unwrap_or_default();
    if last > source.attempt && args.attempt.is_none() {
        let next = if source.attempt.0 == 0 { last } else { source.attempt.next() };
        source.voice.finish(console)?;
        source.attempt = next;
        source.offset = 0;
        let several = args.jobs.len() > 1;
        let whose = if several { format!("{} ", source.instance) } else { String::new() };
        console.note(&format!("--- {whose}attempt {next} ---"));
        let _ = source.locate(session, fleet).await;
    } else if args.attempt.is_some() || source.is_settled(fleet) {
        source.end(Over::Settled);
    } else if !driven {
        console
            .note(&format!("{} has ended, and nobody drives: `windlass reconcile` goes on", source.named()));
        source.end(Over::Undriven);
    }
    Ok(())
}

fn never_started(ledger: &Ledger, source: &Source) -> Failure {
    let row = row(ledger.fleet(), &source.instance);
    let detail = if row.detail.is_empty() {
        String::new()
    } else if row.detail.starts_with("for ") {
        format!(" {}", row.detail)
    } else {
        format!(": {}", row.detail)
    };
    Failure::error(format!(
        "{} has never started, so it has printed nothing: it {}{detail}",
        source.instance,
        row.state.predicate()
    ))
    .hint(format!("`windlass why {}` says what it waits for", source.instance.job))
}

fn forgotten(source: &Source) -> Failure {
    Failure::error(format!("no cluster has anything of {} any more", source.named()))
        .hint(format!("`windlass history {}` tells what happened", source.instance))
}

fn silent(source: &Source, silence: &Silence) -> Failure {
    Failure::error(format!("the output of {} cannot be read", source.named())).because(silence)
}
