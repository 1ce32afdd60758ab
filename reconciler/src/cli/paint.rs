//! Which colour says what. Nothing depends on colours alone: every state and result is a word as well.

use windlass_compiler::style::Style;
use windlass_core::state::Name;

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It failed, or will do harm.
    Bad,
    /// It deserves a look.
    Doubtful,
    /// It is as it should be.
    Good,
    /// It is on its way.
    Moving,
    /// It can be skipped by a reader in a hurry.
    Quiet,
    /// It should be read first.
    Strong,
    /// Nothing in particular.
    Plain,
}

/// `text` in a tone, where there are colours.
pub fn paint(style: &Style, tone: Tone, text: &str) -> String {
    match code(tone) {
        Some(code) if style.color && !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

/// The tone of a state.
pub fn of_state(state: Name) -> Tone {
    match state {
        Name::Running | Name::Succeeded => Tone::Good,
        Name::Failed | Name::Lost => Tone::Bad,
        Name::Degraded | Name::Unknown => Tone::Doubtful,
        Name::Submitting | Name::Stopping => Tone::Moving,
        Name::Waiting | Name::Skipped | Name::Stopped | Name::Suspended => Tone::Quiet,
    }
}

fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Bad => Some("31"),
        Tone::Doubtful => Some("33"),
        Tone::Good => Some("32"),
        Tone::Moving => Some("36"),
        Tone::Quiet => Some("2"),
        Tone::Strong => Some("1"),
        Tone::Plain => None,
    }
}
