//! What can happen next in a small world.

use std::fmt;
use std::rc::Rc;

use windlass_compiler::model::Mode;

use crate::action::{Action, Create, Outcome};
use crate::case::{Case, Moment};
use crate::decide::decide;
use crate::desired::{Change, Desired, Intent};
use crate::fault::{Rule, is_off};
use crate::fleet::Fleet;
use crate::id::{Epoch, Generation};
use crate::observed::{End, Label, Observation, Phase, Sight};
use crate::run::{Bound, Run};
use crate::sights::Heard;
use crate::sim::agenda::Tick;
use crate::sim::cluster::{Call, Place};
use crate::sim::project;
use crate::sim::witness::Violation;
use crate::status::Status;
use crate::sweep::sweep;

use super::member::Write;
use super::state::{State, later, now};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is said in words by `Display`")]
pub enum Move {
    Begin,
    Reads(usize),
    Asks(usize),
    AsksInVain(usize),
    Acts(usize),
    ActsAndGivesUp(usize),
    ActsAndDies(usize),
    Dies(usize),
    TakesOver(usize),
    Joins(usize),
    LateWrite(usize),
    LateCall(usize),
    Proceeds(usize),
    Runs(usize),
    Succeeds(usize),
    Fails(usize),
    Stops(usize),
    Deleted(usize),
    Collected,
    Restarted,
    UserStops,
    UserStarts,
}

/// What an owner sends.
enum Request {
    Write(Write),
    Call(Rc<Call>),
}

