//! What a user of Redis has to be allowed, as the code needs it. `docs/operating.md` repeats it, and a test compares
//! both with the sources.

/// What whoever only looks needs: `status`, `why`, `history`, `plan`.
pub(crate) const READING: [&str; 13] = [
    "eval_ro",
    "evalsha_ro",
    "exec",
    "exists",
    "hget",
    "hgetall",
    "hmget",
    "info",
    "multi",
    "select",
    "xrange",
    "xread",
    "xrevrange",
];

/// What the service and the commands that change something need on top.
pub(crate) const WRITING: [&str; 11] = [
    "eval",
    "evalsha",
    "hdel",
    "hincrby",
    "hset",
    "wait",
    "xadd",
    "xtrim",
    "zadd",
    "zremrangebyrank",
    "zscore",
];

/// The line of an ACL file for a user that may write.
pub(crate) fn service(user: &str, prefix: &str) -> String {
    let rights = READING.iter().chain(&WRITING).map(|command| format!("+{command}")).collect::<Vec<_>>();
    format!("user {user} on >PASSWORD resetkeys ~{{{prefix}}}:* resetchannels -@all {}", rights.join(" "))
}

/// The line of an ACL file for a user that may look.
pub(crate) fn reader(user: &str, prefix: &str) -> String {
    let rights = READING.iter().map(|command| format!("+{command}")).collect::<Vec<_>>();
    format!("user {user} on >PASSWORD resetkeys %R~{{{prefix}}}:* resetchannels -@all {}", rights.join(" "))
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
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/redis");
        // Login and database are the client library's; sentinels are not the server.
        let mut used = BTreeSet::from(["select".to_owned()]);
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(source) = fs::read_to_string(&path) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("lua") => used.extend(named(&source, "call('")),
                _ if path.ends_with("commands.rs") => {}
                _ => used.extend(named(&source, "cmd(\"")),
            }
        }
        used.remove("sentinel");
        // Asked only for a warning, which is left out where it may not be asked.
        used.remove("config");
        let listed: BTreeSet<String> =
            READING.iter().chain(&WRITING).map(|command| (*command).to_owned()).collect();
        assert_eq!(used, listed);
    }

    #[test]
    fn whoever_looks_writes_nothing() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/redis");
        for script in ["read", "written", "follows", "history"] {
            let source = fs::read_to_string(folder.join(script).with_extension("lua")).unwrap();
            assert!(source.starts_with("#!lua flags=no-writes\n"), "{script}");
            assert!(named(&source, "call('").all(|command| READING.contains(&command.as_str())), "{script}");
        }
    }

    #[test]
    fn the_documentation_repeats_it() {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating.md");
        let document = fs::read_to_string(document).unwrap();
        for line in [service("windlass", "commerce"), reader("windlass-status", "commerce")] {
            assert!(document.contains(&line), "docs/operating.md does not have:\n{line}");
        }
    }
}
