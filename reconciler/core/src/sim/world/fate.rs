//! What befalls the world, and how it ends: everything heals, and everything must come to rest.

use crate::fleet::Outlook;
use crate::id::Instance;
use crate::sim::agenda::Tick;
use crate::sim::mishap::{self, Mishap};
use crate::sim::witness::{self, Violation};

use super::{CHAOS, Check, Event, PATIENCE, World, broken_table};

impl World {
    pub(super) fn befall(&mut self) {
        let Some(mishap) = mishap::draw(&mut self.random, &self.cluster) else { return };
        self.log(|| format!("mishap: {mishap:?}"));
        let now = self.agenda.now();
        match &mishap {
            Mishap::Silence(millis) => self.silent_until = now.after(*millis),
            Mishap::Rise(owner) => self.agenda.plan(0, Event::Rise(*owner)),
            other => mishap::befall(other, &mut self.cluster, now),
        }
    }

    pub(super) fn heal(&mut self) -> Check {
        let now = self.agenda.now();
        self.log(|| "everything heals".to_owned());
        self.odds.heal();
        self.silent_until = now;
        self.cluster.heal(now);
        self.owners[1].fall();
        self.rise(0)
    }

    /// Whether everything is as it should be: nothing is under way, and deciding once more yields nothing.
    pub(super) fn judge(&mut self, owner: usize) -> Check {
        let now = self.agenda.now();
        if now <= Tick(CHAOS + PATIENCE) || self.flying > 0 || !self.owners[owner].calling.is_empty() {
            return Ok(());
        }
        let list = self.cluster.list();
        let fresh = &mut self.owners[owner];
        fresh.reading.refresh(&self.store);
        fresh.hear(now, now, Some(list));
        let idle = fresh.is_idle(now).map_err(|illegal| broken_table(&illegal))?;
        if !idle || self.moving().is_some() {
            return Ok(());
        }
        let statuses = self.owners[owner].reading.fleet().statuses.values();
        statuses.into_iter().try_for_each(|status| witness::is_as_recorded(status, &self.cluster))?;
        self.witness.all_commands_stay(&self.store)?;
        self.summary.converged = now;
        Ok(())
    }

    pub(super) fn moving(&self) -> Option<Instance> {
        let fleet = self.owners[0].reading.fleet();
        fleet.active().into_iter().find(|instance| fleet.outlook(instance) == Outlook::Moving)
    }

    pub(super) fn unsettled(&self) -> Violation {
        let fleet = self.owners[0].reading.fleet();
        let detail = match self.moving() {
            Some(instance) => format!("{instance} still moves: {:?}", fleet.statuses.get(&instance)),
            None => "there is always something to do".to_owned(),
        };
        Violation { invariant: "I12 everything converges", detail }
    }
}
