//! Cuts a file into expressions: a header, or a key with its value. An error stays inside its expression.
//!
//! An array or a table that is never closed would swallow the rest of the file; it ends where a line cannot belong to
//! it. So does a multi-line string that is never closed.

use toml_parser::lexer::{Lexer, Token, TokenKind};
use toml_parser::{ErrorSink, ParseError, Source, parser::parse_document};

use super::builder::Builder;
use super::tree::Table;
use crate::diagnostic::{Fault, Syntax};
use crate::source::{FileId, Span};

/// Reads a text into its tree; whatever is wrong goes to `faults`, at most one syntax error an expression.
pub(crate) fn read<'s>(text: &'s str, file: FileId, faults: &mut Vec<Fault>) -> Table<'s> {
    let mut builder = Builder::new(text, file);
    let mut base = 0;
    while let Some(rest) = text.get(base..).filter(|rest| !rest.is_empty()) {
        builder.rebase(base);
        match read_from(rest, &mut builder, faults) {
            Some(restart) => base += restart,
            None => break,
        }
    }
    report(&mut builder, faults);
    builder.finish()
}

fn report(builder: &mut Builder<'_>, faults: &mut Vec<Fault>) {
    for span in builder.deep.drain(..) {
        faults.push(Fault::Syntax(Syntax::TooDeep { span }));
    }
    for taken in builder.taken.drain(..) {
        let key = taken.again.text.as_ref().into();
        faults.push(Fault::Syntax(Syntax::DuplicateKey { key, first: taken.first, again: taken.again.span }));
    }
}

/// Reads expressions to the end; answers with where to go on behind a string that swallowed the rest.
fn read_from(text: &str, builder: &mut Builder<'_>, faults: &mut Vec<Fault>) -> Option<usize> {
    let mut lexer = Source::new(text).lex();
    let mut tokens = Vec::new();
    loop {
        tokens.clear();
        next_expression(text, &mut lexer, &mut tokens);
        let last = *tokens.last()?;
        let mut first = First(None);
        parse_document(&tokens, builder, &mut first);
        let broken = first.0.as_ref().map(|error| place(text, error).start());
        builder.end_expression(broken);
        if let Some(error) = first.0 {
            if let Some((string, at)) = swallowed(text, &tokens) {
                faults.push(unclosed_string(builder.span(string)));
                return Some(at);
            }
            faults.push(syntax(text, builder, &error));
        }
        if last.kind() == TokenKind::Eof {
            return None;
        }
    }
}

/// Gathers the tokens of one expression, its newline included.
fn next_expression(text: &str, lexer: &mut Lexer<'_>, tokens: &mut Vec<Token>) {
    let mut open: Vec<TokenKind> = Vec::new();
    for token in lexer {
        tokens.push(token);
        match token.kind() {
            kind @ (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) => open.push(kind),
            TokenKind::RightSquareBracket => close(&mut open, TokenKind::LeftSquareBracket),
            TokenKind::RightCurlyBracket => close(&mut open, TokenKind::LeftCurlyBracket),
            TokenKind::Newline if starts_anew(&text[token.span().end()..], open.last().copied()) => return,
            TokenKind::Newline if is_header(tokens) => return,
            _ => {}
        }
    }
}

/// Closes a bracket, and with it those inside that were left open.
fn close(open: &mut Vec<TokenKind>, bracket: TokenKind) {
    let at = open.iter().rposition(|one| *one == bracket);
    open.truncate(at.unwrap_or(open.len()));
}

/// A header ends with its line, closed or not.
fn is_header(tokens: &[Token]) -> bool {
    let first = tokens.iter().find(|token| token.kind() != TokenKind::Whitespace);
    first.is_some_and(|token| token.kind() == TokenKind::LeftSquareBracket)
}

/// Whether the next line starts a new expression, given the innermost open bracket.
fn starts_anew(rest: &str, innermost: Option<TokenKind>) -> bool {
    match innermost {
        None => true,
        Some(TokenKind::LeftCurlyBracket) => looks_like_header(first_line(rest)),
        Some(_) => looks_like_header(first_line(rest)) || looks_like_assignment(first_line(rest)),
    }
}

fn first_line(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(line, _)| line)
}

/// `[name…]`, which no array can hold: a bare word there would have to be `true`, `false`, `inf` or `nan`.
fn looks_like_header(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('[') else { return false };
    let rest = rest.strip_prefix('[').unwrap_or(rest).trim_start();
    let word = rest.split(|c: char| !is_bare(c)).next().unwrap_or_default();
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(word, "true" | "false" | "inf" | "nan")
}

