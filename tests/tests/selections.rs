//! `-s` and `-x` mean the same for every command that acts on jobs or shows them; and one run fills many reports.

use windlass_core::state::Name;
use windlass_tests::Project;
use windlass_tests::spec::Job;

const BINARY: &str = env!("CARGO_BIN_EXE_windlass-under-test");

/// A project in which everything has reached its goal.
fn project() -> Project {
    let jobs =
        [Job::stream("follow", "stream"), Job::batch("settle", "batch"), Job::batch("report", "batch")];
    let project = Project::new(BINARY, &jobs);
    project.ok(&["apply"]);
    project
}

#[test]
fn what_is_shown_can_be_selected() {
    let project = project();
    for command in [
        &["status", "--format", "concise"][..],
        &["history"],
        &["events"],
        &["events", "--format", "jsonl"],
        &["logs"],
    ] {
        for (selection, shown, hidden) in [
            (&["-s", "p.settle"][..], &["settle"][..], &["follow", "report"][..]),
            (&["-s", "p", "-x", "p.follow", "-x", "p.report"], &["settle"], &["follow", "report"]),
            (&["-s", "p.settle", "--select", "p.report"], &["settle", "report"], &["follow"]),
        ] {
            let done = project.ok(&[command, selection].concat());
            let said = format!("{}{}", done.out, done.err);
            for name in shown {
                assert!(said.contains(&format!("p.{name}")), "{name}: {done}");
            }
            for name in hidden {
                assert!(!said.contains(&format!("p.{name}")), "{name}: {done}");
            }
        }
        let missed = project.run(&[command, &["-s", "p.setle"]].concat());
        assert_eq!(missed.code, Some(1), "{missed}");
        assert!(missed.err.contains("did you mean `p.settle`?"), "{missed}");
    }
    let both = project.ok(&["history", "p.settle", "-s", "p.report"]).out;
    assert!(both.contains("p.settle") && both.contains("p.report") && !both.contains("p.follow"), "{both}");
    project.ok(&["destroy", "-y"]);
    let gone = project.ok(&["history", "-s", "p.follow", "-n", "1"]).out;
    assert!(gone.contains("p.follow"), "what was removed has a history: {gone}");
    project.nothing_is_left();
}

#[test]
fn a_plan_counts_what_was_not_selected() {
    let project = project();
    let planned = project.ok(&["plan", "--var", "fee=2", "-s", "p.settle"]).out;
    assert!(planned.contains("\n= 0 unchanged · 2 not selected"), "{planned}");
    let document = project.ok(&["plan", "--var", "fee=2", "-s", "p.settle", "--json"]).out;
    assert!(document.contains("\"unselected\": 2") && document.ends_with("\n}\n"), "{document}");
}

#[test]
fn drift_is_of_what_is_selected() {
    let project = project();
    project.kill_everything();
    for (selection, code) in
        [(&[][..], 2), (&["p.settle"], 0), (&["-s", "p.follow"], 2), (&["-x", "p.follow"], 0)]
    {
        let done = project.run(&[&["drift", "--report", "json=drift.json"], selection].concat());
        assert_eq!(done.code, Some(code), "{done}");
        let report = std::fs::read_to_string(project.file("drift.json")).unwrap();
        assert_eq!(report.contains("p.follow"), code == 2, "{report}");
    }
}

#[test]
fn what_is_acted_on_can_be_selected() {
    let project = project();
    project.ok(&["stop", "-s", "p", "-x", "p.settle", "-x", "p.report"]);
    assert_eq!(project.state("p.follow"), Some(Name::Stopped));
    project.ok(&["start", "-s", "p.follow"]);
    project.ok(&["wait", "-s", "p.follow", "-s", "p.settle", "-x", "p.settle"]);
    project.ok(&["wait", "-x", "p.follow"]);
    let one = project.run(&["destroy", "-y", "-x", "p.settle@2026-11-22T02:00Z"]);
    assert_ne!(one.code, Some(0), "{one}");
    let reports = ["--report", "json=gone.json", "--report", "markdown=out/gone.md", "--format", "concise"];
    let done = project.ok(&[&["destroy", "-y", "-x", "p.follow"], &reports[..]].concat());
    assert_eq!(done.out.lines().count(), 2, "{done}");
    assert_eq!(project.state("p.follow"), Some(Name::Running));
    for file in ["gone.json", "out/gone.md"] {
        let text = std::fs::read_to_string(project.file(file)).unwrap();
        assert!(text.contains("p.settle") && !text.contains("p.follow"), "{file}: {text}");
    }
    let plan = project.ok(&["apply", "-x", "p.report", "--json", "--report", "text=plan.txt"]);
    assert!(plan.out.starts_with("{\n") && plan.out.contains("\"job\": \"p.settle\""), "{plan}");
    assert!(std::fs::read_to_string(project.file("plan.txt")).unwrap().contains("+ p.settle"));
    project.ok(&["destroy", "-y"]);
    project.nothing_is_left();
}