impl State {
    /// All that can happen now.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for owner in 0..2 {
            self.moves_of(owner, &mut moves);
        }
        moves.extend((0..self.writes.len()).map(Move::LateWrite));
        moves.extend((0..self.calls.len()).map(Move::LateCall));
        moves.extend((0..self.accepted.len()).map(Move::Proceeds));
        self.moves_of_cluster(&mut moves);
        if self.left.commands > 0 {
            moves.push(if self.goal.intent == Intent::Run { Move::UserStops } else { Move::UserStarts });
        }
        moves
    }

    fn moves_of(&self, owner: usize, moves: &mut Vec<Move>) {
        let member = &self.members[owner];
        let nobody = !self.members.iter().any(|member| member.is_up);
        let other_is_up = self.members[1 - owner].is_up;
        // Whoever is dead takes over when nobody owns it, or from one that lives as long as that is allowed.
        if !member.is_up && (nobody || other_is_up && self.left.take_overs > 0) {
            moves.push(Move::TakesOver(owner));
        }
        if !member.is_up && other_is_up && self.left.twins > 0 {
            moves.push(Move::Joins(owner));
        }
        if !member.is_up {
            return;
        }
        if self.left.crashes > 0 {
            moves.push(Move::Dies(owner));
        }
        moves.push(Move::Asks(owner));
        // What would change nothing is no move.
        if member.version != self.version || member.goal.generation != self.goal.generation {
            moves.push(Move::Reads(owner));
        }
        if !matches!(self.decide(owner), Ok(None)) {
            moves.push(Move::Acts(owner));
            if self.left.late > 0 {
                moves.push(Move::ActsAndGivesUp(owner));
            }
            if self.left.crashes > 0 {
                moves.push(Move::ActsAndDies(owner));
            }
        }
        if self.left.silences > 0 {
            moves.push(Move::AsksInVain(owner));
        }
    }

    fn moves_of_cluster(&self, moves: &mut Vec<Move>) {
        for (at, object) in self.cluster.objects().enumerate() {
            let phase = &object.observation.phase;
            if *phase == Phase::Starting {
                moves.push(Move::Runs(at));
            }
            if phase.is_alive() && self.fixed.job.mode == Mode::Batch {
                moves.extend([Move::Succeeds(at), Move::Fails(at)]);
            }
            if object.is_stopping && (phase.is_alive() || *phase == Phase::Suspended) {
                moves.push(Move::Stops(at));
            }
            if self.left.mishaps > 0 {
                moves.push(Move::Deleted(at));
            }
        }
        let two_phases = self.cluster.kind.has_two_phases();
        if self.left.mishaps > 0 && self.cluster.objects().next().is_some() {
            moves.push(if two_phases { Move::Collected } else { Move::Restarted });
        }
    }

    /// Lets something happen, and judges it.
    pub(super) fn make(&mut self, made: &Move) -> Result<(), Violation> {
        match *made {
            Move::Begin => {}
            Move::Reads(owner) => self.read(owner),
            Move::Asks(owner) => self.hear(owner, Some(self.cluster.list())),
            Move::AsksInVain(owner) => {
                self.left.silences -= 1;
                self.hear(owner, None);
            }
            Move::Acts(owner) => {
                if let Some(request) = self.decide(owner)? {
                    self.carry_out(owner, request);
                }
            }
            Move::ActsAndGivesUp(owner) => {
                self.left.late -= 1;
                self.leave_under_way(owner)?;
            }
            Move::ActsAndDies(owner) => {
                self.left.crashes -= 1;
                self.leave_under_way(owner)?;
                self.members[owner].is_up = false;
            }
            Move::Dies(owner) => {
                self.left.crashes -= 1;
                self.members[owner].is_up = false;
            }
            Move::TakesOver(owner) => self.take_over(owner),
            Move::Joins(owner) => {
                self.left.twins -= 1;
                self.begin(owner, self.members[1 - owner].epoch);
            }
            Move::LateWrite(at) => {
                let write = self.writes.remove(at);
                self.write(&write);
            }
            Move::LateCall(at) => {
                let call = self.calls.remove(at);
                self.perform(&call);
            }
            Move::Proceeds(at) => {
                let (place, call) = self.accepted.remove(at);
                if let Some(brief) = &call.brief {
                    self.cluster.proceed(&place, brief);
                }
            }
            Move::Runs(at) => self.with_object(at, |object| object.run(Tick(0))),
            Move::Succeeds(at) => self.end(at, End::Succeeded),
            Move::Fails(at) => self.end(at, End::Failed(String::new())),
            Move::Stops(at) => self.end(at, End::Stopped),
            Move::Deleted(at) => {
                self.left.mishaps -= 1;
                let name = self.cluster.objects().nth(at).map(|object| object.observation.name.clone());
                name.into_iter().for_each(|name| self.cluster.delete(&name, Tick(0)));
            }
            Move::Collected => {
                self.left.mishaps -= 1;
                self.cluster.collect(Tick(0));
            }
            Move::Restarted => {
                self.left.mishaps -= 1;
                self.cluster.restart();
            }
            Move::UserStops => self.ask_for(Intent::Stop),
            Move::UserStarts => self.ask_for(Intent::Run),
        }
        self.judge()
    }

    /// Whether whoever takes over now finds nothing to do, and nothing is under way.
    pub(super) fn is_at_rest(&self) -> bool {
        let calm = self.writes.is_empty() && self.calls.is_empty() && self.accepted.is_empty();
        calm && self.is_as_wanted()
    }

    fn ask_for(&mut self, intent: Intent) {
        self.left.commands -= 1;
        let goal = match intent {
            Intent::Run => self.goal.retried(),
            _ => self.goal.with_intent(intent),
        };
        self.goal = Rc::new(goal);
        self.acknowledge();
    }

    fn take_over(&mut self, owner: usize) {
        if self.members[1 - owner].is_up {
            self.left.take_overs -= 1;
        }
        self.barrier += 1;
        self.begin(owner, self.barrier);
    }

    fn begin(&mut self, owner: usize, epoch: u64) {
        let member = &mut self.members[owner];
        (member.is_up, member.epoch) = (true, epoch);
        if !is_off(Rule::AskAnew) {
            member.sights = Default::default();
        }
        self.read(owner);
    }

    /// An owner does what it has decided, and hears what came of it. Whoever hears that a newer owner has taken over
    /// steps down; whoever was late reads again.
    fn carry_out(&mut self, owner: usize, request: Request) {
        match request {
            Request::Write(write) if self.write(&write) => self.members[owner].is_up = false,
            Request::Write(_) => self.read(owner),
            Request::Call(call) => {
                let outcome = self.perform(&call);
                self.members[owner].sights.fold(call.action.name(), &outcome, 0);
            }
        }
    }

    fn leave_under_way(&mut self, owner: usize) -> Result<(), Violation> {
        match self.decide(owner)? {
            Some(Request::Write(write)) => self.writes.push(write),
            Some(Request::Call(call)) => self.calls.push(call),
            None => {}
        }
        Ok(())
    }

    fn read(&mut self, owner: usize) {
        let member = &mut self.members[owner];
        member.goal = Rc::clone(&self.goal);
        member.status = Rc::clone(&self.status);
        member.version = self.version;
    }

    /// Takes a write in, or refuses it. Says whether a newer owner has raised the barrier.
    fn write(&mut self, write: &Write) -> bool {
        let fenced = write.epoch < self.barrier && !is_off(Rule::Epochs);
        if !fenced && write.expect == self.version {
            self.status = Rc::clone(&write.status);
            self.version += 1;
        }
        fenced
    }

    fn perform(&mut self, call: &Rc<Call>) -> Outcome {
        let outcome = self.cluster.perform(call, Tick(0));
        let accepted = self.cluster.accepted();
        self.accepted.extend(accepted.into_iter().map(|place| (place, Rc::clone(call))));
        outcome
    }

    fn end(&mut self, at: usize, end: End) {
        self.with_object(at, |object| {
            object.end(Tick(0), end.clone());
        });
    }

    fn with_object(&mut self, at: usize, act: impl FnMut(&mut crate::sim::cluster::Object)) {
        let place: Option<Place> = self.cluster.places().nth(at).cloned();
        place.and_then(|place| self.cluster.object(&place)).into_iter().for_each(act);
    }

    fn hear(&mut self, owner: usize, words: Option<Vec<Observation>>) {
        let fleet = self.fleet(owner);
        let cluster = self.fixed.job.cluster.clone();
        let answer = words.map(|mut shown| {
            self.cluster.kind.complete(&mut shown, &fleet, &cluster);
            shown
        });
        let live = crate::sights::live(&fleet, &cluster);
        let answer = answer.ok_or_else(|| "no answer".to_owned());
        // Asked and answered at once, with the records as they were read before.
        self.members[owner].sights.take(Heard { asked: 1, taken: 0, now: now() }, answer, live);
    }

    fn decide(&self, owner: usize) -> Result<Option<Request>, Violation> {
        let fixed = std::sync::Arc::clone(&self.fixed);
        let member = &self.members[owner];
        let sight = match &member.status.attempt {
            Some(attempt) => member.sights.of(&attempt.name).clone(),
            None => Sight::Unseen,
        };
        let name = project::name();
        let case = Case {
            project: &name,
            instance: &fixed.instance,
            goal: &member.goal,
            intent: member.goal.intent,
            spec: &fixed.spec,
            root: "/",
            status: &member.status,
            sight: &sight,
            upstreams: &[],
            hold: None,
        };
        let decided = decide(&case, Moment { now: later(), epoch: Epoch(member.epoch) });
        let decision = decided.map_err(|illegal| Violation {
            invariant: "every event has its place in the table",
            detail: illegal.to_string(),
        })?;
        let (expect, epoch) = (member.version, member.epoch);
        let write = |status: Box<Status>| Request::Write(Write { status: Rc::new(*status), expect, epoch });
        Ok(match (decision.action, decision.status) {
            (Some(action), _) => Some(self.call(owner, action)),
            (None, Some(status)) => Some(write(status)),
            (None, None) => self.sweep(owner),
        })
    }

    fn sweep(&self, owner: usize) -> Option<Request> {
        let member = &self.members[owner];
        member.sights.observations().next()?;
        let fleet = self.fleet(owner);
        let (action, _) = member.sights.observations().find_map(|seen| sweep(&fleet, seen))?;
        Some(self.call(owner, action))
    }

    fn call(&self, owner: usize, action: Action) -> Request {
        let brief = if self.cluster.kind.has_two_phases() { None } else { self.brief(owner, &action) };
        Request::Call(Rc::new(Call { action, brief }))
    }

    fn brief(&self, owner: usize, action: &Action) -> Option<Box<Create>> {
        let member = &self.members[owner];
        let seen = member.sights.observations().find(|seen| seen.name == *action.name());
        let recorded = member.status.attempt.as_ref().filter(|attempt| attempt.name == *action.name());
        let label = recorded.map(|attempt| Label {
            project: project::name(),
            instance: self.fixed.instance.clone(),
            attempt: attempt.number,
            generation: attempt.generation,
        });
        let label = label.or_else(|| seen.map(|seen: &Observation| seen.label.clone()))?;
        let (name, job) = (action.name().clone(), self.fixed.job.clone());
        Some(Box::new(Create { name, label, job, root: "/".to_owned() }))
    }

    /// The records as an owner has read them.
    fn fleet(&self, owner: usize) -> Fleet {
        let (member, job) = (&self.members[owner], &self.fixed.job);
        let change =
            Change { author: String::new(), at: now(), command: String::new(), apply: None, message: None };
        let mut fleet = Fleet {
            project: Some(crate::project::Project {
                name: project::name(),
                environment: None,
                clusters: Default::default(),
                change: change.clone(),
            }),
            ..Fleet::default()
        };
        fleet.statuses.insert((*member.status).clone());
        let goal = (*member.goal).clone();
        match self.fixed.instance.run_id() {
            None => {
                let (spec, root) = (self.fixed.spec.clone(), "/".into());
                let desired = Desired { spec, root, goal, protected: None, change: change.into() };
                fleet.desired.insert(job.id.clone(), desired);
            }
            Some(id) => {
                let bound = Bound { of: Generation(1), spec: self.fixed.spec.clone(), goal };
                let jobs = [(job.id.job.clone(), bound)].into_iter().collect();
                let run = Run { id: id.clone(), root: "/".into(), jobs, change: change.into(), ended: None };
                fleet.runs.insert(id, run);
            }
        }
        fleet
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, text) = match self {
            Self::Reads(owner) => (Some(owner), "reads the records"),
            Self::Asks(owner) => (Some(owner), "asks the cluster, which answers"),
            Self::AsksInVain(owner) => (Some(owner), "asks the cluster, which does not answer"),
            Self::Acts(owner) => (Some(owner), "does what follows from what it knows"),
            Self::ActsAndGivesUp(owner) => {
                (Some(owner), "sends what follows, and gives up while it is under way")
            }
            Self::ActsAndDies(owner) => (Some(owner), "sends what follows, and dies while it is under way"),
            Self::Dies(owner) => (Some(owner), "dies"),
            Self::TakesOver(owner) => (Some(owner), "takes over"),
            Self::Joins(owner) => (Some(owner), "owns it as well, under the same epoch"),
            Self::Begin => (None, "the job is applied"),
            Self::LateWrite(_) => (None, "a write arrives late"),
            Self::LateCall(_) => (None, "a call arrives late"),
            Self::Proceeds(_) => (None, "what was accepted starts, or is not let through"),
            Self::Runs(_) => (None, "the attempt runs"),
            Self::Succeeds(_) => (None, "the attempt ends with success"),
            Self::Fails(_) => (None, "the attempt fails"),
            Self::Stops(_) => (None, "the attempt has stopped"),
            Self::Deleted(_) => (None, "somebody deletes the object"),
            Self::Collected => (None, "the cluster cleans up what has ended"),
            Self::Restarted => (None, "the cluster's master starts anew"),
            Self::UserStops => (None, "a user stops the job"),
            Self::UserStarts => (None, "a user starts the job again"),
        };
        match owner {
            Some(owner) => write!(f, "owner {} {text}", owner + 1),
            None => f.write_str(text),
        }
    }
}
