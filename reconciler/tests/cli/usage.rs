//! Mistyped command lines: never the exit code of a result.

use super::invocation::Place;

#[test]
fn a_mistyped_command_line_ends_with_64_and_prints_no_result() {
    for args in [
        &[][..],
        &["nonsense"],
        &["validate", "--nonsense"],
        &["validate", "--format", "pdf"],
        &["validate", "--format", "jsonl"],
        &["validate", "--json", "--format", "text"],
        &["validate", "--report", "sarif"],
        &["validate", "--diff"],
        &["validate", "-D", "WL9999"],
        &["validate", "-A", "WL0101"],
        &["validate", "--var", "novalue"],
        &["validate", "a", "b", "--json"],
        &["graph", "-s", "label:x"],
        &["graph", "--format", "text"],
        &["version", "--env", "prod"],
        &["version", "--color", "sometimes"],
        &["wait", "--no-wait"],
        &["applies", "resume", "--no-wait"],
        &["reconcile", "--timeout", "1s"],
        &["apply", "--on-stale", "replan"],
        &["stop", "-x", "orders"],
        &["logs", "-x", "orders"],
        &["drift", "-s", "label:x"],
        &["apply", "--on-error", "stop", "--no-wait"],
        &["apply", "--report", "junit=x.xml"],
        &["completions", "cobol"],
        &["init", "--project", "Not A Name"],
    ] {
        let ended = Place::new().run(args);
        assert_eq!((ended.code, ended.out.as_str()), (64, ""), "{args:?}: {}", ended.err);
        assert!(!ended.err.is_empty(), "{args:?}");
    }
}

#[test]
fn an_unreadable_log_level_is_a_mistyped_command_line() {
    assert_eq!(Place::new().run_with(&["version"], &[("WINDLASS_LOG", "windlass=loudly")]).code, 64);
}

#[test]
fn other_spellings_of_flags_are_taken() {
    let place = Place::new();
    for args in [
        &["-json", "version"][..],
        &["version", "-json"],
        &["--json", "version"],
        &["-C", ".", "version", "--json"],
        &["version", "-C", ".", "--json"],
    ] {
        let ended = place.run(args);
        assert!(ended.out.starts_with("{\n  \"name\": \"windlass\""), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_near_miss_is_answered_with_what_was_meant() {
    let place = Place::new();
    assert!(place.run(&["vaildate"]).err.contains("'validate'"));
    assert!(place.run(&["explain", "WL010l"]).err.contains("did you mean `WL0101`?"));
    assert!(place.run(&["explain", "unknown-kay"]).err.contains("did you mean `unknown-key`?"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let ended = Place::new().run(&["-C", "nowhere", "version"]);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert!(ended.err.starts_with("error: cannot work in `nowhere`\n  because: "), "{}", ended.err);
}
