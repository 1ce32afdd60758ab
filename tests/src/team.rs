//! A team's service on real parts: lease nodes, a store with a replica, replicas of the service, and a proxy between
//! each of these and every server that it asks. Commands have a way to the store of their own, which is never cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use windlass_compiler::model::Lease;
use windlass_compiler::units;
use windlass_core::id::Instance;
use windlass_core::shard::Shard;
use windlass_core::state::Name;

use crate::clock::Clock;
use crate::nemesis::{self, Budget, Link, Part, Scene};
use crate::project::{patiently, until};
use crate::proxy::Proxy;
use crate::redis::{Data, Options, Server};
use crate::{Done, Project, Running, records};

/// How long an owner is believed without a word from it.
pub const TTL: Duration = Duration::from_secs(2);
/// The pipelines of the project; each has a stream `follow` and a batch `settle` behind it. They are in different
/// shards.
pub const PIPELINES: [&str; 3] = ["north", "south", "west"];
/// Longer than anything takes that is not stuck, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What can be broken.
pub const SCENE: Scene = Scene {
    services: 3,
    lease_nodes: 3,
    replica: true,
    ttl: TTL,
    pace: TTL,
    budget: Budget { services: 2, lease_nodes: 1, store: 1, links: 2 },
};

/// A team's service. Dropping it ends everything.
#[derive(Debug)]
pub struct Team {
    services: BTreeMap<u8, Running>,
    /// What each replica said in each of its lives.
    lives: Vec<(u8, PathBuf)>,
    /// The project, its jobs and its commands.
    pub project: Project,
    /// Where commands find the store, whichever server that is.
    door: Proxy,
    /// The proxies.
    pub links: BTreeMap<Link, Proxy>,
    /// The servers that leases are taken on.
    pub lease_nodes: Vec<Server>,
    /// The store.
    pub primary: Server,
    /// Its replica.
    pub replica: Server,
    off: &'static str,
}

const REPLICATION: Link = Link { from: Part::Server(nemesis::Server::Replica), to: nemesis::Server::Primary };

impl Team {
    /// Servers and a project, to which nothing was applied yet and which nobody serves.
    pub fn new(binary: &str) -> Self {
        Self::without(binary, "none")
    }

    /// The same, without one rule in every process.
    pub fn without(binary: &str, off: &'static str) -> Self {
        let options = || Options::durable().clock();
        let lease_nodes: Vec<_> = (0..SCENE.lease_nodes).map(|_| Server::start(options())).collect();
        let primary = Server::start(options());
        let of = |link: &Link| match link.to {
            nemesis::Server::LeaseNode(number) => lease_nodes[usize::from(number)].address(),
            nemesis::Server::Primary | nemesis::Server::Replica => primary.address(),
        };
        let links: BTreeMap<_, _> =
            SCENE.links().into_iter().map(|link| (link, Proxy::before(of(&link)))).collect();
        let replica = Server::start(options().replica_of(links[&REPLICATION].address()));
        let project = Project::new(binary, &[]);
        let door = Proxy::before(primary.address());
        let project = project.in_store(&primary.url_at(door.address()));
        let (services, lives) = (BTreeMap::new(), Vec::new());
        let team = Self { services, lives, project, door, links, lease_nodes, primary, replica, off };
        team.write();
        team
    }

    /// A team of so many replicas whose jobs all run.
    pub fn at_work(binary: &str, services: u8) -> Self {
        let mut team = Self::new(binary);
        team.apply();
        (0..services).for_each(|number| team.serve(number));
        team.is_shared(services.into());
        team.converges();
        team
    }

    /// Makes the store and wants the jobs, which nobody starts yet.
    pub fn apply(&self) {
        self.ok(&["apply", "-y", "--no-wait"]);
    }

    fn url(&self) -> String {
        self.primary.url_at(self.door.address())
    }

