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

/// How far back every store remembers which operations were done, in commits.
const REMEMBERED: u64 = 10_000;

/// Whether a store's history contains the commits that somebody knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// It does.
    Yes {
        /// Where the store is, at the moment of that answer.
        now: Head,
    },
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
    /// One that was made after what was seen is missing: the store went back in time, and perhaps on.
    Lacks {
        /// Which one.
        op: OpId,
        /// Where it is.
        now: Head,
    },
    /// The store no longer knows what stood at that moment, or what was done so long ago.
    Forgotten {
        /// Where it is.
        now: Head,
    },
}

impl Follows {
    /// Judges whether a store contains what was seen: it is at `now`, has `there` at the moment of `seen`, and `missing`
    /// is the first of the operations made since then that it does not know.
    pub(super) fn judge(seen: &Head, now: Head, there: Option<OpId>, missing: Option<OpId>) -> Self {
        match (seen.op, there) {
            _ if now.moment < seen.moment => Self::Behind { now },
            (Some(seen), Some(there)) if seen != there => Self::Forked { now },
            (None, _) | (_, None) if seen.moment != Moment(0) => Self::Forgotten { now },
            _ => match missing {
                None => Self::Yes { now },
                Some(_) if now.moment.0 - seen.moment.0 >= REMEMBERED => Self::Forgotten { now },
                Some(op) => Self::Lacks { op, now },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_long_ago_is_not_missed() {
        let seen = Head { moment: Moment(7), op: Some(OpId(1)) };
        let lacks = |moment| {
            let now = Head { moment: Moment(moment), op: Some(OpId(2)) };
            matches!(Follows::judge(&seen, now, seen.op, Some(OpId(3))), Follows::Lacks { .. })
        };
        assert!(lacks(7 + REMEMBERED - 1));
        assert!(!lacks(7 + REMEMBERED));
    }
}
