use serde_json::Value;

use super::*;
use crate::diagnostic::{Edit, Fix, Label};
use crate::escape::is_hidden;
use crate::source::{FileId, Span};

const ORDERS: &str = "[pipeline]\nname = \"orders\"\n\n[job.ingest]\nmode = \"stream\"\nparalelism = 3\n";
const ROOT: &str = "version = 1\nproject = \"commerce\"\n\n[cluster.laptop]\nkind = \"local\"\n";

fn label(sources: &SourceSet, file: FileId, snippet: &str, text: &str) -> Label {
    let start = sources.text(file).find(snippet).unwrap();
    Label { span: Span::new(file, start..start + snippet.len()), text: text.to_owned() }
}

fn report(severity: Severity, message: &str, labels: Vec<Label>) -> Report {
    Report {
        code: "WL0203",
        name: "unknown-key",
        severity,
        message: message.to_owned(),
        labels,
        help: None,
        fixes: Vec::new(),
        address: Some("orders.ingest".to_owned()),
        environments: Vec::new(),
    }
}

/// An error with a fix and labels in two files, and a warning about the whole tree.
fn ordinary() -> (SourceSet, Vec<Report>) {
    let mut sources = SourceSet::default();
    let root = sources.add("windlass.toml", ROOT.to_owned());
    let orders = sources.add("pipelines/orders.toml", ORDERS.to_owned());
    let labels = vec![
        label(&sources, orders, "paralelism", "not a key of a job"),
        label(&sources, orders, "[job.ingest]", "in this job"),
        label(&sources, root, "\"local\"", "a local cluster has no such key either"),
    ];
    let edits = vec![Edit { span: labels[0].span, text: "parallelism".to_owned() }];
    let mut error = report(Severity::Error, "`paralelism` is not a key of a job", labels);
    error.help = Some("did you mean `parallelism`?".to_owned());
    error.environments = vec!["dev".to_owned(), "prod".to_owned()];
    let title = "replace `paralelism` with `parallelism`".to_owned();
    error.fixes = vec![Fix { title, safe: true, edits }];
    let mut warning = report(Severity::Warning, "no cluster is used", Vec::new());
    warning.code = "WL0901";
    warning.name = "unused-cluster";
    (sources, vec![error, warning])
}

const HOSTILE: &str = "\u{1b}[2J\"]]><b>&\n%0A\u{202e}\u{9b}\u{0}|@all,::\u{feff}";

/// Everything that a pull request can choose, chosen badly.
fn hostile() -> (SourceSet, Vec<Report>) {
    let mut sources = SourceSet::default();
    let text = format!("a = 1\r\n{}\u{7}\tb = \u{202e}2\r\nü = 3", HOSTILE.replace('\n', " "));
    let file = sources.add(&format!("p/{HOSTILE}.toml"), text);
    let labels = vec![label(&sources, file, "b = \u{202e}2", HOSTILE), label(&sources, file, "ü", HOSTILE)];
    let mut error = report(Severity::Error, HOSTILE, labels.clone());
    error.help = Some(HOSTILE.to_owned());
    error.address = Some(HOSTILE.to_owned());
    error.environments = vec![HOSTILE.to_owned()];
    let edits = vec![Edit { span: labels[1].span, text: HOSTILE.to_owned() }];
    error.fixes = vec![Fix { title: HOSTILE.to_owned(), safe: false, edits }];
    let warning = Report { severity: Severity::Warning, ..error.clone() };
    (sources, vec![error, warning])
}

fn write((sources, reports): &(SourceSet, Vec<Report>), format: Format) -> String {
    Findings::new(sources, reports).write(format, &Style { width: 80, ..Style::default() })
}

fn parsed(input: &(SourceSet, Vec<Report>), format: Format) -> Value {
    serde_json::from_str(&write(input, format)).unwrap()
}

