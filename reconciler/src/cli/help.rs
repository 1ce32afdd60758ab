//! The overview of all commands, in groups that follow a user's day.

use std::fmt::Write as _;

use clap::Command;

/// Every command, once, under a heading.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("Write and check specs", &["init", "validate", "render", "graph", "explain"]),
    ("Change what should be", &["plan", "show", "apply", "destroy", "drift", "applies"]),
    ("See what is", &["status", "wait", "logs", "history", "events", "why"]),
    ("Operate jobs", &["run", "stop", "start", "restart", "retry", "suspend", "resume"]),
    ("Own jobs", &["protect", "unprotect", "forget"]),
    ("Keep it true", &["reconcile", "lease", "simulate"]),
    ("About this program", &["completions", "version"]),
];

/// What stands below every overview.
pub const AFTER: &str = "\
Examples:
  windlass init hello && cd hello    a spec that runs on this machine
  windlass validate                  find every mistake, offline
  windlass plan                      see what apply would change
  windlass apply                     change it, and watch the jobs come up
  windlass status                    see what runs

Exit codes: 0 done, 1 error, 2 differs, 3 refused, 4 stale, 5 partial,
6 not converged, 7 busy, 8 denied, 64 usage, 70 defect.
`windlass COMMAND --help` says more.
";

/// The column behind the names.
const NAMES: usize = 14;

/// The parser with its overview in groups instead of one list.
pub fn grouped(command: Command) -> Command {
    let list = list(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Global options:\n{{options}}{{after-help}}"
    ))
}

fn list(command: &Command) -> String {
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let found: Vec<&Command> = names.iter().filter_map(|name| command.find_subcommand(name)).collect();
        if found.is_empty() {
            continue;
        }
        writeln!(text, "{heading}:").expect("a string takes all text");
        for command in found {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            writeln!(text, "  {:<NAMES$}{about}", command.get_name()).expect("a string takes all text");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_stands_in_one_group() {
        let command = crate::cli::command();
        let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let unique: BTreeSet<&str> = grouped.iter().copied().collect();
        assert_eq!(unique.len(), grouped.len(), "a command stands in two groups");
        for command in visible {
            assert!(unique.contains(command.get_name()), "{} stands in no group", command.get_name());
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && about.len() <= 64, "{}: {about:?}", command.get_name());
        }
    }

    #[test]
    fn examples_fit_into_eighty_columns() {
        for command in crate::cli::command().get_subcommands() {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in examples.lines() {
                assert!(line.len() <= 80, "{}: {line}", command.get_name());
            }
        }
    }
}
