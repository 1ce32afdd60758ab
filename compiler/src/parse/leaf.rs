//! Which files can be read one at a time: those that nothing but their own jobs rests on.

/// Whether a text holds only a pipeline, its jobs and overlays of these: nothing that other files build on.
///
/// Looks at the lines that may be headers and at what stands before them. Whatever is unclear is no leaf.
pub(crate) fn is_leaf(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut headers = text.match_indices('[').filter(|(at, _)| starts_line(&text[..*at]));
    let first = headers.next().map_or(text.len(), |(at, _)| at);
    says_nothing(&text[..first]) && first < text.len() && own(&text[first..]) && {
        headers.all(|(at, _)| own(&text[at..]))
    }
}

/// Whether a line starts behind `before`. A lone carriage return counts: the parser goes on behind it.
fn starts_line(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r'])
}

fn says_nothing(text: &str) -> bool {
    text.split(['\n', '\r']).all(|line| matches!(line.trim_start().as_bytes().first(), None | Some(b'#')))
}

/// Whether a header is of a table that belongs to its file alone.
fn own(header: &str) -> bool {
    let path = &header[1..];
    path.starts_with("pipeline]") || path.starts_with("job.") || is_overlay(path)
}

/// `environment.<name>.job.`; all else in an environment may be of use elsewhere.
fn is_overlay(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("environment.") else { return false };
    let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    name.starts_with(".job.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parse::parse;
    use crate::source::{SourceSet, Span};
    use crate::spec::Spec;

    #[test]
    fn pipelines_are_leaves_and_all_else_is_not() {
        for (text, leaf) in [
            ("[pipeline]\nname = \"a\"\n[job.a]\nuse = \"b\"\n", true),
            ("\u{feff}# about\n\n  [pipeline]\n\t[job.a.process]\n[environment.prod.job.a]\n", true),
            ("", false),
            ("job.a.mode = \"batch\"\n[pipeline]\n", false),
            ("[pipeline]\n[environment.prod]\njob.a.timeout = \"1s\"\n", false),
            ("[pipeline]\n[environment.prod.param.region]\n", false),
            ("[pipeline]\n[template.a]\n", false),
            ("[pipeline]\r[param.a]\n", false),
            ("[pipeline]\n[ param.a ]\n", false),
            ("[pipeline]\n[\"param\".a]\n", false),
            ("[pipeline]\n[[param]]\n", false),
        ] {
            assert_eq!(is_leaf(text), leaf, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_leaf_never_holds_what_others_build_on(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "[pipeline]\n", "[job.a]\n", "[param.a]\n", "param.b = { type = \"int\" }\n", "[template.a]\n",
                    "[environment.e.job.a]\n", "[environment.e]\n", "[cluster.a]\n", "[defaults.batch]\n", "a = [\n",
                    "]\n", "\n", "\r", "'''", "\"\"\"", "a = 1\n", "#", " ", "\t", "\u{feff}", "\"", "{", "}", "x",
                ]),
                0..10,
            ),
        ) {
            let text = format!("[pipeline]\n{}", words.concat());
            let mut sources = SourceSet::default();
            let root = sources.add("root", String::new());
            let file = sources.add("file", text.clone());
            let mut spec = Spec::new(Span::new(root, 0..0));
            parse(&sources, file, root, &mut spec, &mut Vec::new());
            let overlays = spec.environments.iter().all(|one| one.params.is_empty() && one.clusters.is_empty());
            let own = spec.params.is_empty() && spec.clusters.is_empty() && spec.defaults.is_empty()
                && spec.templates.is_empty() && overlays;
            prop_assert!(own || !is_leaf(&text), "{}", text);
        }
    }
}
