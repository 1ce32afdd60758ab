use super::*;
use crate::model::{OnLost, When};
use crate::sample::{after, batch, process, stream};
use crate::style::Style;
use crate::units::Duration;

type Edit = fn(&mut Job);

fn plan(jobs: Vec<Job>) -> Plan {
    Plan::new("commerce".parse().unwrap(), Some("prod".parse().unwrap()), jobs).unwrap()
}

fn recorded(jobs: Vec<Job>) -> Recorded {
    jobs.into_iter().map(|spec| RecordedJob { protected: spec.protect, spec }).collect()
}

/// The one change that an edit of a job makes.
fn edited(job: Job, edit: Edit) -> Change {
    let mut wanted = job.clone();
    edit(&mut wanted);
    let mut changes = diff(&recorded(vec![job]), &plan(vec![wanted])).changes;
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}

#[test]
fn a_stream_restarts_only_when_what_runs_changes() {
    let restarts: [Edit; 6] = [
        |job| process(job).command.push("x".to_owned()),
        |job| process(job).env.insert("A".to_owned(), "1".to_owned()).map_or((), drop),
        |job| process(job).dir = "d".to_owned(),
        |job| process(job).stdin = Some("f".to_owned()),
        |job| process(job).files.insert("f".to_owned(), "0".to_owned()).map_or((), drop),
        |job| job.cluster = "other".parse().unwrap(),
    ];
    for edit in restarts {
        assert_eq!(edited(stream("orders.a"), edit).effect, Effect::RestartStateless);
    }
    let harmless: [Edit; 8] = [
        |job| process(job).grace = Duration::from_secs(1),
        |job| process(job).ready = Duration::from_secs(2),
        |job| job.retry.on_lost = OnLost::Retry,
        |job| job.timeout = Some(Duration::from_secs(1)),
        |job| job.tags.push("x".to_owned()),
        |job| job.protect = true,
        |job| job.description = Some("x".to_owned()),
        |job| job.after = after(stream("orders.x"), &["ledger.b"]).after,
    ];
    for edit in harmless {
        assert_eq!(edited(stream("orders.a"), edit).effect, Effect::None);
    }
}

#[test]
fn a_batch_changes_with_its_next_run() {
    let next: [Edit; 3] = [
        |job| process(job).command.push("x".to_owned()),
        |job| job.after[0].when = When::Failed,
        |job| job.after.clear(),
    ];
    let job = || after(batch("orders.a"), &["ledger.b"]);
    for edit in next {
        assert_eq!(edited(job(), edit).effect, Effect::NextRun);
    }
    assert_eq!(edited(job(), |job| job.timeout = Some(Duration::from_secs(1))).effect, Effect::None);
    assert_eq!(edited(job(), |job| job.retry.attempts = 9).effect, Effect::None);
}

#[test]
fn a_job_does_not_turn_from_stream_to_batch_or_back() {
    assert_eq!(edited(stream("orders.a"), |job| job.mode = Mode::Batch).effect, Effect::Refused);
    assert_eq!(edited(batch("orders.a"), |job| job.mode = Mode::Stream).effect, Effect::Refused);
}

