//! Reading a template's text. The `handlebars` crate parses it; what stands here runs before, so that no text can nest
//! deeper than a parser and an evaluator that call themselves should go, and so that what is wrong is told with the place
//! where it begins.
//!
//! The scan must see every block that the grammar sees. Tags whose end the two could disagree on (braces in a quoted text,
//! objects as arguments, backslashes) are refused.

use std::panic::catch_unwind;

use handlebars::template::Template;

use super::program::{self, Program};

/// How deep blocks may nest.
pub const MAX_DEPTH: usize = 64;
/// How deep calls may nest within a tag.
const MAX_PARENS: usize = 8;

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { line, column, message: message.into() }
    }

    fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.bytes().filter(|b| *b == b'\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
        Self::new(line, column, message)
    }
}

/// Refuses a text that is no template.
///
/// # Errors
/// Where it stops being one, and why.
pub fn check(text: &str) -> Result<(), SyntaxError> {
    compile(text).map(|_| ())
}

/// Compiles a text.
pub(super) fn compile(text: &str) -> Result<Program, SyntaxError> {
    scan(text)?;
    // The parser unwraps what its grammar should guarantee; a defect there must not end a thread.
    let parsed =
        catch_unwind(|| Template::compile(text)).map_err(|_| SyntaxError::new(1, 1, "the template cannot be read"))?;
    let template = parsed.map_err(|error| {
        let (line, column) = error.pos().unwrap_or((1, 1));
        SyntaxError::new(line, column, "this is no expression, block, partial or comment that Handlebars knows")
    })?;
    program::of(&template)
}

/// Checks that every tag ends and that blocks are closed in order, and not too many within one another.
fn scan(text: &str) -> Result<(), SyntaxError> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut from = 0;
    while let Some(start) = find(text, "{{", from) {
        // A backslash makes text of a tag; two make text of themselves only.
        let slashes = text.get(from..start).unwrap_or("").bytes().rev().take_while(|b| *b == b'\\').count();
        if slashes == 1 {
            from = start.saturating_add(2);
            continue;
        }
        let inside = start.saturating_add(2);
        if let Some(end) = comment(text, inside) {
            from = end.map_err(|()| SyntaxError::at(text, start, "this comment is not closed"))?;
            continue;
        }
        let end = tag(text, start, inside)?;
        let body = text.get(inside..end).unwrap_or("").trim_matches(|c: char| c == '~' || c.is_ascii_whitespace());
        if let Some(rest) = body.strip_prefix('#') {
            let name = name_of(rest);
            if name.is_empty() {
                return Err(SyntaxError::at(text, start, "this block has no name"));
            }
            open.push((start, name));
            if open.len() > MAX_DEPTH {
                return Err(SyntaxError::at(text, start, format!("blocks nest {MAX_DEPTH} deep at most")));
            }
        } else if let Some(rest) = body.strip_prefix('/') {
            let name = name_of(rest);
            let Some((begun, opened)) = open.pop() else {
                return Err(SyntaxError::at(text, start, format!("`{}` closes a block that is not open", show(name))));
            };
            if name != opened {
                let SyntaxError { line, column, .. } = SyntaxError::at(text, begun, "");
                let (name, opened) = (show(name), show(opened));
                let message = format!("`{name}` closes `{opened}`, which begins in line {line}, column {column}");
                return Err(SyntaxError::at(text, start, message));
            }
        }
        from = end.saturating_add(2);
    }
    match open.pop() {
        Some((start, name)) => Err(SyntaxError::at(text, start, format!("this block is not closed: `{}`", show(name)))),
        None => Ok(()),
    }
}

fn find(text: &str, what: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from.saturating_add(at))
}

/// Where the comment that begins here ends, if one does.
fn comment(text: &str, inside: usize) -> Option<Result<usize, ()>> {
    let rest = text.get(inside..)?;
    let closing = if rest.starts_with("!--") {
        "--}}"
    } else if rest.starts_with('!') {
        "}}"
    } else {
        return None;
    };
    Some(find(text, closing, inside).map(|at| at.saturating_add(closing.len())).ok_or(()))
}

