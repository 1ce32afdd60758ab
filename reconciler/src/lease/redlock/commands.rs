//! What a user of a lease node has to be allowed, as the code needs it. `docs/operating.md` repeats it; tests compare
//! both with the sources, and hold a lease under exactly these rights.

/// What every replica and every command that looks who is there needs.
pub const NEEDED: [&str; 12] = [
    "config|get",
    "del",
    "evalsha",
    "get",
    "info",
    "pexpire",
    "pttl",
    "publish",
    "script|load",
    "select",
    "set",
    "subscribe",
];

/// The line of an ACL file.
pub fn line(user: &str, prefix: &str) -> String {
    let rights = NEEDED.iter().map(|command| format!("+{command}")).collect::<Vec<_>>().join(" ");
    format!(
        "user {user} on >PASSWORD resetkeys ~{{{prefix}}}:* resetchannels &{{{prefix}}}:freed -@all {rights}"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The commands that a source names between `before` and a quote.
    fn named<'a>(source: &'a str, before: &'a str) -> impl Iterator<Item = String> + 'a {
        let commands = source.split(before).skip(1).filter_map(|rest| rest.split(['"', '\'']).next());
        commands.map(str::to_lowercase)
    }

    #[test]
    fn the_list_is_what_the_sources_use() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lease/redlock");
        // The client library sends these for a script, a subscription and a database.
        let mut used: BTreeSet<String> =
            ["evalsha", "script|load", "select", "subscribe"].map(str::to_owned).into();
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(source) = fs::read_to_string(&path) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("lua") => used.extend(named(&source, "redis.call('")),
                _ if path.ends_with("commands.rs") => {}
                _ => used.extend(named(&source, "cmd(\"")),
            }
        }
        if used.remove("config") {
            used.insert("config|get".to_owned());
        }
        assert_eq!(used, NEEDED.map(str::to_owned).into());
    }

    #[test]
    fn the_documentation_repeats_it() {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
        let line = line("windlass-lease", "commerce");
        assert!(
            fs::read_to_string(document).unwrap().contains(&line),
            "docs/operating.md does not have:\n{line}"
        );
    }
}
