//! Words, quoted texts and marks of the canonical form, with where each stands.

use super::CanonicalError;

/// One word, text or mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// Letters, digits and what holds names and numbers together.
    Word(&'t str),
    /// What stands between quotes, its escapes still in it.
    Quoted(&'t str),
    /// `,` `;` `:` `(` or `)`
    Mark(char),
}

/// One of them with the byte where it starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexeme<'t> {
    pub kind: Kind<'t>,
    pub at: usize,
}

/// Whether a character is never seen, or turns what is seen around.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || (letter.is_whitespace() && letter != ' ')
        || matches!(
            letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Cuts a text whose final full stop is gone.
pub(super) fn cut(text: &str) -> Result<Vec<Lexeme<'_>>, CanonicalError> {
    let mut lexemes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let (kind, length) = match first {
            ' ' | '\n' | '\r' | '\t' => (None, 1),
            ',' | ';' | ':' | '(' | ')' => (Some(Kind::Mark(first)), 1),
            '"' | '“' => {
                let open = first.len_utf8();
                let inner = rest.split_at_checked(open).map(|(_, inner)| inner).unwrap_or_default();
                let (length, close) = quoted(inner, first == '“').ok_or(CanonicalError { at })?;
                let inner = inner.split_at_checked(length).map(|(inner, _)| inner).unwrap_or_default();
                (Some(Kind::Quoted(inner)), open + length + close)
            }
            _ => {
                let length = word(rest);
                let word = rest.split_at_checked(length).map(|(word, _)| word).filter(|word| !word.is_empty());
                (Some(Kind::Word(word.ok_or(CanonicalError { at })?)), length)
            }
        };
        lexemes.extend(kind.map(|kind| Lexeme { kind, at }));
        rest = rest.split_at_checked(length).map(|(_, rest)| rest).unwrap_or_default();
    }
    Ok(lexemes)
}

/// How long the quoted text is and how long the mark that ends it, in bytes.
fn quoted(inner: &str, curly: bool) -> Option<(usize, usize)> {
    let end = if curly { '”' } else { '"' };
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            _ if is_unseen(letter) => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == end => return Some((at, end.len_utf8())),
            _ => {}
        }
    }
    None
}

/// How long the word is, in bytes. `,` and `:` between digits belong to it (`10,000`, `09:30`).
fn word(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let within = |(at, byte): &(usize, &u8)| {
        byte.is_ascii_alphanumeric()
            || b"._-+@%#".contains(byte)
            || (matches!(byte, b',' | b':') && digit(at.checked_sub(1)) && digit(Some(at + 1)))
    };
    bytes.iter().enumerate().take_while(within).count()
}

/// What a space in quotes stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Itself.
    Space,
    /// The `_` that joins the words of a phrase.
    Joins,
}

/// Writes a text in quotes.
pub(super) fn quote(text: &str, space: Space) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape(text, space, &mut out);
    out.push('"');
    out
}

/// Writes words in quotes, a space between them.
pub(super) fn quote_words(words: &[String]) -> String {
    let mut out = String::from("\"");
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        word.chars().for_each(|letter| if letter == ' ' { code(letter, &mut out) } else { plain(letter, &mut out) });
    }
    out.push('"');
    out
}

fn escape(text: &str, space: Space, out: &mut String) {
    for letter in text.chars() {
        match (letter, space) {
            ('_', Space::Joins) => out.push(' '),
            (' ', Space::Joins) => code(letter, out),
            _ => plain(letter, out),
        }
    }
}

fn plain(letter: char, out: &mut String) {
    match letter {
        '"' | '\\' => out.extend(['\\', letter]),
        '“' | '”' => code(letter, out),
        _ if is_unseen(letter) => code(letter, out),
        _ => out.push(letter),
    }
}

fn code(letter: char, out: &mut String) {
    out.extend(letter.escape_unicode());
}

/// What a quoted text says, its escapes resolved; `None` for an escape that is none.
pub(super) fn unquote(inner: &str, space: Space) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match (letter, space) {
            ('\\', _) => out.push(match letters.next()? {
                kept @ ('"' | '\\') => kept,
                'u' if letters.next() == Some('{') => {
                    let mut number = letters.next()?.to_digit(16)?;
                    loop {
                        match letters.next()? {
                            '}' => break char::from_u32(number)?,
                            digit => number = number.checked_mul(16)?.checked_add(digit.to_digit(16)?)?,
                        }
                    }
                }
                _ => return None,
            }),
            (' ', Space::Joins) => out.push('_'),
            _ => out.push(letter),
        }
    }
    Some(out)
}
