//! Discord webhooks. Values stand in code spans and blocks, where neither Markdown nor mentions are read; the
//! only way out of them is a back-tick, which is named instead. Mentions are switched off besides.

use serde_json::{Value, json};

use super::Words;
use crate::outbound::show;

/// The most characters of a message.
const MESSAGE_MAX: usize = 2_000;
/// The most characters of one value, and how many facts are told.
const VALUE: (usize, usize) = (90, 7);
/// The most characters of the arguments, where the rest leaves so much room.
const ARGUMENTS_MAX: usize = 800;
/// What stands around the arguments, words that tell of a cut included.
const AROUND: usize = 2 * show::CUT_MAX + 20;
/// Discord's flag for a message whose links are not unfolded.
const SUPPRESS_EMBEDS: u32 = 4;

/// The webhook's body.
#[must_use]
pub fn render(words: &Words<'_>) -> Value {
    let mut text = format!("**{}**\n", words.headline);
    let mut line = |label: &str, value: &str| {
        text.push_str(label);
        text.push_str(": ");
        text.push_str(value);
        text.push('\n');
    };
    if let Some(urls) = &words.urls {
        line("Approve", &format!("<{}>", urls.approve));
        line("Deny", &format!("<{}>", urls.deny));
    }
    for (label, value) in words.facts.iter().take(VALUE.1) {
        let value = show::escaped(value, VALUE.0, escape);
        line(label, &format!("`{}`", if value.is_empty() { " " } else { &value }));
    }
    let used = text.chars().count().saturating_add(words.closing.chars().count()).saturating_add(AROUND);
    let room = MESSAGE_MAX.saturating_sub(used).min(ARGUMENTS_MAX);
    let arguments = show::block(&words.arguments, room, escape).join("\n");
    text.push_str(&format!("Arguments: ```\n{arguments}\n```{}", words.closing));
    // Links and tool come first: with an overlong public URL it is the rest that is lost.
    let content: String = text.chars().take(MESSAGE_MAX).collect();
    json!({"content": content, "allowed_mentions": {"parse": []}, "flags": SUPPRESS_EMBEDS})
}

fn escape(char: char, out: &mut String) {
    match char {
        '`' => show::named(char, out),
        _ => out.push(char),
    }
}
