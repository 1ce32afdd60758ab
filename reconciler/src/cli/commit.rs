//! Commits of commands that insist: where somebody else wrote first, what to write is worked out again.

use windlass_core::fleet::Fleet;
use windlass_core::mutation::Mutation;

use super::exit::Exit;
use super::failure::Failure;
use crate::ledger::{Ledger, Written};
use crate::store::Key;

/// So often a command tries. Each time somebody else has got ahead, so the store itself does not stand still.
pub const TRIES: usize = 20;

/// Commits what `work` makes of the records as they are then: the last one wins. `work` also names the records that
/// must not move meanwhile, and its answer.
pub async fn commit_last_wins<T>(
    ledger: &mut Ledger,
    mut work: impl FnMut(&Fleet) -> Result<(Mutation, Vec<Key>, T), Failure>,
) -> Result<T, Failure> {
    for _ in 0..TRIES {
        let (mutation, guards, answer) = work(ledger.fleet())?;
        crate::fault::point("command.before-commit");
        if ledger.commit(&mutation, &guards).await? == Written::Done {
            crate::fault::point("command.after-commit");
            return Ok(answer);
        }
    }
    Err(outrun())
}

/// The records move faster than a command can write.
pub fn outrun() -> Failure {
    Failure::new(Exit::Busy, "the records change faster than this command can write")
        .hint("nothing was changed; run the command again")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use windlass_core::operate::{Operation, Target, operate};

    use super::*;
    use crate::cli::runtime::block_on;
    use crate::cli::sample::{Sample, change};
    use crate::store::Store;
    use crate::store::memory::Memory;

    fn turn(fleet: &Fleet, operation: Operation) -> Mutation {
        let target = Target { job: "p.s".parse().unwrap(), instance: None };
        operate(fleet, operation, &[target], &change("test", None)).0
    }

    /// Stops a stream while somebody else restarts it, so often. `expected`: after how many tries it is done, or given up.
    fn check(others: usize, expected: Result<usize, usize>) {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let desired = Sample::default().stream("p.s").fleet.desired.into_values().collect();
        let (mut left, mut tries) = (others, 0);
        let done = block_on(async {
            let mut ledger = Ledger::load(Arc::clone(&store)).await?;
            ledger.commit(&Mutation { desired, ..Mutation::default() }, &[]).await?;
            let work = |fleet: &Fleet| {
                tries += 1;
                if left > 0 {
                    left -= 1;
                    overtake(&store);
                }
                Ok((turn(fleet, Operation::Stop), Vec::new(), ()))
            };
            commit_last_wins(&mut ledger, work).await
        });
        assert_eq!(done.map(|()| tries).map_err(|_| tries), expected);
    }

    /// Somebody else, in a runtime of their own.
    fn overtake(store: &Arc<dyn Store>) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let done = block_on(async {
                    let mut ledger = Ledger::load(Arc::clone(store)).await?;
                    let mutation = turn(ledger.fleet(), Operation::Restart);
                    Ok(ledger.commit(&mutation, &[]).await?)
                });
                assert_eq!(done.unwrap(), Written::Done);
            });
        });
    }

    #[test]
    fn the_last_one_wins_unless_others_never_cease() {
        check(0, Ok(1));
        check(3, Ok(4));
        check(TRIES, Err(TRIES));
    }
}
