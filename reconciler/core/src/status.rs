//! What is: the record `status/<instance>`, written by the owner of its shard alone.

use std::borrow::Cow;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_compiler::name::Name;
use windlass_compiler::text::text;

use crate::document::Document;
use crate::id::{AttemptNumber, Epoch, ExternalName, Generation, Instance, Sequence, Uid};
use crate::state::{self, State};

/// The status of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The instance.
    pub instance: Instance,
    /// The epoch of the owner that wrote this.
    pub epoch: Epoch,
    /// Where it is.
    pub state: State,
    /// The generation of its goal that this takes into account.
    pub observed_generation: Generation,
    /// The attempt that is under way, or the last one.
    pub attempt: Option<Attempt>,
    /// When attempts failed since the instance was last begun, for the retry budget. The oldest first.
    pub failures: Vec<Timestamp>,
    /// The last transitions, the oldest first: those of the last decision that moved it, and before them the last one
    /// into a failure. The history has them all.
    pub transitions: Vec<Transition>,
}

/// A [`Status`] as its record has it, without the instance's name, which is the record's, and without what is as it
/// mostly is: the name and the generation of the attempt, and that it runs since the attempt has started.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    epoch: Epoch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    generation: Generation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<StoredAttempt>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Timestamp>,
    steps: Vec<Step>,
}

/// A transition, without what is as the status says, and without the event that mostly leads to its state.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    sequence: Sequence,
    at: When,
    from: state::Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<state::Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<Generation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredAttempt {
    number: AttemptNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<Generation>,
    cluster: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<ExternalName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<Uid>,
    submitted: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<When>,
}

/// One attempt at a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: AttemptNumber,
    /// The generation of the goal that it was started for.
    pub generation: Generation,
    /// The cluster that it is on.
    pub cluster: Name,
    /// Its name there.
    pub name: ExternalName,
    /// The object's uid, once it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// When it was intended.
    pub submitted: Timestamp,
    /// When it started, by its cluster's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended, by its cluster's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl Attempt {
    /// One that is intended, and of which nothing is known yet.
    pub fn new(
        number: AttemptNumber,
        generation: Generation,
        cluster: Name,
        name: ExternalName,
        submitted: Timestamp,
    ) -> Self {
        Self { number, generation, cluster, name, uid: None, submitted, started: None, ended: None }
    }
}

/// One step from state to state. Stands once in the history, in order of its sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Which one of this instance, from 1, without gaps.
    pub sequence: Sequence,
    /// When, by the owner's clock.
    pub at: Timestamp,
    /// From where.
    pub from: state::Name,
    /// To where.
    pub to: state::Name,
    /// The event.
    pub event: Cow<'static, str>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The attempt that it belongs to; 0 before the first.
    pub attempt: AttemptNumber,
    /// The generation of the goal at that time.
    pub generation: Generation,
    /// The owner's epoch.
    pub epoch: Epoch,
}

impl Status {
    /// The status of an instance that nothing has happened to yet.
    pub fn new(instance: Instance) -> Self {
        Self {
            instance,
            epoch: Epoch(0),
            state: State::NEW,
            observed_generation: Generation(0),
            attempt: None,
            failures: Vec::new(),
            transitions: Vec::new(),
        }
    }

    /// It, as its record has it.
    pub fn stored(&self) -> Stored {
        Stored {
            epoch: self.epoch,
            state: (self.running().as_ref() != Some(&self.state)).then(|| self.state.clone()),
            generation: self.observed_generation,
            attempt: self.attempt.as_ref().map(|attempt| attempt.stored(self)),
            failures: self.failures.clone(),
            steps: self.transitions.iter().map(|step| self.step(step)).collect(),
        }
    }

    /// The status that the record of `instance` holds.
    pub fn read(instance: Instance, stored: Stored) -> Result<Self, serde_json::Error> {
        let attempt = stored.attempt.map(|attempt| attempt.read(&instance, stored.generation)).transpose()?;
        let mut status = Self {
            epoch: stored.epoch,
            state: State::NEW,
            observed_generation: stored.generation,
            attempt,
            failures: stored.failures,
            transitions: Vec::new(),
            instance,
        };
        let state = stored.state.or_else(|| status.running());
        status.state =
            state.ok_or_else(|| damage("it has neither a state nor an attempt that has started"))?;
        let steps = stored.steps.into_iter().map(|step| step.read(&status));
        let mut transitions: Vec<_> = steps.collect::<Result<_, _>>()?;
        // There is one for every instance, and most have a single step: room for three more would be most of it.
        transitions.shrink_to_fit();
        status.transitions = transitions;
        Ok(status)
    }

