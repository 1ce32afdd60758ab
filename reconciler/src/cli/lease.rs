//! `windlass lease`: who owns which part of the work, and how to take it from one that is gone.

use jiff::Timestamp;
use windlass_core::shard::{Shard, ranges};

use super::args::{OutputArgs, StoreArgs};
use super::console::Console;
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::opened::open_project;
use super::prepared::project_root;
use super::runtime::block_on;
use super::sink::Format;
use super::table::Table;
use super::time::ago;
use crate::lease::Owner;

/// Show who owns which part of the work, or take it over
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List owners, and the shards that each has
    List {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Take shards from an owner that is known to be gone, before its time is over
    Release {
        /// The owner, as `lease list` names it
        #[arg(value_name = "OWNER", required_unless_present = "shard")]
        owner: Option<String>,
        /// A shard, from 0 to 63; repeatable
        #[arg(long, value_name = "N", conflicts_with = "owner")]
        shard: Vec<u8>,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Lists or releases.
pub fn run(args: &Args, console: &Console) -> Outcome {
    match &args.command {
        Command::List { store, output } => block_on(list(store, output, console)),
        Command::Release { owner, shard, store } => {
            block_on(release(owner.as_deref(), shard, store, console))
        }
    }
}

async fn list(store: &StoreArgs, output: &OutputArgs, console: &Console) -> Outcome {
    let sinks = output.sinks(console, &[Format::Text, Format::Json])?;
    let (root, backing) = project_root(store)?;
    let session = open_project(&root, &backing, false).await?;
    let owners = session.lease.owners().await?;
    sinks.write(|format, style| match format {
        Format::Json => windlass_compiler::escape::json(&owners),
        _ if owners.is_empty() => "nobody owns anything: `windlass reconcile` would\n".to_owned(),
        _ => table(&owners).text(style),
    })?;
    Ok(Exit::Done)
}

fn table(owners: &[Owner]) -> Table {
    let now = Timestamp::now();
    let mut table = Table::new(["OWNER", "HOST", "PID", "COMMAND", "SINCE", "SHARDS"]);
    for Owner { id, holder, shards } in owners {
        let since = Timestamp::from_millisecond(holder.since).map(|since| ago(since, now));
        table.row([
            id.into(),
            (&holder.host).into(),
            holder.pid.to_string().into(),
            (&holder.command).into(),
            since.unwrap_or_default().into(),
            ranges(shards).into(),
        ]);
    }
    table
}

async fn release(owner: Option<&str>, shards: &[u8], store: &StoreArgs, console: &Console) -> Outcome {
    let (root, backing) = project_root(store)?;
    let session = open_project(&root, &backing, false).await?;
    let shards = match owner {
        Some(owner) => owned(&session.lease.owners().await?, owner)?,
        None => shards.iter().map(|number| numbered(*number)).collect::<Result<_, _>>()?,
    };
    session.lease.release(&shards).await?;
    console.note(&format!("released {}; whoever is there takes them over", ranges(&shards)));
    Ok(Exit::Done)
}

fn owned(owners: &[Owner], id: &str) -> Result<Vec<Shard>, Failure> {
    let found = owners.iter().find(|owner| owner.id == id).map(|owner| owner.shards.clone());
    found.ok_or_else(|| {
        Failure::error(format!("nobody is called `{id}`")).hint("`windlass lease list` names the owners")
    })
}

fn numbered(number: u8) -> Result<Shard, Failure> {
    Shard::numbered(number)
        .ok_or_else(|| Failure::usage(format!("there is no shard {number}: they are counted from 0 to 63")))
}
