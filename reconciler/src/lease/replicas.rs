//! The lease of a team: replicas of the service share the shards of a project, one owner a shard.
//!
//! A replica shows that it is alive by holding a seat, of which there are more than a fleet has replicas. Which shards
//! it should have follows from who sits ([`windlass_core::sharing`]); what it has, the lease nodes decide. A shard that
//! it got is its own once the store has raised the shard's barrier to its token.

mod keeper;
mod member;
mod owned;
mod pulse;
mod seats;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::lease::Resource;
use windlass_core::shard::Shard;

use super::redlock::{Redlock, Standing};
use super::{Acquired, Error, Holder, Lease, Owner};
use crate::store::Store;

use member::Member;
use seats::Person;

/// The lease of a store that replicas share.
pub struct Replicas {
    redlock: Redlock,
    store: Arc<dyn Store>,
    nodes: String,
}

impl Replicas {
    /// The lease on these nodes. `named`: how messages call them. Its epochs are those of `store`.
    pub fn new(redlock: Redlock, store: Arc<dyn Store>, named: String) -> Self {
        Self { redlock, store, nodes: named }
    }

    /// Who sits, as a majority of the nodes sees it.
    async fn seated(&self) -> Result<Vec<Person>, Error> {
        seats::seated(&self.redlock).await.map_err(|answers| self.failed(answers.to_string()))
    }

    fn failed(&self, reason: String) -> Error {
        Error { lease: self.nodes.clone(), reason }
    }
}

#[async_trait]
impl Lease for Replicas {
    async fn acquire(&self, command: &str) -> Result<Acquired, Error> {
        // A command leaves the work to the service where there is one; the service joins what is there. Where that
        // cannot be seen, nodes are away or too young to be believed: it joins, and gets what is free when they agree.
        if command != SERVICE
            && let Ok(seated) = self.seated().await
            && let Some(person) = seated.into_iter().next()
        {
            return Ok(Acquired::Busy(Some(person.holder)));
        }
        let member = Member::join(self.redlock.clone(), Arc::clone(&self.store), Holder::here(command));
        Ok(Acquired::Ours(Box::new(member)))
    }

    async fn holder(&self) -> Result<Option<Holder>, Error> {
        Ok(self.seated().await?.into_iter().next().map(|person| person.holder))
    }

    async fn owners(&self) -> Result<Vec<Owner>, Error> {
        let seated = self.seated().await?;
        let resources: Vec<_> = Shard::all().map(resource).collect();
        let standings = self.redlock.holders(&resources).await;
        let mut owners: Vec<Owner> = seated
            .into_iter()
            .map(|Person { id, holder, .. }| Owner { id, holder, shards: Vec::new() })
            .collect();
        for (shard, standing) in Shard::all().zip(standings) {
            match standing {
                Standing::Free => {}
                Standing::Unknown(answers) => return Err(self.failed(answers.to_string())),
                Standing::Held(shown) => own(&mut owners, &shown.holder, shard),
            }
        }
        Ok(owners)
    }

    async fn release(&self, shards: &[Shard]) -> Result<(), Error> {
        for shard in shards {
            let released = self.redlock.force_release(&resource(*shard)).await;
            released.map_err(|answers| self.failed(answers.to_string()))?;
        }
        Ok(())
    }
}

/// Notes who has a shard. Its holder may have left its seat: then it is named all the same.
fn own(owners: &mut Vec<Owner>, text: &str, shard: Shard) {
    let Some(Person { id, holder, .. }) = Person::read(text) else { return };
    match owners.iter_mut().find(|owner| owner.id == id) {
        Some(owner) => owner.shards.push(shard),
        None => owners.push(Owner { id, holder, shards: vec![shard] }),
    }
}

/// The command that joins those who are there already.
const SERVICE: &str = "reconcile";

/// What the lease of a shard is called on its nodes.
fn resource(shard: Shard) -> Resource {
    Resource(format!("shard-{shard}"))
}
