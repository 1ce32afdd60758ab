//! A status in the making: copied from the recorded one only when something happens to it.

use jiff::Timestamp;

use crate::case::Moment;
use crate::event::Event;
use crate::id::Generation;
use crate::state::{self, IllegalEvent, State};
use crate::status::{Attempt, Status, Transition};

/// The recorded status and what has happened to it since.
#[derive(Debug)]
pub struct Draft<'a> {
    recorded: &'a Status,
    changed: Option<Status>,
    generation: Generation,
    moment: Moment,
}

impl<'a> Draft<'a> {
    /// A draft of `recorded`, written for a goal of `generation`.
    pub fn new(recorded: &'a Status, generation: Generation, moment: Moment) -> Self {
        Self { recorded, changed: None, generation, moment }
    }

    /// The status as it is so far.
    pub fn status(&self) -> &Status {
        self.changed.as_ref().unwrap_or(self.recorded)
    }

    /// The state so far.
    pub fn state(&self) -> &State {
        &self.status().state
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.moment.now
    }

    /// Whether anything has happened.
    pub fn is_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// What is to be recorded, if anything has happened.
    pub fn into_changed(self) -> Option<Status> {
        self.changed
    }

    /// Lets an event happen: the state moves by the transition table, and the step is written down.
    pub fn happen(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let to = state::next(self.state(), event)?;
        let step = self.transition(&to, event);
        self.forget();
        let status = self.edit();
        status.state = to;
        status.transitions.push(step);
        Ok(())
    }

    /// Forgets the recorded steps, which the history has, before the first new one; except the last failure, which is
    /// the reason for whatever follows it.
    fn forget(&mut self) {
        let recorded = self.recorded.sequence();
        if self.status().sequence() > recorded {
            return;
        }
        let failed = |step: &Transition| matches!(step.to, state::Name::Failed | state::Name::Lost);
        let last = self.recorded.transitions.iter().rev().find(|step| failed(step)).map(|step| step.sequence);
        self.edit().transitions.retain(|step| Some(step.sequence) == last);
    }

    /// Notes that the goal's generation is taken into account.
    pub fn observe(&mut self, generation: Generation) {
        if self.status().observed_generation != generation {
            self.edit().observed_generation = generation;
        }
    }

    /// Changes the current attempt, if there is one.
    pub fn with_attempt(&mut self, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = &mut self.edit().attempt {
            change(attempt);
        }
    }

    /// The status, to be changed.
    pub fn edit(&mut self) -> &mut Status {
        let epoch = self.moment.epoch;
        let recorded = self.recorded;
        self.changed.get_or_insert_with(|| Status { epoch, ..recorded.clone() })
    }

    fn transition(&self, to: &State, event: &Event) -> Transition {
        let status = self.status();
        let reason = match event {
            Event::Retried { not_before } => Some(format!("not before {not_before:.0}")),
            _ => to.reason().map(str::to_owned),
        };
        Transition {
            sequence: status.sequence().next(),
            at: self.moment.now,
            from: status.state.name(),
            to: to.name(),
            event: event.name().into(),
            reason,
            attempt: status.attempt_number(),
            generation: self.generation,
            epoch: self.moment.epoch,
        }
    }
}
