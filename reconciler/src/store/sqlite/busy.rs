//! Patience with other writers: SQLite has no queue, so whoever waits asks again after short and uneven pauses,
//! and gives up after a bounded time.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

/// How long a writer waits for others.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The shortest pause, and the range of the first; later ones grow up to 16 times.
const PAUSE: Duration = Duration::from_micros(200);

/// Makes a connection wait for others up to `patience`.
pub(super) fn wait(connection: &mut Connection, patience: Duration) -> rusqlite::Result<()> {
    let random = RandomState::new();
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        let patient = since.elapsed() < patience;
        if patient {
            thread::sleep(pause(tries, &random));
        }
        patient
    }))
}

/// Tries again what SQLite gives up at once when others are there: it does not ask the connection's handler before
/// a change of the journal.
pub(super) fn retry<T>(mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let random = RandomState::new();
    let since = Instant::now();
    let busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let mut outcome = attempt();
    let mut tries = 0;
    while outcome.as_ref().is_err_and(busy) && since.elapsed() < PATIENCE {
        thread::sleep(pause(tries, &random));
        tries += 1;
        outcome = attempt();
    }
    outcome
}

/// Uneven, so that two writers do not meet for ever; never long, so that a hot writer cannot starve the others.
fn pause(tries: i32, random: &RandomState) -> Duration {
    let mut hasher = random.build_hasher();
    hasher.write_i32(tries);
    let range = PAUSE * (1 << tries.clamp(0, 4));
    PAUSE + range.mul_f64((hasher.finish() % 1024) as f64 / 1024.0)
}
