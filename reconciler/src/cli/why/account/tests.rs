use windlass_compiler::model::When;
use windlass_core::state::State;

use super::*;
use crate::cli::sample::{Sample, asked, at, change, line, step};

const REPORT: &str = "orders.report@2026-11-22T02:00Z";
const SETTLE: &str = "orders.settle@2026-11-22T02:00Z";

fn fleet() -> Sample {
    Sample::default()
        .project()
        .stream("orders.totals")
        .batch("orders.settle", "2026-11-22T02:00Z")
        .batch("orders.report", "2026-11-22T02:00Z")
        .batch("orders.clean-up", "2026-11-22T02:00Z")
        .after("orders.settle", "orders.totals", When::Met)
        .after("orders.report", "orders.settle", When::Met)
        .after("orders.clean-up", "orders.settle", When::Failed)
}

fn known() -> Known {
    Known {
        now: at("02:03:10"),
        driver: None,
        stale: BTreeMap::new(),
        decided: BTreeMap::new(),
        history: Vec::new(),
    }
}

fn text(fleet: &Fleet, instance: &str, known: &Known) -> String {
    let style = Style { width: 80, ..Style::default() };
    Account::new(fleet, &instance.parse().unwrap(), known).text(&style)
}

#[test]
fn the_chain_leads_to_the_root_cause() {
    let fleet = fleet().failed("orders.totals", "02:00:09", 3).fleet;
    insta::assert_snapshot!(text(&fleet, REPORT, &known()), @r"
    orders.report@2026-11-22T02:00Z is waiting, for 3m10s
    └ needs orders.settle@2026-11-22T02:00Z to succeed: it is waiting, for 3m10s
      └ needs orders.totals to run: it has failed, 3m1s ago: exit status 3

    goal       to succeed, on laptop, generation 1; it is on its way
    retries    0 of 2 within 10m used
    driven by  nobody: `windlass reconcile` would

    next
      windlass reconcile            drives; nobody does now
      windlass logs orders.totals   shows what it printed
      windlass retry orders.totals  begins it again
    ");
}

#[test]
fn a_pause_names_its_budget_and_its_end() {
    let history = vec![
        line(1, SETTLE, "02:03:08", &step(Name::Submitting, Name::Running, 1, None)),
        line(2, SETTLE, "02:03:09", &step(Name::Running, Name::Failed, 1, Some("exit status 3"))),
        line(3, SETTLE, "02:03:09", &asked("retry", Intent::Run, Some("again"))),
    ];
    let fleet = fleet()
        .running("orders.totals", "02:00:00")
        .failed(SETTLE, "02:03:09", 1)
        .state(SETTLE, "02:03:09", State::Waiting { not_before: Some(at("02:03:14")) }, 1)
        .fleet;
    insta::assert_snapshot!(text(&fleet, SETTLE, &Known { history, ..known() }), @r"
    orders.settle@2026-11-22T02:00Z is waiting, for 1s: exit status 3; attempt 2 not
    before 2026-11-22T02:03:14Z, in 4s

    goal       to succeed, on laptop, generation 1; it is on its way
    attempt    1, started just now, on laptop as orders.settle-20261122T020000Z-1
    retries    1 of 2 within 10m used; the next attempt not before
               2026-11-22T02:03:14Z
    driven by  nobody: `windlass reconcile` would

    how it came there
      2026-11-22T02:03:08Z  submitting → running  attempt 1
      2026-11-22T02:03:09Z  running → failed      attempt 1: exit status 3
      2026-11-22T02:03:09Z  asked to retry        by ann@desk: again

    next
      windlass reconcile            drives; nobody does now
      windlass logs orders.settle   shows what it printed
      windlass retry orders.settle  ends the pause
    ");
}

#[test]
fn a_skip_that_was_meant_is_all_right() {
    let fleet = fleet()
        .running("orders.totals", "02:00:00")
        .state(SETTLE, "02:01:00", State::Succeeded, 1)
        .state(
            "orders.clean-up@2026-11-22T02:00Z",
            "02:01:00",
            State::Skipped { reason: "orders.settle has succeeded".to_owned() },
            0,
        )
        .fleet;
    insta::assert_snapshot!(text(&fleet, "orders.clean-up@2026-11-22T02:00Z", &known()), @r"
    orders.clean-up@2026-11-22T02:00Z was skipped, 2m10s ago
    └ needs orders.settle@2026-11-22T02:00Z to fail: it has succeeded, 2m10s ago

    goal       to succeed, on laptop, generation 1; skipping it is all right
    retries    0 of 2 within 10m used
    driven by  nobody: `windlass reconcile` would
    ");
}

#[test]
fn a_stop_names_who_asked() {
    let fleet = fleet()
        .intent("orders.totals", Intent::Stop)
        .state("orders.totals", "02:01:00", State::Stopped, 1)
        .fleet;
    let totals: Instance = "orders.totals".parse().unwrap();
    let decided = BTreeMap::from([(totals, change("stop", Some("maintenance")))]);
    let known = Known { decided, ..known() };
    insta::assert_snapshot!(text(&fleet, SETTLE, &known), @r"
    orders.settle@2026-11-22T02:00Z is waiting, for 3m10s
    └ needs orders.totals to run: it was stopped, 2m10s ago, by ann@desk:
      maintenance

    goal       to succeed, on laptop, generation 1; it is on its way
    retries    0 of 2 within 10m used
    driven by  nobody: `windlass reconcile` would

    next
      windlass reconcile            drives; nobody does now
      windlass start orders.totals  lets it run again
    ");
}

#[test]
fn what_the_cluster_contradicts_is_said_first() {
    let fleet = fleet().running("orders.totals", "02:00:00").fleet;
    let stale =
        BTreeMap::from([("orders.totals".parse().unwrap(), "it has ended: exit status 1".to_owned())]);
    insta::assert_snapshot!(text(&fleet, "orders.totals", &Known { stale, ..known() }), @r"
    orders.totals is running, for 3m10s, by its record; but it has ended: exit
    status 1

    goal       to run, on laptop, generation 1; its record is behind
    attempt    1, started 3m10s ago, on laptop as orders.totals-1
    retries    0 of 2 within 10m used
    driven by  nobody: `windlass reconcile` would

    next
      windlass reconcile              drives; nobody does now
      windlass logs -f orders.totals  follows what it prints
    ");
}

#[test]
fn a_long_chain_is_followed_as_far_as_anybody_reads() {
    let time = "2026-11-22T02:00Z";
    let long = (1..3_000).fold(Sample::default().project().batch("o.b0", time), |sample, at| {
        let (job, upstream) = (format!("o.b{at}"), format!("o.b{}", at - 1));
        sample.batch(&job, time).after(&job, &upstream, When::Met)
    });
    let told = text(&long.fleet, "o.b2999@2026-11-22T02:00Z", &known());
    assert_eq!(told.matches("└ needs").count(), 100);
}
