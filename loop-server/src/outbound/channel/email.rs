//! E-mail: a plain text part and the same as simple HTML.

use std::fmt::Write as _;

use super::Words;
use crate::outbound::show;

/// The most characters of one value.
const VALUE_MAX: usize = 1_000;
/// The most characters of the arguments.
const ARGUMENTS_MAX: usize = 8_000;
/// The most characters of the tool's name in the subject.
const SUBJECT_TOOL_MAX: usize = 80;

/// What is sent. No part of it holds a line break that came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject, one line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// The mail.
#[must_use]
pub fn render(words: &Words<'_>) -> Mail {
    let tool = show::visible(words.tool, SUBJECT_TOOL_MAX);
    let subject = format!("{}: {tool} ({} risk)", words.headline, words.risk);
    Mail { subject, text: text(words), html: html(words) }
}

fn text(words: &Words<'_>) -> String {
    let mut out = format!("{}\n\n", words.headline);
    for (label, value) in &words.facts {
        let _ = writeln!(out, "{label}: {}", show::visible(value, VALUE_MAX));
    }
    out.push_str("\nArguments:\n");
    for line in show::block(&words.arguments, ARGUMENTS_MAX, |char, out| out.push(char)) {
        // Indented, so that no argument can pass for one of our lines.
        let _ = writeln!(out, "    {line}");
    }
    if let Some(urls) = &words.urls {
        let _ = write!(out, "\nApprove: {}\n\nDeny: {}\n", urls.approve, urls.deny);
    }
    let _ = write!(out, "\n{}\n", words.closing);
    out
}

fn html(words: &Words<'_>) -> String {
    let mut out = String::from("<!doctype html><html><body style=\"font-family:sans-serif\">\n");
    let _ = writeln!(out, "<h2>{}</h2>\n<table>", words.headline);
    for (label, value) in &words.facts {
        let value = show::escaped(value, VALUE_MAX, escape);
        let _ = writeln!(out, "<tr><th align=\"left\" valign=\"top\">{label}</th><td>{value}</td></tr>");
    }
    let arguments = show::block(&words.arguments, ARGUMENTS_MAX, escape).join("\n");
    let _ = writeln!(out, "</table>\n<p><b>Arguments</b></p>\n<pre style=\"white-space:pre-wrap\">{arguments}</pre>");
    if let Some(urls) = &words.urls {
        for (label, url) in [("Approve", &urls.approve), ("Deny", &urls.deny)] {
            let url = show::escaped(url, usize::MAX, escape);
            let _ = writeln!(out, "<p>{label}: <a href=\"{url}\">{url}</a></p>");
        }
    }
    let _ = write!(out, "<p>{}</p>\n</body></html>\n", words.closing);
    out
}

fn escape(char: char, out: &mut String) {
    match char {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ => out.push(char),
    }
}
