//! What is read. Every question is one script, or one transaction, and so is answered as of one moment by the store
//! that was opened.

use std::collections::BTreeSet;

use redis::{Cmd, Pipeline, Value};
use windlass_core::id::{Epoch, OpId};
use windlass_core::shard::Shard;

use super::reply::{self, Reply};
use super::script::{self, Call, FOLLOWS, HISTORY, READ, WRITTEN};
use super::{Inner, LONG_PATIENCE, PATIENCE};
use crate::store::key::{Key, shard_of_name};
use crate::store::{Error, Follows, Head, Line, Moment, Query, Record};

/// How often several questions are asked before others are held up.
const ATTEMPTS: usize = 3;

impl Inner {
    pub(super) async fn record(&self, key: &Key) -> Result<Option<Record>, Error> {
        let mut call = Call::new(&READ, [self.keys.meta.clone(), self.keys.records_of(key)]);
        call.arg(&self.lineage).arg(key.as_str());
        let (_, mut reply) = self.ask(&call).await?;
        let stored = reply.text().map_err(|what| self.place.damaged(what))?;
        match stored.as_str() {
            "" => Ok(None),
            stored => reply::record(key.clone(), stored).map(Some).map_err(|what| self.place.damaged(what)),
        }
    }

    pub(super) async fn scan(&self, prefix: &str) -> Result<Vec<Record>, Error> {
        let keys = match shards(prefix) {
            Shards::All => self.keys.all_records(),
            Shards::One(shard) => vec![self.keys.records(shard)],
        };
        let mut records = self.records(keys).await?;
        records.retain(|record| record.key.as_str().starts_with(prefix));
        Ok(records)
    }

    pub(super) async fn scan_shard(&self, shard: Shard) -> Result<Vec<Record>, Error> {
        self.records(vec![self.keys.records(Some(shard))]).await
    }

    async fn records(&self, keys: Vec<String>) -> Result<Vec<Record>, Error> {
        let all: Vec<Cmd> = keys.iter().map(|key| redis::cmd("HGETALL").arg(key).to_owned()).collect();
        let mut records = Vec::new();
        for hash in self.together(&all).await? {
            let fields = Reply::list(hash).and_then(|fields| fields.rest(Reply::record));
            records.extend(fields.map_err(|what| self.place.damaged(what))?);
        }
        records.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(records)
    }

    /// Asks several questions as of one moment: again while somebody commits in between, and at last in one
    /// transaction, which holds up everybody else and is refused when the memory is full.
    async fn together(&self, questions: &[Cmd]) -> Result<Vec<Value>, Error> {
        for _ in 0..ATTEMPTS {
            let (before, mut answers) = self.around(questions).await?;
            let after = answers.pop().unwrap_or_default();
            let quiet = before == after || questions.len() < 2;
            self.ours(after)?;
            if quiet {
                return Ok(answers);
            }
        }
        let mut all = Pipeline::new();
        all.cmd("MULTI");
        self.ask_around(&mut all, questions);
        all.cmd("EXEC");
        let answers =
            self.link.ask(&all, LONG_PATIENCE).await.map_err(|trouble| self.place.failed(&trouble))?;
        let Some(Value::Array(mut answers)) = answers.into_iter().last() else {
            return Err(self.place.damaged("a transaction was not answered by a list"));
        };
        self.ours(answers.pop().unwrap_or_default())?;
        Ok(answers.split_off(1))
    }

    /// Asks for the moment, then the questions, then for the moment again.
    async fn around(&self, questions: &[Cmd]) -> Result<(Value, Vec<Value>), Error> {
        let mut all = Pipeline::new();
        self.ask_around(&mut all, questions);
        let answers =
            self.link.ask(&all, LONG_PATIENCE).await.map_err(|trouble| self.place.failed(&trouble))?;
        let mut answers = answers.into_iter();
        Ok((answers.next().unwrap_or_default(), answers.collect()))
    }

    fn ask_around(&self, all: &mut Pipeline, questions: &[Cmd]) {
        let moment = redis::cmd("HMGET").arg(&self.keys.meta).arg("lineage").arg("moment").to_owned();
        all.add_command(moment.clone());
        questions.iter().for_each(|question| {
            all.add_command(question.clone());
        });
        all.add_command(moment);
    }

    /// Refuses another store's answer. The rest of the list that starts with the lineage.
    fn ours(&self, value: Value) -> Result<Reply, Error> {
        let mut reply = Reply::list(value).map_err(|what| self.place.damaged(what))?;
        match reply.optional().map_err(|what| self.place.damaged(what))? {
            Some(lineage) if lineage == self.lineage => Ok(reply),
            found => Err(self.place.another(&found.unwrap_or_default(), &self.lineage)),
        }
    }

    /// What the store knows about itself.
    async fn meta(&self, fields: &[&str]) -> Result<Reply, Error> {
        let mut question = Pipeline::new();
        question.cmd("HMGET").arg(&self.keys.meta).arg("lineage").arg(fields);
        let answers = self.link.ask(&question, PATIENCE).await;
        let mut answers = answers.map_err(|trouble| self.place.failed(&trouble))?;
        self.ours(answers.pop().unwrap_or_default())
    }

