//! `windlass wait`: until jobs have reached their goals, or can't.

use windlass_core::fleet::Fleet;
use windlass_core::id::Instance;

use super::args::{SelectArgs, StoreArgs};
use super::console::Console;
use super::converging::{Patience, Task, conclude, see_through};
use super::exit::Exit;
use super::failure::Outcome;
use super::opened::open_existing;
use super::prepared::project_root;
use super::runtime::block_on;
use super::select::Expression;
use super::targets::{Scope, targets};

/// Wait until jobs have reached their goals, or can't
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windlass wait                       everything
  windlass wait 'orders.*' --timeout 10m")]
pub struct Args {
    /// Jobs or instances; all without any
    #[arg(value_name = "SELECT")]
    jobs: Vec<Expression>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    patience: Patience,
}

/// Waits.
pub fn run(args: &Args, console: &Console) -> Outcome {
    block_on(async {
        let (root, backing) = project_root(&args.store)?;
        let (session, ledger) = open_existing(&root, &backing).await?;
        let select = args.select.with(&args.jobs);
        let about = targets(ledger.fleet(), &select)?;
        let scope = Scope::of(ledger.fleet(), &select)?;
        let instances = |fleet: &Fleet| {
            if select.select.is_empty() {
                return fleet.present().into_iter().filter(|instance| scope.holds(instance)).collect();
            }
            let latest = |target: &windlass_core::operate::Target| -> Option<Instance> {
                target.instance.clone().or_else(|| fleet.latest(&target.job))
            };
            about.iter().filter_map(latest).collect()
        };
        let task = Task {
            command: "wait",
            instances: &instances,
            patience: &args.patience,
            resume: "windlass wait",
        };
        let ended = see_through(&session, ledger, &task, console).await?;
        conclude(&ended, &task, Exit::Error, console)
    })
}
