//! Text from agents made fit for human eyes: what cannot be seen is named, what is too long is cut.

use loop_core::base::json::{self, Doc};

/// `text` in one line, with every character that is invisible, reorders its neighbours or imitates a space
/// written as `⟨U+202E⟩`, and cut to `max` characters.
///
/// A person decides by what is on the screen, so nothing may stand in a call that the screen does not show.
#[must_use]
pub fn visible(text: &str, max: usize) -> String {
    escaped(text, max, |char, out| out.push(char))
}

/// As [`visible`], each visible character written by `escape` in the channel's mark-up; `max` bounds the
/// characters of the result, the words that tell of a cut (at most [`CUT_MAX`]) apart.
#[must_use]
pub fn escaped(text: &str, max: usize, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len().min(max.saturating_mul(2)));
    let mut room = max;
    let mut piece = String::new();
    let mut chars = text.chars();
    let mut stacked = 0_u32;
    while let Some(char) = chars.next() {
        piece.clear();
        stacked = if combining(char) { stacked.saturating_add(1) } else { 0 };
        if hidden(char) || stacked > STACKED_MAX {
            named(char, &mut piece);
        } else {
            escape(char, &mut piece);
        }
        let Some(left) = room.checked_sub(piece.chars().count()) else {
            let more = chars.count().saturating_add(1);
            let _ = std::fmt::Write::write_fmt(&mut out, format_args!("… ({more} more characters)"));
            break;
        };
        room = left;
        out.push_str(&piece);
    }
    out
}

/// How long the words that tell of a cut may be, in characters.
pub const CUT_MAX: usize = 40;

/// JSON text as lines to read: one per member of the outermost object, each compact, every digit kept.
#[must_use]
pub fn lines(json: &str) -> Vec<String> {
    let Ok(doc) = Doc::parse(json.as_bytes()) else { return vec![json.to_owned()] };
    let root = doc.root();
    if !root.is_object() || root.is_empty() {
        let mut line = String::new();
        json::write(root, &mut line);
        return vec![line];
    }
    let line = |member: json::View<'_>| {
        let mut line = String::new();
        json::write_string(member.key(), &mut line);
        line.push_str(": ");
        json::write(member, &mut line);
        line
    };
    root.members().map(line).collect()
}

/// The lines, escaped, at most `max` characters and [`LINES_MAX`] lines in all.
#[must_use]
pub fn block(lines: &[String], max: usize, escape: impl Fn(char, &mut String)) -> Vec<String> {
    let mut room = max;
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if room == 0 || at >= LINES_MAX {
            out.push(format!("… ({} more arguments)", lines.len().saturating_sub(at)));
            break;
        }
        let shown = escaped(line, room, &escape);
        room = room.saturating_sub(shown.chars().count().saturating_add(1));
        out.push(shown);
    }
    out
}

/// How many lines of arguments a notice shows.
pub const LINES_MAX: usize = 40;

/// Appends `⟨U+XXXX⟩`.
pub fn named(char: char, out: &mut String) {
    let _ = std::fmt::Write::write_fmt(out, format_args!("⟨U+{:04X}⟩", u32::from(char)));
}

/// More marks than this on one letter hide the lines around it.
const STACKED_MAX: u32 = 2;

/// Whether the character is drawn over the one before it.
const fn combining(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a reader would not see the character for what it is.
fn hidden(char: char) -> bool {
    match char {
        ' '..='~' => false,
        // Controls (line breaks included: a line of its own could pass for one of ours), soft hyphen.
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' => true,
        // Joiners, fillers and marks without width.
        '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        // Spaces that are not the space.
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => true,
        // Zero width, direction marks, separators, embeddings, isolates, invisible operators.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Hangul fillers, byte order mark, variation selectors, interlinear marks, blank Braille.
        '\u{3164}' | '\u{ffa0}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{2800}' => true,
        // Musical formatting, tags, further variation selectors.
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        // Private use: no two screens agree.
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{CUT_MAX, block, hidden, lines, visible};
    use proptest::prelude::*;

    #[test]
    fn hidden_and_reordering_characters_are_named() {
        assert_eq!(visible("pay\u{202e}001\u{202c}", 100), "pay⟨U+202E⟩001⟨U+202C⟩");
        assert_eq!(visible("a\u{200b}b\u{feff}c\u{ad}d", 100), "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+00AD⟩d");
        assert_eq!(visible("a\r\nApprove: x\t\0", 100), "a⟨U+000D⟩⟨U+000A⟩Approve: x⟨U+0009⟩⟨U+0000⟩");
        assert_eq!(visible("\u{e0041}\u{a0}", 100), "⟨U+E0041⟩⟨U+00A0⟩");
        assert_eq!(visible("e\u{301}\u{301}\u{301}x\u{301}", 100), "e\u{301}\u{301}⟨U+0301⟩x\u{301}");
        assert_eq!(visible("Zoë £5 日本 😀", 100), "Zoë £5 日本 😀");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(visible("abcdef", 6), "abcdef");
        assert_eq!(visible("abcdef", 4), "abcd… (2 more characters)");
    }

    #[test]
    fn arguments_become_one_line_each_with_every_digit() {
        let json = r#"{"amount":1.50,"n":9007199254740993,"to":["a\\nb",{"x":null}]}"#;
        assert_eq!(lines(json), [r#""amount": 1.50"#, r#""n": 9007199254740993"#, r#""to": ["a\\nb",{"x":null}]"#]);
        assert_eq!(lines("{}"), ["{}"]);
        assert_eq!(lines("[1,2]"), ["[1,2]"]);
        assert_eq!(lines("no json"), ["no json"]);
    }

    #[test]
    fn a_block_keeps_within_its_room_and_names_what_it_leaves_out() {
        let many: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let shown = block(&many, 10_000, |char, out| out.push(char));
        assert_eq!(shown.last().unwrap(), "… (60 more arguments)");
        let shown = block(&many, 20, |char, out| out.push(char));
        assert_eq!(shown, ["line 0", "line 1", "line 2", "… (97 more arguments)"]);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_the_length_is_bounded(text in any::<String>(), max in 0_usize..64) {
            let shown = visible(&text, max);
            prop_assert!(!shown.chars().any(hidden));
            prop_assert!(shown.chars().count() <= max + CUT_MAX);
        }
    }
}
