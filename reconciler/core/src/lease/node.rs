//! A lease node as a value: what the scripts do to its keys. The simulator's nodes, and what the scripts are
//! compared with.

use std::collections::BTreeMap;
use std::time::Duration;

use super::acquisition::{Grant, Seal};
use super::memory::Mark;
use super::renewal::Extension;
use super::{Hint, Moment, Nonce, Resource};
use crate::fault::{self, Rule};
use crate::id::Epoch;

/// Its keys. Times are those of the node's own clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The mark of its memory.
    pub mark: Option<Mark>,
    keys: BTreeMap<Resource, Keys>,
}

/// The keys of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Who has it.
    pub lock: Option<Lock>,
    /// Counts the locks that were given, also to those that lost in the end.
    pub counter: Epoch,
    /// The highest token that was sealed. Apart from the counter: who loses raises that one.
    pub barrier: Epoch,
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Whose.
    pub nonce: Nonce,
    /// What they say of themselves.
    pub holder: String,
    /// When it ends.
    pub expires: Moment,
}

impl Node {
    /// The keys of a resource.
    pub fn keys(&self, resource: &Resource) -> Keys {
        self.keys.get(resource).cloned().unwrap_or_default()
    }

    /// Locks a resource that nobody has, and counts. Whoever has it already is told the same count again.
    pub fn acquire(&mut self, resource: &Resource, ask: &Ask<'_>, now: Moment) -> Grant {
        let keys = self.at(resource, now);
        match &keys.lock {
            Some(lock) if lock.nonce != ask.nonce => return Grant::Taken(lock.holder.clone()),
            Some(_) => {}
            None => keys.counter = keys.counter.next().max(ask.hint.lowest()),
        }
        let (nonce, holder) = (ask.nonce, ask.holder.to_owned());
        keys.lock = Some(Lock { nonce, holder, expires: now.after(ask.ttl) });
        Grant::Granted(keys.counter)
    }

    /// Raises counter and barrier to a token, if the lock is still that of `nonce` and nothing higher was sealed.
    pub fn seal(&mut self, resource: &Resource, nonce: Nonce, token: Epoch, now: Moment) -> Seal {
        let keys = self.at(resource, now);
        if !keys.is_held_by(nonce) || keys.fence() > token {
            return Seal::Refused;
        }
        keys.counter = keys.counter.max(token);
        keys.barrier = token;
        Seal::Sealed(keys.counter)
    }

    /// Gives a lock another TTL, if it is that of `nonce`.
    pub fn extend(&mut self, resource: &Resource, nonce: Nonce, ttl: Duration, now: Moment) -> Extension {
        match &mut self.at(resource, now).lock {
            None => Extension::Missing,
            Some(lock) if lock.nonce == nonce => {
                lock.expires = now.after(ttl);
                Extension::Extended
            }
            Some(_) => Extension::Foreign,
        }
    }

    /// Removes a lock, if it is that of `nonce`; whether it was.
    pub fn release(&mut self, resource: &Resource, nonce: Nonce, now: Moment) -> bool {
        let keys = self.at(resource, now);
        let held = keys.is_held_by(nonce);
        if held {
            keys.lock = None;
        }
        held
    }

    /// Who has a resource: their text.
    pub fn holder(&self, resource: &Resource, now: Moment) -> Option<&str> {
        let lock = self.keys.get(resource)?.lock.as_ref()?;
        (now < lock.expires).then_some(lock.holder.as_str())
    }

    /// Removes a lock, whoever has it.
    pub fn force_release(&mut self, resource: &Resource) {
        self.keys.entry(resource.clone()).or_default().lock = None;
    }

    /// Whether what carries this token may be written under this resource.
    pub fn admits(&self, resource: &Resource, token: Epoch) -> bool {
        token >= self.keys(resource).fence()
    }

    /// The keys of a resource, without a lock that has ended.
    fn at(&mut self, resource: &Resource, now: Moment) -> &mut Keys {
        let keys = self.keys.entry(resource.clone()).or_default();
        keys.lock.take_if(|lock| lock.expires <= now);
        keys
    }
}

impl Keys {
    fn is_held_by(&self, nonce: Nonce) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.nonce == nonce)
    }

    /// What a token must not be below.
    fn fence(&self) -> Epoch {
        if fault::is_off(Rule::TwoKeys) { self.counter } else { self.barrier }
    }
}

/// What an acquisition asks of a node.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The try.
    pub nonce: Nonce,
    /// How long the lock lasts.
    pub ttl: Duration,
    /// The lowest count to give.
    pub hint: Hint,
    /// What we say of ourselves.
    pub holder: &'a str,
}
