use super::*;
use crate::seed::{Random, seed};

/// A history, a line for each operation: who, from, to, and what. A version is its counter and a letter for its
/// write, `-` is absent: `- makes 1a`, `reads 1a`, `1a is 2b` (refused), `1a perhaps 2c`.
fn history(text: &str) -> Vec<Operation> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(operation).collect()
}

fn operation(line: &str) -> Operation {
    let words: Vec<_> = line.split_whitespace().collect();
    let what = match words[3..] {
        ["reads", found] => What::Read(state(found)),
        [expect, "makes", made] => What::Done { expect: state(expect), made: state(made).unwrap() },
        [expect, "is", found] => What::Conflict { expect: state(expect), found: state(found) },
        [expect, "perhaps", made] => What::Unknown { expect: state(expect), op: state(made).unwrap().op },
        _ => panic!("{line}"),
    };
    Operation {
        who: words[0].to_owned(),
        from: words[1].parse().unwrap(),
        to: words[2].parse().unwrap_or(u64::MAX),
        what,
    }
}

fn state(text: &str) -> State {
    let (counter, op) = text.split_at_checked(text.len() - 1)?;
    let op = OpId(u128::from_str_radix(op, 16).ok()?);
    Some(Version { counter: counter.parse().unwrap(), op })
}

#[track_caller]
fn explained(text: &str) {
    if let Err(violation) = check(None, &history(text)) {
        panic!("{violation}");
    }
}

/// The operations that are reported, by who did them.
#[track_caller]
fn refused(text: &str) -> Vec<String> {
    let violation = check(None, &history(text)).expect_err("no order explains this");
    violation.operations.into_iter().map(|operation| operation.who).collect()
}

#[test]
fn nothing_is_explained() {
    explained("");
}

#[test]
fn one_after_the_other_is_explained() {
    explained(
        "a 0 1 reads -
         a 2 3 - makes 1a
         b 4 5 reads 1a
         b 6 7 1a makes 2b
         a 8 9 1a is 2b",
    );
}

#[test]
fn what_overlaps_may_have_happened_in_either_order() {
    for read in ["-", "1a", "2b"] {
        explained(&format!("a 0 9 - makes 1a\nb 0 9 1a makes 2b\nc 0 9 reads {read}"));
    }
}

#[test]
fn a_read_of_what_was_overwritten_before_it_began_is_refused() {
    let who = refused(
        "other 0 1 - makes 1a
         writer 2 3 1a makes 2b
         idle 3 4 reads 2b
         reader 5 6 reads 1a
         idle 7 8 reads 2b",
    );
    assert_eq!(who, ["other", "writer", "reader"]);
}

#[test]
fn two_that_replace_the_same_version_are_a_lost_update() {
    let who = refused(
        "first 0 1 - makes 1a
         x 2 9 1a makes 2b
         y 2 9 1a makes 2c",
    );
    assert_eq!(who, ["first", "x", "y"]);
}

#[test]
fn two_reads_may_not_go_back_in_time() {
    let who = refused(
        "w 0 1 - makes 1a
         x 2 20 1a makes 2b
         y 3 4 reads 2b
         z 5 6 reads 1a",
    );
    assert_eq!(who, ["w", "x", "y", "z"]);
}

#[test]
fn a_write_that_was_answered_and_is_gone_is_refused() {
    // What a fail-over to a stale replica does.
    assert_eq!(refused("w 0 1 - makes 1a\nr 2 3 reads -"), ["w", "r"]);
}

#[test]
fn a_counter_that_comes_again_with_another_write_is_refused() {
    let who = refused(
        "w 0 1 - makes 1a
         x 2 3 1a makes 2b
         y 4 5 1a makes 2c
         r 6 7 reads 2c",
    );
    assert_eq!(who, ["w", "x", "y"]);
}

#[test]
fn a_conflict_with_what_was_expected_is_refused() {
    assert_eq!(refused("w 0 1 - makes 1a\nx 2 3 1a is 1a"), ["w", "x"]);
}

#[test]
fn a_counter_that_jumps_is_refused() {
    assert_eq!(refused("w 0 1 - makes 1a\nx 2 3 1a makes 3b"), ["w", "x"]);
}

#[test]
fn an_unknown_write_may_have_been_done_or_not() {
    explained("w 0 1 - makes 1a\nx 2 ? 1a perhaps 2b\nr 4 5 reads 1a");
    explained("w 0 1 - makes 1a\nx 2 ? 1a perhaps 2b\nr 4 5 reads 2b");
}

#[test]
fn an_unknown_write_may_arrive_late() {
    explained(
        "x 0 ? - perhaps 1a
         r 2 3 reads -
         r 100 101 reads 1a",
    );
}

#[test]
fn an_unknown_write_is_not_undone() {
    let who = refused(
        "x 0 ? - perhaps 1a
         r 2 3 reads 1a
         s 4 5 reads -",
    );
    assert_eq!(who, ["x", "r", "s"]);
}

#[test]
fn an_unknown_write_is_not_done_before_it_was_asked_for() {
    assert_eq!(refused("r 0 1 reads 1a\nx 2 ? - perhaps 1a"), ["r"]);
}

