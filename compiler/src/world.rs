//! The outside world as a compilation sees it: two read-only questions.

/// What a compilation may ask of the outside. Paths are relative to the root of the spec tree, with `/`.
pub trait World {
    /// The bytes of one file.
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable>;

    /// All files below the root that end in `.toml`, sorted; hidden folders are left out.
    fn specs(&self) -> Result<Vec<String>, Unreadable>;
}

/// Why a file could not be read, as the system says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// There is no such file.
    Missing,
    /// The path leaves the root of the tree.
    Outside,
    /// Anything else, in the system's words.
    Other(String),
}
