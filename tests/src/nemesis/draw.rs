//! Drawing a story.

use std::time::Duration;

use crate::proxy::Way;
use crate::seed::Random;

use super::{Fault, Link, LinkFault, Loss, Part, Server, ServerFault, ServiceFault, Step, Story, Turn};

/// What there is to break.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// How many replicas of the service.
    pub services: u8,
    /// How many lease nodes.
    pub lease_nodes: u8,
    /// Whether the store has a replica.
    pub replica: bool,
    /// For how long a lease is good. Faults last for less than it, or for more, about as often.
    pub ttl: Duration,
    /// The longest pause between two faults; most are much shorter.
    pub pace: Duration,
    /// How much may be broken at once.
    pub budget: Budget,
}

/// How many of each kind may be broken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Replicas of the service.
    pub services: usize,
    /// Lease nodes.
    pub lease_nodes: usize,
    /// The store's servers. A fail-over counts as one, and lets nothing else happen to them.
    pub store: usize,
    /// Links.
    pub links: usize,
}

impl Scene {
    /// Draws what goes wrong in a time, among the faults that `may` happen. The same seed draws the same story.
    pub fn draw(&self, seed: u64, length: Duration, may: impl Fn(Fault) -> bool) -> Story {
        let random = Random::new(seed);
        let mut drawing = Drawing { random, scene: self, length, broken: Vec::new(), steps: Vec::new() };
        let mut now = Duration::ZERO;
        for number in 0.. {
            now += drawing.random.pause(self.pace);
            if now >= length {
                break;
            }
            drawing.heal_until(now);
            if let Some(fault) = drawing.fault().filter(|fault| may(*fault)) {
                drawing.begin(number, now, fault);
            }
        }
        drawing.heal_until(length);
        let mut steps = drawing.steps;
        steps.sort_by_key(|step| step.at);
        Story { seed, steps }
    }

    fn services(&self) -> impl Iterator<Item = Part> {
        (0..self.services).map(Part::Service)
    }

    fn servers(&self) -> impl Iterator<Item = Server> {
        let store = [Server::Primary].into_iter().chain(self.replica.then_some(Server::Replica));
        (0..self.lease_nodes).map(Server::LeaseNode).chain(store)
    }

    /// Who talks to whom.
    pub fn links(&self) -> Vec<Link> {
        let asked = |server: &Server| *server != Server::Replica;
        let of = |from| self.servers().filter(asked).map(move |to| Link { from, to });
        self.services().flat_map(of).chain(self.replica.then_some(REPLICATION)).collect()
    }

    fn places(&self) -> Vec<Place> {
        let parts = self.services().chain(self.servers().map(Part::Server)).map(Place::Part);
        parts.chain(self.links().into_iter().map(Place::Link)).collect()
    }
}

const REPLICATION: Link = Link { from: Part::Server(Server::Replica), to: Server::Primary };

/// Where something can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Part(Part),
    Link(Link),
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    LeaseNode,
    Store,
    Link,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Service, Self::LeaseNode, Self::Store, Self::Link];
}

impl Budget {
    pub(super) fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Service => self.services,
            Kind::LeaseNode => self.lease_nodes,
            Kind::Store => self.store,
            Kind::Link => self.links,
        }
    }
}

impl Place {
    fn of(fault: Fault) -> Self {
        match fault {
            Fault::Service(number, _) => Self::Part(Part::Service(number)),
            Fault::Server(server, _) => Self::Part(Part::Server(server)),
            Fault::Link(link, _) => Self::Link(link),
            Fault::StaleFailOver { .. } => Self::Part(Part::Server(Server::Replica)),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Part(Part::Service(_)) => Kind::Service,
            Self::Part(Part::Server(Server::LeaseNode(_))) => Kind::LeaseNode,
            Self::Part(Part::Server(Server::Primary | Server::Replica)) => Kind::Store,
            Self::Link(_) => Kind::Link,
        }
    }

    /// Whether a fail-over happens here.
    fn fails_over(self) -> bool {
        self.kind() == Kind::Store || self == Self::Link(REPLICATION)
    }
}

impl Fault {
    pub(super) fn kind(self) -> Kind {
        Place::of(self).kind()
    }

    /// Whether, while it lasts, nothing else may happen at a place.
    fn excludes(self, place: Place) -> bool {
        match self {
            Self::StaleFailOver { .. } => place.fails_over(),
            Self::Service(..) | Self::Server(..) | Self::Link(..) => Place::of(self) == place,
        }
    }
}

