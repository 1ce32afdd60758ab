//! Switches that disable one safety rule each, in test builds only: they show that the suite notices.
//!
//! Without the feature `faults` every question is a constant `false` and leaves no code behind.

/// A safety rule that a test build can switch off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// R2: every durable write is a compare-and-set.
    CompareAndSet,
    /// R3: intent is durable before the call that uses it.
    IntentFirst,
    /// R4: a name is created once; an existing one is read and compared.
    CreateOnly,
    /// R5: only the recorded uid is activated.
    RecordedUid,
    /// R7: silence is not absence.
    SilenceIsNotAbsence,
    /// A write under an epoch below the barrier is refused.
    Epochs,
    /// What came of a write whose answer was lost is asked by the id of the write.
    OpIds,
    /// R6: an attempt that may still be submitted is never taken for absent.
    IdsBeforeCalls,
    /// R6: a stop takes the identity of an attempt that may still be submitted.
    BurnOnStop,
    /// R6: where a cluster has no identities, a guard lets one run of an attempt through.
    GuardAtStart,
    /// R8: a cluster that cannot hold a job suspended keeps its ids longer than a request travels.
    IdsAreKept,
    /// R9: desired state and status are two records, and the last intent wins.
    LastIntentWins,
    /// A lease is sealed on a majority before it is held.
    SealingRound,
    /// A lease that was acquired too late is given back.
    ReleaseOnLateAcquisition,
    /// A lease node keeps its barrier apart from its counter.
    TwoKeys,
    /// An attempt that is on a cluster and on no record shows that the store went back in time.
    ClustersAreBelieved,
    /// A lease node that lost its memory is not counted for a TTL.
    AmnesiaWaitsATtl,
    /// Whoever takes over decides only on what it has seen since, and what was asked before an attempt was made does not
    /// count against it.
    AskAnew,
    /// A call is made only if its shard is ours at that instant.
    NoEffectAfterTheLease,
    /// What was read last must still be contained in the store.
    StoreIsFollowed,
    /// A batch whose end nobody knows is not run again unless its spec says so.
    LostIsNotFailed,
}

impl Rule {
    /// All of them, with the names that `WINDLASS_FAULT_RULE_OFF` takes.
    pub const ALL: [(Self, &'static str); 21] = [
        (Self::CompareAndSet, "compare-and-set"),
        (Self::IntentFirst, "intent-first"),
        (Self::CreateOnly, "create-only"),
        (Self::RecordedUid, "recorded-uid"),
        (Self::SilenceIsNotAbsence, "silence-is-not-absence"),
        (Self::LastIntentWins, "last-intent-wins"),
        (Self::SealingRound, "sealing-round"),
        (Self::ReleaseOnLateAcquisition, "release-on-late-acquisition"),
        (Self::TwoKeys, "two-keys"),
        (Self::AmnesiaWaitsATtl, "amnesia-waits-a-ttl"),
        (Self::Epochs, "epochs"),
        (Self::OpIds, "op-ids"),
        (Self::IdsBeforeCalls, "ids-before-calls"),
        (Self::BurnOnStop, "burn-on-stop"),
        (Self::GuardAtStart, "guard-at-start"),
        (Self::IdsAreKept, "ids-are-kept"),
        (Self::ClustersAreBelieved, "clusters-are-believed"),
        (Self::AskAnew, "ask-anew"),
        (Self::NoEffectAfterTheLease, "no-effect-after-the-lease"),
        (Self::StoreIsFollowed, "store-is-followed"),
        (Self::LostIsNotFailed, "lost-is-not-failed"),
    ];
}

#[cfg(not(feature = "faults"))]
mod switch {
    /// Whether a rule is switched off: never, in this build.
    #[inline(always)]
    pub fn is_off(_rule: super::Rule) -> bool {
        false
    }
}

#[cfg(feature = "faults")]
mod switch {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static OFF: Cell<Option<Rule>> = const { Cell::new(None) };
    }
    static PROCESS: std::sync::OnceLock<Rule> = std::sync::OnceLock::new();

    /// Whether a rule is switched off, for this thread or for the whole process.
    pub fn is_off(rule: Rule) -> bool {
        OFF.get() == Some(rule) || PROCESS.get() == Some(&rule)
    }

    /// Switches a rule off for the whole process, once and for all.
    pub fn switch_off_for_process(rule: Rule) {
        let _ = PROCESS.set(rule);
    }

    /// Runs `act` on this thread with a rule switched off.
    pub fn without<T>(rule: Rule, act: impl FnOnce() -> T) -> T {
        let before = OFF.replace(Some(rule));
        let result = act();
        OFF.set(before);
        result
    }
}

pub use switch::*;
