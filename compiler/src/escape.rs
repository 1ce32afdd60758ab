//! Text that others wrote, made harmless for the place where it is shown.
//!
//! A spec is written by whoever opens a pull request. Nothing of it reaches a terminal or a report before it
//! went through here: no control character, no change of writing direction, no markup.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

/// One line: control characters, line ends and tabs included, and invisible or direction-changing characters
/// are spelt out, such as `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    spell_out(text, is_hidden)
}

/// Several lines: as [`visible`], but line feeds and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    spell_out(text, |c| is_hidden(c) && c != '\n' && c != '\t')
}

/// Whether a character is not seen as what it is: it moves the cursor, hides, or turns its surroundings around.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// How a hidden character is spelt out.
pub fn spelt_out(c: char) -> String {
    match c {
        '\n' | '\t' | '\r' => c.escape_default().to_string(),
        other => other.escape_unicode().to_string(),
    }
}

fn spell_out(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { out.push_str(&spelt_out(c)) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A value as JSON on several lines, ending in a line feed. The values are exact, but a terminal that shows the
/// JSON sees hidden characters as escapes.
pub fn json<T: Serialize>(value: &T) -> String {
    // Only a map with keys that are no texts, or a failing `Serialize`, is no JSON; ours are neither.
    let text = serde_json::to_string_pretty(value).expect("our values are JSON");
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if is_hidden(c) && c != '\n' { json_escape(&mut out, c) } else { out.push(c) }
    }
    out + "\n"
}

fn json_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("a string takes all text");
    }
}

/// The content of an XML element or attribute, on one line.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => entity(&mut out, c),
            other => out.push(other),
        }
    }
    out
}

/// The content of an XML element that may have several lines.
pub fn xml_lines(text: &str) -> String {
    text.lines().map(xml).collect::<Vec<_>>().join("\n")
}

/// A literal in Markdown, on one line: shown as code, without a meaning to any renderer, also in a table.
pub fn markdown_code(text: &str) -> String {
    format!("<code>{}</code>", inert(&visible(text)))
}

/// Prose in Markdown, on one line: parts between backticks become code, the rest loses every meaning, mentions
/// and references included.
pub fn markdown(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::with_capacity(text.len());
    for (number, part) in parts.iter().enumerate() {
        match (number % 2, number + 1 == parts.len()) {
            (0, _) => out.push_str(&inert(part)),
            (_, true) => write!(out, "&#96;{}", inert(part)).expect("a string takes all text"),
            (_, false) => out.push_str(&markdown_code(part)),
        }
    }
    out
}

/// Every character that could mean something becomes an entity. A renderer looks for mentions and references
/// after entities are resolved, and an empty comment keeps what follows from being one.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '@' | '#' => {
                entity(&mut out, c);
                out.push_str("<!-- -->");
            }
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '|' | '\\'
            | '!' | '$' | '{' | '}' | ':' => entity(&mut out, c),
            other => out.push(other),
        }
    }
    out
}

fn entity(out: &mut String, c: char) {
    write!(out, "&#{};", u32::from(c)).expect("a string takes all text");
}

/// At most `longest` characters, with an ellipsis in place of the rest.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
            Cow::Owned(kept + "…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_spelt_out() {
        for (hidden, expected) in [
            ("a\u{1b}[31m", "a\\u{1b}[31m"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("naïve 表", "naïve 表"),
        ] {
            assert_eq!(visible(hidden), expected);
        }
        assert_eq!(visible_lines("a\n\tb\u{7}"), "a\n\tb\\u{7}");
    }

    #[test]
    fn json_stays_the_same_value() {
        let hostile = "\u{1b}\u{202e}\u{9b}\u{e0001}\n\"";
        let json = json(&hostile);
        assert!(!json.trim_end().contains(is_hidden), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn markup_loses_its_meaning() {
        assert_eq!(xml("a]]><b c=\"d\"&\u{0}"), "a]]&#62;&#60;b c=&#34;d&#34;&#38;\\u{0}");
        assert_eq!(markdown_code("a|`*"), "<code>a&#124;&#96;&#42;</code>");
        assert_eq!(markdown("no `key` *here*"), "no <code>key</code> &#42;here&#42;");
        assert_eq!(markdown("an `odd one"), "an &#96;odd one");
        assert_eq!(markdown("@all #1"), "&#64;<!-- -->all &#35;<!-- -->1");
    }

    #[test]
    fn shortening_keeps_what_fits() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("äbcd", 3), "äb…");
    }
}
