//! The proof that each rule is needed: a scenario holds with all rules, and breaks without one. What broke stands in a table
//! of `docs/safety.md`, a row for each.

use crate::project::{for_each_at_once, say};
use crate::table;

/// What a scenario found: nothing, or what must not be.
pub type Verdict = Result<(), String>;

/// A scenario, which is told the name of the rule that is off, or `none`.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// The name of its function.
    pub name: &'static str,
    /// Plays it.
    pub play: fn(&'static str) -> Verdict,
}

/// The scenario of a function.
#[macro_export]
macro_rules! scenario {
    ($play:ident) => {
        $crate::rules::Scenario { name: stringify!($play), play: $play }
    };
}

/// Plays every scenario with all rules, so many at once.
pub fn hold(scenarios: &[(&'static str, Scenario)], at_once: usize) {
    for_each_at_once(scenarios, at_once, |(rule, scenario)| {
        assert_eq!((scenario.play)("none"), Ok(()), "{}, the scenario of {rule}", scenario.name);
    });
}

/// Plays every scenario without its rule, so many at once, and compares what broke with what the table says.
pub fn break_without(scenarios: &[(&'static str, Scenario)], at_once: usize) {
    for_each_at_once(scenarios, at_once, |(rule, scenario)| {
        let broken = (scenario.play)(rule).expect_err(&format!("nobody notices that {rule} is off"));
        say(&format!("without {rule}: {broken}"));
        row(rule, &format!("`{}`", scenario.name), &broken);
    });
}

/// The table says that without a rule this scenario breaks like this.
pub fn row(rule: &str, scenario: &str, broken: &str) {
    table::has_row("docs/safety.md", "rules", &HEAD, &[rule, scenario, broken].map(str::to_owned));
}

/// The rows of the table, as they are.
pub fn rows() -> Vec<Vec<String>> {
    table::rows("docs/safety.md", "rules")
}

const HEAD: [&str; 3] = ["rule off", "scenario", "what broke"];