    fn step(&self, step: &Transition) -> Step {
        let Transition { sequence, at, from, to, event, reason, attempt, generation, epoch } = step.clone();
        Step {
            sequence,
            at: When::of(at, self.attempt.as_ref().map(|attempt| attempt.submitted)),
            from,
            to: (to != self.state.name()).then_some(to),
            event: (usual(to) != Some(&*event)).then_some(event),
            reason,
            attempt: (attempt != self.attempt_number()).then_some(attempt),
            generation: (generation != self.observed_generation).then_some(generation),
            epoch: (epoch != self.epoch).then_some(epoch),
        }
    }

    /// The state that it is in when it runs since its attempt has started, as it mostly does.
    fn running(&self) -> Option<State> {
        let since = self.attempt.as_ref()?.started?;
        Some(State::Running { since })
    }

    /// The number of the last attempt; 0 before the first.
    pub fn attempt_number(&self) -> AttemptNumber {
        self.attempt.as_ref().map_or(AttemptNumber(0), |attempt| attempt.number)
    }

    /// The sequence of the last transition; 0 before the first.
    pub fn sequence(&self) -> Sequence {
        self.transitions.last().map_or(Sequence(0), |last| last.sequence)
    }

    /// When it came into its state; none before the first transition.
    pub fn since(&self) -> Option<Timestamp> {
        self.transitions.last().map(|last| last.at)
    }
}

impl Attempt {
    fn stored(&self, status: &Status) -> StoredAttempt {
        let derived = self.name == ExternalName::of(&status.instance, self.number);
        let when = |time| When::of(time, Some(self.submitted));
        StoredAttempt {
            number: self.number,
            generation: (self.generation != status.observed_generation).then_some(self.generation),
            cluster: self.cluster.clone(),
            name: (!derived).then(|| self.name.clone()),
            uid: self.uid.clone(),
            submitted: self.submitted,
            started: self.started.map(when),
            ended: self.ended.map(when),
        }
    }
}

impl Step {
    fn read(self, status: &Status) -> Result<Transition, serde_json::Error> {
        let to = self.to.unwrap_or_else(|| status.state.name());
        let event = self.event.or_else(|| usual(to).map(Cow::Borrowed));
        Ok(Transition {
            sequence: self.sequence,
            at: self.at.read(status.attempt.as_ref().map(|attempt| attempt.submitted))?,
            from: self.from,
            to,
            event: event.ok_or_else(|| damage("a step has no event"))?,
            reason: self.reason,
            attempt: self.attempt.unwrap_or(status.attempt_number()),
            generation: self.generation.unwrap_or(status.observed_generation),
            epoch: self.epoch.unwrap_or(status.epoch),
        })
    }
}

impl StoredAttempt {
    fn read(self, instance: &Instance, generation: Generation) -> Result<Attempt, serde_json::Error> {
        let time = |when: Option<When>| when.map(|when| when.read(Some(self.submitted))).transpose();
        Ok(Attempt {
            name: self.name.unwrap_or_else(|| ExternalName::of(instance, self.number)),
            number: self.number,
            generation: self.generation.unwrap_or(generation),
            cluster: self.cluster,
            uid: self.uid,
            submitted: self.submitted,
            started: time(self.started)?,
            ended: time(self.ended)?,
        })
    }
}

/// A time as it is written: `+1.5` stands for so many seconds after the attempt was submitted. Nothing is rounded: what
/// is read is compared with what clusters say.
#[derive(Debug, Clone, Copy)]
enum When {
    At(Timestamp),
    After(SignedDuration),
}

impl When {
    fn of(time: Timestamp, submitted: Option<Timestamp>) -> Self {
        let after = submitted.map(|submitted| time.duration_since(submitted));
        after.filter(|after| !after.is_negative()).map_or(Self::At(time), Self::After)
    }

