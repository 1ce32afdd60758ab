//! What a decision costs that changes nothing: an idle fleet makes little else.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use windlass_compiler::model::{Edge, Job, Mode, When};
use windlass_compiler::sample;
use windlass_compiler::units::Duration;
use windlass_core::case::{Case, Moment};
use windlass_core::decide::decide;
use windlass_core::desired::Goal;
use windlass_core::edge::{Standing, Upstream};
use windlass_core::id::{AttemptNumber, Epoch, ExternalName, Generation, Instance, Uid};
use windlass_core::observed::{End, Label, Observation, Phase, Sight};
use windlass_core::state::{self, State};
use windlass_core::status::{Attempt, Status};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn job(mode: Mode) -> Job {
    Job { timeout: Some(Duration::from_secs(3600)), ..sample::job("orders.ingest", mode) }
}

/// An instance on its first attempt, which its cluster shows in `phase`; without a phase there was none yet.
fn known(job: &Job, state: State, phase: Option<Phase>) -> (Status, Sight) {
    let instance = match job.mode {
        Mode::Stream => Instance::stream(job.id.clone()),
        Mode::Batch => Instance::batch(job.id.clone(), START),
    };
    let (number, generation, uid) = (AttemptNumber(1), Generation(1), Uid("u1".to_owned()));
    let name = ExternalName::of(&instance, number);
    let mut status = Status::new(instance.clone());
    (status.state, status.observed_generation) = (state, generation);
    let Some(phase) = phase else { return (status, Sight::Unseen) };
    status.attempt = Some(Attempt {
        number,
        generation,
        cluster: job.cluster.clone(),
        name: name.clone(),
        uid: Some(uid.clone()),
        submitted: START,
        started: Some(START),
        ended: None,
    });
    let project = "commerce".parse().expect("a name");
    let label = Label { project, instance, attempt: number, generation };
    (status, Sight::Seen(Observation { name, uid, label, phase }))
}

fn measure(
    criterion: &mut Criterion,
    what: &str,
    job: &Job,
    (status, sight): (Status, Sight),
    upstreams: &[Upstream],
) {
    let (goal, project) = (Goal::run(Generation(1)), "commerce".parse().expect("a name"));
    let case = Case {
        project: &project,
        instance: &status.instance,
        goal: &goal,
        intent: goal.intent,
        spec: job,
        root: "/",
        status: &status,
        sight: &sight,
        upstreams,
        hold: None,
    };
    let moment = Moment { now: START + SignedDuration::from_secs(600), epoch: Epoch(1) };
    assert!(decide(&case, moment).is_ok_and(|decision| decision.is_nothing()), "{what} is at rest");
    criterion.bench_function(what, |bencher| bencher.iter(|| decide(black_box(&case), moment)));
}

fn at_rest(criterion: &mut Criterion) {
    let (stream, batch) = (job(Mode::Stream), job(Mode::Batch));
    let running = known(&stream, State::Running { since: START }, Some(Phase::Running { since: START }));
    measure(criterion, "decide/running stream", &stream, running, &[]);
    let ended = Phase::Ended { at: START, started: Some(START), end: End::Succeeded };
    let succeeded = known(&batch, State::Succeeded, Some(ended));
    measure(criterion, "decide/succeeded batch", &batch, succeeded, &[]);
    let upstreams: Vec<Upstream> = ["orders.a", "orders.b", "orders.c"]
        .map(|job| Upstream {
            edge: Edge { job: job.parse().expect("a name"), when: When::Met },
            standing: Some(Standing {
                mode: Mode::Batch,
                state: state::Name::Running,
                current: true,
                has_run: true,
            }),
        })
        .into();
    measure(criterion, "decide/batch waiting for three", &batch, known(&batch, State::NEW, None), &upstreams);
}

criterion_group!(benches, at_rest);
criterion_main!(benches);
