//! Whether an upstream lets a job start.

use windlass_compiler::model::{Edge, Mode, When};

use crate::state::{self, State};
use crate::status::Status;

/// An edge, and where its upstream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The edge.
    pub edge: Edge,
    /// Where the upstream stands; none if it does not belong to the project.
    pub standing: Option<Standing>,
}

/// Where an upstream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its mode.
    pub mode: Mode,
    /// Its state.
    pub state: state::Name,
    /// Whether that state is of what is wanted now, not of an earlier generation.
    pub current: bool,
    /// Whether its current attempt, or its last one, has run.
    pub has_run: bool,
}

/// What an edge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The job may start.
    Met,
    /// Not yet, for this reason.
    Pending(String),
    /// Not unless somebody acts, for this reason.
    Never(String),
}

impl Standing {
    /// Where an upstream of this mode and status stands. `current`: the status has taken in what is wanted.
    pub fn of(mode: Mode, status: &Status, current: bool) -> Self {
        let has_run = status.attempt.as_ref().is_some_and(|attempt| attempt.started.is_some());
        Self { mode, state: status.state.name(), current, has_run }
    }

    /// Where an upstream stands that nothing has happened to yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, state: State::NEW.name(), current: true, has_run: false }
    }
}

/// What an edge says, without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// The job may start.
    Given,
    /// Not yet.
    Awaited,
    /// Not unless somebody acts.
    Denied,
}

/// Judges an edge.
pub fn judge(upstream: &Upstream) -> Verdict {
    match permit(upstream) {
        Permit::Given => Verdict::Met,
        Permit::Awaited => Verdict::Pending(describe(upstream)),
        Permit::Denied => Verdict::Never(describe(upstream)),
    }
}

/// Judges an edge without a word: what waits is asked about often, and seldom explained.
pub fn permit(upstream: &Upstream) -> Permit {
    use state::Name as S;
    let Some(standing) = &upstream.standing else { return Permit::Denied };
    if !standing.current {
        return Permit::Awaited;
    }
    let state = standing.state;
    let failed = matches!(state, S::Failed | S::Lost);
    let over = failed || matches!(state, S::Succeeded | S::Stopped | S::Skipped);
    let met = match upstream.edge.when {
        When::Met if standing.mode == Mode::Stream => state == S::Running,
        When::Met | When::Succeeded => state == S::Succeeded,
        When::Failed => failed,
        When::Finished => over,
        When::Running => standing.has_run || matches!(state, S::Running | S::Degraded),
    };
    match (met, over) {
        (true, _) => Permit::Given,
        (false, true) => Permit::Denied,
        (false, false) => Permit::Awaited,
    }
}

/// How an upstream stands, in words.
pub fn describe(upstream: &Upstream) -> String {
    let job = &upstream.edge.job;
    match &upstream.standing {
        None => format!("{job} does not belong to the project"),
        Some(standing) if !standing.current => format!("{job} has not yet taken in its last change"),
        Some(standing) => format!("{job} {}", standing.state.predicate()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: Mode, state: state::Name, when: When, expected: &str) {
        let edge = Edge { job: "a.b".parse().unwrap(), when };
        let standing = Some(Standing { mode, state, current: true, has_run: false });
        let verdict = match judge(&Upstream { edge, standing }) {
            Verdict::Met => "met",
            Verdict::Pending(_) => "pending",
            Verdict::Never(_) => "never",
        };
        assert_eq!(verdict, expected, "{mode:?} {state} {when:?}");
    }

    #[test]
    fn edges_follow_their_upstream() {
        use Mode::{Batch, Stream};
        use state::Name as S;
        for (mode, state, when, expected) in [
            (Batch, S::Waiting, When::Met, "pending"),
            (Batch, S::Succeeded, When::Met, "met"),
            (Batch, S::Failed, When::Met, "never"),
            (Batch, S::Unknown, When::Met, "pending"),
            (Batch, S::Suspended, When::Met, "pending"),
            (Batch, S::Skipped, When::Met, "never"),
            (Stream, S::Running, When::Met, "met"),
            (Stream, S::Degraded, When::Met, "pending"),
            (Stream, S::Failed, When::Met, "never"),
            (Batch, S::Failed, When::Failed, "met"),
            (Batch, S::Lost, When::Failed, "met"),
            (Batch, S::Succeeded, When::Failed, "never"),
            (Batch, S::Running, When::Failed, "pending"),
            (Batch, S::Skipped, When::Finished, "met"),
            (Batch, S::Stopped, When::Finished, "met"),
            (Batch, S::Running, When::Running, "met"),
            (Batch, S::Submitting, When::Running, "pending"),
            (Batch, S::Failed, When::Running, "never"),
            (Stream, S::Degraded, When::Running, "met"),
            (Stream, S::Unknown, When::Running, "pending"),
            (Stream, S::Suspended, When::Met, "pending"),
            (Stream, S::Stopped, When::Met, "never"),
            (Stream, S::Stopped, When::Finished, "met"),
            (Stream, S::Running, When::Finished, "pending"),
            (Stream, S::Lost, When::Failed, "met"),
            (Batch, S::Succeeded, When::Succeeded, "met"),
            (Batch, S::Lost, When::Succeeded, "never"),
            (Batch, S::Waiting, When::Finished, "pending"),
            (Batch, S::Stopping, When::Finished, "pending"),
            (Batch, S::Stopped, When::Failed, "never"),
        ] {
            check(mode, state, when, expected);
        }
    }

    fn upstream(when: When, standing: Option<Standing>) -> Upstream {
        Upstream { edge: Edge { job: "a.b".parse().unwrap(), when }, standing }
    }

    #[test]
    fn an_attempt_that_has_run_satisfies_running_for_good() {
        let ran = Standing { mode: Mode::Batch, state: state::Name::Failed, current: true, has_run: true };
        assert_eq!(judge(&upstream(When::Running, Some(ran))), Verdict::Met);
    }

    #[test]
    fn what_an_upstream_was_before_its_last_change_does_not_count() {
        let stale =
            Standing { mode: Mode::Batch, state: state::Name::Succeeded, current: false, has_run: true };
        let pending = Verdict::Pending("a.b has not yet taken in its last change".to_owned());
        assert_eq!(judge(&upstream(When::Met, Some(stale))), pending);
    }

    #[test]
    fn an_upstream_out_of_the_project_is_never_met() {
        let never = Verdict::Never("a.b does not belong to the project".to_owned());
        assert_eq!(judge(&upstream(When::Finished, None)), never);
    }
}
