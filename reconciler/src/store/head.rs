//! The last commit of a store, and whether a store still contains one that somebody saw: a store that was restored
//! from a copy, or failed over to a replica that lagged behind, does not.

use windlass_core::id::OpId;

use super::Moment;

/// The last commit that somebody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Its moment; 0 where nothing was ever committed.
    pub moment: Moment,
    /// What was committed then.
    pub op: Option<OpId>,
}

/// Whether a store's history contains a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// It does.
    Yes,
    /// The store has not come that far: it went back in time.
    Behind {
        /// Where it is.
        now: Head,
    },
    /// Another commit stands at that moment: the store went back in time, and then on.
    Forked {
        /// Where it is.
        now: Head,
    },
    /// The store no longer knows what stood at that moment.
    Forgotten,
}

impl Follows {
    /// Judges whether a store that is at `now` and has `there` at the moment of `seen` contains it.
    pub(super) fn judge(seen: &Head, now: Head, there: Option<OpId>) -> Self {
        match (seen.op, there) {
            _ if seen.moment == Moment(0) => Self::Yes,
            _ if now.moment < seen.moment => Self::Behind { now },
            (Some(seen), Some(there)) if seen == there => Self::Yes,
            (Some(_), Some(_)) => Self::Forked { now },
            (None, _) | (_, None) => Self::Forgotten,
        }
    }
}
