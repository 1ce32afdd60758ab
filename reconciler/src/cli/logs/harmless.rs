//! What a job printed, made harmless for a terminal as it comes in pieces: text and colours stay, everything that
//! moves the cursor, asks the terminal something or is no text is spelt out.

use windlass_compiler::escape::{is_hidden, spelt_out};

/// The longest colour sequence that is waited for.
const LONGEST: usize = 32;

/// A filter that remembers what a piece ended in.
#[derive(Debug)]
pub(super) struct Harmless {
    color: bool,
    /// The beginning of a character or of a colour, whose end has not come yet.
    pending: Vec<u8>,
    painted: bool,
}

/// What stands at the beginning of some bytes.
enum Head {
    Text(char, usize),
    /// A colour: escape, `[`, digits and separators, `m`.
    Color(usize),
    Broken,
    /// More bytes are needed to tell.
    Open,
}

impl Harmless {
    /// A filter. `color`: colours are passed on, not left out.
    pub(super) fn new(color: bool) -> Self {
        Self { color, pending: Vec::new(), painted: false }
    }

    /// The harmless form of a piece, as far as it can be told.
    pub(super) fn take(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.pending);
        let mut out = String::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            match head(&bytes[at..]) {
                Head::Open => break,
                head => at += self.put(head, &bytes[at..], &mut out),
            }
        }
        self.pending = bytes[at..].to_vec();
        out
    }

    /// The harmless form of what is left, with colours reset.
    pub(super) fn finish(&mut self) -> String {
        let mut out = String::new();
        for byte in std::mem::take(&mut self.pending) {
            spell_byte(byte, &mut out);
        }
        if std::mem::take(&mut self.painted) {
            out.push_str("\u{1b}[0m");
        }
        out
    }

    /// Writes one thing; returns its length.
    fn put(&mut self, head: Head, bytes: &[u8], out: &mut String) -> usize {
        match head {
            Head::Text(c, length) => {
                if is_hidden(c) && c != '\n' && c != '\t' {
                    out.push_str(&spelt_out(c))
                } else {
                    out.push(c)
                }
                length
            }
            Head::Color(length) => {
                if self.color {
                    out.extend(bytes[..length].iter().map(|byte| char::from(*byte)));
                    self.painted = !matches!(&bytes[2..length], b"m" | b"0m");
                }
                length
            }
            Head::Broken | Head::Open => {
                spell_byte(bytes[0], out);
                1
            }
        }
    }
}

fn spell_byte(byte: u8, out: &mut String) {
    match byte {
        0x1b => out.push_str(&spelt_out('\u{1b}')),
        b' '..=b'~' => out.push(char::from(byte)),
        other => out.push_str(&format!("\\x{other:02x}")),
    }
}

fn head(bytes: &[u8]) -> Head {
    if bytes[0] == 0x1b {
        return sequence(bytes);
    }
    // No character has more than four bytes.
    let window = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => return if error.error_len().is_none() { Head::Open } else { Head::Broken },
    };
    valid.chars().next().map_or(Head::Broken, |c| Head::Text(c, c.len_utf8()))
}

/// A colour; any other sequence is an escape character and what follows it.
fn sequence(bytes: &[u8]) -> Head {
    let is_parameter = |byte: &&u8| matches!(byte, b'0'..=b'9' | b';' | b':');
    let escape = Head::Text('\u{1b}', 1);
    match bytes.get(1) {
        None => Head::Open,
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(is_parameter).count();
            match bytes.get(2 + parameters) {
                Some(b'm') => Head::Color(parameters + 3),
                None if parameters < LONGEST => Head::Open,
                _ => escape,
            }
        }
        Some(_) => escape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(color: bool, pieces: &[&[u8]]) -> String {
        let mut filter = Harmless::new(color);
        let out: String = pieces.iter().map(|piece| filter.take(piece)).collect();
        out + &filter.finish()
    }

    #[test]
    fn text_and_colours_stay_and_the_rest_is_spelt_out() {
        for (pieces, expected) in [
            (&[b"plain\n\ttext \xc3\xa9" as &[u8]] as &[&[u8]], "plain\n\ttext é"),
            (&[b"\x1b[31mred\x1b[0m"], "\u{1b}[31mred\u{1b}[0m"),
            (&[b"\x1b[3", b"1mred"], "\u{1b}[31mred\u{1b}[0m"),
            (&[b"\x1b[2Jgone\r"], "\\u{1b}[2Jgone\\r"),
            (&[b"\x1b]0;title\x07"], "\\u{1b}]0;title\\u{7}"),
            (&[b"\xff\xc3", b"\xa9\xc3"], "\\xffé\\xc3"),
            (&[b"\xe2\x80", b"\xaetxt"], "\\u{202e}txt"),
            (&[b"end\x1b"], "end\\u{1b}"),
            (&[b"\x00\x7f"], "\\u{0}\\u{7f}"),
        ] {
            assert_eq!(shown(true, pieces), expected);
        }
    }

    #[test]
    fn without_colours_none_are_passed_on() {
        assert_eq!(shown(false, &[b"\x1b[1;31mred\x1b[m"]), "red");
    }

    #[test]
    fn a_colour_that_never_ends_is_none() {
        let long = [b"\x1b[".as_slice(), &[b'1'; 40]].concat();
        assert!(shown(true, &[&long]).starts_with("\\u{1b}[111"));
    }
}