#[test]
fn the_report_says_what_happened_and_how_far_it_can_be_explained() {
    let violation =
        check(None, &history("w 0 1 - makes 1a\nx 2 9 1a makes 2b\nr 10 11 reads 1a")).unwrap_err();
    insta::assert_snapshot!(violation, @"
    no order of these operations explains their answers; before them: absent
       1. w                  0 to 1         makes 1-a of absent
       2. x                  2 to 9         makes 2-b of 1-a
       3. r                 10 to 11        reads 1-a
      the longest order is 1, 2; the record is then 2-b, and no operation that must come next agrees
    ");
}

#[test]
fn records_are_judged_one_by_one_and_named() {
    let history = History::default();
    for key in ["good", "bad"] {
        let made = Version { counter: 1, op: OpId(7) };
        history.record(key, "w", history.now(), What::Done { expect: None, made });
    }
    std::thread::sleep(std::time::Duration::from_millis(1));
    history.record("bad", "r", history.now(), What::Read(None));
    let violations = history.violations();
    assert!(violations.len() == 1 && violations[0].starts_with("bad: "), "{violations:#?}");
    assert_eq!(history.len(), 3);
}

/// What clients of a register see that is read and written at random moments between their calls and answers.
fn possible(random: &mut Random, clients: u64, operations: u64, spread: u64) -> Vec<Operation> {
    let mut busy = vec![0; usize::try_from(clients).unwrap()];
    let (mut state, mut now, mut history) = (None, 0, Vec::new());
    for number in 1..=operations {
        // Effects are drawn in their order; each call is before and each answer behind.
        now += random.below(10) + 1;
        let who = usize::try_from(random.below(clients)).unwrap();
        let from = busy[who].max(now.saturating_sub(random.below(spread)));
        let (from, to) = (from.min(now), now + random.below(spread));
        if busy[who] > now {
            continue;
        }
        busy[who] = to + 1;
        let what = act(random, &mut state, OpId(number.into()));
        history.push(Operation { who: who.to_string(), from, to, what });
    }
    history
}

fn act(random: &mut Random, state: &mut State, op: OpId) -> What {
    let stale = state.and_then(|version| version.counter.checked_sub(1)).filter(|counter| *counter > 0);
    let stale = stale.map(|counter| Version { counter, op: OpId(0xdead) });
    match (random.below(5), *state) {
        (0 | 1, found) => What::Read(found),
        (2, found) if stale.is_some() => What::Conflict { expect: stale, found },
        (3, expect) if random.below(3) == 0 => {
            if random.below(2) == 0 {
                *state = Some(next(expect, op));
            }
            What::Unknown { expect, op }
        }
        (_, expect) => {
            let made = next(expect, op);
            *state = Some(made);
            What::Done { expect, made }
        }
    }
}

#[test]
fn whatever_a_register_can_do_is_explained() {
    let mut random = Random::new(seed());
    for _ in 0..200 {
        let history = possible(&mut random, 6, 200, 40);
        if let Err(violation) = check(None, &history) {
            panic!("{violation}");
        }
    }
}

#[test]
fn one_stale_read_in_a_long_history_is_reported_with_few_others() {
    let mut random = Random::new(seed());
    let mut history = possible(&mut random, 6, 500, 40);
    let first = history.iter().map(|operation| operation.what).find(|what| !what.changes_nothing());
    let Some(What::Done { expect, .. } | What::Unknown { expect, .. }) = first else { panic!("a write") };
    let now = history.iter().map(|operation| operation.to).max().unwrap() + 1;
    history.push(Operation { who: "late".to_owned(), from: now, to: now, what: What::Read(expect) });
    let violation = check(None, &history).unwrap_err();
    assert!(violation.operations.len() <= 4, "{violation}");
    assert_eq!(violation.operations.last().unwrap().who, "late");
}

#[test]
fn the_search_agrees_with_trying_every_order() {
    let mut random = Random::new(seed());
    let mut verdicts = [0; 2];
    for _ in 0..3000 {
        let mut history = possible(&mut random, 4, 6, 12);
        (0..random.below(6)).for_each(|_| disturb(&mut random, &mut history));
        let expected = any_order(None, &history);
        let found = check(None, &history);
        assert_eq!(found.is_ok(), expected, "{history:#?}");
        verdicts[usize::from(expected)] += 1;
        if let Err(violation) = found {
            assert!(!any_order(None, &violation.operations), "the report is no violation: {violation}");
        }
    }
    assert!(verdicts.iter().all(|count| *count > 300), "both verdicts have to be frequent: {verdicts:?}");
}

/// Gives one operation the times or the outcome of another. There is at least one.
fn disturb(random: &mut Random, history: &mut [Operation]) {
    let mut any = || usize::try_from(random.below(history.len() as u64)).unwrap_or(0);
    let (one, other) = (any(), any());
    if random.below(2) == 0 {
        let (from, to) = (history[other].from, history[other].to);
        (history[one].from, history[one].to) = (from, to);
    } else if let (What::Read(_), What::Done { made, .. }) = (history[one].what, history[other].what) {
        history[one].what = What::Read(Some(made));
    }
}

/// Whether any order of all known and some unknown operations is right, by trying them all.
fn any_order(state: State, left: &[Operation]) -> bool {
    if left.iter().all(|operation| !operation.what.is_known()) {
        return true;
    }
    (0..left.len()).any(|index| {
        let mut rest = left.to_vec();
        let operation = rest.remove(index);
        let first = rest.iter().all(|other| operation.from <= other.last());
        first && operation.what.follows(state).is_some_and(|state| any_order(state, &rest))
    })
}
