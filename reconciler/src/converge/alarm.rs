//! Notices that an instance has failed for good, which it had not when the command began.

use std::collections::BTreeSet;

use windlass_core::fleet::{Fleet, Outlook};
use windlass_core::id::Instance;

/// What a command does when an instance has failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnError {
    /// Sees everything else to its end.
    #[default]
    Continue,
    /// Starts nothing new, and finishes what is under way.
    Stop,
}

/// Rings once, and goes on ringing.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    on_error: OnError,
    /// What was missed already, as far as it has not moved since.
    before: Option<BTreeSet<Instance>>,
    cause: Option<Instance>,
}

impl Alarm {
    pub(super) fn new(on_error: OnError) -> Self {
        Self { on_error, ..Self::default() }
    }

    /// Whether it rings.
    pub(super) fn rings(&self) -> bool {
        self.cause.is_some()
    }

    /// Looks. Returns what has made it ring just now.
    pub(super) fn look(&mut self, fleet: &Fleet, instances: &[Instance]) -> Option<&Instance> {
        if self.on_error == OnError::Continue || self.rings() {
            return None;
        }
        let mut outlooks = fleet.outlooks();
        let missed = |one: &&Instance| matches!(outlooks.of(one), Outlook::Missed(_));
        self.take(instances.iter().filter(missed).cloned().collect())
    }

    fn take(&mut self, missed: BTreeSet<Instance>) -> Option<&Instance> {
        // What had failed before the command began is no reason not to begin.
        let before = self.before.get_or_insert_with(|| missed.clone());
        self.cause = missed.difference(before).next().cloned();
        before.retain(|one| missed.contains(one));
        self.cause.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word is one look: the jobs of pipeline `p` that are missed then. Returns the look at which it rings.
    fn rings(looks: &[&str]) -> Option<usize> {
        let mut alarm = Alarm::new(OnError::Stop);
        let missed = |look: &str| look.chars().map(|job| format!("p.{job}").parse().unwrap()).collect();
        looks.iter().position(|look| alarm.take(missed(look)).is_some())
    }

    #[test]
    fn only_what_fails_while_somebody_looks_rings() {
        for (looks, expected) in [
            (&["", "", ""][..], None),
            (&["", "a"], Some(1)),
            (&["a", "a"], None),
            (&["a", "ab"], Some(1)),
            // It was tried again, and has failed again.
            (&["a", "", "a"], Some(2)),
        ] {
            assert_eq!(rings(looks), expected, "{looks:?}");
        }
    }

    #[test]
    fn who_wants_to_continue_hears_nothing() {
        let sample = crate::cli::sample::Sample::default().stream("p.a");
        let mut alarm = Alarm::new(OnError::Continue);
        assert!(alarm.look(&sample.fleet, &sample.fleet.present()).is_none() && !alarm.rings());
    }
}
