//! What a command says and does about a store that went back in time.

use windlass_compiler::escape::visible;
use windlass_core::desired::Change;
use windlass_core::fleet::Fleet;
use windlass_core::recovery::Recovery;

use super::console::Console;
use super::failure::Failure;
use crate::ledger::Ledger;
use crate::session::Session;
use crate::thaw::{self, is_frozen};

/// How many findings are listed.
const LISTED: usize = 20;

/// Before desired state is given anew: waits until the clusters were looked at, and says what may have been lost.
pub async fn prepare(session: &Session, ledger: Ledger, console: &Console) -> Result<Ledger, Failure> {
    if !is_frozen(ledger.fleet()) {
        return Ok(ledger);
    }
    let ledger = thaw::looked(session, ledger, "apply").await?;
    tell(ledger.fleet(), console);
    Ok(ledger)
}

/// After it was given anew: the project goes on.
pub async fn finish(
    session: &Session,
    mut ledger: Ledger,
    change: &Change,
    wait: bool,
    console: &Console,
) -> Result<Ledger, Failure> {
    if !is_frozen(ledger.fleet()) {
        return Ok(ledger);
    }
    thaw::confirm(&mut ledger, change).await?;
    if wait {
        ledger = thaw::thawed(session, ledger, &change.command).await?;
        console.note("the project has recovered, and goes on");
    }
    Ok(ledger)
}

/// Says that nothing is done yet, where that is so.
pub fn warn(fleet: &Fleet, console: &Console) {
    if is_frozen(fleet) {
        console.note("warning: the store went back in time, and nothing is done on any cluster until `windlass apply` has given the specs anew");
    }
}

fn tell(fleet: &Fleet, console: &Console) {
    if let Some(recovery) = &fleet.recovery {
        lines(recovery).iter().for_each(|line| console.note(line));
    }
}

/// What is known of a recovery, line by line.
pub fn lines(recovery: &Recovery) -> Vec<String> {
    let mut lines = vec![format!("the store went back in time: {}", visible(&recovery.reason))];
    let found = recovery.findings.iter().take(LISTED);
    lines.extend(found.map(|finding| format!("  {}", visible(&finding.to_string()))));
    let more = recovery.findings.len().saturating_sub(LISTED);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use windlass_core::recovery::Finding;

    use super::*;

    #[test]
    fn what_was_lost_is_listed_and_counted() {
        let lost = (0..23).map(|number| Finding::Run { run: format!("orders@{number}") }).collect();
        let recovery = Recovery::begin(Timestamp::UNIX_EPOCH, "it is behind".to_owned(), lost);
        let lines = lines(&recovery);
        assert_eq!(lines.len(), 22);
        assert_eq!(lines[1], "  the run orders@0 is no longer on record");
        assert_eq!(lines[21], "  and 3 more");
    }
}
