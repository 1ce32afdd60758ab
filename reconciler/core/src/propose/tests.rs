//! Applies as data: what is recorded, what the specs say, what is written.

use windlass_compiler::diff::{Recorded, RecordedJob, diff};
use windlass_compiler::model::{Engine, When};

use super::*;
use crate::sample::{after, at, change, desired, job, run};

fn stream(name: &str) -> Job {
    job(&format!("p.{name}"), Mode::Stream)
}

fn batch(name: &str, upstreams: &[&str]) -> Job {
    let edges: Vec<String> = upstreams.iter().map(|up| format!("p.{up}")).collect();
    let edges: Vec<_> = edges.iter().map(|up| (up.as_str(), When::Met)).collect();
    after(job(&format!("p.{name}"), Mode::Batch), &edges)
}

fn changed(mut job: Job) -> Job {
    let Engine::Process(process) = &mut job.engine;
    process.command.push("--faster".to_owned());
    job
}

fn fleet(jobs: &[Job]) -> Fleet {
    let desired = jobs.iter().map(|job| (job.id.clone(), desired(job.clone())));
    Fleet { desired: desired.collect(), ..Fleet::default() }
}

fn apply(fleet: &Fleet, jobs: &[Job]) -> Mutation {
    apply_on(fleet, jobs, &[])
}

fn apply_on(fleet: &Fleet, jobs: &[Job], clusters: &[&str]) -> Mutation {
    let plan = Plan::new("commerce".parse().unwrap(), None, jobs.iter().cloned()).unwrap();
    let recorded = fleet.desired.values().filter(|one| one.goal.intent.belongs());
    let recorded = recorded.map(|one| RecordedJob { spec: one.spec.clone(), protected: one.is_protected() });
    let changes = diff(&recorded.collect::<Recorded>(), &plan);
    let clusters = clusters.iter().map(|name| (name.parse().unwrap(), Cluster::Local)).collect();
    let id = ApplyId("1".to_owned());
    let change = change("apply");
    propose(fleet, &Proposal { plan: &plan, changes: &changes, clusters: &clusters, root: "/", id, change })
}

/// What an apply writes: each job with its intent and generations, each run with its jobs.
fn check(what: &str, fleet: &Fleet, jobs: &[Job], expected: &str) {
    let mutation = apply(fleet, jobs);
    let desired = mutation.desired.iter().map(|one| {
        let Goal { generation, intent, replace, retry, since: _ } = &one.goal;
        format!("{} {intent:?} {generation}/{replace}/{retry}", one.job().job).to_lowercase()
    });
    let runs = mutation.runs.iter().map(|run| {
        let bound = run.jobs.iter().map(|(name, bound)| match bound.goal.intent {
            Intent::Run => format!("{name}:{}", bound.of),
            intent => format!("{name}:{intent:?}").to_lowercase(),
        });
        format!("run {}({})", run.id.time.as_second(), bound.collect::<Vec<_>>().join(" "))
    });
    let written: Vec<_> = desired.chain(runs).collect();
    assert_eq!(written.join(", "), expected, "{what}");
    assert_eq!(mutation.apply.is_some(), !expected.is_empty() || mutation.project.is_some(), "{what}");
}

#[test]
fn a_first_apply_makes_everything_and_one_run() {
    let jobs = [stream("s"), batch("a", &["s"]), batch("b", &["a"])];
    check("all", &Fleet::default(), &jobs, "s run 1/1/1, a run 1/1/1, b run 1/1/1, run 0(a:1 b:1)");
}

#[test]
fn an_apply_without_changes_writes_nothing() {
    let jobs = [stream("s"), batch("a", &[])];
    let mut fleet = fleet(&jobs);
    fleet.project = apply(&fleet, &jobs).project;
    assert!(apply(&fleet, &jobs).is_empty());
}