    pub(super) async fn barrier(&self, shard: Shard) -> Result<Epoch, Error> {
        let mut reply = self.meta(&[&format!("barrier:{shard}")]).await?;
        let epoch = reply.optional().and_then(|epoch| epoch.map_or(Ok(0), |epoch| reply::parsed(&epoch)));
        epoch.map(Epoch).map_err(|what| self.place.damaged(what))
    }

    pub(super) async fn head(&self) -> Result<Head, Error> {
        let mut reply = self.meta(&["moment", "op"]).await?;
        head(&mut reply).map_err(|what| self.place.damaged(what))
    }

    pub(super) async fn follows(&self, seen: &Head, since: &[OpId]) -> Result<Follows, Error> {
        let mut call = Call::new(&FOLLOWS, [&self.keys.meta, &self.keys.events]);
        call.arg(&self.lineage).shown(seen.moment.0);
        for op in since {
            call.shown(op);
        }
        // Where what was done is waited for on a link of its own, that one has seen it.
        let link = self.writer.as_ref().map_or(&self.link, |(link, _)| link);
        let answer = script::run(link, &call, PATIENCE).await;
        let (_, mut reply) = self.read(answer.map_err(|trouble| self.place.failed(&trouble))?)?;
        let mut read = || Ok((head(&mut reply)?, op(reply.optional()?)?, op(reply.optional()?)?));
        let (now, there, missing) = read().map_err(|what: String| self.place.damaged(what))?;
        Ok(Follows::judge(seen, now, there, missing))
    }

    pub(super) async fn written(&self, since: Moment) -> Result<(Option<Vec<Key>>, Head), Error> {
        let mut call = Call::new(&WRITTEN, [&self.keys.meta, &self.keys.events]);
        call.arg(&self.lineage).shown(since.0);
        let (word, mut reply) = self.ask(&call).await?;
        let read = || {
            let now = head(&mut reply)?;
            let keys: BTreeSet<Key> =
                reply.rest(|reply| reply.text().map(Key::stored))?.into_iter().collect();
            Ok(((word == "known").then(|| keys.into_iter().collect()), now))
        };
        read().map_err(|what: String| self.place.damaged(what))
    }

    pub(super) async fn history(&self, query: &Query) -> Result<Vec<Line>, Error> {
        let after = match query.after.checked_add(1) {
            Some(first) if query.last != Some(0) => format!("{first}-0"),
            _ => return Ok(Vec::new()),
        };
        let last = query.last.unwrap_or(usize::MAX).min(1 << 32);
        let mut lines = match &query.subject {
            Some(subject) => self.history_of(subject, &after, last).await?,
            None => self.whole_history(&after, last).await?,
        };
        lines.sort_unstable_by_key(|line| line.position);
        let skipped = lines.len().saturating_sub(last);
        lines.drain(..skipped);
        Ok(lines)
    }

    async fn history_of(&self, subject: &str, after: &str, last: usize) -> Result<Vec<Line>, Error> {
        let history = self.keys.history(shard_of_name(subject));
        let mut call = Call::new(&HISTORY, [&self.keys.meta, &history]);
        call.arg(&self.lineage).arg(subject).arg(after).shown(last);
        let (_, reply) = self.ask(&call).await?;
        reply.rest(Reply::line).map_err(|what| self.place.damaged(what))
    }

    async fn whole_history(&self, after: &str, last: usize) -> Result<Vec<Line>, Error> {
        let question = |shard| {
            let key = self.keys.history(shard);
            redis::cmd("XREVRANGE").arg(key).arg("+").arg(after).arg("COUNT").arg(last).to_owned()
        };
        let mut lines = Vec::new();
        for shard in self.together(&Shard::all().map(question).collect::<Vec<_>>()).await? {
            let shard = Reply::list(shard).and_then(|reply| reply.rest(Reply::line));
            lines.extend(shard.map_err(|what| self.place.damaged(what))?);
        }
        Ok(lines)
    }
}

/// The last commit: its moment, then its operation.
fn head(reply: &mut Reply) -> Result<Head, String> {
    let moment = reply.optional()?.map_or(Ok(0), |moment| reply::parsed(&moment))?;
    Ok(Head { moment: Moment(moment), op: op(reply.optional()?)? })
}

fn op(text: Option<String>) -> Result<Option<OpId>, String> {
    text.filter(|text| !text.is_empty()).map(|text| reply::parsed(&text)).transpose()
}

/// Where the records of a prefix are.
#[derive(Debug, PartialEq, Eq)]
enum Shards {
    All,
    One(Option<Shard>),
}

/// A prefix whose pipeline is whole names a shard; one of a kind that belongs to no pipeline names that of these.
fn shards(prefix: &str) -> Shards {
    let key = Key::stored(prefix);
    match (prefix.split_once('/'), key.shard()) {
        (Some((_, name)), shard @ Some(_)) if name.contains(['.', '@', '[', ':']) => Shards::One(shard),
        (None, _) | (Some(_), Some(_)) => Shards::All,
        (Some(_), None) => Shards::One(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_its_shards() {
        let orders = Shards::One(Some(Shard::of_text("orders")));
        for (prefix, expected) in [
            ("", Shards::All),
            ("st", Shards::All),
            ("status/", Shards::All),
            ("status/orders", Shards::All),
            ("status/orders.settle", orders),
            ("apply/", Shards::One(None)),
            ("project", Shards::All),
        ] {
            assert_eq!(shards(prefix), expected, "{prefix}");
        }
    }
}
