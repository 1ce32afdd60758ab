//! Compiles spec text into a checked model and a plan, with diagnostics.
//!
//! Everything is a function from values to values: files arrive through [`World`], options as values;
//! diagnostics, models and plans go out as data. The package knows no clock, no environment and no cluster.

mod check;
mod compile;
pub mod diagnostic;
mod layer;
pub mod model;
pub mod name;
mod options;
mod param;
mod parse;
mod path;
mod reference;
mod render;
mod resolve;
pub mod source;
mod spec;
mod suggest;
pub mod units;
pub mod world;

pub use compile::{Compilation, compile, validate};
pub use options::{Environments, Options, Root, Variable};
pub use render::render;
pub use world::World;

pub mod diff;
pub mod digest;
pub mod escape;
pub mod fix;
pub mod graph;
pub mod plan;
pub mod report;
mod spelling;
pub mod style;

#[cfg(any(test, feature = "sample"))]
pub mod sample;
