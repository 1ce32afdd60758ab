//! How text looks on a terminal: width, colour, and which characters it can show.

/// A terminal's abilities, or those of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub color: bool,
    /// Whether lines and arrows may be drawn with characters beyond ASCII.
    pub unicode: bool,
    /// How many columns there are.
    pub width: usize,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Bad,
    Doubtful,
    Good,
    Quiet,
    Strong,
}

impl Default for Style {
    /// Without colour, 100 columns.
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100 }
    }
}

impl Style {
    /// `text` in a tone, where there are colours.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => "31",
            Tone::Doubtful => "33",
            Tone::Good => "32",
            Tone::Quiet => "2",
            Tone::Strong => "1",
        };
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn arrow(&self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "|" }
    }

    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// The line to an entry below another one.
    pub(crate) fn branch(&self, last: bool) -> &'static str {
        match (self.unicode, last) {
            (true, true) => "└",
            (true, false) => "├",
            (false, true) => "`-",
            (false, false) => "|-",
        }
    }
}
