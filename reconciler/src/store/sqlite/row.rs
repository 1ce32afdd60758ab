//! Numbers and ids as they stand in a row. SQLite counts up to 2^63; ours stay below 2^53.

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use windlass_core::id::OpId;

/// A counter as SQLite takes it. The last number stands for all that are too big.
pub(super) fn stored(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// A counter from a row.
pub(super) fn counter(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, error.into()))
}

/// An operation's id from a row.
pub(super) fn op(row: &Row<'_>, column: usize) -> Result<OpId> {
    let bad =
        |error: std::num::ParseIntError| Error::FromSqlConversionFailure(column, Type::Text, error.into());
    row.get_ref(column)?.as_str()?.parse().map_err(bad)
}