/// Where the tag that begins here ends.
fn tag(text: &str, start: usize, inside: usize) -> Result<usize, SyntaxError> {
    let rest = text.get(inside..).unwrap_or("");
    let refuse = |at: usize, message: &str| Err(SyntaxError::at(text, inside.saturating_add(at), message));
    let (mut quote, mut bracket, mut parens) = (None::<u8>, false, 0_usize);
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().copied().enumerate() {
        let next = bytes.get(at.saturating_add(1)).copied();
        match (byte, quote, bracket) {
            (b'}', None, false) if next == Some(b'}') => {
                return if parens == 0 { Ok(inside.saturating_add(at)) } else { refuse(at, "a `(` is not closed") };
            }
            (b'{', ..) if next == Some(b'{') => return refuse(at, "the tag before this one is not closed"),
            (b'{' | b'}', ..) => return refuse(at, "a brace within a tag is not supported"),
            (b'\\', ..) => return refuse(at, "a backslash within a tag is not supported"),
            (b'"' | b'\'', _, true) => return refuse(at, "a quote within brackets is not supported"),
            (b'"' | b'\'', None, false) => quote = Some(byte),
            (b'"' | b'\'', Some(opened), false) if opened == byte => quote = None,
            (b'[', None, true) => return refuse(at, "brackets within brackets are not supported"),
            (b'[', None, false) => bracket = true,
            (b']', None, true) => bracket = false,
            (b'(', None, false) => {
                parens = parens.saturating_add(1);
                if parens > MAX_PARENS {
                    return refuse(at, "calls nest too deep");
                }
            }
            (b')', None, false) => match parens.checked_sub(1) {
                Some(fewer) => parens = fewer,
                None => return refuse(at, "a `)` closes nothing"),
            },
            _ => {}
        }
    }
    Err(SyntaxError::at(text, start, "this tag is not closed"))
}

/// The first word, which blocks are closed by.
fn name_of(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '*' | '>'));
    rest.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("")
}

/// As much of a name as a message shows.
fn show(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_DEPTH, check};

    fn place(text: &str) -> (usize, usize) {
        let error = check(text).expect_err(text);
        assert!(!error.message.is_empty());
        (error.line, error.column)
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, line, column) in [
            ("a {{#if issue.title}} b", 1, 3),
            ("{{#each labels}}x", 1, 1),
            ("{{#if issue.title}}x{{/each}}", 1, 21),
            ("x {{/if}}", 1, 3),
            ("Hello {{issue.title", 1, 7),
            ("{{#}}x{{/}}", 1, 1),
            ("{{issue.title)}}", 1, 14),
            ("{{#if a}}{{#if b}}x{{/if}}", 1, 1),
            ("{{#if a}}{{#each b}}x{{/if}}{{/each}}", 1, 22),
            ("fine\nfine\nx {{#if issue.title}}y{{/each}}\nfine", 3, 23),
            ("żó {{a {{b}}", 1, 8),
            ("{{!-- a", 1, 1),
        ] {
            assert_eq!(place(text), (line, column), "{text}");
        }
        for text in [
            "Hello {{issue.title}",
            "a {{}} b",
            "{{> }}",
            "{{else}}",
            "{{#if a}}{{else}}{{else}}{{/if}}",
            "{{#if}}x{{/if}}",
        ] {
            place(text);
        }
    }

    #[test]
    fn nothing_nests_deeper_than_it_may() {
        let nested = |n: usize| format!("{}x{}", "{{#if a}}".repeat(n), "{{/if}}".repeat(n));
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        for n in [MAX_DEPTH + 1, 5_000, 100_000] {
            assert!(check(&nested(n)).is_err());
        }
        for hidden in [
            "{{#if a}}{{!-- {{/if}} --}}",
            r#"{{#if a}}{{json "{{/if}}"}}"#,
            r#"{{#if a}}{{json {"a":{"b":1}} {"c":"{{/if}}"} }}"#,
            r#"{{#if a}}{{json "\"}} {{/if}}"}}"#,
            "{{#if a}}\\{{/if}}",
            "{{#if a}}{{a.[']}}{{/if}}']}}",
            "{{~# if a}}{{! {{/if}}",
            "{{ ~#if a}}",
        ] {
            assert!(check(&hidden.repeat(50_000)).is_err(), "{hidden}");
        }
        assert!(check(&format!("{{{{json {}a{}}}}}", "(json ".repeat(9), ")".repeat(9))).is_err());
        assert!(check(&format!("{{{{json {}1{}}}}}", "[".repeat(9_000), "]".repeat(9_000))).is_err());
        assert_eq!(check(&"{{#if a}}x{{/if}}".repeat(1_500)), Ok(()));
    }

    #[test]
    fn what_the_scan_skips_the_grammar_skips() {
        for text in
            ["{{! {{/if}}", r"\{{#if a}}", "a } { }} b", "{{!-- }} {{/if}} --}}", r#"{{json "a b"}}"#, "{{a.[b c]}}"]
        {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{{", "}}", "{{#if a}}", "{{/if}}", "{{else}}", "{{#each b}}", "{{/each}}", "{{a.b}}", "{{> parent_context}}",
                "\n", " ", "x", "~", "(", ")", "\"", "'", "[", "]", "\\", "{{!", "--", "#", "/", "@", "as |x|", "ż", ".", "{{^}}",
            ]), 0..24),
        ) {
            let _ = check(&parts.concat());
        }
    }
}
