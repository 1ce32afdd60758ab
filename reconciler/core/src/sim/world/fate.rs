//! What befalls the world, and how it ends: everything heals, and everything must come to rest.

use windlass_compiler::name::JobId;

use crate::fleet::Outlook;
use crate::id::{ExternalName, Instance};
use crate::observed::End;
use crate::sights::Heard;
use crate::sim::agenda::Tick;
use crate::sim::clock::Clock;
use crate::sim::cluster::Object;
use crate::sim::mishap::{self, Cut, Harm, Mishap, Timed, Way};
use crate::sim::random::Random;
use crate::sim::reading::Reading;
use crate::sim::scenario::MISHAPS;
use crate::sim::story::{self, Kind};
use crate::sim::witness::{self, Violation};

use super::leases::Talk;
use super::{Check, Event, PATIENCE, TAKE_OVER, World, broken_table, owner_name};

/// The number of what follows from the end of all faults: no fault, and so no part of what a scenario tells.
const LATER: u64 = u64::MAX;

impl World {
    /// When the mishap of a number comes, where chance decides it.
    pub(super) fn time_of(&self, nth: u64) -> u64 {
        Random::at(self.scenario.seed, MISHAPS, nth).below(self.scenario.calm)
    }

    pub(super) fn befall(&mut self, told: Option<Mishap>, nth: u64) -> Check {
        let Some(mishap) = told.or_else(|| self.draw_mishap(nth)) else { return Ok(()) };
        if let Mishap::Command(user, thinks, command) = mishap {
            self.think(user, thinks, command);
            return Ok(());
        }
        if nth != LATER {
            self.befallen.push(Timed { at: self.agenda.now().0, mishap: mishap.clone() });
        }
        match mishap {
            Mishap::Delete(cluster, name) => self.delete(cluster, &name),
            Mishap::Vanish(cluster, name) => {
                self.strike(cluster, &name, "is gone without a word", |object, now| object.vanish(now));
            }
            Mishap::Fail(cluster, name) => self.strike(cluster, &name, "fails", |object, now| {
                object.end(now, End::Failed("exit status 1".to_owned()));
            }),
            Mishap::Impair(cluster, name) => {
                self.strike(cluster, &name, "runs badly, or well again", |object, now| object.impair(now));
            }
            Mishap::Harm(job, harm) => return self.harm(&job, harm),
            Mishap::Collect(cluster) => {
                self.complain(cluster, "cleans up what has ended");
                let now = self.agenda.now();
                self.clusters[cluster].collect(now);
            }
            Mishap::Restart(cluster) => {
                self.complain(cluster, "starts anew, and has forgotten what it had only accepted");
                self.clusters[cluster].restart();
            }
            Mishap::Silence(cluster, millis) => {
                self.complain(cluster, &format!("answers nobody for {}", story::span(millis)));
                self.silent[cluster] = self.agenda.now().after(millis);
            }
            Mishap::Cut(cut, millis) => self.cut(cut, millis),
            Mishap::StoreAway(millis) => {
                for owner in 0..2 {
                    self.cut(Cut { owner, cluster: None, way: Way::Both }, millis);
                }
            }
            Mishap::Jump(owner, millis) => {
                self.tell(Kind::Fault, || owner_name(owner), None, || story::jump(millis));
                self.clocks[owner].ahead += millis;
                self.hint(owner, 1);
            }
            Mishap::Crash(owner) => {
                self.fall(owner);
                self.agenda.plan(TAKE_OVER, Event::Rise(1 - owner));
            }
            Mishap::Leave(owner) => return self.talk(Talk::Leave(self.who(owner))),
            Mishap::Pause(owner, millis) => self.pause(owner, millis),
            Mishap::Rise(owner) => self.agenda.plan(0, Event::Rise(owner)),
            Mishap::Forget(node, restarts) => self.forget_node(node, restarts),
            Mishap::Hang(node, millis) => self.hang_node(node, millis),
            Mishap::Shift(node, millis) => self.shift_node(node, millis),
            Mishap::Part(parting, millis) => self.part(parting, millis),
            Mishap::Rollback(millis) => self.go_back(millis),
            Mishap::Oblivion => self.forget_all(),
            Mishap::Command(..) => {}
        }
        Ok(())
    }

    fn draw_mishap(&self, nth: u64) -> Option<Mishap> {
        let mut random = Random::at(self.scenario.seed, MISHAPS + 1, nth);
        if self.scenario.team.is_some() && random.chance(500) {
            return Some(mishap::of_a_node(&mut random));
        }
        mishap::draw(&mut random, &self.clusters)
    }