struct Drawing<'a> {
    random: Random,
    scene: &'a Scene,
    length: Duration,
    /// The last step of each fault that lasts: its healing.
    broken: Vec<Step>,
    steps: Vec<Step>,
}

impl Drawing<'_> {
    fn heal_until(&mut self, now: Duration) {
        let (healed, broken): (Vec<_>, _) = self.broken.drain(..).partition(|step| step.at <= now);
        self.broken = broken;
        self.steps.extend(healed);
    }

    fn begin(&mut self, number: usize, at: Duration, fault: Fault) {
        let step = Step { at, number, fault, turn: Turn::Breaks };
        self.steps.push(step);
        let mut last = at;
        if let Fault::StaleFailOver { behind } = fault {
            last = (at + behind).min(self.length);
            self.steps.push(Step { at: last, turn: Turn::Worsens, ..step });
        }
        if fault.lasts() {
            let at = (last + self.lasts()).min(self.length);
            self.broken.push(Step { at, turn: Turn::Heals, ..step });
        }
    }

    /// Less than a lease is good for, or more.
    fn lasts(&mut self) -> Duration {
        let ttl = self.scene.ttl;
        let short = self.random.pause(ttl);
        if self.random.below(2) == 0 { short } else { ttl + short }
    }

    /// A fault somewhere where one may happen; none if everything is broken that may be.
    fn fault(&mut self) -> Option<Fault> {
        Some(match self.place()? {
            Place::Part(Part::Service(number)) => Fault::Service(number, self.of_service()),
            Place::Part(Part::Server(Server::Replica)) => self.of_replica(),
            Place::Part(Part::Server(server)) => Fault::Server(server, self.of_server()),
            Place::Link(link) => Fault::Link(link, self.of_link()),
        })
    }

    /// Each kind of place is as likely as any other: there are many more links than servers.
    fn place(&mut self) -> Option<Place> {
        let free: Vec<_> = self.scene.places().into_iter().filter(|place| self.is_free(*place)).collect();
        let is_there = |kind: &Kind| free.iter().any(|place| place.kind() == *kind);
        let kinds: Vec<_> = Kind::ALL.into_iter().filter(is_there).collect();
        let kind = *(!kinds.is_empty()).then(|| self.random.pick(&kinds))?;
        let free: Vec<_> = free.into_iter().filter(|place| place.kind() == kind).collect();
        Some(*self.random.pick(&free))
    }

    fn is_free(&self, place: Place) -> bool {
        let faults = || self.broken.iter().map(|step| step.fault);
        let alike = faults().filter(|fault| fault.kind() == place.kind()).count();
        alike < self.scene.budget.of(place.kind()) && !faults().any(|fault| fault.excludes(place))
    }

    fn of_service(&mut self) -> ServiceFault {
        *self.random.pick(&[ServiceFault::Kill, ServiceFault::Pause])
    }

    fn of_replica(&mut self) -> Fault {
        let behind = self.random.pause(self.scene.ttl);
        let other = self.of_server();
        let disturbed = self.broken.iter().any(|step| Place::of(step.fault).fails_over());
        if disturbed || self.random.below(2) == 0 {
            Fault::Server(Server::Replica, other)
        } else {
            Fault::StaleFailOver { behind }
        }
    }

    fn of_server(&mut self) -> ServerFault {
        let kill = ServerFault::Kill(self.loss());
        let jump = self.jump();
        *self.random.pick(&[kill, jump, ServerFault::Pause, ServerFault::Full, ServerFault::FlushScripts])
    }

    fn of_link(&mut self) -> LinkFault {
        let delay = LinkFault::Delay(self.random.pause(self.scene.ttl / 4));
        let hold = LinkFault::Hold(*self.random.pick(&Way::BOTH));
        let throttle = LinkFault::Throttle(500 + self.random.below(50_000));
        let plain = [LinkFault::Cut, LinkFault::HalfOpen, LinkFault::Refuse, LinkFault::Reset];
        let faults: Vec<_> = [delay, hold, throttle].into_iter().chain(plain).collect();
        *self.random.pick(&faults)
    }

    fn loss(&mut self) -> Loss {
        let tail = Loss::Tail(1 + self.random.below(2000));
        *self.random.pick(&[Loss::Nothing, Loss::Everything, tail, Loss::SinceCopy])
    }

    fn jump(&mut self) -> ServerFault {
        let by = *self.random.pick(&[self.scene.ttl, Duration::from_secs(60), Duration::from_secs(3600)]);
        ServerFault::Jump { forward: self.random.below(2) == 0, by }
    }
}
