//! `windlass why`: why a job is in its state, down to the root cause, and what to type next. Reads only.

mod account;
mod cause;
mod next;

use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_compiler::style::Style;
use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;
use windlass_core::shard::Shard;

use super::args::{OutputArgs, StoreArgs};
use super::console::Console;
use super::drift::{About, look};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::history::of_subject;
use super::named;
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::sink::Format;
use super::status::decisions;
use crate::lease::{Holder, Owner};
use crate::session::Session;
use account::{Account, Known};

/// How many of the last steps are told.
const STEPS: usize = 8;

/// Say why a job is in its state, and what it waits for
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats: text, json.

Examples:
  windlass why orders.report
  windlass why orders.report@2026-11-22T02:00Z    in one run, not the latest")]
pub struct Args {
    /// A job, or an instance with its @time; of a batch, the latest instance is meant
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Explains.
pub fn run(args: &Args, console: &Console) -> Outcome {
    let sinks = args.output.sinks(console, &[Format::Text, Format::Json])?;
    let account = block_on(async {
        let (root, backing) = project_root(&args.store)?;
        let (session, ledger) = open_existing(&root, &backing).await?;
        let fleet = ledger.fleet();
        let instance = named::one(fleet, &args.job)?.instance(fleet)?;
        if fleet.wanted(&instance).is_none() {
            return Err(Failure::error(format!("the run of {instance} is not recorded any more"))
                .hint(format!("`windlass history {instance}` tells what happened to it")));
        }
        let known = gather(&session, fleet, &instance).await?;
        Ok(Account::new(fleet, &instance, &known))
    })?;
    sinks.write(|format, style: &Style| match format {
        Format::Json => windlass_compiler::escape::json(&account),
        _ => account.text(style),
    })?;
    Ok(Exit::Done)
}

/// Who decides about an instance.
fn driver(owners: Vec<Owner>, instance: &Instance) -> Option<Holder> {
    let shard = Shard::of_instance(instance);
    owners.into_iter().find(|owner| owner.shards.contains(&shard)).map(|owner| owner.holder)
}

async fn gather(session: &Session, fleet: &Fleet, instance: &Instance) -> Result<Known, Failure> {
    let findings = look(session, fleet).await;
    let contradicted = |finding: &super::drift::Finding| match &finding.about {
        About::Recorded(instance) => Some((instance.clone(), finding.what.clone())),
        _ => None,
    };
    let concerned: Vec<Instance> = fleet.statuses.keys().cloned().chain([instance.clone()]).collect();
    Ok(Known {
        now: Timestamp::now(),
        driver: driver(session.lease.owners().await.unwrap_or_default(), instance),
        stale: findings.iter().filter_map(contradicted).collect::<BTreeMap<_, _>>(),
        decided: decisions(&*session.store, fleet, &concerned).await?,
        history: of_subject(&*session.store, instance.to_string(), STEPS).await?,
    })
}
