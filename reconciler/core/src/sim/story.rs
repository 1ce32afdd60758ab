//! What happened, line by line, in words: who did what, and when. For people first; reports carry the same lines.

use std::fmt;

use windlass_compiler::units::Duration;

use crate::action::Outcome;
use crate::decide::Waiting;
use crate::edge::describe;
use crate::history::Note;
use crate::id::Instance;
use crate::observed::{End, Observation, Phase};
use crate::sim::agenda::Tick;
use crate::sim::cluster::Effect;
use crate::sim::store::{Key, Record, Transaction, Write};
use crate::status::Transition;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Tick,
    /// Who did it, or to whom it happened.
    pub who: String,
    /// The instance that it is about, if it is about one.
    pub about: Option<Instance>,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it was.
    pub text: String,
}

/// A kind of line, so that a reader can leave some out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something went wrong in the world, or was mended.
    Fault,
    /// A user's command.
    Command,
    /// A status was recorded.
    State,
    /// Something waits, and why.
    Wait,
    /// A call was decided.
    Call,
    /// A cluster did something.
    Effect,
    /// Messages that came, and did not.
    Detail,
}

impl Kind {
    /// Its name, as reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Command => "command",
            Self::State => "state",
            Self::Wait => "wait",
            Self::Call => "call",
            Self::Effect => "effect",
            Self::Detail => "detail",
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tick(at) = self.at;
        write!(f, "{:>4}.{:03} s  {:<8} {}", at / 1000, at % 1000, self.who, self.text)
    }
}

/// What is waited for, in words: not that a cluster was asked, which every call is.
pub fn waits(waits: &[Waiting]) -> Vec<String> {
    let one = |waiting: &Waiting| match waiting {
        Waiting::Upstream(upstream) => Some(describe(upstream)),
        Waiting::Until(time) => Some(format!("a pause until {}", time.strftime("%H:%M:%S"))),
        Waiting::Held(reason) => Some(reason.clone()),
        Waiting::Cluster(_) => None,
    };
    waits.iter().filter_map(one).collect()
}

/// For what is waited, whatever comes of it meanwhile: the same as long as there is no news for who waits.
pub fn awaited(waits: &[Waiting]) -> Vec<String> {
    let one = |waiting: &Waiting| match waiting {
        Waiting::Upstream(upstream) => Some(upstream.edge.job.to_string()),
        Waiting::Until(time) => Some(time.to_string()),
        Waiting::Held(reason) => Some(reason.clone()),
        Waiting::Cluster(_) => None,
    };
    waits.iter().filter_map(one).collect()
}

/// So many milliseconds, as one says it.
pub fn span(millis: u64) -> String {
    Duration::from_millis(millis).to_string()
}

/// That a clock jumps.
pub fn jump(millis: i64) -> String {
    let way = if millis < 0 { "back" } else { "ahead" };
    format!("its clock jumps {way} by {}", span(millis.unsigned_abs()))
}

/// What an effect was.
pub fn effect(effect: &Effect) -> (&crate::observed::Label, String) {
    match effect {
        Effect::Created(uid, label) => (label, format!("makes attempt {} ({uid}), suspended", label.attempt)),
        Effect::Accepted(_, label) => (label, format!("accepts attempt {}", label.attempt)),
        Effect::Started(_, _, label) => (label, format!("STARTS attempt {}", label.attempt)),
        Effect::Stopping(_, label) => (label, format!("begins to stop attempt {}", label.attempt)),
    }
}

/// How an attempt ended.
pub fn end(end: &End) -> String {
    match end {
        End::Succeeded => "ends with success".to_owned(),
        End::Failed(reason) => format!("fails: {reason}"),
        End::Stopped => "has stopped".to_owned(),
    }
}

/// What came of a call.
pub fn outcome(outcome: Option<&Outcome>) -> String {
    match outcome {
        None => "no answer".to_owned(),
        Some(Outcome::Done(seen)) => format!("it is {}", phase(seen)),
        Some(Outcome::Gone) => "there is no such object".to_owned(),
        Some(Outcome::Foreign(_)) => "that is another object".to_owned(),
        Some(Outcome::Refused { reason }) => format!("refused: {reason}"),
        Some(Outcome::Unknown { reason }) => format!("nobody knows: {reason}"),
    }
}

fn phase(seen: &Observation) -> &'static str {
    match seen.phase {
        Phase::Suspended => "suspended",
        Phase::Starting => "starting",
        Phase::Running { .. } => "running",
        Phase::Impaired { .. } => "impaired",
        Phase::Ended { .. } => "ended",
        Phase::Vanished { .. } => "gone without a word",
    }
}

/// What a transaction of an owner records, instance by instance.
pub fn records(transaction: &Transaction) -> Vec<Recorded> {
    let one = |write: &Write| match (&write.key, &write.record) {
        (Key::Status(instance), Record::Status(status)) => {
            let steps = transaction.history.iter().filter_map(|(_, note)| match note {
                Note::Transition(step) => Some(transition(step)),
                _ => None,
            });
            let steps: Vec<String> = steps.collect();
            let (kind, text) = if steps.is_empty() {
                (Kind::Detail, format!("generation {} is taken in", status.observed_generation))
            } else {
                (Kind::State, steps.join(", then "))
            };
            Recorded { about: Some(instance.clone()), kind, text }
        }
        (Key::Run(id), record) => {
            let goes_on = matches!(record, Record::Run(run) if run.ended.is_none());
            let is = if goes_on { "goes on" } else { "is over" };
            Recorded { about: None, kind: Kind::State, text: format!("that the run {id} {is}") }
        }
        (Key::Recovery, _) => Recorded {
            about: None,
            kind: Kind::State,
            text: "how far the recovery of the store is".to_owned(),
        },
        (key, _) => Recorded { about: None, kind: Kind::State, text: key.to_string() },
    };
    transaction.writes.iter().map(one).collect()
}

/// One record that an owner writes.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The instance that it is of, if it is of one.
    pub about: Option<Instance>,
    /// Whether it moves anything.
    pub kind: Kind,
    /// What it says, to stand behind "records".
    pub text: String,
}

/// The word for steps within one state is the event's: two of them change what may follow, and not the state.
fn transition(step: &Transition) -> String {
    let attempt = if step.attempt.0 == 0 { String::new() } else { format!(" (attempt {})", step.attempt) };
    match (step.from == step.to, &*step.event) {
        (true, "created") => return format!("that attempt {} is there, and may be let run", step.attempt),
        (true, "stop-asked") => return format!("that it is to stop, when it is no longer {}", step.from),
        _ => {}
    }
    let reason = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} → {}{attempt}{reason}", step.from, step.to)
}
