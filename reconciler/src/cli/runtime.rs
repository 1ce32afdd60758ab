//! The runtime of commands that await something. Commands that only read specs never start one.

use std::future::Future;

use super::failure::Failure;

/// Runs a command to its end. Two threads are plenty: the work is done by clusters and stores.
pub fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = built.map_err(|error| Failure::error("no threads can be started").because(&error))?;
    let result = runtime.block_on(command);
    // What still waits for a cluster or a disk does not keep a finished command from ending; whoever comes next
    // finds what came of it.
    runtime.shutdown_background();
    result
}
