//! What a terminal can do, from its environment.

use windlass_compiler::style::Style;

use crate::cli::args::ColorChoice;

/// The columns of whatever is no terminal: reports do not depend on who looks at them.
const WIDTH_OF_A_FILE: usize = 100;
/// The narrowest terminal that output is fitted into.
const NARROWEST: usize = 40;

/// What environment variables say about output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment {
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, and not to `0`.
    pub force_color: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    /// `CI` is set: nobody watches.
    pub ci: bool,
    /// The locale is one without Unicode.
    pub ascii: bool,
    /// `COLUMNS`, for whoever has no terminal and wants a width.
    pub columns: Option<usize>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            no_color: variable("NO_COLOR").is_some(),
            force_color: variable("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: variable("TERM").is_some_and(|term| term == "dumb"),
            ci: variable("CI").is_some_and(|value| value != "false" && value != "0"),
            ascii: is_ascii(&variable),
            columns: variable("COLUMNS").and_then(|columns| columns.parse().ok()),
        }
    }

    /// How text looks on one of the two streams. A flag beats `NO_COLOR`, which beats `CLICOLOR_FORCE`.
    pub fn style(&self, choice: ColorChoice, is_terminal: bool, width: Option<usize>) -> Style {
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.force_color || is_terminal && !self.dumb,
        };
        let width = if is_terminal { width } else { self.columns };
        Style { color, unicode: !self.ascii, width: width.unwrap_or(WIDTH_OF_A_FILE).max(NARROWEST) }
    }

    /// Whether a terminal here may be drawn upon in place.
    pub fn animates(&self) -> bool {
        !self.dumb && !self.ci
    }
}

/// The first of these variables that is set decides. An unset locale is taken for UTF-8: containers have none.
fn is_ascii(variable: &impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_some_and(|locale| locale == "POSIX" || locale == "C")
}

/// The columns of the terminal behind standard output, or else standard error.
pub(super) fn width() -> Option<usize> {
    let of_out = rustix::termios::tcgetwinsize(std::io::stdout());
    let size = of_out.or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr())).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The lines of the terminal behind standard error.
pub(super) fn height() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    (size.ws_row > 0).then_some(usize::from(size.ws_row))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variables = &'static [(&'static str, &'static str)];

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Environment::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn colour_follows_flag_then_no_color_then_force_then_terminal() {
        use ColorChoice::{Always, Auto, Never};
        let cases: [(Variables, ColorChoice, bool, bool); 9] = [
            (&[], Auto, true, true),
            (&[], Auto, false, false),
            (&[("NO_COLOR", "1")], Auto, true, false),
            (&[("NO_COLOR", "1")], Always, false, true),
            (&[("CLICOLOR_FORCE", "1")], Auto, false, true),
            (&[("CLICOLOR_FORCE", "0")], Auto, false, false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Auto, true, false),
            (&[("CLICOLOR_FORCE", "1")], Never, true, false),
            (&[("TERM", "dumb")], Auto, true, false),
        ];
        for (variables, choice, is_terminal, expected) in cases {
            let style = environment(variables).style(choice, is_terminal, None);
            assert_eq!(style.color, expected, "{variables:?} {choice:?} {is_terminal}");
        }
    }

    #[test]
    fn nothing_is_animated_where_nobody_watches() {
        assert!(environment(&[]).animates());
        assert!(!environment(&[("CI", "true")]).animates());
        assert!(!environment(&[("TERM", "dumb")]).animates());
    }

    #[test]
    fn characters_beyond_ascii_need_a_locale_that_has_them() {
        let unicode = |variables| environment(variables).style(ColorChoice::Auto, true, None).unicode;
        assert!(unicode(&[]));
        assert!(unicode(&[("LANG", "C.UTF-8")]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
    }

    #[test]
    fn a_width_comes_from_the_terminal_or_is_the_same_for_everybody() {
        let width = |variables, is_terminal, size| {
            environment(variables).style(ColorChoice::Auto, is_terminal, size).width
        };
        assert_eq!(width(&[], true, Some(132)), 132);
        assert_eq!(width(&[], true, Some(10)), 40);
        assert_eq!(width(&[], false, Some(132)), 100);
        assert_eq!(width(&[("COLUMNS", "80")], false, None), 80);
    }
}
