//! Commands that look into a git repository: `plan --against`, `validate --changed-since`.

use std::process::Command;

use insta::assert_snapshot;

use super::invocation::{Ended, Place};

const ROOT: &str = "version = 1\nproject = \"shop\"\n\n[cluster.here]\nkind = \"local\"\n";

fn pipeline(name: &str, command: &str) -> String {
    format!(
        "[pipeline]\nname = \"{name}\"\n\n[job.greet]\nmode = \"batch\"\ncluster = \"here\"\n\
         process = {{ command = [\"echo\", \"{command}\"] }}\n"
    )
}

/// A repository with a valid tree in `specs`, committed.
fn repository() -> Place {
    let place = Place::new();
    place.write("specs/windlass.toml", ROOT);
    place.write("specs/pipelines/one.toml", &pipeline("one", "old"));
    place.write("specs/pipelines/two.toml", &pipeline("two", "old"));
    git(&place, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&place);
    place
}

fn git(place: &Place, args: &[&str]) {
    let identity = ["-c", "user.name=ann", "-c", "user.email=ann@desk", "-c", "commit.gpgsign=false"];
    let mut git = Command::new("git");
    // Whatever the hooks and settings of whoever runs the tests are.
    git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]);
    let status = git.current_dir(place.path()).args(identity).args(args).status();
    assert!(status.expect("git is installed").success(), "{args:?}");
}

