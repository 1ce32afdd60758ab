//! `windlass status`: what is, at a glance. Reads only.
//!
//! The records say what was known when somebody last drove; so the clusters are asked as well, and what they
//! contradict is marked.

mod board;
mod overview;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use windlass_compiler::style::Style;
use windlass_core::desired::Intent;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;

use super::args::{OutputArgs, SelectArgs, StoreArgs};
use super::console::Console;
use super::drift::look;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::open_existing;
use super::prepared::project_root;
use super::rows::intent;
use super::runtime::block_on;
use super::select::Expression;
use super::sink::Format;
use super::story::decided;
use super::targets::targets;
use crate::ledger::Ledger;
use crate::session::Session;
use crate::store::{Query, Store};
use overview::{Overview, Seen, Wide};

/// How often a status that is watched is drawn anew, for its ages and for clusters that tell nobody.
const BEAT: Duration = Duration::from_secs(1);
/// How far back the history of a job is searched for whoever stopped it.
const BACK: usize = 200;

/// Show what is: every job's state, since when, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, concise, json.

Examples:
  windlass status                     streams, and the latest run of each batch
  windlass status 'orders.*' --watch  as it happens
  windlass status --all --json        earlier runs and removed jobs too")]
pub struct Args {
    /// Jobs or instances: a glob on pipeline.job, an instance with its @time, tag:T, cluster:C, +job, job+
    #[arg(value_name = "SELECT")]
    jobs: Vec<Expression>,
    #[command(flatten)]
    select: SelectArgs,
    /// Earlier runs and removed jobs as well
    #[arg(short, long)]
    all: bool,
    /// Show it anew whenever it changes, until ^C
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Shows.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(status(args, console))
}

async fn status(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Concise, Format::Json])?;
    let (root, backing) = project_root(&args.store)?;
    let (session, mut ledger) = open_existing(&root, &backing).await?;
    if args.watch {
        return watch(args, &session, &mut ledger, &backing.url, console).await;
    }
    let overview = gather(args, &session, ledger.fleet(), &backing.url).await?;
    sinks.write(|format, style| render(&overview, format, style))?;
    Ok(Exit::Done)
}

fn render(overview: &Overview, format: Format, style: &Style) -> String {
    match format {
        Format::Json => windlass_compiler::escape::json(overview),
        Format::Concise => overview.concise(),
        _ => overview.text(style),
    }
}

/// Shows until it is interrupted: in place on a terminal, one after another elsewhere where something changed.
async fn watch(
    args: &Args,
    session: &Arc<Session>,
    ledger: &mut Ledger,
    url: &str,
    console: &Console,
) -> Outcome {
    let mut board = board::Board::new(console);
    let format = args.output.format();
    loop {
        let since = ledger.moment();
        let overview = gather(args, session, ledger.fleet(), url).await?;
        let style = console.style();
        board.show(&render(&overview, format, style), &overview.news())?;
        let store = Arc::clone(ledger.store());
        tokio::select! {
            _ = store.changed(since) => {}
            () = tokio::time::sleep(BEAT) => {}
        }
        ledger.refresh().await?;
    }
}

async fn gather(args: &Args, session: &Session, fleet: &Fleet, url: &str) -> Result<Overview, Failure> {
    let wide = if args.all { Wide::All } else { Wide::Latest };
    let instances = overview::instances(fleet, wide);
    let instances = narrowed(&args.select.with(&args.jobs), fleet, instances)?;
    let seen = Seen {
        now: Timestamp::now(),
        store: named(url),
        owners: session.lease.owners().await.map_err(|error| error.to_string()),
        findings: look(session, fleet).await,
        decided: decisions(&*session.store, fleet, &instances).await?,
    };
    Ok(Overview::new(fleet, &instances, wide, &seen))
}

/// Those that were selected. A job stands for all of its instances that are shown; what was named is shown, however
/// old it is, and though it was removed.
fn narrowed(args: &SelectArgs, fleet: &Fleet, instances: Vec<Instance>) -> Result<Vec<Instance>, Failure> {
    if args.is_empty() {
        return Ok(instances);
    }
    let removed = |expression: &&Expression| {
        let desired = fleet.desired.get(&expression.to_string().parse().ok()?)?;
        (!desired.goal.intent.belongs()).then(|| desired.job().clone())
    };
    let gone: Vec<_> = args.select.iter().filter_map(|expression| removed(&expression)).collect();
    let select: Vec<_> = args.select.iter().filter(|one| removed(one).is_none()).cloned().collect();
    let only_gone = select.is_empty() && !gone.is_empty();
    let belonging = SelectArgs { select, exclude: args.exclude.clone() };
    let targets = if only_gone { Vec::new() } else { targets(fleet, &belonging)? };
    let named = targets.iter().filter_map(|target| target.instance.clone());
    let latest = gone.iter().filter_map(|job| fleet.latest(job));
    let of_job = |instance: &Instance| {
        targets.iter().any(|target| target.instance.is_none() && target.job == instance.job)
    };
    let shown = instances.into_iter().filter(of_job).chain(named).chain(latest);
    Ok(shown.collect::<BTreeSet<_>>().into_iter().collect())
}

/// Who asked for it, of each instance that is not simply to run.
pub async fn decisions(
    store: &dyn Store,
    fleet: &Fleet,
    instances: &[Instance],
) -> Result<BTreeMap<Instance, windlass_core::desired::Change>, Failure> {
    let mut decisions = BTreeMap::new();
    for instance in instances {
        let Some(intent) = intent(fleet, instance).filter(|intent| *intent != Intent::Run) else { continue };
        let own = fleet.wanted(instance).is_some_and(|wanted| wanted.goal.intent == intent);
        let subject = if own { instance.to_string() } else { instance.job.to_string() };
        let query = Query { subject: Some(subject), last: Some(BACK), ..Query::default() };
        if let Some(change) = decided(&store.history(&query).await?, intent) {
            decisions.insert(instance.clone(), change);
        }
    }
    Ok(decisions)
}

/// A store's URL as far as it may be shown: behind other schemes than `file:` there may be a password.
fn named(url: &str) -> String {
    match url.split_once(':') {
        Some(("file", _)) | None => url.to_owned(),
        Some((scheme, _)) => format!("{scheme}:…"),
    }
}
