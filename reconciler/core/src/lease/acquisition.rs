//! One try to acquire one resource: a round of locks, a round of seals, a verdict.

use super::{Moment, Nonce, Terms};
use crate::fault::{self, Rule};
use crate::id::Epoch;
use std::fmt;

/// What a node says to the first round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// The lock is ours there, with this count.
    Granted(Epoch),
    /// Somebody else has it: their text.
    Taken(String),
    /// It did not answer, answered with an error, or is not counted.
    Silent,
}

/// What a node says to the second round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The lock was still ours; its counter is now this.
    Sealed(Epoch),
    /// The lock is not ours there, or a higher token was sealed.
    Refused,
    /// It did not answer, answered with an error, or is not counted.
    Silent,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Wait for more answers. After the end, nothing.
    Wait,
    /// Ask every node to seal this token.
    Seal(Epoch),
    /// It is decided.
    Done(Outcome),
}

/// What came of the try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is ours.
    Held {
        /// The token.
        token: Epoch,
        /// When it ends, unless it is renewed.
        until: Moment,
    },
    /// It is not.
    Lost {
        /// Why.
        reason: Reason,
        /// Whether every node has to be told to release, silent ones included: a late lock may stand there.
        release: bool,
    },
}

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// So many nodes have given it to others that no majority is left: the text of most of them.
    Busy(String),
    /// Too few nodes answered.
    NoMajority(Answers),
    /// It was locked, but could not be sealed: somebody came in between.
    Unsealed(Answers),
    /// A majority was reached when hardly any validity was left.
    Late,
}

/// How many nodes answered what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answers {
    /// Yes.
    pub granted: usize,
    /// No.
    pub refused: usize,
    /// An error, or nothing.
    pub silent: usize,
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { granted, refused, silent } = self;
        write!(f, "{granted} of its nodes agreed, {refused} refused and {silent} did not answer")
    }
}

/// The try. Feed it each node's answer as it comes; an answer that nobody waits for changes nothing.
#[derive(Debug, Clone)]
pub struct Acquisition {
    terms: Terms,
    nonce: Nonce,
    asked: Moment,
    locks: Vec<Option<Grant>>,
    seals: Vec<Option<Seal>>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Locking,
    Sealing(Epoch),
    Decided,
}

impl Acquisition {
    /// Begins a try. `asked` is before the first request: validity counts from there in both rounds.
    pub fn begin(terms: Terms, nonce: Nonce, asked: Moment) -> Self {
        let nodes = terms.nodes.count();
        Self {
            terms,
            nonce,
            asked,
            locks: vec![None; nodes],
            seals: vec![None; nodes],
            stage: Stage::Locking,
        }
    }

    /// Its nonce.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Whether there is a verdict.
    pub fn is_decided(&self) -> bool {
        self.stage == Stage::Decided
    }

    /// Node number `node` answers the first round.
    pub fn locked(&mut self, node: usize, grant: Grant, now: Moment) -> Step {
        note(&mut self.locks, node, grant);
        match self.stage {
            Stage::Locking => self.after_lock(now),
            Stage::Sealing(_) | Stage::Decided => Step::Wait,
        }
    }

    /// Node number `node` answers the second round.
    pub fn sealed(&mut self, node: usize, seal: Seal, now: Moment) -> Step {
        let Stage::Sealing(token) = self.stage else { return Step::Wait };
        note(&mut self.seals, node, seal);
        let count = tally(&self.seals, |seal| match seal {
            // A lock that came too late for the maximum may have counted higher than the token: a later
            // tenure there would not exceed it.
            Seal::Sealed(counter) if *counter <= token => Some(true),
            Seal::Sealed(_) | Seal::Refused => Some(false),
            Seal::Silent => None,
        });
        match self.verdict(count) {
            Verdict::Open => Step::Wait,
            Verdict::Yes => self.held(token, now),
            Verdict::No => self.lost(Reason::Unsealed(count), true),
        }
    }

    fn after_lock(&mut self, now: Moment) -> Step {
        let count = tally(&self.locks, |grant| match grant {
            Grant::Granted(_) => Some(true),
            Grant::Taken(_) => Some(false),
            Grant::Silent => None,
        });
        match self.verdict(count) {
            Verdict::Open => Step::Wait,
            Verdict::Yes => self.seal(now),
            Verdict::No if count.refused >= self.terms.nodes.majority() => {
                self.lost(Reason::Busy(self.holder()), true)
            }
            Verdict::No if count.silent >= self.terms.nodes.majority() => {
                self.lost(Reason::NoMajority(count), true)
            }
            Verdict::No if count.refused > 0 => self.lost(Reason::Busy(self.holder()), true),
            Verdict::No => self.lost(Reason::NoMajority(count), true),
        }
    }

    fn seal(&mut self, now: Moment) -> Step {
        let token = self.locks.iter().flatten().filter_map(counter).max().unwrap_or_default();
        if fault::is_off(Rule::SealingRound) {
            return self.held(token, now);
        }
        self.stage = Stage::Sealing(token);
        Step::Seal(token)
    }

    fn held(&mut self, token: Epoch, now: Moment) -> Step {
        let until = self.terms.until(self.asked);
        if !self.terms.worthwhile(until, now) {
            return self.lost(Reason::Late, !fault::is_off(Rule::ReleaseOnLateAcquisition));
        }
        self.stage = Stage::Decided;
        Step::Done(Outcome::Held { token, until })
    }

    fn lost(&mut self, reason: Reason, release: bool) -> Step {
        self.stage = Stage::Decided;
        Step::Done(Outcome::Lost { reason, release })
    }

    /// The text that most of those nodes have that gave the lock to others.
    fn holder(&self) -> String {
        let texts = || self.locks.iter().flatten().filter_map(holder);
        let most = texts().max_by_key(|text| texts().filter(|other| other == text).count());
        most.unwrap_or_default().to_owned()
    }

    fn verdict(&self, count: Answers) -> Verdict {
        let (nodes, majority) = (self.terms.nodes.count(), self.terms.nodes.majority());
        match count.granted >= majority {
            true => Verdict::Yes,
            false if nodes - count.refused - count.silent < majority => Verdict::No,
            false => Verdict::Open,
        }
    }
}

enum Verdict {
    Open,
    Yes,
    No,
}

fn counter(grant: &Grant) -> Option<Epoch> {
    match grant {
        Grant::Granted(counter) => Some(*counter),
        Grant::Taken(_) | Grant::Silent => None,
    }
}

fn holder(grant: &Grant) -> Option<&str> {
    match grant {
        Grant::Taken(holder) => Some(holder),
        Grant::Granted(_) | Grant::Silent => None,
    }
}

/// Keeps the first answer of a node.
pub(super) fn note<T>(answers: &mut [Option<T>], node: usize, answer: T) {
    if let Some(place) = answers.get_mut(node) {
        place.get_or_insert(answer);
    }
}

/// Counts answers: yes, no, or nothing.
pub(super) fn tally<T>(answers: &[Option<T>], says: impl Fn(&T) -> Option<bool>) -> Answers {
    let mut count = Answers::default();
    for answer in answers.iter().flatten() {
        match says(answer) {
            Some(true) => count.granted += 1,
            Some(false) => count.refused += 1,
            None => count.silent += 1,
        }
    }
    count
}
