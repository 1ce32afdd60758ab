//! Whether a server is set up so that it may hold a store: what would lose records is refused, what may lose the last
//! seconds is warned of.

use std::collections::BTreeMap;

use redis::Pipeline;

use super::PATIENCE;
use super::link::{Link, Trouble};
use super::place::Place;
use super::reply::Reply;
use crate::store::Error;

/// The first version of Redis that has all that is used here; Valkey speaks like a later one.
const OLDEST: u32 = 7;

/// The settings that are looked at.
const SETTINGS: [&str; 5] = ["maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save"];

/// Refuses a server that cannot hold a store, and warns of one that may lose what it acknowledged.
pub(super) async fn check(link: &Link, place: &Place, replicas: Option<u8>) -> Result<(), Error> {
    let incarnation = link.incarnation().await.map_err(|trouble| place.failed(&trouble))?;
    if incarnation.major().is_none_or(|major| major < OLDEST) {
        return Err(place.refused(format!(
            "it is Redis {}: Windlass needs Redis {OLDEST}.0 or later, or Valkey",
            incarnation.version
        )));
    }
    let _ = replicas;
    match settings(link).await {
        Ok(settings) => judge(&settings, place),
        Err(Trouble::Answered(error)) => {
            tracing::warn!(
                store = %place.0, reason = %error,
                "its settings cannot be read, so nobody checks that it keeps what it is told"
            );
            Ok(())
        }
        Err(trouble) => Err(place.failed(&trouble)),
    }
}

async fn settings(link: &Link) -> Result<BTreeMap<String, String>, Trouble> {
    let mut question = Pipeline::new();
    question.cmd("CONFIG").arg("GET").arg(&SETTINGS);
    let mut answers = link.ask(&question, PATIENCE).await?;
    let pairs = Reply::list(answers.pop().unwrap_or_default());
    let pairs = pairs.and_then(|pairs| pairs.rest(|pair| Ok((pair.text()?, pair.text()?))));
    Ok(pairs.map_err(Trouble::Lost)?.into_iter().collect())
}

fn judge(settings: &BTreeMap<String, String>, place: &Place) -> Result<(), Error> {
    let is = |name: &str| settings.get(name).map_or("", String::as_str);
    if !matches!(is("maxmemory"), "" | "0") && is("maxmemory-policy") != "noeviction" {
        return Err(place.refused(format!(
            "it throws keys away when its memory is full (maxmemory-policy {}): set it to noeviction",
            is("maxmemory-policy")
        )));
    }
    match (is("appendonly"), is("appendfsync"), is("save")) {
        ("yes", "no", _) => tracing::warn!(
            store = %place.0,
            "it leaves it to its system when its log reaches the disk (appendfsync no): a power failure loses more \
             than the last second"
        ),
        ("no", _, "") => tracing::warn!(
            store = %place.0,
            "it keeps nothing on disk (appendonly no): a restart loses everything; set `appendonly yes`"
        ),
        ("no", ..) => tracing::warn!(
            store = %place.0,
            "it saves to disk now and then only (appendonly no): a restart goes back in time; set `appendonly yes`"
        ),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(settings: &[(&str, &str)]) -> Option<String> {
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        judge(&settings, &Place("redis://host".to_owned())).err().map(|error| error.to_string())
    }

    #[test]
    fn a_server_that_throws_keys_away_is_refused() {
        for policy in ["allkeys-lru", "volatile-ttl"] {
            let found = refusal(&[("maxmemory", "100"), ("maxmemory-policy", policy)]).unwrap();
            assert!(found.contains(policy) && found.contains("noeviction"), "{found}");
        }
        assert_eq!(refusal(&[("maxmemory", "100"), ("maxmemory-policy", "noeviction")]), None);
        assert_eq!(refusal(&[("maxmemory", "0"), ("maxmemory-policy", "allkeys-lru")]), None);
    }
}