    fn write(&self) {
        let nodes: Vec<_> = self.lease_nodes.iter().map(Server::url).collect();
        let root = format!(
            "version = 1\nproject = \"evidence\"\ninclude = [\"of-*.toml\"]\n\n[store]\nurl = {:?}\n\n\
             [lease]\nnodes = {nodes:?}\nttl = \"{}s\"\n\n[param.fee]\ntype = \"int\"\ndefault = 1\n\n\
             [cluster.here]\nkind = \"local\"\n",
            self.url(),
            TTL.as_secs(),
        );
        fs::write(self.project.file("windlass.toml"), root).expect("writable");
        for pipeline in PIPELINES {
            let text = format!("[pipeline]\nname = {pipeline:?}\n{STREAM}{BATCH}");
            fs::write(self.project.file(&format!("of-{pipeline}.toml")), text).expect("writable");
        }
    }

    /// Starts a replica.
    pub fn serve(&mut self, number: u8) {
        self.serve_with(number, &[]);
    }

    /// Starts a replica with these faults.
    pub fn serve_with(&mut self, number: u8, faults: &[(&str, &str)]) {
        let store = self.primary.url_at(self.link(number, nemesis::Server::Primary).address());
        let nodes = (0..SCENE.lease_nodes).map(|node| {
            let link = self.link(number, nemesis::Server::LeaseNode(node));
            self.lease_nodes[usize::from(node)].url_at(link.address())
        });
        let nodes = nodes.collect::<Vec<_>>().join(",");
        let log = ("WINDLASS_LOG", "info");
        let ours = [("WINDLASS_STORE", &*store), ("WINDLASS_LEASE", &*nodes), log, self.off()];
        let running = self.project.spawn(&[&ours, faults].concat(), &["reconcile"]);
        self.lives.push((number, running.log()));
        self.services.insert(number, running);
    }

    /// Starts a replica that goes by this clock, with these faults.
    pub fn serve_by(&mut self, number: u8, clock: &Clock, faults: &[(&str, &str)]) {
        let moved = clock.variables();
        let moved = moved.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.serve_with(number, &[&moved, faults].concat());
    }

    fn off(&self) -> (&'static str, &'static str) {
        ("WINDLASS_FAULT_RULE_OFF", self.off)
    }

    fn link(&self, service: u8, to: nemesis::Server) -> &Proxy {
        &self.links[&Link { from: Part::Service(service), to }]
    }

    /// The links from a replica to the lease nodes.
    pub fn links_to_lease(&mut self, service: u8) -> impl Iterator<Item = &mut Proxy> {
        self.links.iter_mut().filter_map(move |(link, proxy)| {
            let is_node = matches!(link.to, nemesis::Server::LeaseNode(_));
            (link.from == Part::Service(service) && is_node).then_some(proxy)
        })
    }

    /// The link from a replica to the store.
    pub fn link_to_store(&mut self, service: u8) -> &mut Proxy {
        let link = Link { from: Part::Service(service), to: nemesis::Server::Primary };
        self.links.get_mut(&link).expect("of the scene")
    }

    /// The link from the store's replica to its primary.
    pub fn replication(&mut self) -> &mut Proxy {
        self.links.get_mut(&REPLICATION).expect("of the scene")
    }

    /// Makes the old primary the replica of the new one.
    pub fn is_replicated_again(&mut self) {
        let to = self.primary.address();
        let replication = self.replication();
        replication.lead_to(to);
        replication.reset();
        replication.heal();
        let by = replication.address();
        self.replica.restart(Data::Kept);
        self.replica.follow(by);
    }

    /// Kills the primary and promotes its replica, to which everybody is led. A replica that has nothing yet is left where
    /// it is: nobody promotes one, and a store that was emptied is refused until somebody restores it.
    pub fn fails_over(&mut self) {
        if self.replica.is_empty() {
            return;
        }
        self.primary.kill();
        self.replica.promote();
        std::mem::swap(&mut self.primary, &mut self.replica);
        let to = self.primary.address();
        let of_services = |link: &Link| link.to == nemesis::Server::Primary && *link != REPLICATION;
        self.links.iter_mut().filter(|(link, _)| of_services(link)).for_each(|(_, proxy)| proxy.lead_to(to));
        self.door.lead_to(to);
    }

