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
