//! The compiler's front, from the outside: trees in, models and diagnostics out.

#![expect(clippy::disallowed_methods, reason = "tests read fixtures, the compiler does not")]

mod compile;
mod diagnostics;
mod properties;
mod support;
