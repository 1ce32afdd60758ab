//! Flags that mean the same for every command that takes them. A command flattens the groups that it has a use
//! for, so that a flag without an effect is a mistyped command line and never ignored.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::select::Expression;
use super::sink::{Format, Sink};
use super::vars::Assignment;

/// Where this program stands and how much it says. Every command takes these.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// Work as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Global options")]
    pub directory: Option<PathBuf>,
    /// Colours: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true,
        global = true,
        help_heading = "Global options"
    )]
    pub color: ColorChoice,
    /// How much is said.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// How much is said, and whether anything may be asked.
#[derive(Debug, Clone, Default, Args)]
pub struct Verbosity {
    /// Leave out progress and hints; -qq: warnings too
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Global options")]
    pub quiet: u8,
    /// Log what is done; -vv, -vvv: more (or WINDLASS_LOG=debug)
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Global options")]
    pub verbose: u8,
    /// Never ask; fail where an answer would be needed
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_input: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that can show them.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Which spec, in which environment, with which values.
#[derive(Debug, Clone, Default, Args)]
pub struct SpecArgs {
    /// The environment
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "WINDLASS_ENV",
        hide_env = true,
        help_heading = "Spec options"
    )]
    pub env: Option<String>,
    /// Give a param a value (also WINDLASS_VAR_NAME)
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Spec options")]
    pub var: Vec<Assignment>,
    /// Give params values from a TOML file
    #[arg(long, value_name = "FILE", help_heading = "Spec options")]
    pub var_file: Vec<PathBuf>,
}

impl SpecArgs {
    /// The environment that was named. An empty variable, as CI systems set it, names none.
    pub fn environment(&self) -> Option<&str> {
        self.env.as_deref().filter(|name| !name.is_empty())
    }
}

/// In which forms the result is written, and where to.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// The form of the result on standard output
    #[arg(long, value_name = "FORMAT", help_heading = "Output options", hide_possible_values = true)]
    pub format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output options")]
    pub json: bool,
    /// Write the result to a file as well, in a form of its own; repeatable
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Output options")]
    pub report: Vec<Sink>,
}

/// Which jobs.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Only these jobs: a glob on pipeline.job, tag:T, cluster:C, file:F, +job, job+; repeatable
    #[arg(short, long, value_name = "EXPR", help_heading = "Selection")]
    pub select: Vec<Expression>,
    /// Without these jobs; repeatable
    #[arg(short = 'x', long, value_name = "EXPR", help_heading = "Selection")]
    pub exclude: Vec<Expression>,
}

impl SelectArgs {
    /// Whether nothing was selected, so that everything is meant.
    pub fn is_empty(&self) -> bool {
        self.select.is_empty() && self.exclude.is_empty()
    }

    /// With expressions that stand without a flag.
    #[must_use]
    pub fn with(&self, named: &[Expression]) -> Self {
        let select = named.iter().chain(&self.select).cloned().collect();
        Self { select, exclude: self.exclude.clone() }
    }
}

/// Which store.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArgs {
    /// The store, instead of the one that the spec names
    #[arg(long, value_name = "URL", env = "WINDLASS_STORE", hide_env = true, help_heading = "Store options")]
    pub store: Option<String>,
}

impl StoreArgs {
    /// The store that was named. An empty variable, as CI systems set it, names none.
    pub fn url(&self) -> Option<&str> {
        self.store.as_deref().filter(|url| !url.is_empty())
    }
}
