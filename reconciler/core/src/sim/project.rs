//! Small projects to simulate: a stream and a few batches, drawn from a seed.

use indexmap::IndexMap;
use windlass_compiler::model::{Backoff, Cluster, Edge, Engine, Job, Mode, OnLost, Process, Retry, When};
use windlass_compiler::name::Name;
use windlass_compiler::units::Duration;

use crate::sim::kind::Kind;
use crate::sim::random::Random;

/// One or two clusters, each of a kind.
pub fn clusters(random: &mut Random) -> IndexMap<Name, Kind> {
    let kind = |random: &mut Random| *random.pick(&Kind::ALL).unwrap_or(&Kind::Objects);
    let mut clusters = IndexMap::from([(parse("tokyo"), kind(random))]);
    if random.chance(300) {
        clusters.insert(parse("osaka"), kind(random));
    }
    clusters
}

/// The same as a project's record has them. Which kind a cluster is, its driver knows.
pub fn recorded(clusters: &IndexMap<Name, Kind>) -> IndexMap<Name, Cluster> {
    clusters.keys().map(|name| (name.clone(), Cluster::Local)).collect()
}

/// The name of every simulated project.
pub fn name() -> Name {
    parse("commerce")
}

/// The jobs of a project on these clusters.
pub fn jobs(random: &mut Random, clusters: &IndexMap<Name, Kind>) -> Vec<Job> {
    let names: Vec<&Name> = clusters.keys().collect();
    let mut jobs = shape(random);
    for job in &mut jobs {
        job.cluster = random.pick(&names).map_or(job.cluster.clone(), |name| (*name).clone());
    }
    jobs
}

/// More pipelines of one job each, for owners that share the work: each pipeline has a shard. Some wait for the first.
pub fn more(random: &mut Random, jobs: &mut Vec<Job>) {
    let Some(first) = jobs.first().cloned() else { return };
    let count = usize::try_from(random.between(0, 3)).unwrap_or(0);
    for pipeline in ["ledger", "payouts", "search"].into_iter().take(count) {
        let mode = [Mode::Stream, Mode::Batch][usize::from(random.chance(500))];
        let mut job = job(random, "work", mode, &[]);
        job.id = parse(&format!("{pipeline}.work"));
        job.cluster.clone_from(&first.cluster);
        if first.mode == Mode::Stream && random.chance(400) {
            job.after = vec![Edge { job: first.id.clone(), when: When::Met }];
        }
        jobs.push(job);
    }
}

fn shape(random: &mut Random) -> Vec<Job> {
    let ingest = job(random, "ingest", Mode::Stream, &[]);
    let settle = job(random, "settle", Mode::Batch, &[]);
    let when = [When::Met, When::Running][usize::from(random.chance(300))];
    let after = job(random, "settle", Mode::Batch, &[("ingest", when)]);
    let report = job(random, "report", Mode::Batch, &[("settle", When::Met)]);
    let clean = job(random, "clean", Mode::Batch, &[("settle", When::Failed)]);
    let notify = job(random, "notify", Mode::Batch, &[("report", When::Finished)]);
    match random.below(5) {
        0 => vec![ingest],
        1 => vec![settle],
        2 => vec![ingest, after],
        3 => vec![settle, report, clean],
        _ => vec![ingest, after, report, clean, notify],
    }
}

/// Changes what a job runs.
pub fn change(random: &mut Random, job: &mut Job) {
    if random.chance(80) {
        job.mode = if job.mode == Mode::Stream { Mode::Batch } else { Mode::Stream };
    }
    let Engine::Process(process) = &mut job.engine;
    process.env.insert("REVISION".to_owned(), random.below(1000).to_string());
    let refused = random.chance(80);
    process.command = vec![if refused { super::cluster::REFUSED } else { "work" }.to_owned()];
}

fn job(random: &mut Random, name: &str, mode: Mode, after: &[(&str, When)]) -> Job {
    let edge = |(job, when): &(&str, When)| Edge { job: parse(&format!("orders.{job}")), when: *when };
    Job {
        id: parse(&format!("orders.{name}")),
        mode,
        cluster: parse("tokyo"),
        engine: Engine::Process(Process {
            command: vec!["work".to_owned()],
            env: IndexMap::new(),
            dir: String::new(),
            stdin: None,
            files: IndexMap::new(),
            ready: Duration::from_millis(if random.chance(500) { 0 } else { 1000 }),
            grace: Duration::from_secs(5),
        }),
        after: after.iter().map(edge).collect(),
        retry: retry(random),
        timeout: random.chance(300).then(|| Duration::from_secs(random.between(2, 20))),
        protect: false,
        tags: Vec::new(),
        description: None,
        origin: None,
    }
}

/// A job of which nothing is left to chance.
pub fn plain(id: &str, mode: Mode) -> Job {
    let mut job = job(&mut Random::new(0), "settle", mode, &[]);
    job.id = parse(id);
    job.timeout = None;
    let Engine::Process(process) = &mut job.engine;
    process.ready = Duration::from_millis(0);
    job.retry.within = None;
    job
}

fn retry(random: &mut Random) -> Retry {
    Retry {
        attempts: u32::try_from(random.below(4)).unwrap_or(0),
        // Long enough that every budget ends: a shorter window would let a job fail for ever, as it should.
        within: random.chance(300).then(|| Duration::from_secs(600)),
        backoff: Backoff {
            min: Duration::from_millis(random.between(0, 3000)),
            max: Duration::from_secs(10),
        },
        on_lost: if random.chance(600) { OnLost::Retry } else { OnLost::Hold },
    }
}

fn parse<T: std::str::FromStr<Err = windlass_compiler::name::BadName>>(text: &str) -> T {
    text.parse().expect("the names of the simulation are names")
}
