//! Commands that read specs: init, validate, render, graph.

use insta::assert_snapshot;

use super::invocation::Place;

const ROOT: &str = r#"version = 1
project = "shop"

[param.greeting]
type = "string"
default = "hello"

[cluster.here]
kind = "local"

[environment.dev]
[environment.prod.param.greeting]
default = "good day"
"#;

const PIPELINE: &str = r#"[pipeline]
name = "hello"

[job.greet]
mode = "batch"
cluster = "here"
process = { command = ["echo", "${param.greeting}"] }

[job.after]
mode = "batch"
cluster = "here"
after = ["greet"]
process = { command = ["true"] }
"#;

fn shop() -> Place {
    Place::with(&[("windlass.toml", ROOT), ("pipelines/hello.toml", PIPELINE)])
}

fn broken() -> Place {
    let place = shop();
    place.write(
        "pipelines/hello.toml",
        &PIPELINE.replace("mode = \"batch\"\ncluster", "mode = \"bach\"\ncluster"),
    );
    place
}

#[test]
fn a_new_spec_is_valid_and_is_not_overwritten() {
    let place = Place::new();
    assert_snapshot!(place.run(&["init", "shop"]).story(), @"
    wrote shop/windlass.toml
    wrote shop/pipelines/hello.toml
    --- stderr
    hint: `windlass -C shop validate` finds every mistake, offline
    hint: `windlass -C shop plan` shows what apply would change
    hint: `windlass -C shop apply` changes it, and waits until the jobs are where they should be
    --- exit 0
    ");
    assert_snapshot!(place.run(&["validate", "shop"]).story(), @"
    valid: 2 files
    --- stderr
    --- exit 0
    ");
    let written = place.read("shop/pipelines/hello.toml");
    assert_snapshot!(place.run(&["init", "shop"]).story(), @"
    --- stderr
    error: `shop/windlass.toml` exists already
    hint: nothing was written; choose another folder
    --- exit 1
    ");
    assert_eq!(place.read("shop/pipelines/hello.toml"), written);
}

#[test]
fn the_root_is_found_from_below() {
    let place = shop();
    assert_snapshot!(place.run(&["validate", "-C", "pipelines"]).story(), @"
    valid: 2 files
    --- stderr
    --- exit 0
    ");
    assert_eq!(place.run(&["validate", "pipelines"]).code, 1);
}

#[test]
fn without_a_spec_there_is_a_way_to_one() {
    let place = Place::new();
    assert_snapshot!(place.run(&["validate", "-C", ".", "nowhere.toml"]).story(), @"
    --- stderr
    error: no spec found: there is no `nowhere.toml`
    --- exit 1
    ");
    let ended = place.run(&["validate"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("error: no spec found: `HERE` has no windlass.toml"), "{}", ended.err);
    assert!(ended.err.ends_with("hint: `windlass init` writes a spec to start from\n"), "{}", ended.err);
}

#[test]
fn mistakes_are_shown_where_the_user_can_open_them() {
    let place = broken();
    assert_snapshot!(place.run(&["validate"]).story(), @r#"
    error[WL0305]: `mode` cannot be `bach`
       ╭─[pipelines/hello.toml:5:8]
     4 │ [job.greet]
     5 │ mode = "bach"
       ·        ───┬──
       ·           ╰── expected `stream` or `batch`
     6 │ cluster = "here"
       ╰────
      help: did you mean `batch`?
      fix: replace `bach` with `batch` (by hand: it may change the meaning)
      more: windlass explain WL0305

    error[WL0305]: `mode` cannot be `bach`
        ╭─[pipelines/hello.toml:10:8]
      9 │ [job.after]
     10 │ mode = "bach"
        ·        ───┬──
        ·           ╰── expected `stream` or `batch`
     11 │ cluster = "here"
        ╰────
      help: did you mean `batch`?
      fix: replace `bach` with `batch` (by hand: it may change the meaning)
      more: windlass explain WL0305

    2 errors, 0 warnings in 2 files
    --- stderr
    --- exit 1
    "#);
    let from_above =
        place.run(&["validate", "-C", "/", &place.path().display().to_string(), "--format", "concise"]);
    assert!(from_above.out.contains("HERE/pipelines/hello.toml:5:8: error["), "{from_above:?}");
    let from_below = place.run(&["validate", "-C", "pipelines", "--format", "concise"]);
    assert!(from_below.out.contains("../pipelines/hello.toml:5:8: error["), "{from_below:?}");
}

#[test]
fn one_run_fills_many_reports() {
    let place = broken();
    let reports = ["--report", "sarif=out/a.sarif", "--report", "junit=out/a.xml", "--report", "json=a.json"];
    let ended = place.run(&[&["validate", "--format", "concise"][..], &reports].concat());
    assert_eq!(ended.code, 1);
    assert!(place.read("out/a.sarif").contains("\"2.1.0\""));
    assert!(place.read("out/a.xml").starts_with("<?xml"));
    assert!(place.read("a.json").contains("\"format_version\""));
    let unwritable = place.run(&["validate", "--report", "json=/proc/none/a.json"]);
    assert!(unwritable.err.starts_with("error: the report `/proc/none/a.json` cannot be written\n"));
}

#[test]
fn what_only_a_person_can_decide_is_not_fixed() {
    let place = broken();
    let before = place.read("pipelines/hello.toml");
    let shown = place.run(&["validate", "--fix", "--diff"]);
    assert_eq!((shown.code, shown.out.as_str()), (1, ""));
    assert_eq!(place.run(&["validate", "--fix"]).code, 1);
    assert_eq!(place.read("pipelines/hello.toml"), before);
}

#[test]
fn warnings_are_denied_and_allowed() {
    let place = shop();
    place.write("windlass.toml", &format!("{ROOT}\n[template.idle]\nmode = \"batch\"\n"));
    for (args, code, shown) in [
        (&["validate"][..], 0, "warning[WL0508]"),
        (&["validate", "--deny", "warnings"], 1, "error[WL0508]"),
        (&["validate", "-D", "unused-template"], 1, "error[WL0508]"),
        (&["validate", "-A", "WL0508"], 0, "valid: "),
        (&["validate", "-D", "warnings", "-A", "WL0508"], 0, "valid: "),
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, code, "{args:?}");
        assert!(ended.out.contains(shown), "{args:?}: {}", ended.out);
    }
}

#[test]
fn one_file_comes_from_standard_input() {
    let whole = format!("{}\n{PIPELINE}", ROOT.split("[environment").next().unwrap());
    let place = Place::new();
    assert_eq!(place.run_with_input(&["validate", "-"], &whole).out, "valid: 1 file\n");
    let ended =
        place.run_with_input(&["validate", "-", "--format", "concise"], "version = 2\nproject = \"x\"\n");
    assert!(ended.out.starts_with("<stdin>:1:11: error["), "{ended:?}");
}

#[test]
fn values_come_from_flags_then_files_then_the_environment() {
    let place = shop();
    place.write("values.toml", "greeting = \"file\"\n");
    let environment = [("WINDLASS_VAR_greeting", "environment")];
    for (args, variables, expected) in [
        (&["render"][..], &[][..], "hello"),
        (&["render", "-e", "prod"], &[], "good day"),
        (&["render"], &[("WINDLASS_ENV", "prod")], "good day"),
        (&["render", "-e", "dev"], &[("WINDLASS_ENV", "prod")], "hello"),
        (&["render"], &[("WINDLASS_ENV", "")], "hello"),
        (&["render", "-e", "prod"], &environment, "environment"),
        (&["render", "--var-file", "values.toml"], &environment, "file"),
        (&["render", "--var", "greeting=flag", "--var-file", "values.toml"], &environment, "flag"),
        (&["--var=greeting=flag", "render"], &[], "flag"),
    ] {
        let ended = place.run_with(args, variables);
        assert!(ended.out.contains(&format!("[\"echo\", \"{expected}\"]")), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_spec_with_errors_is_neither_rendered_nor_drawn() {
    for command in ["render", "graph"] {
        let ended = broken().run(&[command]);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{command}");
        assert!(ended.err.contains("error[WL0305]") && ended.err.contains("error: the spec is not valid"));
    }
}

#[test]
fn what_a_spec_means_is_rendered_with_where_it_says_so() {
    assert_snapshot!(shop().run(&["render", "-e", "prod", "-s", "hello.greet", "--provenance"]).story(), @r#"
    version = 1
    project = "shop"
    # environment: prod

    [store]
    url = "file:.windlass"

    [cluster.here]
    kind = "local"

    [param.greeting]
    type = "string"
    default = "good day"  # windlass.toml:13 environment `prod`, over windlass.toml:6 default

    [job."hello.greet"]
    mode = "batch"  # pipelines/hello.toml:5 the job
    cluster = "here"  # pipelines/hello.toml:6 the job
    process.command = ["echo", "good day"]  # pipelines/hello.toml:7 the job
    process.dir = "pipelines"  # built in
    process.ready = "0s"  # built in
    process.grace = "10s"  # built in
    retry.attempts = 0  # built in
    retry.backoff = "1s..5m"  # built in
    retry.on_lost = "hold"  # built in
    protect = false  # built in
    --- stderr
    --- exit 0
    "#);
    let json = shop().run(&["render", "-e", "prod", "-s", "hello.greet", "--json"]).out;
    assert!(json.contains("\"good day\"") && !json.contains("hello.after"), "{json}");
}

#[test]
fn hidden_characters_are_rendered_as_toml_escapes() {
    let place = shop();
    let hostile = PIPELINE.replace("true", "\\u001b[2J\\u202e");
    place.write("pipelines/hello.toml", &hostile);
    let ended = place.run(&["render"]);
    assert!(ended.out.contains(r#"["\u001B[2J\U0000202E"]"#), "{ended:?}");
}

#[test]
fn jobs_are_drawn() {
    let place = shop();
    assert_snapshot!(place.run(&["graph"]).story(), @r#"
    flowchart LR
      subgraph p0["hello"]
        n0["greet"]
        n1["after"]
      end
      n0 --> n1
    --- stderr
    --- exit 0
    "#);
    assert_snapshot!(place.run(&["graph", "-s", "hello.afetr"]).story(), @"
    --- stderr
    error: no job fits `hello.afetr`
    hint: did you mean `hello.after`?
    --- exit 1
    ");
    for (format, start) in [("dot", "digraph"), ("json", "{"), ("svg", "<svg")] {
        assert!(place.run(&["graph", "--format", format]).out.starts_with(start), "{format}");
    }
}

#[test]
fn jobs_that_wait_for_each_other_are_drawn_and_an_error() {
    let job = |name: &str, after: &str| {
        format!(
            "[job.{name}]\nmode = \"batch\"\ncluster = \"here\"\nafter = [{after}]\n\
             process = {{ command = [\"true\"] }}\n"
        )
    };
    let jobs = job("first", "") + &job("turn", "\"first\", \"back\"") + &job("back", "\"turn\"");
    let place = shop();
    place.write("pipelines/hello.toml", &format!("[pipeline]\nname = \"hello\"\n{jobs}"));
    let ended = place.run(&["graph"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("error[WL0606]") && ended.err.contains("error: the spec is not valid"));
    assert_snapshot!(ended.out, @r#"
    flowchart LR
      subgraph p0["hello"]
        n0["first"]
        n1["turn"]
        n2["back"]
      end
      n0 --> n1
      n2 ==> n1
      n1 ==> n2
      classDef cycle stroke:#c00,stroke-width:2px
      class n1,n2 cycle
    "#);
    assert_snapshot!(place.run(&["graph", "-s", "hello.first"]).out, @r#"
    flowchart LR
      subgraph p0["hello"]
        n0["first"]
      end
    "#);
}
