//! What a compilation is asked for.

use serde::{Deserialize, Serialize};

/// What to compile, and with which values from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Where to start.
    pub root: Root,
    /// Which environments.
    pub environments: Environments,
    /// Values for params; a later one wins over an earlier one.
    pub variables: Vec<Variable>,
}

/// Where to start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Root {
    /// `windlass.toml`, and the files that it includes.
    #[default]
    Tree,
    /// One file, which holds everything.
    File(String),
}

/// Which environments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Environments {
    /// Each one that is declared; the spec without overlays where none is.
    #[default]
    Every,
    /// The one of this name.
    One(String),
    /// The spec without overlays.
    Base,
}

/// A value for a param from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The param.
    pub name: String,
    /// The value as text; a list is written `a,b`.
    pub value: String,
    /// Where it comes from, for messages: `--var`, `WINDLASS_VAR_region`, a file.
    pub origin: String,
}
