//! Paths as specs write them: with `/`, from the folder of the file that they stand in.

/// The folder of a file; empty at the root of the tree.
pub(crate) fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path from the root of the tree; nothing where it leaves the tree.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if path.starts_with('/') {
        return None;
    }
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_tree() {
        assert_eq!(resolve("pipelines", "../data/orders.csv").as_deref(), Some("data/orders.csv"));
        assert_eq!(resolve("", ".").as_deref(), Some(""));
        assert_eq!(resolve("pipelines", "../../x"), None);
        assert_eq!(resolve("", "/etc/passwd"), None);
        assert_eq!(folder("pipelines/eu/orders.toml"), "pipelines/eu");
    }
}