    fn read(self, submitted: Option<Timestamp>) -> Result<Timestamp, serde_json::Error> {
        match (self, submitted) {
            (Self::At(time), _) => Ok(time),
            (Self::After(after), Some(submitted)) => {
                submitted.checked_add(after).map_err(|_| damage("a time is out of range"))
            }
            (Self::After(_), None) => Err(damage("a time counts from an attempt that is not there")),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time) => time.serialize(serializer),
            Self::After(after) => {
                let (whole, part) = (after.as_secs(), after.subsec_nanos());
                let text = format!("+{whole}.{part:09}");
                serializer.serialize_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(text(|text: &str| text.parse::<Self>()))
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("bad time {text:?}");
        let Some(after) = text.strip_prefix('+') else {
            return text.parse().map(Self::At).map_err(|_| bad());
        };
        let (whole, part) = after.split_once('.').unwrap_or((after, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 9 {
            return Err(bad());
        }
        let seconds = whole.parse().map_err(|_| bad())?;
        let nanoseconds = format!("{part:0<9}").parse().map_err(|_| bad())?;
        Ok(Self::After(SignedDuration::new(seconds, nanoseconds)))
    }
}

/// The event that leads to a state, where there is one that mostly does.
fn usual(to: state::Name) -> Option<&'static str> {
    match to {
        state::Name::Submitting => Some("submitted"),
        state::Name::Running => Some("started"),
        state::Name::Succeeded => Some("succeeded"),
        state::Name::Failed => Some("failed"),
        state::Name::Stopped => Some("ended"),
        state::Name::Lost => Some("lost"),
        state::Name::Skipped => Some("skipped"),
        state::Name::Unknown => Some("silent"),
        state::Name::Stopping => Some("stop-asked"),
        state::Name::Degraded => Some("impaired"),
        state::Name::Waiting | state::Name::Suspended => None,
    }
}

fn damage(what: &'static str) -> serde_json::Error {
    serde::de::Error::custom(what)
}

impl Document for Stored {
    const KIND: &'static str = "status";
    const FORMAT: u64 = 3;
    const OLDEST: u64 = 3;
    const FIELDS: &'static [&'static str] = &["epoch", "state", "generation", "attempt", "failures", "steps"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{decode, encode};
    use crate::sample::{attempt, job, status};
    use windlass_compiler::model::Mode;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A status that came into its state by a first attempt.
    fn settled(mode: Mode, state: State, event: &str) -> Status {
        let job = job("orders.settle", mode);
        let mut attempt = attempt(&job, 1);
        attempt.submitted = time("2026-11-22T02:00:00.5Z");
        attempt.started = Some(time("2026-11-22T02:00:01.25Z"));
        let (to, at) = (state.name(), time("2026-11-22T02:00:01.250000001Z"));
        let (sequence, epoch, generation) = (Sequence(4), Epoch(7), Generation(1));
        let (event, from, reason) = (event.to_owned().into(), state::Name::Submitting, None);
        let step =
            Transition { sequence, at, from, to, event, reason, attempt: attempt.number, generation, epoch };
        Status { epoch, attempt: Some(attempt), transitions: vec![step], ..status(&job, state) }
    }

    #[test]
    fn what_is_as_it_mostly_is_is_not_written() {
        let running = State::Running { since: time("2026-11-22T02:00:01.25Z") };
        let late = State::Running { since: time("2026-11-22T02:00:01.26Z") };
        let attempt = r#""attempt":{"number":1,"cluster":"laptop","submitted":"2026-11-22T02:00:00.5Z","started":"+0.75"}"#;
        let step = r#"{"sequence":4,"at":"+0.750000001","from":"submitting""#;
        for (status, state, rest) in [
            (settled(Mode::Stream, running, "started"), "", ""),
            (
                settled(Mode::Stream, late, "heard"),
                r#""state":{"running":{"since":"2026-11-22T02:00:01.26Z"}},"#,
                r#","event":"heard""#,
            ),
            (settled(Mode::Batch, State::Succeeded, "succeeded"), r#""state":"succeeded","#, ""),
        ] {
            let text = encode(&status.stored(), None);
            let expected = format!(
                r#"{{"format":3,"epoch":7,{state}"generation":1,{attempt},"steps":[{step}{rest}}}]}}"#
            );
            assert_eq!(text, expected);
            assert_eq!(Status::read(status.instance.clone(), decode(&text).unwrap()).unwrap(), status);
        }
    }

    #[test]
    fn times_are_kept_as_they_were_told() {
        let submitted = time("2026-11-22T02:00:00.123456789Z");
        for told in
            ["2026-11-22T02:00:00.123456789Z", "2026-11-22T01:59:59Z", "2027-01-01T00:00:00.000000001Z"]
        {
            for submitted in [Some(submitted), None] {
                let text = serde_json::to_string(&When::of(time(told), submitted)).unwrap();
                let when: When = serde_json::from_str(&text).unwrap();
                assert_eq!(when.read(submitted).unwrap(), time(told), "{text}");
            }
        }
    }

    #[test]
    fn a_damaged_status_is_not_guessed_at() {
        let text = encode(&settled(Mode::Batch, State::Succeeded, "succeeded").stored(), None);
        for (part, damage) in [
            ("+0.750000001", "+"),
            ("+0.750000001", "+-1"),
            ("+0.750000001", "+1.0000000001"),
            ("+0.750000001", "+99999999999999999999"),
            ("+0.750000001", "+9223372036854775807"),
            (r#","started":"+0.75""#, r#","started":"0.75""#),
            (r#""state":"succeeded","#, r#""state":null,"attempt":null,"#),
        ] {
            let damaged = text.replacen(part, damage, 1);
            assert_ne!(damaged, text);
            let read = decode(&damaged)
                .ok()
                .map(|stored| Status::read(status(&job("a.b", Mode::Batch), State::NEW).instance, stored));
            assert!(!matches!(read, Some(Ok(_))), "{damaged}");
        }
    }
}
