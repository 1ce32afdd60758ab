//! Whether a server is set up so that it may hold a store: what would lose records is refused, what may lose the last
//! ones is warned of. At its opening nothing is asked that a user with few rights may not ask.

use std::collections::BTreeMap;

use redis::Pipeline;

use super::PATIENCE;
use super::link::Link;
use super::place::Place;
use super::reply::Reply;
use crate::store::Error;

/// The first version of Redis that has all that is used here; Valkey speaks like a later one.
const OLDEST: u32 = 7;

/// The setting that makes a server keep a log of its writes.
const LOG: &str = "appendonly";

/// The setting that lets a server start from a log that ends within a transaction.
const TORN: &str = "aof-load-truncated";

/// What a server says of itself, by name.
type Facts = BTreeMap<String, String>;

/// Refuses a server that cannot hold a store, and warns of one that may lose what it acknowledged.
pub(super) async fn check(link: &Link, place: &Place, replicas: Option<u8>) -> Result<(), Error> {
    let incarnation = link.incarnation().await.map_err(|trouble| place.failed(&trouble))?;
    if incarnation.major().is_none_or(|major| major < OLDEST) {
        return Err(place.refused(format!(
            "it is Redis {}: Windlass needs Redis {OLDEST}.0 or later, or Valkey",
            incarnation.version
        )));
    }
    let facts = facts(link, place).await?;
    if let Some(reason) = refusal(&facts) {
        return Err(place.refused(reason));
    }
    for warning in warnings(&facts, replicas) {
        tracing::warn!(store = %place.0, "{warning}");
    }
    Ok(())
}

async fn facts(link: &Link, place: &Place) -> Result<Facts, Error> {
    let mut questions = Pipeline::new();
    for section in ["memory", "persistence", "replication"] {
        questions.cmd("INFO").arg(section);
    }
    let answers = link.ask(&questions, PATIENCE).await.map_err(|trouble| place.failed(&trouble))?;
    let texts = Reply::list(redis::Value::Array(answers)).and_then(|answers| answers.rest(Reply::text));
    let texts = texts.map_err(|what| place.damaged(what))?;
    let lines = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once(':'));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// What else there is to warn of, where it may be asked: most users may not, and every refusal stands in the server's
/// log. So only a service asks.
pub(super) async fn more_warnings(link: &Link, place: &Place) -> Vec<String> {
    let mut question = Pipeline::new();
    question.cmd("CONFIG").arg("GET").arg(LOG).arg(TORN);
    let answer = link.ask(&question, PATIENCE).await.ok().and_then(|mut answers| answers.pop());
    let facts = answer.and_then(|answer| redis::from_redis_value(answer).ok()).unwrap_or_default();
    torn(&facts).map(|warning| format!("the store {}: {warning}", place.0)).into_iter().collect()
}

/// Whether it starts from a log that ends within a transaction.
fn torn(facts: &Facts) -> Option<String> {
    (fact(facts, LOG) == "yes" && fact(facts, TORN) == "yes").then(|| {
        format!(
            "it starts from a log that ends within a transaction ({TORN} yes), and what it dropped then comes back in \
             part at its next start; set `{TORN} no`, and mend such a log with `redis-check-aof --fix`"
        )
    })
}

fn fact<'a>(facts: &'a Facts, name: &str) -> &'a str {
    facts.get(name).map_or("", String::as_str)
}

fn refusal(facts: &Facts) -> Option<String> {
    let policy = fact(facts, "maxmemory_policy");
    let bounded = !matches!(fact(facts, "maxmemory"), "" | "0");
    (bounded && policy != "noeviction").then(|| {
        format!(
            "it throws keys away when its memory is full (maxmemory-policy {policy}): set it to noeviction"
        )
    })
}

fn warnings(facts: &Facts, replicas: Option<u8>) -> Vec<String> {
    let mut warnings = Vec::new();
    if fact(facts, "aof_enabled") == "0" {
        warnings.push(
            "it keeps no log of its writes (appendonly no): after a restart it has gone back in time, or is empty; \
             set `appendonly yes`"
                .to_owned(),
        );
    }
    let connected = fact(facts, "connected_slaves").parse().unwrap_or(0);
    if let Some(wanted) = replicas.filter(|wanted| *wanted > connected) {
        warnings.push(format!(
            "replicas are connected: {connected}; `acknowledge` asks for {wanted}, so what becomes of a write will be \
             unknown"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_server_that_throws_keys_away_is_refused() {
        for (maxmemory, policy, refused) in [
            ("100", "allkeys-lru", true),
            ("100", "volatile-ttl", true),
            ("100", "noeviction", false),
            ("0", "allkeys-lru", false),
        ] {
            let facts = facts(&[("maxmemory", maxmemory), ("maxmemory_policy", policy)]);
            let found = refusal(&facts);
            assert_eq!(found.is_some(), refused, "{facts:?}");
            assert!(found.is_none_or(|reason| reason.contains(policy) && reason.contains("noeviction")));
        }
    }

    #[test]
    fn what_may_be_lost_is_warned_of() {
        for (aof, connected, replicas, said) in [
            ("1", "0", None, 0),
            ("0", "0", None, 1),
            ("1", "0", Some(1), 1),
            ("1", "2", Some(2), 0),
            ("0", "1", Some(2), 2),
        ] {
            let facts = facts(&[("aof_enabled", aof), ("connected_slaves", connected)]);
            assert_eq!(warnings(&facts, replicas).len(), said, "{facts:?}");
        }
    }

    #[test]
    fn a_log_that_may_end_within_a_transaction_is_warned_of() {
        for (log, truncated, warned) in
            [("yes", "yes", true), ("yes", "no", false), ("no", "yes", false), ("", "", false)]
        {
            let facts = facts(&[(LOG, log), (TORN, truncated)]);
            assert_eq!(torn(&facts).is_some(), warned, "{facts:?}");
        }
    }
}
