//! The records of a project, read from its store as they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, Row};
use windlass::ledger::Ledger;
use windlass::store::{self, Line, Query};
use windlass_core::fleet::Fleet;
use windlass_core::history::Note;

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
    blocking(async {
        let opened = store::open("file:.windlass", place, false, None).await.expect("it can be opened");
        let ledger = Ledger::load(Arc::clone(&opened.store)).await.expect("it can be read");
        ledger.fleet().clone()
    })
}

/// The whole history.
pub fn history(place: &Path) -> Vec<Line> {
    blocking(async {
        let opened = store::open("file:.windlass", place, false, None).await.expect("it can be opened");
        opened.store.history(&Query::default()).await.expect("it can be read")
    })
}

/// Where the history of an instance does not hold every transition once and in order.
pub fn gaps(place: &Path) -> Vec<String> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut gaps = Vec::new();
    for line in history(place) {
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