#[test]
fn a_run_holds_what_changed_and_what_is_downstream_of_it() {
    let recorded = [batch("a", &[]), batch("b", &["a"]), batch("c", &["b"]), batch("d", &[])];
    let mut specs = recorded.clone();
    specs[1] = changed(specs[1].clone());
    check("b", &fleet(&recorded), &specs, "b run 2/2/2, run 0(b:2 c:1)");
}

#[test]
fn a_changed_stream_is_replaced_and_makes_no_run() {
    let recorded = [stream("s"), batch("a", &["s"])];
    let specs = [changed(stream("s")), recorded[1].clone()];
    check("s", &fleet(&recorded), &specs, "s run 2/2/2");
    assert_eq!(apply(&fleet(&recorded), &specs).desired[0].goal.since, Generation(1), "it is no newcomer");
}

#[test]
fn a_change_of_words_restarts_nothing() {
    let mut specs = [stream("s")];
    specs[0].description = Some("the orders".to_owned());
    check("s", &fleet(&[stream("s")]), &specs, "s run 2/1/1");
}

#[test]
fn a_stop_by_hand_stays_a_stop() {
    for (intent, text) in [(Intent::Stop, "stop"), (Intent::Suspend, "suspend")] {
        let mut fleet = fleet(&[stream("s")]);
        fleet.desired.values_mut().for_each(|one| one.goal = one.goal.with_intent(intent));
        check("it", &fleet, &[changed(stream("s"))], &format!("s {text} 3/3/3"));
    }
}

#[test]
fn what_has_left_comes_back_to_run_with_a_higher_generation() {
    for intent in [Intent::Remove, Intent::Forget] {
        let mut fleet = fleet(&[stream("s")]);
        fleet.desired.values_mut().for_each(|one| {
            one.goal = one.goal.with_intent(intent);
            one.protected = Some(true);
        });
        check("it", &fleet, &[stream("s")], "s run 3/3/3");
        let back = &apply(&fleet, &[stream("s")]).desired[0];
        assert!(!back.is_protected());
        assert_eq!(back.goal.since, Generation(3), "its first start is still to come");
    }
}

#[test]
fn what_goes_leaves_its_open_runs_too() {
    let jobs = [batch("a", &[]), batch("b", &[])];
    let mut fleet = fleet(&jobs);
    let open = run(&jobs);
    fleet.runs.insert(open.id.clone(), open);
    check("b", &fleet, &jobs[..1], "b remove 2/1/1, run 0(a:1 b:remove)");
    fleet.runs.values_mut().for_each(|run| run.ended = Some(at(1)));
    check("after its end", &fleet, &jobs[..1], "b remove 2/1/1");
}

#[test]
fn a_run_never_takes_the_place_of_another() {
    let jobs = [batch("a", &[])];
    let mut fleet = fleet(&jobs);
    let taken = run(&jobs);
    fleet.runs.insert(taken.id.clone(), taken);
    check("a", &fleet, &[changed(batch("a", &[]))], "a run 2/2/2, run 1(a:2)");
}

#[test]
fn a_cluster_that_leaves_the_specs_stays_while_something_may_be_on_it() {
    let names = |project: &Project| project.clusters.keys().map(ToString::to_string).collect::<Vec<_>>();
    let before = [stream("s")];
    let mut fleet = fleet(&before);
    fleet.project = apply_on(&fleet, &before, &["laptop", "spare"]).project;
    let moved = [Job { cluster: "desk".parse().unwrap(), ..stream("s") }];
    let mutation = apply_on(&fleet, &moved, &["desk"]);
    assert_eq!(names(mutation.project.as_ref().unwrap()), ["desk", "laptop"]);
    fleet.project = mutation.project;
    fleet.desired.extend(mutation.desired.into_iter().map(|one| (one.job().clone(), one)));
    assert!(apply_on(&fleet, &moved, &["desk"]).is_empty(), "what is left over is no change");
    let project = apply_on(&fleet, &moved, &["desk", "new"]).project;
    assert_eq!(names(&project.unwrap()), ["desk", "new"]);
}
