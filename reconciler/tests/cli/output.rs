//! Where output goes and how it looks: streams, colours, pipes that are closed.

use std::fs::File;
use std::process::Stdio;

use super::invocation::Place;

const BROKEN: &str = "version = 1\nproject = \"x\"\nnonsense = 1\n";

#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::with(&[("windlass.toml", BROKEN)]);
    for args in [&["explain"][..], &["--help"], &["version"], &["validate"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.as_ref()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Place::new().command(&["version"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.starts_with("error: the output cannot be written\n  because: "), "{err}");
}

#[test]
fn nobody_listening_to_notes_changes_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Place::new().command(&["validate"]).stderr(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn colours_are_used_where_they_are_wanted() {
    let place = Place::with(&[("windlass.toml", BROKEN)]);
    for (args, variables, colored) in [
        (&["validate"][..], &[][..], false),
        (&["validate", "--color", "always"], &[], true),
        (&["validate", "--color=always"], &[("NO_COLOR", "1")], true),
        (&["validate"], &[("CLICOLOR_FORCE", "1")], true),
        (&["validate"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&["validate", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["--help"], &[("CLICOLOR_FORCE", "1")], true),
        (&["--help"], &[], false),
    ] {
        let ended = place.run_with(args, variables);
        assert_eq!(ended.out.contains('\u{1b}'), colored, "{args:?} {variables:?}");
    }
}

#[test]
fn what_a_spec_says_cannot_move_the_cursor() {
    let hostile =
        format!("{BROKEN}\"\u{1b}]0;owned\u{7}\u{202e}\" = 1\n").replace("nonsense", "\"\\u001b[2J\"");
    let place = Place::with(&[("windlass.toml", &hostile)]);
    for format in ["text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown"] {
        let ended = place.run(&["validate", "--format", format]);
        assert_eq!(ended.code, 1, "{format}");
        let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!ended.out.contains(hidden) && !ended.err.contains(hidden), "{format}: {:?}", ended.out);
    }
}

#[test]
fn quiet_leaves_out_hints_and_keeps_results() {
    let place = Place::new();
    let ended = place.run(&["init", "-q", "shop"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.contains("wrote shop/windlass.toml"));
}

#[test]
fn warnings_are_told_until_nobody_wants_them() {
    let spec = "version = 1\nproject = \"shop\"\n\n[template.idle]\nmode = \"batch\"\n";
    let place = Place::with(&[("windlass.toml", spec)]);
    for (quiet, told) in [(&[][..], true), (&["-q"], true), (&["-qq"], false)] {
        let ended = place.run(&[&["graph"], quiet].concat());
        assert_eq!((ended.code, ended.err.contains("warning[WL0508]")), (0, told), "{quiet:?}: {ended:?}");
    }
}
