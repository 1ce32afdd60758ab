use windlass_compiler::model::When;
use windlass_core::shard::Shard;
use windlass_core::state::State;

use super::*;
use crate::cli::sample::{Sample, at, change};
use crate::lease::Holder;

fn fleet() -> Sample {
    Sample::default()
        .project()
        .stream("orders.totals")
        .stream("orders.ingest")
        .batch("orders.settle", "2026-11-22T02:00Z")
        .batch("orders.report", "2026-11-22T02:00Z")
        .after("orders.settle", "orders.totals", When::Met)
        .after("orders.report", "orders.settle", When::Met)
}

fn seen() -> Seen {
    Seen {
        now: at("02:03:10"),
        store: "file:.windlass".to_owned(),
        owners: Ok(Vec::new()),
        findings: Vec::new(),
        decided: BTreeMap::new(),
    }
}

fn finding(about: About, what: &str) -> Finding {
    Finding { instance: String::new(), what: what.to_owned(), about }
}

fn text(fleet: &Fleet, wide: Wide, seen: &Seen) -> String {
    let style = Style { width: 80, ..Style::default() };
    Overview::new(fleet, &instances(fleet, wide), wide, seen).text(&style)
}

#[test]
fn a_project_at_a_glance() {
    let fleet = fleet()
        .running("orders.totals", "02:00:01")
        .failed("orders.settle@2026-11-22T02:00Z", "02:00:05", 1)
        .state(
            "orders.settle@2026-11-22T02:00Z",
            "02:00:06",
            State::Waiting { not_before: Some(at("02:04:00")) },
            1,
        )
        .fleet;
    insta::assert_snapshot!(text(&fleet, Wide::Latest, &seen()), @r"
    shop in prod, store file:.windlass: 3 waiting, 1 running
    nobody drives: `windlass reconcile` goes on with it

    JOB            STATE    SINCE  ATTEMPT       GEN  DETAIL
    orders.ingest  waiting  3m10s  -             1
    orders.report  waiting  3m10s  -             1    for orders.settle (waiting)
    orders.settle  waiting  3m4s   1 (1 failed)  1
      └ attempt 2 not before 2026-11-22T02:04:00Z: exit status 3
    orders.totals  running  3m9s   1             1

    RUN                       ENDED    JOBS
    orders@2026-11-22T02:00Z  not yet  2 waiting
    ");
}

#[test]
fn what_the_clusters_contradict_is_marked() {
    let fleet = fleet().running("orders.totals", "02:00:01").running("orders.ingest", "02:00:02").fleet;
    let totals = "orders.totals".parse().unwrap();
    let findings = vec![
        finding(About::Recorded(totals), "it has ended: exit status 1"),
        finding(
            About::Stray("orders.ingest".parse().unwrap()),
            "orders.ingest-1 runs, and should not: attempt 2 has taken its place",
        ),
    ];
    insta::assert_snapshot!(text(&fleet, Wide::Latest, &Seen { findings, ..seen() }), @r"
    shop in prod, store file:.windlass: 2 waiting, 2 running
    nobody drives: `windlass reconcile` goes on with it

    JOB            STATE     SINCE  ATTEMPT  GEN  DETAIL
    orders.ingest  running   3m8s   1        1
    orders.report  waiting   3m10s  -        1    for orders.settle (waiting)
    orders.settle  waiting   3m10s  -        1
    orders.totals  running?  3m9s   1        1
      └ recorded running, but it has ended: exit status 1

    RUN                       ENDED    JOBS
    orders@2026-11-22T02:00Z  not yet  2 waiting

    orders.ingest-1 runs, and should not: attempt 2 has taken its place
    records marked with ? are behind: `windlass reconcile`, or any command that
    waits, takes in what is
    ");
}

#[test]
fn a_cluster_that_does_not_answer_is_named_and_its_jobs_are_marked() {
    let fleet = fleet().running("orders.totals", "02:00:01").fleet;
    let silent = finding(About::Silent("laptop".parse().unwrap()), "does not answer: permission denied");
    insta::assert_snapshot!(text(&fleet, Wide::Latest, &Seen { findings: vec![silent], ..seen() }), @r"
    shop in prod, store file:.windlass: 3 waiting, 1 running
    nobody drives: `windlass reconcile` goes on with it

    JOB            STATE     SINCE  ATTEMPT  GEN  DETAIL
    orders.ingest  waiting   3m10s  -        1
    orders.report  waiting   3m10s  -        1    for orders.settle (waiting)
    orders.settle  waiting   3m10s  -        1
    orders.totals  running?  3m9s   1        1
      └ laptop does not answer: this is what was known last

    RUN                       ENDED    JOBS
    orders@2026-11-22T02:00Z  not yet  2 waiting

    cluster laptop does not answer: permission denied
    ");
}

#[test]
fn intents_removals_and_drivers_are_told() {
    let fleet = fleet()
        .intent("orders.totals", Intent::Stop)
        .state("orders.totals", "02:01:00", State::Stopped, 1)
        .running("orders.ingest", "02:00:02")
        .intent("orders.ingest", Intent::Remove)
        .fleet;
    let ann = change("stop", Some("maintenance"));
    let holder = Holder {
        pid: 7,
        host: "desk".to_owned(),
        command: "reconcile".to_owned(),
        since: at("02:00:00").as_millisecond(),
    };
    let decided = BTreeMap::from([("orders.totals".parse().unwrap(), ann)]);
    let owner = Owner { id: "7".to_owned(), holder, shards: Shard::all().collect() };
    let seen = Seen { owners: Ok(vec![owner]), decided, ..seen() };
    insta::assert_snapshot!(text(&fleet, Wide::All, &seen), @r"
    shop in prod, store file:.windlass: 2 waiting, 1 running, 1 stopped
    driven by `windlass reconcile` (process 7 on desk), for 3m10s

    JOB                              STATE    SINCE  ATTEMPT  GEN  DETAIL
    orders.ingest                    running  3m8s   1        2
      └ to be stopped and removed
    orders.report@2026-11-22T02:00Z  waiting  3m10s  -        1
      └ for orders.settle (waiting)
    orders.settle@2026-11-22T02:00Z  waiting  3m10s  -        1
      └ for orders.totals (stopped)
    orders.totals                    stopped  2m10s  1        2
      └ by ann@desk: maintenance
    ");
}

#[test]
fn hostile_words_do_no_harm() {
    let reason = "\u{1b}[2J\u{202e}".to_owned();
    let fleet = fleet().state("orders.totals", "02:00:01", State::Failed { reason }, 1).fleet;
    let overview = Overview::new(&fleet, &instances(&fleet, Wide::Latest), Wide::Latest, &seen());
    let hidden = |c: char| windlass_compiler::escape::is_hidden(c) && c != '\n';
    assert!(!overview.text(&Style::default()).contains(hidden));
    assert!(!windlass_compiler::escape::json(&overview).contains(hidden));
    for line in overview.concise().lines() {
        assert!(!line.contains(hidden), "{line}");
    }
}

#[test]
fn one_line_an_instance() {
    let fleet = fleet().running("orders.totals", "02:00:01").fleet;
    let overview = Overview::new(&fleet, &instances(&fleet, Wide::Latest), Wide::Latest, &seen());
    insta::assert_snapshot!(overview.concise(), @r"
    orders.ingest waiting
    orders.report@2026-11-22T02:00Z waiting for orders.settle (waiting)
    orders.settle@2026-11-22T02:00Z waiting
    orders.totals running
    ");
}

#[test]
fn replicas_are_told_with_their_shares() {
    let fleet = fleet().running("orders.ingest", "02:00:02").fleet;
    let owner = |id: &str, shards: &[u8]| Owner {
        id: id.to_owned(),
        holder: Holder { pid: 7, host: "desk".to_owned(), command: "reconcile".to_owned(), since: 0 },
        shards: shards.iter().filter_map(|number| Shard::numbered(*number)).collect(),
    };
    let orders = Shard::of_text("orders").number();
    let seen = Seen { owners: Ok(vec![owner("a", &[orders]), owner("b", &[0, 1])]), ..seen() };
    let text = text(&fleet, Wide::Latest, &seen);
    assert!(text.contains("driven by 2 replicas: a (1 shards, 4 jobs), b (2 shards, 0 jobs)"), "{text}");
}
