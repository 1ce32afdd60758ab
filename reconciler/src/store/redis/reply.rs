//! Reads what a server answers. Whatever does not look as it should is damage: somebody else wrote there.

use std::str::FromStr;
use std::sync::Arc;
use std::vec::IntoIter;

use redis::Value;
use windlass_core::id::Version;

use crate::store::{Entry, Key, Line, Record};

/// A list that is taken apart from its front.
#[derive(Debug)]
pub(super) struct Reply(IntoIter<Value>);

impl Reply {
    /// An answer that is a list.
    pub(super) fn list(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            Value::Map(pairs) => {
                Ok(Self(pairs.into_iter().flat_map(|(one, two)| [one, two]).collect::<Vec<_>>().into_iter()))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Value, String> {
        self.0.next().ok_or_else(|| "an answer ends early".to_owned())
    }

    /// The next value as text.
    pub(super) fn text(&mut self) -> Result<String, String> {
        self.optional()?.ok_or_else(|| "a value is missing".to_owned())
    }

    /// The next value as text, if it is there.
    pub(super) fn optional(&mut self) -> Result<Option<String>, String> {
        match self.value()? {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => {
                String::from_utf8(bytes).map(Some).map_err(|_| "a value is no text".to_owned())
            }
            Value::SimpleString(text) => Ok(Some(text)),
            Value::Int(number) => Ok(Some(number.to_string())),
            other => Err(unexpected(&other)),
        }
    }

    /// The next value as a number.
    pub(super) fn number<T: FromStr>(&mut self) -> Result<T, String> {
        parsed(&self.text()?)
    }

    /// The next value as a list.
    pub(super) fn inner(&mut self) -> Result<Self, String> {
        Self::list(self.value()?)
    }

    /// The rest, one by one.
    pub(super) fn rest<T>(
        mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut all = Vec::with_capacity(self.0.len());
        while self.0.len() > 0 {
            all.push(read(&mut self)?);
        }
        Ok(all)
    }

    /// The next two values as a record: its key, and what is stored.
    pub(super) fn record(&mut self) -> Result<Record, String> {
        let key = Key::stored(self.text()?);
        let stored = self.text()?;
        record(key, &stored)
    }

    /// The next value as an entry of a history.
    pub(super) fn line(&mut self) -> Result<Line, String> {
        let mut entry = self.inner()?;
        let position = moment(&entry.text()?)?;
        let mut fields = entry.inner()?;
        let mut field = || fields.text().and_then(|_| fields.text());
        let (subject, sequence, at, text) =
            (field()?, Some(parsed(&field()?)?), parsed(&field()?)?, field()?);
        Ok(Line { position, entry: Entry { subject, sequence, at, text } })
    }
}

/// A record as it is stored: `COUNTER OP TEXT`.
pub(super) fn record(key: Key, stored: &str) -> Result<Record, String> {
    let mut parts = stored.splitn(3, ' ');
    let mut part = || parts.next().ok_or_else(|| format!("the record {key} is damaged"));
    let version = Version { counter: parsed(part()?)?, op: parsed(part()?)? };
    let text = Arc::from(part()?);
    Ok(Record { key, version, text })
}

/// The first number of an id of a stream.
pub(super) fn moment(id: &str) -> Result<u64, String> {
    parsed(id.split('-').next().unwrap_or_default())
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("a number is expected where there is {text:?}"))
}

fn unexpected(value: &Value) -> String {
    let kind = match value {
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) => "a text",
        Value::Array(_) => "a list",
        _ => "something else",
    };
    format!("the answer holds {kind} where it should not")
}