fn commit(place: &Place) {
    git(place, &["add", "--all"]);
    git(place, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
}

/// Runs where git is found.
fn run(place: &Place, args: &[&str]) -> Ended {
    let path = std::env::var("PATH").unwrap_or_default();
    place.run_with(args, &[("PATH", &path)])
}

#[test]
fn a_plan_against_a_revision_shows_what_a_branch_changes_without_a_store() {
    let place = repository();
    place.write("specs/pipelines/one.toml", &pipeline("one", "new"));
    std::fs::rename(
        place.path().join("specs/pipelines/two.toml"),
        place.path().join("specs/pipelines/three.toml"),
    )
    .unwrap();
    place.write("specs/pipelines/three.toml", &pipeline("three", "old"));
    let ended = run(
        &place,
        &["plan", "specs", "--against", "git:main", "--detailed-exitcode", "--format", "concise"],
    );
    assert_snapshot!(ended.story(), @"
    ~ one.greet next run
    + three.greet create
    - two.greet stop
    --- stderr
    --- exit 2
    ");
    assert!(!place.path().join("specs/.windlass").exists(), "it makes no store");
    let text = run(&place, &["plan", "specs", "--against", "git:main"]);
    assert!(text.out.lines().next().unwrap().ends_with(", against git:main"), "{text:?}");
    assert!(!text.out.contains("drift"), "{text:?}");
    commit(&place);
    let same = run(&place, &["plan", "specs", "--against", "git:HEAD", "--detailed-exitcode"]);
    assert_eq!(same.code, 0, "{same:?}");
}

#[test]
fn a_plan_against_a_file_is_against_a_saved_plan_or_a_spec() {
    let place = repository();
    assert_eq!(run(&place, &["plan", "specs", "--out", "plan.json"]).code, 0);
    place.write("other/windlass.toml", ROOT);
    place.write("other/pipelines/one.toml", &pipeline("one", "other"));
    place.write("specs/pipelines/one.toml", &pipeline("one", "new"));
    for (against, expected) in [
        ("plan.json", "~ one.greet next run\n"),
        ("other", "~ one.greet next run\n+ two.greet create\n"),
        ("specs", ""),
    ] {
        let ended = run(&place, &["plan", "specs", "--against", against, "--format", "concise"]);
        assert_eq!((ended.code, ended.out.as_str()), (0, expected), "{against}: {ended:?}");
    }
    let selected = run(&place, &["plan", "specs", "--against", "other", "-s", "one", "--format", "concise"]);
    assert_eq!(selected.out, "~ one.greet next run\n");
}

#[test]
fn another_side_that_cannot_be_read_is_named() {
    let place = repository();
    place.write("specs/pipelines/one.toml", "[pipeline]\nname = 1\n");
    commit(&place);
    place.write("specs/pipelines/one.toml", &pipeline("one", "new"));
    place.write("later/windlass.toml", ROOT);
    for (args, code, said) in [
        (
            &["plan", "specs", "--against", "git:main"][..],
            1,
            "error: what `--against git:main` names is not valid",
        ),
        (&["plan", "specs", "--against", "git:main"], 1, "main:pipelines/one.toml:2:8"),
        (&["plan", "specs", "--against", "git:nonsense"], 1, "error: there is no revision `nonsense`"),
        (&["plan", "specs", "--against", "git:--all"], 1, "error: there is no revision `--all`"),
        (&["plan", "later", "--against", "git:main"], 1, "error: `main` has no folder `later`"),
        (&["plan", "specs", "--against", "nowhere"], 1, "there is no `nowhere`"),
        (&["plan", "specs", "--against", "git:main", "--out", "x"], 64, "`--out` needs what is recorded"),
        (&["plan", "specs", "--against", "git:main", "--refresh-only"], 64, "`--refresh-only` needs"),
        (&["plan", "specs", "--against", "later", "--fail-on", "drift"], 64, "`--fail-on drift` needs"),
        (&["validate", "specs", "--changed-since", "nonsense"], 1, "error: there is no revision `nonsense`"),
    ] {
        let ended = run(&place, args);
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{args:?}: {ended:?}");
        assert!(ended.err.contains(said), "{args:?}: {ended:?}");
    }
    let outside = Place::with(&[("windlass.toml", ROOT)]);
    let ended = run(&outside, &["validate", "--changed-since", "main"]);
    assert!(ended.err.starts_with("error: `HERE` is in no git repository\n  because: fatal:"), "{ended:?}");
    let ended = outside.run_with(&["validate", "--changed-since", "main"], &[("PATH", "/nowhere")]);
    assert!(ended.err.starts_with("error: `git` cannot be started\n"), "{ended:?}");
}

#[test]
fn only_what_touches_a_changed_file_is_told_and_the_rest_is_counted() {
    let place = repository();
    let broken = |name: &str| pipeline(name, "x") + "nonsense = 1\n";
    place.write("specs/pipelines/one.toml", &broken("one"));
    commit(&place);
    let clean = run(&place, &["validate", "specs", "--changed-since", "main"]);
    let path = std::env::var("PATH").unwrap_or_default();
    let hook = [("PATH", path.as_str()), ("GIT_DIR", ".git"), ("GIT_PREFIX", "")];
    let in_hook = place.run_with(&["validate", "specs", "--changed-since", "main"], &hook);
    assert_eq!(in_hook.story(), clean.story(), "a hook has variables of its own");
    assert_snapshot!(clean.story(), @"
    0 errors, 0 warnings in 3 files
    --- stderr
    warning: left out: 1 error, 0 warnings in files that have not changed since main
    --- exit 0
    ");
    place.write("specs/pipelines/two.toml", &broken("two"));
    place.write("specs/pipelines/new.toml", &broken("new"));
    let ended = run(&place, &["validate", "specs", "--changed-since", "main", "--format", "concise"]);
    assert_snapshot!(ended.story(), @"
    specs/pipelines/new.toml:8:1: error[WL0201]: job `greet` has no key `nonsense`
    specs/pipelines/two.toml:8:1: error[WL0201]: job `greet` has no key `nonsense`
    2 errors, 0 warnings in 4 files
    --- stderr
    warning: left out: 1 error, 0 warnings in files that have not changed since main
    --- exit 1
    ");
    assert_eq!(
        run(&place, &["validate", "specs", "--changed-since", "main~1", "-qq"]).out.matches("error[").count(),
        3
    );
}
