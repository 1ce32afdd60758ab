//! The promises of a lease over nodes, and of those who hold it.

use std::collections::BTreeMap;

use super::{Check, broken};
use crate::id::Epoch;
use crate::lease::Nonce;
use crate::lease::acquisition::Seal;
use crate::shard::{Fence, Shard};
use crate::sim::agenda::Tick;
use crate::sim::lease::NODES;
use crate::sim::lease::server::Slot;

/// What was seen of leases.
#[derive(Debug, Clone, Default)]
pub struct Leases {
    /// The acquisitions that were completed, with their times.
    completed: BTreeMap<Slot, Vec<(Tick, Epoch)>>,
    /// What was sealed last on each node, as far as it remembers.
    sealed: BTreeMap<(usize, Slot), Epoch>,
    /// When each node last gave or extended the lock of a try.
    granted: BTreeMap<Nonce, [Option<Tick>; NODES]>,
    /// The try under which each owner has entered a shard last.
    entered: BTreeMap<(usize, Fence), Nonce>,
    has_forgotten: bool,
    has_jumped: bool,
}

impl Leases {
    /// A node has lost its memory.
    pub fn forgot(&mut self, node: usize) {
        self.has_forgotten = true;
        self.sealed.retain(|(one, _), _| *one != node);
    }

    /// Whether a node has lost its memory: where the store has, too, nothing is left that tells of an epoch.
    pub fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    /// A node's clock has jumped.
    pub fn jumped(&mut self) {
        self.has_jumped = true;
    }

    /// A node gave or extended a lock.
    pub fn granted(&mut self, nonce: Nonce, node: usize, now: Tick) {
        self.granted.entry(nonce).or_default()[node] = Some(now);
    }

    /// An owner has entered a shard by a try. Says whether anybody was there in that epoch before.
    pub fn entered(&mut self, owner: usize, fence: Fence, nonce: Nonce) -> bool {
        let is_again = self.entered.keys().any(|(_, one)| *one == fence);
        self.entered.insert((owner, fence), nonce);
        is_again
    }

    /// I2, of the nodes alone, as long as none has lost its counters: no token is given twice, and an acquisition that
    /// begins after another was completed gets a higher one.
    pub fn tokens_rise(&mut self, slot: Slot, asked: Tick, now: Tick, token: Epoch) -> Check {
        let completed = self.completed.entry(slot).or_default();
        let low = completed.iter().find(|(at, other)| token == *other || (*at < asked && token < *other));
        if let Some((_, other)) = low.filter(|_| !self.has_forgotten) {
            let detail = format!("token {token} of {} was handed out after {other}", slot.resource());
            return broken("I2 tokens rise", detail);
        }
        completed.push((now, token));
        Ok(())
    }

    /// I2: what is sealed on a node never falls, unless the node has lost it.
    pub fn barriers_rise(&mut self, node: usize, slot: Slot, token: Epoch, seal: Seal) -> Check {
        let Seal::Sealed(_) = seal else { return Ok(()) };
        let last = self.sealed.insert((node, slot), token).unwrap_or_default();
        if last > token {
            let detail = format!("node {}: {token} was sealed after {last}", node + 1);
            return broken("I2 barriers rise", detail);
        }
        Ok(())
    }

    /// I2: whoever tries and loses does not fence out who holds: a node that sealed a holder's token admits it until it
    /// seals a higher one.
    pub fn holder_is_admitted(&self, node: usize, shard: Shard, token: Epoch, admits: bool) -> Check {
        if admits || self.sealed.get(&(node, Slot::Shard(shard))) != Some(&token) {
            return Ok(());
        }
        let detail = format!("node {}: a loser has fenced out {token} in shard {shard}", node + 1);
        broken("I2 only a seal moves a barrier", detail)
    }

    /// L1, as long as no node's clock jumps: nobody's lease begins, or is extended, while another's holds.
    pub fn one_holder(&self, shard: Shard, token: Epoch, theirs: Option<Epoch>) -> Check {
        match theirs.filter(|_| !self.has_jumped) {
            Some(other) => broken(
                "L1 one holder",
                format!("shard {shard} is held in epoch {token} and in epoch {other}"),
            ),
            None => Ok(()),
        }
    }

    /// I13: nothing is begun after the end of the lease that it rests on, by its owner's own clock.
    pub fn no_effect_after_the_end(&self, fence: Fence, verb: &str, holds: bool) -> Check {
        if holds {
            return Ok(());
        }
        let Fence { shard, epoch } = fence;
        broken(
            "I13 no effect after the lease",
            format!("{verb} in shard {shard}, whose epoch {epoch} is over"),
        )
    }

    /// I14: nothing is begun unless a majority of the nodes has agreed to its lease since a time. That is half a TTL more
    /// than a lease lasts, so that I13 is heard where it is the owner's own clock that says no.
    pub fn majority_is_behind(&self, owner: usize, fence: Fence, verb: &str, since: Tick) -> Check {
        let granted = self.entered.get(&(owner, fence)).and_then(|nonce| self.granted.get(nonce));
        let recent = granted.into_iter().flatten().filter(|at| **at >= Some(since)).count();
        if recent > NODES / 2 {
            return Ok(());
        }
        let Fence { shard, epoch } = fence;
        let detail =
            format!("{verb} in shard {shard}: {recent} of {NODES} nodes agreed to epoch {epoch} of late");
        broken("I14 a majority is behind every effect", detail)
    }
}
