//! What help says.

use insta::assert_snapshot;

use super::invocation::Place;

#[test]
fn the_overview_groups_commands() {
    assert_snapshot!(Place::new().run(&["--help"]).story(), @"
    Brings the jobs on your clusters to their specs, and keeps them there

    Usage: windlass [OPTIONS] <COMMAND>

    Write and check specs:
      init          Write a small spec that runs on this machine
      validate      Find every mistake in a spec, offline
      render        Show what a spec means, with all layers and references resolved
      graph         Draw the jobs and what they wait for
      explain       Explain a diagnostic, with an example of the mistake

    Change what should be:
      plan          Show what apply would change
      show          Show a saved plan again, in any form
      apply         Bring what runs to the specs, or to a saved plan
      destroy       Stop jobs and remove them from the project
      drift         Show what differs from what was applied
      applies       List applies, and go on with or give up an interrupted one

    See what is:
      status        Show what is: every job's state, since when, and why
      wait          Wait until jobs have reached their goals, or can't
      logs          Show what a job printed; -f follows it
      history       Show what happened to jobs, and who asked for what
      events        Show everything that happens, in order, as it comes
      why           Say why a job is in its state, and what it waits for

    Operate jobs:
      run           Run a pipeline's batches now
      stop          Stop jobs; they stay stopped until they are started
      start         Start jobs that were stopped or have failed
      restart       Replace what runs by a new attempt
      retry         Try again what has failed or is lost
      suspend       Stop jobs for a while; what waits for them goes on waiting
      resume        Go on with jobs that were suspended

    Own jobs:
      protect       Refuse the removal of jobs
      unprotect     Allow the removal of jobs again
      forget        Take jobs out of the project and leave what runs alone

    Keep it true:
      reconcile     Keep what runs as it is wanted, until told to end
      lease         Show who owns which part of the work, or take it over
      simulate      Rehearse faults on simulated clusters, without effects

    About this program:
      completions   Print the completions of a shell
      version       Show the version

    Global options:
      -C <DIR>            Work as if started in DIR
          --color <WHEN>  Colours: auto, always or never
      -q, --quiet...      Leave out progress and hints; -qq: warnings too
      -v, --verbose...    Log what is done; -vv, -vvv: more (or WINDLASS_LOG=debug)
          --no-input      Never ask; fail where an answer would be needed
      -h, --help          Print help
      -V, --version       Print version

    Examples:
      windlass init hello && cd hello    a spec that runs on this machine
      windlass validate                  find every mistake, offline
      windlass plan                      see what apply would change
      windlass apply                     change it, and watch the jobs come up
      windlass status                    see what runs

    Exit codes: 0 done, 1 error, 2 differs, 3 refused, 4 stale, 5 partial,
    6 not converged, 7 busy, 8 denied, 64 usage, 70 defect.
    `windlass COMMAND --help` says more.
    --- stderr
    --- exit 0
    ");
}

#[test]
fn a_command_shows_its_flags_and_examples() {
    assert_snapshot!(Place::new().run(&["validate", "--help"]).story(), @"
    Find every mistake in a spec, offline

    Usage: windlass validate [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Trees or single files; `-` is standard input [default: the tree
                 around the current folder]

    Options:
      -D, --deny <CODE|warnings>  Treat a warning, or all `warnings`, as an error;
                                  repeatable
      -A, --allow <CODE>          Leave out a warning; repeatable
          --fix                   Apply the fixes that surely keep the meaning
          --diff                  With --fix: show the changes instead of writing
                                  them
          --changed-since <REF>   Only what touches a file that is not as it was at
                                  this git revision
      -h, --help                  Print help

    Spec options:
      -e, --env <NAME>        The environment
          --var <NAME=VALUE>  Give a param a value (also WINDLASS_VAR_NAME)
          --var-file <FILE>   Give params values from a TOML file

    Output options:
          --format <FORMAT>       The form of the result on standard output
          --json                  The same as --format json
          --report <FORMAT=FILE>  Write the result to a file as well, in a form of
                                  its own; repeatable

    Global options:
      -C <DIR>            Work as if started in DIR
          --color <WHEN>  Colours: auto, always or never
      -q, --quiet...      Leave out progress and hints; -qq: warnings too
      -v, --verbose...    Log what is done; -vv, -vvv: more (or WINDLASS_LOG=debug)
          --no-input      Never ask; fail where an answer would be needed

    Formats: text, concise, json, sarif, github, gitlab, junit, markdown.

    Examples:
      windlass validate                       the tree around the current folder
      windlass validate specs/shop -e prod    one environment instead of every one
      windlass validate --deny warnings --report sarif=windlass.sarif
      windlass validate --fix --diff          show what --fix would change
      windlass validate --changed-since main  only what this branch has touched
      make-spec | windlass validate -         a spec from standard input

    Exit codes: 0 valid, 1 not valid, 64 usage.
    --- stderr
    --- exit 0
    ");
}

#[test]
fn every_command_explains_itself() {
    let overview = Place::new().run(&["--help"]).out;
    let commands = overview
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with([' ', '-']));
    let commands: Vec<&str> =
        commands.map_while(|line| line.split(' ').next()).filter(|name| *name != "windlass").collect();
    assert!(commands.contains(&"validate"));
    for command in commands {
        let ended = Place::new().run(&[command, "--help"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}");
        assert!(ended.out.contains(&format!("Usage: windlass {command}")), "{command}: {}", ended.out);
    }
}

#[test]
fn a_command_names_the_formats_that_it_has() {
    let place = Place::new();
    place.write("windlass.toml", "version = 1\nproject = \"p\"\n");
    let commands =
        ["validate", "plan", "show", "apply", "destroy", "drift", "status", "why", "history", "render"];
    for command in commands {
        let missing = if command == "history" { "sarif" } else { "jsonl" };
        let ended = place.run(&[command, "x.y", "--format", missing]);
        let has = ended.err.lines().find_map(|line| line.strip_prefix("hint: it has "));
        let has = has.unwrap_or_else(|| panic!("{command}: {}", ended.err));
        let help = place.run(&[command, "--help"]).out;
        assert!(help.contains(&format!("Formats: {has}.\n")), "{command} has {has}:\n{help}");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = Place::new().run(&["completions", shell]);
        assert!(ended.code == 0 && ended.out.contains("validate"), "{shell}");
    }
}

#[test]
fn every_diagnostic_is_listed_and_explained() {
    let place = Place::new();
    let list = place.run(&["explain"]).out;
    let codes: Vec<&str> = list.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert!(codes.len() > 50, "{list}");
    for code in [codes[0], codes[codes.len() - 1]] {
        assert!(place.run(&["explain", &code.to_lowercase()]).out.contains(code));
    }
}
