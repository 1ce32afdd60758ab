//! What is to happen, and when: the clock of a simulation.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// A moment of a simulation, in milliseconds from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// So many milliseconds later.
    #[must_use]
    pub fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The same moment as everybody's wall clock shows it.
    pub fn time(self) -> Timestamp {
        const START: i64 = 1_795_312_800;
        let start = Timestamp::from_second(START).unwrap_or_default();
        start + SignedDuration::from_millis(i64::try_from(self.0).unwrap_or(i64::MAX / 1_000_000))
    }

    /// The first moment at which the wall clock shows at least `time`.
    pub fn of(time: Timestamp) -> Self {
        let since = time.duration_since(Self::default().time()).as_millis();
        Self(u64::try_from(since).unwrap_or(0).saturating_add(1))
    }
}

/// Things that are to happen, in order of their time; those of one moment in the order in which they were planned.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Tick,
    planned: u64,
    events: BTreeMap<(Tick, u64), E>,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { now: Tick(0), planned: 0, events: BTreeMap::new() }
    }
}

impl<E> Agenda<E> {
    /// One that begins at a moment of its own.
    pub fn from(now: Tick) -> Self {
        Self { now, ..Self::default() }
    }

    /// The present moment.
    pub fn now(&self) -> Tick {
        self.now
    }

    /// Plans something for so many milliseconds from now.
    pub fn plan(&mut self, delay: u64, event: E) {
        self.planned += 1;
        self.events.insert((self.now.after(delay), self.planned), event);
    }

    /// Goes on to the next thing.
    pub fn advance(&mut self) -> Option<E> {
        let ((at, _), event) = self.events.pop_first()?;
        self.now = at;
        Some(event)
    }
}
