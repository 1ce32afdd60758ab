//! The records of a project, read from its store as they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, Row};
use windlass::lease::Owner;
use windlass::ledger::Ledger;
use windlass::store::{self, Line, Query};
use windlass_compiler::model::Lease;
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;

/// The store of a project that names none.
pub const DEFAULT: &str = "file:.windlass";

/// Everything in the store that a command could have changed, epochs included.
pub fn dump(place: &Path) -> Vec<String> {
    let file = place.join(".windlass/store.db");
    let store =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it can be opened");
    let mut lines = Vec::new();
    for query in [
        "SELECT key || ' ' || counter || ' ' || op || ' ' || text FROM record ORDER BY key",
        "SELECT subject || ' ' || sequence || ' ' || text FROM history ORDER BY subject, sequence",
        "SELECT name || ' ' || value FROM meta ORDER BY name",
    ] {
        let mut statement = store.prepare(query).expect("the tables are there");
        let found = statement.query_map([], |row: &Row<'_>| row.get::<_, String>(0)).expect("readable");
        lines.extend(found.map(|line| line.expect("text")));
    }
    lines
}

/// The moment of the last commit; 0 where there is no store yet.
pub fn moment(place: &Path) -> u64 {
    if !place.join(".windlass/store.db").exists() {
        return 0;
    }
    blocking(async {
        match store::open("file:.windlass", place, false, None).await {
            Ok(opened) => opened.store.moment().await.expect("readable").0,
            // A store that is half initialised was never committed to.
            Err(_) => 0,
        }
    })
}

/// All records.
pub fn fleet(place: &Path) -> Fleet {
    fleet_in(DEFAULT, place).expect("it can be read")
}

/// All records of the store at `url`, as a project in `place` sees it; why not, where they cannot be read.
pub fn fleet_in(url: &str, place: &Path) -> Result<Fleet, String> {
    blocking(async {
        let opened = store::open(url, place, false, None).await.map_err(|error| error.to_string())?;
        let ledger = Ledger::load(Arc::clone(&opened.store)).await.map_err(|error| error.to_string())?;
        Ok(ledger.fleet().clone())
    })
}

/// The whole history.
pub fn history(place: &Path) -> Vec<Line> {
    history_in(DEFAULT, place).expect("it can be read")
}

/// The whole history in the store at `url`; why not, where it cannot be read.
pub fn history_in(url: &str, place: &Path) -> Result<Vec<Line>, String> {
    blocking(async {
        let opened = store::open(url, place, false, None).await.map_err(|error| error.to_string())?;
        opened.store.history(&Query::default()).await.map_err(|error| error.to_string())
    })
}

/// Who owns which shards under this lease of the store at `url`; why not, where no majority tells.
pub fn owners_in(url: &str, place: &Path, lease: &Lease) -> Result<Vec<Owner>, String> {
    blocking(async {
        let opened = store::open(url, place, false, Some(lease)).await.map_err(|error| error.to_string())?;
        opened.lease.owners().await.map_err(|error| error.to_string())
    })
}

/// Where the history of an instance does not hold every transition once and in order.
pub fn gaps(place: &Path) -> Vec<String> {
    gaps_of(history(place))
}

/// The same of a history that was read.
pub fn gaps_of(history: Vec<Line>) -> Vec<String> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut gaps = Vec::new();
    for line in history {
        let Ok(Note::Transition(step)) = serde_json::from_str(&line.entry.text) else { continue };
        let last = last.entry(line.entry.subject.clone()).or_default();
        if step.sequence.0 != *last + 1 {
            gaps.push(format!("{}: transition {} follows {last}", line.entry.subject, step.sequence.0));
        }
        *last = step.sequence.0;
    }
    gaps
}

fn blocking<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(future)
}
