//! The compiler's front, from the outside: trees in, models and diagnostics out.

mod compile;
mod diagnostics;
mod properties;
mod support;