    /// Whatever a job has on a cluster comes to harm.
    fn harm(&mut self, job: &JobId, harm: Harm) -> Check {
        let clusters = self.clusters.iter().enumerate();
        let found: Vec<Mishap> = clusters
            .flat_map(|(at, cluster)| cluster.objects().map(move |object| (at, &object.observation)))
            .filter(|(_, seen)| seen.label.instance.job == *job && seen.phase.is_alive())
            .map(|(at, seen)| harm.of(at, seen.name.clone()))
            .collect();
        found.into_iter().try_for_each(|mishap| self.befall(Some(mishap), LATER))
    }

    fn complain(&mut self, cluster: usize, text: &str) {
        let name = self.clusters[cluster].name.to_string();
        self.tell(Kind::Fault, || name, None, || text.to_owned());
    }

    fn delete(&mut self, cluster: usize, name: &ExternalName) {
        self.complain(cluster, &format!("somebody deletes {name}"));
        let now = self.agenda.now();
        self.clusters[cluster].delete(name, now);
    }

    fn strike(
        &mut self,
        cluster: usize,
        name: &ExternalName,
        what: &str,
        act: impl FnOnce(&mut Object, Tick),
    ) {
        self.complain(cluster, &format!("{name} {what}"));
        let now = self.agenda.now();
        if let Some(object) = self.clusters[cluster].named(name) {
            act(object, now);
        }
    }

    fn cut(&mut self, cut: Cut, millis: u64) {
        let end = cut.cluster.map_or("the store".to_owned(), |one| self.clusters[one].name.to_string());
        let text = || format!("{} {end} do not get through for {}", cut.way, story::span(millis));
        self.tell(Kind::Fault, || owner_name(cut.owner), None, text);
        self.cuts.push((cut, self.agenda.now().after(millis)));
    }

    fn go_back(&mut self, millis: u64) {
        let to = Tick(self.agenda.now().0.saturating_sub(millis));
        let forgot = self.store.go_back(to);
        self.witness.go_back(&self.store);
        let text = || format!("shows what it was {} ago, and has forgotten the rest", story::span(millis));
        self.tell(Kind::Fault, || "store".to_owned(), None, text);
        if forgot {
            (0..self.users.len()).for_each(|user| self.follow_recovery(user));
        }
    }

    /// Nobody is left who could compare what the store shows with what it was.
    fn forget_all(&mut self) {
        (0..self.owners.len()).for_each(|owner| self.fall(owner));
        self.users.iter_mut().for_each(|user| user.reading = Reading::default());
        self.agenda.plan(TAKE_OVER, Event::Rise(0));
    }

    pub(super) fn heal(&mut self) -> Check {
        let now = self.agenda.now();
        self.tell(Kind::Fault, || "world".to_owned(), None, || "everything heals".to_owned());
        self.luck.heal();
        self.silent.fill(now);
        self.cuts.clear();
        self.clocks = [Clock::default(); 2];
        for cluster in &mut self.clusters {
            cluster.heal(now);
        }
        // What is forgotten later must not run again either; but not before its shard has an owner who has looked.
        for cluster in 0..self.clusters.len() {
            let collect = Some(Box::new(Mishap::Collect(cluster)));
            self.agenda.plan(60_000 + self.settling, Event::Mishap(collect, LATER));
        }
        self.heal_nodes();
        self.owners[1].fall();
        self.rise(0)
    }

    /// Whether everything is as it should be: nothing is under way, and deciding once more yields nothing.
    pub(super) fn judge(&mut self, owner: usize) -> Check {
        let early = self.rehearsal || self.agenda.now() <= Tick(self.scenario.calm + PATIENCE);
        if early || self.flying > 0 || !self.owners[owner].calling.is_empty() {
            return Ok(());
        }
        let now = self.at(owner);
        let fresh = &mut self.owners[owner];
        fresh.reading.refresh(&self.store);
        for cluster in &self.clusters {
            let mut list = cluster.list();
            cluster.kind.complete(&mut list, fresh.reading.fleet(), &cluster.name);
            let heard = Heard { asked: now.tick, taken: now.tick, now: now.time };
            fresh.hear(&cluster.name, heard, Some(list));
        }
        let recovers = self.store.recovery().is_some_and(|recovery| !recovery.is_over());
        if recovers || fresh.reading.is_ahead_of(&self.store) {
            return Ok(());
        }
        if !self.is_leased(owner) {
            return Ok(());
        }
        let fresh = &self.owners[owner];
        let idle = fresh.is_idle(now).map_err(|illegal| broken_table(&illegal))?;
        if !idle || self.moving().is_some() {
            return Ok(());
        }
        for status in self.owners[owner].reading.fleet().statuses.values() {
            witness::is_as_recorded(status, &self.clusters)?;
            self.witness.all_steps_stand(status)?;
        }
        self.witness.all_commands_stay(&self.store)?;
        self.summary.converged = now.tick;
        Ok(())
    }

    fn moving(&self) -> Option<Instance> {
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