    /// Kills a replica.
    pub fn kill(&mut self, number: u8) {
        if let Some(service) = self.services.remove(&number) {
            service.kill_after(Duration::ZERO);
        }
    }

    /// Asks a replica to end, and waits until it has.
    #[track_caller]
    pub fn end(&mut self, number: u8) -> Done {
        self.signal(number, Signal::TERM);
        self.services.remove(&number).expect("it serves").end()
    }

    /// Stops a replica where it is.
    pub fn pause(&self, number: u8) {
        self.signal(number, Signal::STOP);
    }

    /// Lets a replica go on.
    pub fn resume(&self, number: u8) {
        self.signal(number, Signal::CONT);
    }

    fn signal(&self, number: u8, signal: Signal) {
        let id = self.services.get(&number).and_then(|service| Pid::from_raw(service.id().cast_signed()));
        if let Some(id) = id {
            // It may have died of a fault.
            let _ = kill_process(id, signal);
        }
    }

    /// What a replica has said so far.
    pub fn said(&self, number: u8) -> String {
        self.services.get(&number).map(Running::said).unwrap_or_default()
    }

    /// Waits until one of the replicas has died, and forgets it. Which one.
    #[track_caller]
    pub fn one_dies(&mut self) -> u8 {
        let mut dead = None;
        until("one of the replicas dies", || {
            dead = self.services.iter_mut().find_map(|(number, one)| one.has_ended().then_some(*number));
            dead.is_some()
        });
        let dead = dead.expect("just seen");
        self.services.remove(&dead);
        dead
    }

    /// Starts the replicas again that have ended by themselves, as whoever supervises them does.
    pub fn revive(&mut self) {
        let ended = self.services.iter_mut().filter_map(|(number, one)| one.has_ended().then_some(*number));
        for number in ended.collect::<Vec<_>>() {
            self.serve(number);
        }
    }

    /// Runs a command to its end.
    #[track_caller]
    pub fn run(&self, command: &[&str]) -> Done {
        self.begin(command).end()
    }

    /// Starts a command.
    pub fn begin(&self, command: &[&str]) -> Running {
        self.begin_with(&[], command)
    }

    /// Starts a command in an environment with these variables besides.
    pub fn begin_with(&self, variables: &[(&str, &str)], command: &[&str]) -> Running {
        self.project.spawn(&[&[self.off()], variables].concat(), command)
    }

    /// Runs a command that has to end well.
    #[track_caller]
    pub fn ok(&self, command: &[&str]) -> Done {
        let done = self.run(command);
        assert_eq!(done.code, Some(0), "{done}\n{}", self.story());
        done
    }

    /// Who owns how many shards, by the number of the replica, as soon as a majority of the nodes tells.
    #[track_caller]
    pub fn owners(&self) -> BTreeMap<u8, Vec<Shard>> {
        let lease = Lease {
            nodes: self.lease_nodes.iter().map(Server::url).collect(),
            ttl: units::Duration::from_secs(TTL.as_secs()),
        };
        let mut owners = Err(String::new());
        let told = patiently(PATIENCE, || {
            owners = records::owners_in(&self.url(), self.project.place(), &lease);
            owners.is_ok()
        });
        assert!(told, "nobody tells who owns what: {owners:?}\n{}", self.story());
        let number =
            |pid: u32| self.services.iter().find(|(_, one)| one.id() == pid).map(|(number, _)| *number);
        let owners = owners.into_iter().flatten();
        owners.filter_map(|owner| Some((number(owner.holder.pid)?, owner.shards))).collect()
    }

    /// Who owns the shard of a pipeline.
    pub fn owner(&self, pipeline: &str) -> Option<u8> {
        let shard = Shard::of_text(pipeline);
        self.owners().into_iter().find_map(|(number, shards)| shards.contains(&shard).then_some(number))
    }

