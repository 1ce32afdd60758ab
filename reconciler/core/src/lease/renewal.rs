//! One renewal of one tenure, over all nodes.

use super::acquisition::{Answers, note, tally};
use super::{Moment, Tenure, Terms};

/// What a node says to a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The lock is ours there, for another TTL.
    Extended,
    /// There is no lock: the node restarted, or the lock ran out there.
    Missing,
    /// Somebody else has the lock.
    Foreign,
    /// It did not answer, answered with an error, or is not counted.
    Silent,
}

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// It is ours until later.
    Until(Moment),
    /// No majority extended it. It is ours as long as it was, and may be renewed yet: nothing is released.
    Kept(Answers),
    /// It is over; every node has to be told to release. No renewal brings it back.
    Ended,
}

/// The renewal. Feed it each node's answer as it comes, also after it is decided: they tell what to heal.
#[derive(Debug, Clone)]
pub struct Renewal {
    terms: Terms,
    asked: Moment,
    before: Moment,
    answers: Vec<Option<Extension>>,
    decided: Option<Renewed>,
}

impl Renewal {
    /// Begins a renewal. `asked` is before the first request.
    pub fn begin(terms: Terms, tenure: &Tenure, asked: Moment) -> Self {
        let decided = (!tenure.holds(asked)).then_some(Renewed::Ended);
        Self { terms, asked, before: tenure.until, answers: vec![None; terms.nodes.count()], decided }
    }

    /// What it came to, once that is known.
    pub fn decided(&self) -> Option<Renewed> {
        self.decided
    }

    /// Node number `node` answers.
    pub fn answered(&mut self, node: usize, extension: Extension, now: Moment) {
        note(&mut self.answers, node, extension);
        if self.decided.is_none() {
            self.decided = self.decide(now);
        }
    }

    /// The nodes that have to be given the lock again: without that each restart of a node brings the lease nearer
    /// to its loss. None unless a majority extended it: what is not surely ours is not spread.
    pub fn to_heal(&self) -> Vec<usize> {
        match self.decided {
            Some(Renewed::Until(_)) => {
                let missing = |(node, answer): (usize, &Option<Extension>)| {
                    (*answer == Some(Extension::Missing)).then_some(node)
                };
                self.answers.iter().enumerate().filter_map(missing).collect()
            }
            Some(Renewed::Kept(_) | Renewed::Ended) | None => Vec::new(),
        }
    }

    fn decide(&self, now: Moment) -> Option<Renewed> {
        let count = tally(&self.answers, |answer| match answer {
            Extension::Extended => Some(true),
            Extension::Missing | Extension::Foreign => Some(false),
            Extension::Silent => None,
        });
        let (nodes, majority) = (self.terms.nodes.count(), self.terms.nodes.majority());
        if count.granted >= majority {
            return Some(self.extended(now, count));
        }
        let impossible = nodes - count.refused - count.silent < majority;
        impossible.then(|| self.kept(now, count))
    }

    /// The validity is computed anew from before the question, not from the answer.
    fn extended(&self, now: Moment, count: Answers) -> Renewed {
        let until = self.terms.until(self.asked);
        match self.terms.worthwhile(until, now) && until >= self.before {
            true => Renewed::Until(until),
            false => self.kept(now, count),
        }
    }

    fn kept(&self, now: Moment, count: Answers) -> Renewed {
        if now < self.before { Renewed::Kept(count) } else { Renewed::Ended }
    }
}
