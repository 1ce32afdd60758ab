//! The exit codes: frozen, because scripts and CI jobs decide by them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done; valid; a plan, with or without changes.
    Done = 0,
    /// An invalid spec, or an operation that failed.
    Error = 1,
    /// Changes or drift exist, and the caller asked to be told so.
    Differs = 2,
    /// Refused: protection, policy, state loss, too many removals.
    Refused = 3,
    /// Something that a plan read has changed since.
    Stale = 4,
    /// Some of it is applied, some of it is not.
    Partial = 5,
    /// Committed, and not converged in the time that was given.
    Unconverged = 6,
    /// Somebody else holds the lease.
    Busy = 7,
    /// Authentication or permission.
    Denied = 8,
    /// A mistyped command line.
    Usage = 64,
    /// A defect of this program.
    Internal = 70,
    /// Stopped by SIGINT, cleanly.
    Interrupted = 130,
    /// Stopped by SIGTERM, cleanly.
    Terminated = 143,
}

impl Exit {
    /// The number that the system is told.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_codes_are_frozen() {
        let codes = [
            (Exit::Done, 0),
            (Exit::Error, 1),
            (Exit::Differs, 2),
            (Exit::Refused, 3),
            (Exit::Stale, 4),
            (Exit::Partial, 5),
            (Exit::Unconverged, 6),
            (Exit::Busy, 7),
            (Exit::Denied, 8),
            (Exit::Usage, 64),
            (Exit::Internal, 70),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }
}
