//! The end of an output, by lines or by bytes.

/// How much of the end is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    All,
    Lines(usize),
    Bytes(usize),
}

impl Tail {
    pub(super) fn of(lines: Option<usize>, bytes: Option<usize>) -> Self {
        match (lines, bytes) {
            (Some(lines), _) => Self::Lines(lines),
            (None, Some(bytes)) => Self::Bytes(bytes),
            (None, None) => Self::All,
        }
    }

    /// Leaves the wanted end of `bytes`. Cutting after each addition comes to the same as cutting once.
    pub(super) fn cut(self, bytes: &mut Vec<u8>) {
        let surplus = match self {
            Self::All => 0,
            Self::Bytes(wanted) => bytes.len().saturating_sub(wanted),
            Self::Lines(0) => bytes.len(),
            Self::Lines(wanted) => before_lines(bytes, wanted),
        };
        bytes.drain(..surplus);
    }
}

/// How many bytes stand before the last lines. A last line without its end counts as one.
fn before_lines(bytes: &[u8], wanted: usize) -> usize {
    let ended = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let ends = ended.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(wanted - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_what_was_asked_for() {
        for (tail, text, expected) in [
            (Tail::All, "a\nb\n", "a\nb\n"),
            (Tail::Lines(1), "a\nb\n", "b\n"),
            (Tail::Lines(1), "a\nb", "b"),
            (Tail::Lines(2), "a\nb\nc", "b\nc"),
            (Tail::Lines(9), "a\nb", "a\nb"),
            (Tail::Lines(0), "a\nb", ""),
            (Tail::Lines(1), "\n\n", "\n"),
            (Tail::Lines(1), "", ""),
            (Tail::Bytes(2), "abc", "bc"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            tail.cut(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{tail:?} of {text:?}");
        }
    }
}