/// `name = …`, which no array can hold.
fn looks_like_assignment(line: &str) -> bool {
    let line = line.trim_start();
    let behind = line.trim_start_matches(|c: char| is_bare(c) || matches!(c, '.' | '"'));
    behind.len() < line.len() && behind.trim_start().starts_with('=')
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The quotes that open a string that runs to the end of the text, and where to go on.
fn swallowed(text: &str, tokens: &[Token]) -> Option<(toml_parser::Span, usize)> {
    let string = tokens.iter().rev().find(|token| token.kind() != TokenKind::Eof)?;
    let multi_line = matches!(string.kind(), TokenKind::MlBasicString | TokenKind::MlLiteralString);
    if !multi_line || string.span().end() != text.len() {
        return None;
    }
    let inside = &text[string.span().start()..];
    let breaks = inside.match_indices('\n').map(|(at, _)| at + 1);
    let mut resume = breaks.filter(|at| looks_like_header(first_line(&inside[*at..])));
    let start = string.span().start();
    let quotes = toml_parser::Span::new_unchecked(start, start + 3);
    Some((quotes, resume.next().map_or(text.len(), |at| start + at)))
}

fn unclosed_string(span: Span) -> Fault {
    let problem = "the string is never closed".into();
    Fault::Syntax(Syntax::Toml { span, problem, expected: String::new(), unquoted: None })
}

/// Keeps the first error: those that follow in the same expression come from it.
struct First(Option<ParseError>);

impl ErrorSink for First {
    fn report_error(&mut self, error: ParseError) {
        self.0.get_or_insert(error);
    }
}

/// Where an error lies; at the end of the text where the parser does not say.
fn place(text: &str, error: &ParseError) -> toml_parser::Span {
    let range = error.unexpected().or(error.context());
    range.unwrap_or_else(|| toml_parser::Span::new_unchecked(text.len(), text.len()))
}

fn syntax(text: &str, builder: &Builder<'_>, error: &ParseError) -> Fault {
    let range = place(text, error);
    let span = builder.span(range);
    let expected = error.expected().unwrap_or_default().iter().map(|expected| match expected {
        toml_parser::Expected::Literal("\n") => "the end of the line".to_owned(),
        toml_parser::Expected::Literal(text) => format!("`{text}`"),
        toml_parser::Expected::Description(text) => (*text).to_owned(),
        _ => String::new(),
    });
    let expected: Vec<String> = expected.filter(|text| !text.is_empty()).collect();
    let (problem, expected) = match error.description() {
        "string values must be quoted" if range.is_empty() => ("the value is missing", "a value".to_owned()),
        "string values must be quoted" => ("a text must be in quotes", String::new()),
        problem => (problem, expected.join(" or ")),
    };
    let unquoted = unquoted(text, builder, range);
    Fault::Syntax(Syntax::Toml { span, problem: problem.into(), expected, unquoted })
}

/// The whole of an unquoted word where a value should be: what was probably meant is a string.
fn unquoted(text: &str, builder: &Builder<'_>, range: toml_parser::Span) -> Option<Span> {
    let line_start = text[..range.start().min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let line = first_line(&text[line_start..]).trim_end_matches('\r');
    let (key, value) = line.split_once('=')?;
    let word = value.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '$' | '%' | ' ');
    if word.is_empty() || !word.chars().all(plain) || key.contains(['[', '"', '#', '\'']) {
        return None;
    }
    let start = line_start + key.len() + 1 + (value.len() - value.trim_start().len());
    Some(builder.span(toml_parser::Span::new_unchecked(start, start + word.len())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::DeTable;

    use super::*;
    use crate::source::SourceSet;

    fn faults(text: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let file = SourceSet::default().add("a", String::new());
        read(text, file, &mut faults);
        faults
    }

    #[test]
    fn what_toml_takes_and_refuses_is_taken_and_refused() {
        for text in [
            "[a.b.c]\nz = 9\n[a]\nb.d = 1\n",
            "[a]\nb.c = 1\n[a.b]\n",
            "[a]\nb.c = 1\n[a.d]\n",
            "a.b = 1\na.c = 2\n[a.d]\n",
            "a = { b = 1 }\na.c = 2\n",
            "a = { b = 1 }\n[a.c]\n",
            "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\n",
            "[[a]]\n[a]\n",
            "[a]\n[[a]]\n",
            "a = [1]\n[[a]]\n",
            "a = [{ b = 1 }]\n[a.c]\n",
            "a = [\n [true],\n [1, 2], # c\n]\n",
            "a = { b = { c = 1 }, b.d = 2 }\n",
            "a = { b.c = 1, b.d = 2 }\n",
            "\"a b\" = 1\n'c'.d = 2\n\"\" = 3\n",
            "a = 1 b = 2\n",
            "a = [1,,2]\n",
            "a = 0x_1\nb = 1__0\n",
            "[a]]\n",
            "[]\n",
            "= 1\n",
            "a = \"\"\"x\"\"\"\nb = '''y'''\n",
            "a = {\n b = 1,\n}\n",
        ] {
            assert_eq!(faults(text).is_empty(), DeTable::parse(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_text_is_taken_and_refused_as_toml_does(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "[a]\n", "[a.b]\n", "[[a]]\n", "[b]\n", "a = 1\n", "b = 2\n", "a.b = 1\n", "b.c.d = 1\n", "a.b.c = 1\n",
                    "c = { a = 1, b.c = 2 }\n", "a = { }\n", "b = [1, { a = 2 }]\n", "[c.a]\n", "d = \"x\"\n",
                    "# c\n", "a = [\n", "]\n", "\n", "e = '''\n", "'''\n", "x",
                ]),
                0..8,
            ),
        ) {
            let text = words.concat();
            prop_assert_eq!(faults(&text).is_empty(), DeTable::parse(&text).is_ok(), "{}", text);
        }
    }
}
