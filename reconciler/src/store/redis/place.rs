//! Which store it is, and what its troubles are called: turns what Redis says into our errors, with what a person can
//! do about them. Never repeats a user or a password.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use windlass_core::id::OpId;

use super::link::Trouble;
use crate::store::Error;

/// A store's place, as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Place(pub(super) String);

impl Place {
    pub(super) fn refused(&self, reason: impl Into<String>) -> Error {
        Error::Refused { store: self.0.clone(), reason: reason.into() }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> Error {
        Error::Unavailable { store: self.0.clone(), reason: reason.into() }
    }

    pub(super) fn unknown(&self, op: OpId, reason: impl Into<String>) -> Error {
        Error::Unknown { store: self.0.clone(), op, reason: reason.into() }
    }

    fn read_only(&self, reason: impl Into<String>) -> Error {
        Error::ReadOnly { store: self.0.clone(), reason: reason.into() }
    }

    /// An answer that is not what a store of ours says.
    pub(super) fn damaged(&self, what: impl AsRef<str>) -> Error {
        self.refused(format!("what is there is damaged, or written by somebody else: {}", what.as_ref()))
    }

    /// The store says that it is another one.
    pub(super) fn another(&self, found: &str, expected: &str) -> Error {
        match found {
            "" => self.refused(format!(
                "it was emptied: the store {expected} was initialised here; restore it, or see \
                 docs/operating.md for how to begin anew"
            )),
            found => self.refused(format!(
                "it holds another store ({found}) than the one that was initialised here ({expected}): \
                 restore the right one"
            )),
        }
    }

    /// What it means that a request which changes nothing has no answer.
    pub(super) fn failed(&self, trouble: &Trouble) -> Error {
        match trouble {
            Trouble::Unsent(error) => self.unreachable(error),
            Trouble::Answered(error) => self.answered(error),
            Trouble::Lost(reason) => self.unavailable(reason),
        }
    }

    /// What it means that a transaction has no answer: it is unknown as soon as it was sent, unless the server said
    /// that it did not begin.
    pub(super) fn commit_failed(&self, op: OpId, trouble: &Trouble) -> Error {
        match trouble {
            Trouble::Lost(reason) => self.unknown(op, reason),
            Trouble::Answered(error) if !before_all(error) => self.unknown(op, said(error)),
            Trouble::Unsent(_) | Trouble::Answered(_) => self.failed(trouble),
        }
    }

    fn unreachable(&self, error: &RedisError) -> Error {
        match error.kind() {
            ErrorKind::AuthenticationFailed => self.login(),
            ErrorKind::InvalidClientConfig => self.refused(said(error)),
            _ if error.code().is_some() => self.answered(error),
            _ => self.unavailable(format!("it cannot be reached: {}", said(error))),
        }
    }

    fn answered(&self, error: &RedisError) -> Error {
        match error.code().unwrap_or_default() {
            "OOM" => self.unavailable(
                "its memory is full (maxmemory): nothing was changed; give it more memory and try again",
            ),
            "MISCONF" => self.unavailable(
                "it cannot save to its disk and takes no writes (MISCONF): nothing was changed; look at its log",
            ),
            "LOADING" => self.unavailable("it is still loading its data: try again"),
            "MASTERDOWN" | "NOREPLICAS" => {
                self.unavailable(format!("it takes no writes for now: {}", said(error)))
            }
            "CLUSTERDOWN" | "MOVED" | "ASK" | "TRYAGAIN" => {
                self.unavailable(format!("the cluster does not serve our keys for now: {}", said(error)))
            }
            "BUSY" => self.unavailable("it is busy with somebody's script: try again"),
            "READONLY" => self.read_only(
                "it is a replica: name its primary, or reach it through its sentinels (`redis+sentinel:`)",
            ),
            "NOPERM" => self.read_only(format!(
                "its user may not do that ({}); docs/operating.md has the rights that Windlass needs",
                said(error)
            )),
            "NOAUTH" | "WRONGPASS" => self.login(),
            "WRONGTYPE" => self.damaged(said(error)),
            _ => self.unavailable(said(error)),
        }
    }

    fn login(&self) -> Error {
        self.refused(
            "it does not accept the user and the password of its URL, or wants some where there are none",
        )
    }
}

/// What an error says, without what a person cannot use.
fn said(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => {
            // What is not in a server's words ends with the name of its kind.
            let (text, kind) = (error.to_string(), format!(" - {:?}", error.kind()));
            text.strip_suffix(&kind).unwrap_or(&text).to_owned()
        }
    }
}

/// Whether the server said that before a script began. An error within a script may stand behind its first write.
fn before_all(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
                | ServerErrorKind::NoScript
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::CrossSlot
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::NoPerm
        )
    ) || matches!(error.code(), Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY" | "NOAUTH" | "WRONGPASS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_without_the_name_of_its_kind() {
        assert_eq!(said(&RedisError::from((ErrorKind::Io, "no answer in time"))), "no answer in time");
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(said(&refused.into()), "connection refused");
    }
}
