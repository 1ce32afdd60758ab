//! What fingers type, in the order and spelling that the parser takes.
//!
//! Two liberties: long flags with one hyphen, as other tools of this trade have them (`-auto-approve`, `-out=x`),
//! and a command's flags in front of the command (`windlass -e prod plan`).

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

/// The long flags that are taken with one hyphen. None of them reads as a cluster of short flags.
const ONE_HYPHEN: &[&str] = &[
    "auto-approve",
    "detailed-exitcode",
    "help",
    "json",
    "lock-timeout",
    "out",
    "refresh-only",
    "var",
    "var-file",
    "version",
];

/// The arguments behind the program's name, straightened out.
pub fn normalize(args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    behind_the_command(with_two_hyphens(args), command)
}

/// What `--color` says, for errors that stop the parser before it could.
pub fn color(args: &[OsString]) -> Option<&str> {
    let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let attached = texts.iter().find_map(|text| text.strip_prefix("--color="));
    let apart = || texts.iter().position(|text| *text == "--color").and_then(|at| texts.get(at + 1).copied());
    attached.or_else(apart)
}

fn with_two_hyphens(args: Vec<OsString>) -> Vec<OsString> {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let straighten = |(at, arg): (usize, OsString)| if at < end { doubled(arg) } else { arg };
    args.into_iter().enumerate().map(straighten).collect()
}

fn doubled(arg: OsString) -> OsString {
    let name = arg.to_str().and_then(|text| text.strip_prefix('-')).map(|text| text.split('=').next());
    match name {
        Some(Some(name)) if ONE_HYPHEN.contains(&name) => {
            let mut long = OsString::from("-");
            long.push(&arg);
            long
        }
        _ => arg,
    }
}

/// Moves flags that stand in front of the command behind it. Flags that every command takes may stay.
fn behind_the_command(mut args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if !args.first().is_some_and(|first| is_flag(first)) {
        return args;
    }
    let mut at = 0;
    while args.get(at).is_some_and(|arg| is_flag(arg)) {
        at += if takes_next(command, &args[at]) { 2 } else { 1 };
    }
    if args.get(at).is_some_and(|name| command.find_subcommand(name).is_some()) {
        let subcommand = args.remove(at);
        args.insert(0, subcommand);
    }
    args
}

fn is_flag(arg: &OsStr) -> bool {
    arg.to_str().is_some_and(|text| text.len() > 1 && text.starts_with('-') && text != "--")
}

/// Whether the argument behind this flag is its value.
fn takes_next(command: &Command, flag: &OsStr) -> bool {
    let Some(text) = flag.to_str() else { return false };
    if text.contains('=') {
        return false;
    }
    let takes_value = |arg: &Arg| arg.get_action().takes_values();
    flag_of(command, text).is_some_and(takes_value)
}

/// The flag as some command declares it; of several short ones, the last.
fn flag_of<'a>(command: &'a Command, text: &str) -> Option<&'a Arg> {
    let mut all = command.get_arguments().chain(command.get_subcommands().flat_map(Command::get_arguments));
    match text.strip_prefix("--") {
        Some(long) => all.find(|arg| arg.get_long() == Some(long)),
        // `-eprod` carries its value.
        None if text.len() == 2 => all.find(|arg| arg.get_short() == text.chars().nth(1)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(line: &str) -> String {
        let env = Arg::new("env").short('e').long("env");
        let json = Arg::new("json").long("json").action(clap::ArgAction::SetTrue);
        let plan = Command::new("plan").arg(env).arg(json);
        let command = Command::new("windlass").subcommand(plan).arg(Arg::new("directory").short('C'));
        let args = line.split(' ').map(OsString::from).collect();
        let args = normalize(args, &command).into_iter().map(|arg| arg.into_string().unwrap());
        args.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn long_flags_are_taken_with_one_hyphen() {
        for (typed, meant) in [
            ("apply -auto-approve", "apply --auto-approve"),
            ("plan -out=x -detailed-exitcode", "plan --out=x --detailed-exitcode"),
            ("plan -out x", "plan --out x"),
            ("plan --out x -qq -e prod", "plan --out x -qq -e prod"),
            ("run -- -out", "run -- -out"),
            ("validate -", "validate -"),
        ] {
            assert_eq!(normalized(typed), meant);
        }
    }

    #[test]
    fn flags_may_stand_in_front_of_the_command() {
        for (typed, meant) in [
            ("-e prod plan", "plan -e prod"),
            ("-e plan plan", "plan -e plan"),
            ("--env=prod --json plan .", "plan --env=prod --json ."),
            ("-eprod plan", "plan -eprod"),
            ("-C dir -q plan", "plan -C dir -q"),
            ("--nonsense plan", "plan --nonsense"),
            ("-e prod", "-e prod"),
            ("-e", "-e"),
            ("plan -e prod", "plan -e prod"),
        ] {
            assert_eq!(normalized(typed), meant);
        }
    }

    #[test]
    fn colour_is_known_before_anything_is_parsed() {
        let color_of = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            color(&args).map(str::to_owned)
        };
        assert_eq!(color_of("plan --color never --x").as_deref(), Some("never"));
        assert_eq!(color_of("plan --color=always").as_deref(), Some("always"));
        assert_eq!(color_of("plan --color"), None);
    }
}