#[test]
fn text_shows_every_file_that_matters() {
    insta::assert_snapshot!(write(&ordinary(), Format::Text), @r#"
    error[WL0203]: `paralelism` is not a key of a job
       ╭─[pipelines/orders.toml:6:1]
     3 │ 
     4 │ [job.ingest]
       · ──────┬─────
       ·       ╰── in this job
     5 │ mode = "stream"
     6 │ paralelism = 3
       · ─────┬────
       ·      ╰── not a key of a job
       ╰────
       ╭─[windlass.toml:5:8]
     4 │ [cluster.laptop]
     5 │ kind = "local"
       ·        ───┬───
       ·           ╰── a local cluster has no such key either
       ╰────
      help: did you mean `parallelism`?
      fix: replace `paralelism` with `parallelism` (--fix)
      note: only in dev, prod
      more: windlass explain WL0203

    warning[WL0901]: no cluster is used
      more: windlass explain WL0901

    1 error, 1 warning in 2 files (1 fixable with --fix)
    "#);
}

#[test]
fn text_with_colors_says_the_same() {
    let (sources, reports) = ordinary();
    let style = Style { color: true, unicode: true, width: 80 };
    let mut colored = Findings::new(&sources, &reports).write(Format::Text, &style);
    assert!(colored.contains("\u{1b}[31merror[WL0203]\u{1b}[0m"));
    while let Some(start) = colored.find('\u{1b}') {
        let end = start + colored[start..].find('m').unwrap();
        colored.replace_range(start..=end, "");
    }
    assert_eq!(colored, write(&(sources, reports), Format::Text));
}

#[test]
fn ascii_terminals_get_ascii() {
    let (sources, reports) = ordinary();
    let style = Style { unicode: false, ..Style::default() };
    assert!(Findings::new(&sources, &reports).write(Format::Text, &style).is_ascii());
}

#[test]
fn text_is_capped_and_counts_the_rest() {
    let mut sources = SourceSet::default();
    let file = sources.add("a.toml", "x = 1\n".repeat(300));
    let at = |line: usize| Label { span: Span::new(file, line * 6..line * 6 + 1), text: String::new() };
    let severity = |line| if line < 262 { Severity::Warning } else { Severity::Error };
    let reports = (0..263).map(|line| report(severity(line), "no", vec![at(line)])).collect();
    let text = write(&(sources, reports), Format::Text);
    assert_eq!(text.matches("warning[").count(), 49);
    assert!(text.contains("error[") && text.contains("\n… 213 more\n"));
    assert!(text.ends_with("1 error, 262 warnings in 1 file\n"));
}

#[test]
fn what_would_fill_screens_is_cut() {
    let mut sources = SourceSet::default();
    let long = sources.add("long.toml", "x".repeat(100_000));
    let tall = sources.add("tall.toml", "x = 1\n".repeat(1000));
    let all = |file, end| Label { span: Span::new(file, 0..end), text: "here".to_owned() };
    let reports = vec![report(Severity::Error, "no", vec![all(long, 100_000), all(tall, 6000)])];
    let text = write(&(sources, reports), Format::Text);
    assert!(text.contains("at long.toml:1:1: here") && text.len() < 1000, "{text}");
}

#[test]
fn spans_at_or_behind_the_end_are_drawn() {
    for text in ["", "a", "a\n", "ä\r\n", "\u{202e}\n"] {
        for range in [0..0, 0..1, 1..1, 2..2, 0..9, 9..9] {
            let mut sources = SourceSet::default();
            let file = sources.add("a.toml", text.to_owned());
            let label = Label { span: Span::new(file, range), text: "here".to_owned() };
            let input = (sources, vec![report(Severity::Error, "no", vec![label])]);
            for format in Format::ALL {
                assert!(!write(&input, format).is_empty());
            }
            assert!(write(&input, Format::Text).contains("here"), "{text:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_labels_in_any_text_can_be_written(
        text in "[ab\t\r\n\u{1b}\u{202e}ü表]{0,60}",
        ranges in proptest::collection::vec((0_usize..80, 0_usize..80), 0..5),
    ) {
        let mut sources = SourceSet::default();
        let file = sources.add("a.toml", text);
        let label = |(start, length): &(usize, usize)| {
            Label { span: Span::new(file, *start..start + length), text: "here".to_owned() }
        };
        let labels: Vec<Label> = ranges.iter().map(label).collect();
        let edits = labels.iter().map(|label| Edit { span: label.span, text: "x\n".to_owned() }).collect();
        let mut report = report(Severity::Error, "no", labels);
        report.fixes = vec![Fix { title: "mend".to_owned(), safe: true, edits }];
        let input = (sources, vec![report]);
        for format in Format::ALL {
            proptest::prop_assert!(!write(&input, format).contains(|c| is_hidden(c) && !matches!(c, '\n' | '\t')));
        }
        crate::fix::fixed(&input.0, &input.1);
    }
}

#[test]
fn concise_is_a_line_a_report() {
    insta::assert_snapshot!(write(&ordinary(), Format::Concise), @"
    pipelines/orders.toml:6:1: error[WL0203]: `paralelism` is not a key of a job (only in dev, prod)
    warning[WL0901]: no cluster is used
    1 error, 1 warning in 2 files (1 fixable with --fix)
    ");
}

#[test]
fn github_gets_commands() {
    insta::assert_snapshot!(write(&ordinary(), Format::Github), @"
    ::error file=pipelines/orders.toml,line=6,endLine=6,col=1,endColumn=11,title=WL0203 unknown-key::`paralelism` is not a key of a job%0Anot a key of a job%0Adid you mean `parallelism`?%0Aonly in dev, prod
    ::warning title=WL0901 unused-cluster::no cluster is used
    ");
}

#[test]
fn github_gets_the_worst_and_a_count() {
    let (sources, reports) = ordinary();
    let many = [vec![reports[1].clone(); 15], vec![reports[0].clone(); 12]].concat();
    let text = write(&(sources, many), Format::Github);
    let count = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!((count("::error "), count("::warning "), count("::notice ")), (10, 10, 1));
    assert!(text.starts_with("::error ") && text.contains("::7 more: 12 errors, 15 warnings in 2 files"));
}

#[test]
fn github_cannot_be_told_anything_by_a_spec() {
    let text = write(&hostile(), Format::Github);
    assert_eq!(text.lines().count(), 2);
    let error = text.lines().next().unwrap();
    assert!(error.contains("%250A"), "{error}");
    let (properties, _) = error.strip_prefix("::error ").unwrap().split_once("::").unwrap();
    assert_eq!(properties.matches('=').count(), 6, "{properties}");
}

#[test]
fn gitlab_gets_issues() {
    insta::assert_snapshot!(write(&ordinary(), Format::Gitlab), @r#"
    [
      {
        "description": "`paralelism` is not a key of a job",
        "check_name": "WL0203 unknown-key",
        "fingerprint": "07906f8291953a7565546b0f116d1bb9",
        "severity": "major",
        "location": {
          "path": "pipelines/orders.toml",
          "lines": {
            "begin": 6,
            "end": 6
          }
        }
      },
      {
        "description": "no cluster is used",
        "check_name": "WL0901 unused-cluster",
        "fingerprint": "d1392cfc468ef5f791fee4b98a946bf0",
        "severity": "minor",
        "location": {
          "path": "windlass.toml",
          "lines": {
            "begin": 1,
            "end": 1
          }
        }
      }
    ]
    "#);
    for issue in parsed(&hostile(), Format::Gitlab).as_array().unwrap() {
        for key in ["description", "check_name", "fingerprint"] {
            assert!(issue[key].is_string());
        }
        assert!(
            ["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap())
        );
        assert!(issue["location"]["path"].is_string());
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn junit_has_a_suite_a_file() {
    insta::assert_snapshot!(write(&ordinary(), Format::Junit), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="windlass" tests="2" failures="1" errors="0">
      <testsuite name="(the whole tree)" tests="1" failures="0" errors="0">
        <testcase classname="(the whole tree)" name="WL0901 unused-cluster">
          <system-out>no cluster is used</system-out>
        </testcase>
      </testsuite>
      <testsuite name="pipelines/orders.toml" tests="1" failures="1" errors="0">
        <testcase classname="pipelines/orders.toml" name="WL0203 unknown-key line 6">
          <failure type="WL0203" message="`paralelism` is not a key of a job">pipelines/orders.toml:6:1
    did you mean `parallelism`?
    only in dev, prod</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
    let nothing = (SourceSet::default(), Vec::new());
    assert!(write(&nothing, Format::Junit).contains("tests=\"1\" failures=\"0\""));
}

#[test]
fn junit_stays_well_formed() {
    let xml = write(&hostile(), Format::Junit);
    let mut open = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains("]]>") && !text.contains('>'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match (tag.strip_prefix('/'), tag.ends_with(['/', '?'])) {
            (Some(_), _) => assert_eq!(open.pop(), Some(name)),
            (None, false) => open.push(name),
            (None, true) => {}
        }
    }
    assert!(open.is_empty());
}

/// The parts of the schema of SARIF 2.1.0 that our documents touch.
fn assert_sarif(document: &Value) {
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(result["partialFingerprints"].as_object().unwrap().values().all(Value::is_string));
        let places = ["locations", "relatedLocations"].map(|key| result[key].as_array().unwrap());
        places.into_iter().flatten().for_each(assert_sarif_location);
        for fix in result["fixes"].as_array().unwrap() {
            for change in fix["artifactChanges"].as_array().unwrap() {
                assert_sarif_uri(&change["artifactLocation"]);
                let replacements = change["replacements"].as_array().unwrap();
                assert!(!replacements.is_empty());
                replacements.iter().for_each(|one| assert_sarif_region(&one["deletedRegion"]));
            }
        }
    }
}

fn assert_sarif_location(location: &Value) {
    assert_sarif_uri(&location["physicalLocation"]["artifactLocation"]);
    assert_sarif_region(&location["physicalLocation"]["region"]);
}

fn assert_sarif_uri(artifact: &Value) {
    let uri = artifact["uri"].as_str().unwrap();
    assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)), "{uri}");
}

fn assert_sarif_region(region: &Value) {
    for key in ["startLine", "startColumn", "endLine", "endColumn"] {
        assert!(region[key].as_u64().unwrap() >= 1);
    }
}

#[test]
fn sarif_has_the_shape_of_its_schema() {
    assert_sarif(&parsed(&ordinary(), Format::Sarif));
    assert_sarif(&parsed(&hostile(), Format::Sarif));
    let empty = parsed(&(SourceSet::default(), Vec::new()), Format::Sarif);
    assert_eq!(empty["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn sarif_has_one_rule_a_code() {
    let (sources, reports) = ordinary();
    let document = parsed(&(sources, [reports.clone(), reports].concat()), Format::Sarif);
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(
        rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["WL0203", "WL0901"]
    );
}

#[test]
fn json_has_everything() {
    insta::assert_snapshot!(write(&ordinary(), Format::Json), @r#"
    {
      "format_version": 1,
      "tool": {
        "name": "windlass",
        "version": "0.1.0"
      },
      "summary": {
        "errors": 1,
        "warnings": 1,
        "files": 2,
        "fixable": 1
      },
      "diagnostics": [
        {
          "code": "WL0203",
          "name": "unknown-key",
          "severity": "error",
          "message": "`paralelism` is not a key of a job",
          "file": "pipelines/orders.toml",
          "start": {
            "offset": 57,
            "line": 6,
            "column": 1,
            "column_utf8": 1,
            "column_utf16": 1
          },
          "end": {
            "offset": 67,
            "line": 6,
            "column": 11,
            "column_utf8": 11,
            "column_utf16": 11
          },
          "help": "did you mean `parallelism`?",
          "labels": [
            {
              "file": "pipelines/orders.toml",
              "start": {
                "offset": 57,
                "line": 6,
                "column": 1,
                "column_utf8": 1,
                "column_utf16": 1
              },
              "end": {
                "offset": 67,
                "line": 6,
                "column": 11,
                "column_utf8": 11,
                "column_utf16": 11
              },
              "text": "not a key of a job"
            },
            {
              "file": "pipelines/orders.toml",
              "start": {
                "offset": 28,
                "line": 4,
                "column": 1,
                "column_utf8": 1,
                "column_utf16": 1
              },
              "end": {
                "offset": 40,
                "line": 4,
                "column": 13,
                "column_utf8": 13,
                "column_utf16": 13
              },
              "text": "in this job"
            },
            {
              "file": "windlass.toml",
              "start": {
                "offset": 58,
                "line": 5,
                "column": 8,
                "column_utf8": 8,
                "column_utf16": 8
              },
              "end": {
                "offset": 65,
                "line": 5,
                "column": 15,
                "column_utf8": 15,
                "column_utf16": 15
              },
              "text": "a local cluster has no such key either"
            }
          ],
          "fixes": [
            {
              "title": "replace `paralelism` with `parallelism`",
              "safe": true,
              "edits": [
                {
                  "file": "pipelines/orders.toml",
                  "start": {
                    "offset": 57,
                    "line": 6,
                    "column": 1,
                    "column_utf8": 1,
                    "column_utf16": 1
                  },
                  "end": {
                    "offset": 67,
                    "line": 6,
                    "column": 11,
                    "column_utf8": 11,
                    "column_utf16": 11
                  },
                  "text": "parallelism"
                }
              ]
            }
          ],
          "address": "orders.ingest",
          "environments": [
            "dev",
            "prod"
          ],
          "fingerprint": "07906f8291953a7565546b0f116d1bb9",
          "explain": "windlass explain WL0203"
        },
        {
          "code": "WL0901",
          "name": "unused-cluster",
          "severity": "warning",
          "message": "no cluster is used",
          "file": null,
          "start": null,
          "end": null,
          "help": null,
          "labels": [],
          "fixes": [],
          "address": "orders.ingest",
          "environments": [],
          "fingerprint": "d1392cfc468ef5f791fee4b98a946bf0",
          "explain": "windlass explain WL0901"
        }
      ]
    }
    "#);
}

#[test]
fn json_keeps_edits_and_paths_exact() {
    let document = parsed(&hostile(), Format::Json);
    let diagnostic = &document["diagnostics"][0];
    assert_eq!(diagnostic["file"], format!("p/{HOSTILE}.toml"));
    assert_eq!(diagnostic["fixes"][0]["edits"][0]["text"], HOSTILE);
    assert_eq!(diagnostic["labels"][1]["start"]["line"], 3);
}

#[test]
fn columns_are_counted_in_three_ways() {
    let mut sources = SourceSet::default();
    let file = sources.add("a.toml", "x = 1\n# ü𝄞 y\n".to_owned());
    let reports = vec![report(Severity::Error, "no", vec![label(&sources, file, "y", "")])];
    let start = &parsed(&(sources, reports), Format::Json)["diagnostics"][0]["start"];
    let columns = ["line", "column", "column_utf8", "column_utf16"].map(|key| start[key].as_u64().unwrap());
    assert_eq!(columns, [2, 6, 10, 7]);
}

#[test]
fn markdown_is_a_table() {
    insta::assert_snapshot!(write(&ordinary(), Format::Markdown), @"
    ### windlass validate

    | where | code | what |
    |---|---|---|
    | <code>pipelines/orders.toml&#58;6</code> | error WL0203 | <code>paralelism</code> is not a key of a job<br>did you mean <code>parallelism</code>?<br>only in dev, prod |
    |  | warning WL0901 | no cluster is used |

    **1 error, 1 warning in 2 files (1 fixable with --fix)**
    ");
    let row = write(&hostile(), Format::Markdown);
    let row = row.lines().find(|line| line.contains("WL0203")).unwrap();
    assert_eq!(row.matches('|').count(), 4, "{row}");
    assert!(!row.contains("<b>") && !row.contains('@') && !row.contains('`'), "{row}");
}

#[test]
fn markdown_fits_into_a_comment() {
    let (sources, reports) = ordinary();
    let text = write(&(sources, vec![reports[0].clone(); 2000]), Format::Markdown);
    assert!(text.len() <= 65_000 && text.contains(" more\n") && text.contains("2000 errors"));
}

#[test]
fn nothing_hostile_comes_out_of_any_format() {
    for format in Format::ALL {
        let out = write(&hostile(), format);
        let hidden = out.find(|c| is_hidden(c) && c != '\n');
        assert_eq!(hidden, None, "{format:?}: {out:?}");
    }
}

#[test]
fn fingerprints_survive_moves_and_tell_twins_apart() {
    let fingerprints = |text: &str| {
        let mut sources = SourceSet::default();
        let file = sources.add("a.toml", text.to_owned());
        let reports = vec![report(Severity::Error, "no", vec![label(&sources, file, "b  =\t1", "")]); 2];
        Findings::new(&sources, &reports).fingerprints.clone()
    };
    let [one, two] = fingerprints("b  =\t1\n").try_into().unwrap();
    assert_ne!(one, two);
    assert_eq!(fingerprints("a = 1\n\nb  =\t1\n"), [one, two]);
}