/// `path: before -> after` for each field.
fn fields(job: Job, edit: Edit) -> String {
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let line = |field: &FieldChange| {
        format!("{}: {} -> {}", field.path, or_none(&field.before), or_none(&field.after))
    };
    edited(job, edit).fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn fields_are_named_as_the_language_names_them() {
    let everything: Edit = |job| {
        process(job).command[2] = "6".to_owned();
        process(job).env.insert("TZ".to_owned(), "UTC".to_owned());
        job.after = after(stream("orders.x"), &["ledger.b"]).after;
        job.retry.backoff.max = Duration::from_secs(300);
        job.timeout = Some(Duration::from_secs(7200));
        job.tags.push("nightly".to_owned());
        job.protect = true;
    };
    insta::assert_snapshot!(fields(batch("orders.a"), everything), @r"
    process.command[2]: 4 -> 6
    process.env[TZ]: nothing -> UTC
    after[ledger.b]: nothing -> met
    retry.backoff: 1s..1m -> 1s..5m
    timeout: nothing -> 2h
    protect: false -> true
    tags[nightly]: nothing -> nightly
    ");
    assert_eq!(fields(stream("orders.a"), |job| job.retry.attempts = 9), "restart.attempts: 3 -> 9");
}

#[test]
fn an_inserted_argument_is_one_change() {
    let insert: Edit = |job| process(job).command.insert(1, "-q".to_owned());
    assert_eq!(fields(stream("orders.a"), insert), "process.command[1]: nothing -> -q");
    let remove: Edit = |job| drop(process(job).command.remove(0));
    assert_eq!(fields(stream("orders.a"), remove), "process.command[0]: tail -> nothing");
}

#[test]
fn what_differs_in_origin_or_order_only_is_unchanged() {
    let job = || after(batch("orders.a"), &["ledger.b", "ledger.c"]);
    let mut wanted = job();
    wanted.after.reverse();
    wanted.origin = None;
    let changes = diff(&recorded(vec![job()]), &plan(vec![wanted]));
    assert!(changes.is_empty());
    assert_eq!(changes.unchanged, 1);
}

/// A tree in which everything happens.
fn busy() -> Changes {
    let mut old = stream("orders.old");
    old.protect = true;
    let before = vec![
        stream("orders.ingest"),
        after(batch("orders.settle"), &["orders.ingest"]),
        batch("orders.same"),
        old,
        after(batch("orders.older"), &["orders.old"]),
    ];
    let mut ingest = stream("orders.ingest");
    process(&mut ingest).command[2] = "6".to_owned();
    process(&mut ingest).files.insert("sql/ingest.sql".to_owned(), "1".to_owned());
    let mut settle = after(batch("orders.settle"), &["orders.ingest"]);
    settle.timeout = Some(Duration::from_secs(7200));
    let wanted = vec![
        after(batch("orders.new"), &["orders.settle"]),
        settle,
        ingest,
        batch("orders.same"),
        batch("ledger.a"),
    ];
    diff(&recorded(before), &plan(wanted))
}

#[test]
fn a_plan_reads_from_upstream_to_downstream_and_removes_backwards() {
    let notes = Notes { heading: Some("14 specs"), drift: Some("none") };
    insta::assert_snapshot!(busy().text(&Style { width: 120, ..Style::default() }, &notes), @"
    Plan for prod @ de9b994   14 specs
    ~ orders.ingest    command[2] 4 → 6, files[sql/ingest.sql] added    restart stateless    pipelines/orders.toml:7
      └ affects 2 downstream: settle, new
    ~ orders.settle    timeout set to 2h                                no restart           pipelines/orders.toml:7
    + orders.new       batch on laptop                                  create               pipelines/orders.toml:7
    + ledger.a         batch on laptop                                  create               pipelines/orders.toml:7
    - orders.older     batch on laptop                                  stop                 pipelines/orders.toml:7
    - orders.old       stream on laptop                                 stop                 pipelines/orders.toml:7
      └ protected: only after `windlass unprotect orders.old`
    = 1 unchanged · drift: none
    2 to change · 2 to create · 2 to stop · 0 lose state · 1 protected touched
    ");
}

#[test]
fn a_narrow_terminal_shows_fewer_fields() {
    let text = busy().text(&Style { width: 60, unicode: false, ..Style::default() }, &Notes::default());
    insta::assert_snapshot!(text, @"
    Plan for prod @ de9b994
    ~ orders.ingest    command[2] 4 -> 6, ... 1 more    restart stateless    pipelines/orders.toml:7
      `- affects 2 downstream: settle, new
    ~ orders.settle    timeout set to 2h                no restart           pipelines/orders.toml:7
    + orders.new       batch on laptop                  create               pipelines/orders.toml:7
    + ledger.a         batch on laptop                  create               pipelines/orders.toml:7
    - orders.older     batch on laptop                  stop                 pipelines/orders.toml:7
    - orders.old       stream on laptop                 stop                 pipelines/orders.toml:7
      `- protected: only after `windlass unprotect orders.old`
    = 1 unchanged
    2 to change | 2 to create | 2 to stop | 0 lose state | 1 protected touched
    ");
}

#[test]
fn a_pull_request_gets_a_table() {
    insta::assert_snapshot!(busy().markdown(&Notes { heading: Some("14 specs"), drift: Some("none") }), @"
    ### Plan for prod @ de9b994

    14 specs

    |   | job | change | effect | where |
    |---|---|---|---|---|
    | <code>~</code> | <code>orders.ingest</code> | <code>command&#91;2&#93; 4 → 6</code><br><code>files&#91;sql/ingest.sql&#93; added</code><br>affects 2 downstream: orders.settle, orders.new | restart stateless | <code>pipelines/orders.toml&#58;7</code> |
    | <code>~</code> | <code>orders.settle</code> | <code>timeout set to 2h</code> | no restart | <code>pipelines/orders.toml&#58;7</code> |
    | <code>+</code> | <code>orders.new</code> | batch on laptop | create | <code>pipelines/orders.toml&#58;7</code> |
    | <code>+</code> | <code>ledger.a</code> | batch on laptop | create | <code>pipelines/orders.toml&#58;7</code> |
    | <code>-</code> | <code>orders.older</code> | batch on laptop | stop | <code>pipelines/orders.toml&#58;7</code> |
    | <code>-</code> | <code>orders.old</code> | stream on laptop | stop **protected** | <code>pipelines/orders.toml&#58;7</code> |

    1 unchanged · drift: none

    **2 to change · 2 to create · 2 to stop · 0 lose state · 1 protected touched**
    ");
}

#[test]
fn hostile_values_reach_neither_terminal_nor_table() {
    let hostile: Edit = |job| {
        process(job).command[0] = "\u{1b}[2J|@all <b>\n\u{202e}".to_owned();
        process(job).env.insert("a|b\u{7}".to_owned(), "`".to_owned());
    };
    let mut changes = busy();
    changes.changes = vec![edited(stream("orders.a"), hostile)];
    let text = changes.text(&Style::default(), &Notes::default());
    let markdown = changes.markdown(&Notes::default());
    for out in [&text, &markdown] {
        assert!(!out.contains(|c| crate::escape::is_hidden(c) && c != '\n'), "{out}");
    }
    let row = markdown.lines().find(|line| line.contains("orders.a")).unwrap();
    assert_eq!(row.matches('|').count(), 6, "{row}");
    assert!(!row.contains("<b>") && !row.contains('@') && !row.contains('`'), "{row}");
}

#[test]
fn markdown_of_many_changes_fits_into_a_comment() {
    let jobs = (0..5000).map(|number| stream(&format!("orders.job-{number}"))).collect();
    let markdown = diff(&Recorded::default(), &plan(jobs)).markdown(&Notes::default());
    assert!(markdown.len() <= 65_000 && markdown.len() > 60_000);
    assert!(markdown.contains("more changes"));
    assert!(markdown.contains("5000 to create"));
}

#[test]
fn changes_read_back_as_they_are_written() {
    let changes = busy();
    let json = serde_json::to_string(&changes).unwrap();
    assert_eq!(serde_json::from_str::<Changes>(&json).unwrap(), changes);
    assert!(json.contains(r#""effect":"restart-stateless""#), "{json}");
}

#[test]
fn counts_tell_what_matters() {
    let expected = Summary { change: 2, create: 2, stop: 2, lose_state: 0, protected: 1, unchanged: 1 };
    assert_eq!(busy().summary(), expected);
}
