//! How jobs come to their goals, as it happens: a table drawn in place on a terminal, one line a change elsewhere.
//!
//! Is shown rows and knows nothing of where they come from.

mod layout;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use windlass_compiler::escape::visible;
use windlass_compiler::style::Style;
use windlass_core::state::Name;

use super::console::Console;
use super::time::clock;

/// One instance as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub instance: String,
    /// Where it is.
    pub state: Name,
    /// What there is to say about it, such as what it waits for.
    pub detail: String,
    /// Since when it is there.
    pub since: Option<Timestamp>,
}

/// Progress on its way to a terminal, or to a log.
pub struct Progress {
    console: Console,
    zone: TimeZone,
    began: Timestamp,
    live: Option<Live>,
    /// What was last said of each instance: its state, and of a pause before a new attempt since when.
    said: BTreeMap<String, (Name, Option<Timestamp>)>,
}

/// A table that is drawn in place, and only when it has changed.
struct Live {
    table: ProgressBar,
    drawn: Option<(Instant, String)>,
}

/// The least time between two drawings. What comes sooner is drawn with whatever is shown next.
const PAUSE: Duration = Duration::from_millis(80);

impl Progress {
    /// Progress that began now, on this console. Quiet consoles show none.
    pub fn new(console: &Console, now: Timestamp) -> Self {
        let live = console.is_live().then(|| Live::new(console));
        let zone = TimeZone::system();
        Self { console: console.clone(), zone, began: now, live, said: BTreeMap::new() }
    }

    /// Shows where everything is. Call it upon every change, and every half a second or so for the ages.
    pub fn show(&mut self, rows: &[Row], now: Timestamp) {
        match &mut self.live {
            Some(live) => live.draw(rows, self.console.note_style(), self.began, now),
            None => self.say(rows, now),
        }
    }

    /// Takes the table away; what was told line by line stays. Showing again begins anew.
    pub fn finish(&mut self) {
        if let Some(live) = &mut self.live {
            live.table.finish_and_clear();
            live.table.reset();
            live.drawn = None;
        }
    }

    fn say(&mut self, rows: &[Row], now: Timestamp) {
        for row in rows {
            let news = news(row);
            if self.said.get(&row.instance) != Some(&news) {
                self.console.note(&self.line(row, now));
                self.said.insert(row.instance.clone(), news);
            }
        }
    }

    /// `02:00:07 orders.totals running`.
    fn line(&self, row: &Row, now: Timestamp) -> String {
        let at = clock(row.since.unwrap_or(now), &self.zone);
        let detail = visible(&row.detail);
        let state = row.state;
        format!(
            "{at} {} {state}{}{detail}",
            visible(&row.instance),
            if detail.is_empty() {
                ""
            } else if detail.starts_with("for ") {
                " "
            } else {
                ": "
            }
        )
    }
}

/// What is worth a line: a state of its own, or a new pause. What its upstreams do is said on their lines.
fn news(row: &Row) -> (Name, Option<Timestamp>) {
    (row.state, row.since.filter(|_| row.state == Name::Waiting))
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.live.is_some() {
            self.finish();
            self.console.notes().above(None);
        }
    }
}

impl Live {
    fn new(console: &Console) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(u8::MAX));
        let style = ProgressStyle::with_template("{msg}").expect("a template of one key is well formed");
        let table = bars.add(ProgressBar::new_spinner().with_style(style));
        console.notes().above(Some(bars));
        Self { table, drawn: None }
    }

    fn draw(&mut self, rows: &[Row], style: &Style, began: Timestamp, now: Timestamp) {
        let height = Console::height().unwrap_or(24);
        let text = layout::lines(rows, style, height, began, now).join("\n");
        if self.drawn.as_ref().is_none_or(|(at, last)| *last != text && at.elapsed() >= PAUSE) {
            self.table.set_message(text.clone());
            self.drawn = Some((Instant::now(), text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{ColorChoice, Verbosity};

    #[test]
    fn a_line_says_when_who_and_where() {
        let now: Timestamp = "2026-11-22T02:00:07Z".parse().unwrap();
        let console =
            Console::of_process(ColorChoice::Never, &Verbosity { quiet: 1, ..Verbosity::default() });
        let mut progress = Progress::new(&console, now);
        progress.zone = TimeZone::UTC;
        let row = |detail: &str, since| Row {
            instance: "orders.totals".to_owned(),
            state: Name::Running,
            detail: detail.to_owned(),
            since,
        };
        assert_eq!(progress.line(&row("", None), now), "02:00:07 orders.totals running");
        let since = "2026-11-22T01:59:00Z".parse().ok();
        assert_eq!(
            progress.line(&row("attempt 2\u{1b}", since), now),
            "01:59:00 orders.totals running: attempt 2\\u{1b}"
        );
    }
}
