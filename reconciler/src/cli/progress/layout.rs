//! The live table: which rows are worth the room, and the line that counts the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use windlass_compiler::style::Style;
use windlass_core::state::Name;

use super::Row;
use crate::cli::paint::{of_state, paint};
use crate::cli::table::{Cell, Table};
use crate::cli::time::age;

/// The most rows, however tall the terminal is: a table that fills the screen is not read.
const TALLEST: usize = 20;
/// The lines that are left to whatever stands above.
const MARGIN: usize = 4;

/// The lines of the table: rows in the given order, as many as fit, those that need attention first among them,
/// and a last line with the count of each state.
pub(super) fn lines(
    rows: &[Row],
    style: &Style,
    height: usize,
    began: Timestamp,
    now: Timestamp,
) -> Vec<String> {
    let room = height.saturating_sub(MARGIN).clamp(1, TALLEST);
    let mut table = Table::new([]);
    for row in worth_showing(rows, room) {
        let since = row.since.map(|since| age(now.duration_since(since))).unwrap_or_default();
        let state = Cell::new(row.state.to_string(), of_state(row.state));
        table.row([(&row.instance).into(), state, since.into(), (&row.detail).into()]);
    }
    let mut lines = table.lines(style);
    lines.push(summary(rows, rows.len().saturating_sub(room), style, &age(now.duration_since(began))));
    lines
}

/// The `room` most urgent rows, in their order.
fn worth_showing(rows: &[Row], room: usize) -> impl Iterator<Item = &Row> {
    let mut chosen: Vec<usize> = (0..rows.len()).collect();
    chosen.sort_by_key(|at| Reverse(urgency(rows[*at].state)));
    chosen.truncate(room);
    chosen.sort_unstable();
    chosen.into_iter().map(|at| &rows[at])
}

fn urgency(state: Name) -> u8 {
    match state {
        Name::Failed | Name::Lost | Name::Unknown => 4,
        Name::Submitting | Name::Stopping | Name::Degraded => 3,
        Name::Running => 2,
        Name::Waiting => 1,
        Name::Succeeded | Name::Skipped | Name::Stopped | Name::Suspended => 0,
    }
}

/// `2 running · 1 waiting · 12 not shown · 42s`.
fn summary(rows: &[Row], hidden: usize, style: &Style, elapsed: &str) -> String {
    let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.state).or_default() += 1;
    }
    let count = |(state, count): (&Name, &usize)| paint(style, of_state(*state), &format!("{count} {state}"));
    let hidden = (hidden > 0).then(|| format!("{hidden} not shown"));
    let parts: Vec<String> = counts.iter().map(count).chain(hidden).chain([elapsed.to_owned()]).collect();
    parts.join(if style.unicode { " · " } else { " | " })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(instance: &str, state: Name, detail: &str) -> Row {
        let since = Some("2026-11-22T02:00:00Z".parse().unwrap());
        Row { instance: instance.to_owned(), state, detail: detail.to_owned(), since }
    }

    fn drawn(rows: &[Row], height: usize) -> String {
        let (began, now) = ("2026-11-22T01:59:30Z".parse().unwrap(), "2026-11-22T02:00:42Z".parse().unwrap());
        lines(rows, &Style { width: 60, ..Style::default() }, height, began, now).join("\n")
    }

    #[test]
    fn a_table_ends_in_a_count_of_states() {
        let rows = [
            row("orders.totals", Name::Running, ""),
            row("orders.settle@2026-11-22T02:00Z", Name::Waiting, "for orders.totals"),
        ];
        insta::assert_snapshot!(drawn(&rows, 24), @r"
        orders.totals                    running  42s
        orders.settle@2026-11-22T02:00Z  waiting  42s  for orders.t…
        1 waiting · 1 running · 1m12s
        ");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_urgent_stays() {
        let rows = [
            row("p.a", Name::Succeeded, ""),
            row("p.b", Name::Waiting, ""),
            row("p.c", Name::Failed, "exit 1"),
            row("p.d", Name::Running, ""),
        ];
        insta::assert_snapshot!(drawn(&rows, 6), @r"
        p.c  failed   42s  exit 1
        p.d  running  42s
        1 waiting · 1 running · 1 succeeded · 1 failed · 2 not shown · 1m12s
        ");
    }
}