    /// Waits until so many replicas own all shards together, each some.
    #[track_caller]
    pub fn is_shared(&self, services: usize) {
        let shared = patiently(PATIENCE, || {
            let owners: Vec<_> = self.owners().into_values().filter(|shards| !shards.is_empty()).collect();
            owners.len() == services && owners.iter().map(Vec::len).sum::<usize>() == Shard::all().len()
        });
        assert!(shared, "the shards are not shared: {:?}\n{}", self.owners(), self.story());
    }

    /// The state of the latest instance of a job; none while the store does not answer.
    pub fn state(&self, job: &str) -> Option<Name> {
        let fleet = self.project.try_fleet().ok()?;
        let latest: Instance = fleet.latest(&job.parse().expect("a good name"))?;
        fleet.statuses.get(&latest).map(|status| status.state.name())
    }

    /// Waits until a job is in a state.
    #[track_caller]
    pub fn becomes(&self, job: &str, state: Name) {
        let there = patiently(PATIENCE, || self.state(job) == Some(state));
        assert!(there, "{job} is {:?}, not {state}\n{}", self.state(job), self.story());
    }

    /// Waits until every stream runs and every batch has succeeded, and fails if evidence or history show what must
    /// never be.
    #[track_caller]
    pub fn converges(&self) {
        self.streams_run();
        PIPELINES.iter().for_each(|pipeline| self.becomes(&format!("{pipeline}.settle"), Name::Succeeded));
        self.is_sound();
    }

    /// Waits until every stream runs.
    #[track_caller]
    pub fn streams_run(&self) {
        PIPELINES.iter().for_each(|pipeline| self.becomes(&format!("{pipeline}.follow"), Name::Running));
    }

    /// Fails if evidence or history show what must never be.
    #[track_caller]
    pub fn is_sound(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.story());
    }

    /// What evidence and history show that must never be.
    pub fn violations(&self) -> Vec<String> {
        let gaps = self.project.history().map(records::gaps_of).unwrap_or_else(|error| vec![error]);
        [self.project.evidence().violations(), gaps].concat()
    }

    /// How often a job was started.
    pub fn starts(&self, job: &str) -> usize {
        self.project.evidence().starts_of(job).len()
    }

    /// Waits until a job was started so many times, which it may say a little after it was seen to run, and fails if it was
    /// more often.
    #[track_caller]
    pub fn has_started(&self, job: &str, times: usize) {
        patiently(PATIENCE, || self.starts(job) >= times);
        assert_eq!(self.starts(job), times, "{job}\n{}", self.story());
    }

    /// What happened, for whoever has to find out why.
    pub fn story(&self) -> String {
        let lives = self.lives.iter().map(|(number, log)| {
            let said = fs::read_to_string(log).unwrap_or_default();
            format!("--- service {}\n{said}", number + 1)
        });
        format!("{}{}", self.project.story(), lives.collect::<String>())
    }
}

impl Drop for Team {
    /// What is stopped does not end by itself, and what goes on would work while its servers go.
    fn drop(&mut self) {
        for (_, service) in std::mem::take(&mut self.services) {
            service.kill_after(Duration::ZERO);
        }
    }
}

const STREAM: &str = "
[job.follow]
mode = \"stream\"
cluster = \"here\"
process = { command = [\"sh\", \"job.sh\", \"stream\", \"${param.fee}\"], dir = \".\", ready = \"0s\", grace = \"1s\", files = [\"job.sh\"] }
restart = { attempts = 5, backoff = \"50ms..100ms\" }
";

const BATCH: &str = "
[job.settle]
mode = \"batch\"
cluster = \"here\"
process = { command = [\"sh\", \"job.sh\", \"batch\", \"${param.fee}\"], dir = \".\", ready = \"0s\", grace = \"1s\", files = [\"job.sh\"] }
after = [\"follow\"]
";
