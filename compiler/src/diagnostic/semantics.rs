//! WL07xx: a job that says two things that do not go together.

use super::Report;
use super::draft::Draft;
use crate::source::Span;
use crate::units::Duration;

/// Values that are right alone and wrong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Semantics {
    /// A project or a pipeline without a job.
    NoJob {
        /// Where it is named.
        span: Span,
        /// What it is.
        what: Box<str>,
    },
    /// `retry` on a stream, or `restart` on a batch.
    WrongRecovery {
        /// The key.
        span: Span,
        /// What is written.
        written: &'static str,
        /// What fits.
        fitting: &'static str,
        /// The mode, with its article.
        mode: &'static str,
        /// Where the mode is set.
        mode_span: Option<Span>,
    },
    /// A range whose end lies before its start.
    BackoffInverted {
        /// The value.
        span: Span,
        /// The range the other way round.
        turned: Box<str>,
    },
    /// A window in which the attempts cannot even happen.
    WithinTooShort {
        /// The value.
        span: Span,
        /// The window.
        within: Duration,
        /// How long the pauses alone take.
        pauses: Duration,
        /// How many attempts there may be.
        attempts: u32,
    },
    /// A time-out that is over before the job counts as running.
    TimeoutBeforeReady {
        /// The time-out.
        span: Span,
        /// The time-out.
        timeout: Duration,
        /// The time until it counts as running.
        ready: Duration,
        /// Where that is set.
        ready_span: Option<Span>,
    },
    /// A job that no environment has.
    Nowhere {
        /// The empty list.
        span: Span,
        /// The job.
        job: Box<str>,
    },
    /// A window or pauses without a single attempt.
    NoAttempts {
        /// The key that has no effect.
        span: Span,
        /// Its text.
        key: &'static str,
    },
    /// A time-out of nothing.
    ZeroTimeout {
        /// The value.
        span: Span,
    },
}

impl Semantics {
    /// Says it.
    pub(super) fn report(&self) -> Report {
        match self {
            Self::NoJob { span, what } => Draft::new("WL0701", format!("{what} has no job"))
                .at(*span, "nothing would run")
                .help("add a `[job.…]` table")
                .done(),
            Self::WrongRecovery { span, written, fitting, mode, mode_span } => {
                Draft::new("WL0702", format!("{mode} has no `{written}`"))
                    .at(*span, format!("`{written}` has no meaning here"))
                    .maybe_at(*mode_span, "the mode is set here")
                    .help(format!("write `{fitting}`"))
                    .replace(*span, written, fitting, false)
                    .done()
            }
            Self::BackoffInverted { span, turned } => {
                Draft::new("WL0703", "the longest pause is shorter than the first")
                    .at(*span, "ends before it starts")
                    .help(format!("write `{turned}`"))
                    .fix("turn it round", false, *span, format!("\"{turned}\""))
                    .done()
            }
            Self::WithinTooShort { span, within, pauses, attempts } => Draft::new(
                "WL0704",
                format!("{attempts} attempts never fit into {within}"),
            )
            .at(*span, format!("the pauses between them alone take {pauses}"))
            .help(
                "the attempts would never run out; make `within` longer, or `attempts` or `backoff` smaller",
            )
            .done(),
            Self::TimeoutBeforeReady { span, timeout, ready, ready_span } => Draft::new(
                "WL0705",
                format!("after {timeout} the attempt ends, before it is ready at {ready}"),
            )
            .at(*span, "too short")
            .maybe_at(*ready_span, "it counts as running only after this")
            .help("make `timeout` longer than `process.ready`")
            .done(),
            Self::Nowhere { span, job } => Draft::new("WL0706", format!("`{job}` exists in no environment"))
                .at(*span, "an empty list allows none")
                .help("name environments, or write `enabled = false`")
                .done(),
            Self::NoAttempts { span, key } => {
                Draft::new("WL0707", format!("`{key}` has no effect without `attempts`"))
                    .at(*span, "no attempt follows a failure")
                    .help("set `attempts` to how many new attempts may follow failures")
                    .done()
            }
            Self::ZeroTimeout { span } => {
                Draft::new("WL0708", "a time-out of nothing ends every attempt at once")
                    .at(*span, "no time at all")
                    .help("remove it: without `timeout` an attempt may take as long as it needs")
                    .done()
            }
        }
    }
}
