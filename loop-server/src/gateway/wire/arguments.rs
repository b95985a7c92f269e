//! What a call asks for, as the text of one JSON object whatever the form gave.

use loop_core::base::json::{Doc, View, write};

use super::{Unreadable, compose};

/// Arguments that the form gives as a text of JSON: an object stays as it was sent, another value is wrapped as
/// `{"value": …}`, no text means no arguments.
///
/// # Errors
/// [`Unreadable::Arguments`].
pub(super) fn of_text(text: &str) -> Result<String, Unreadable> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.is_empty() {
        return Ok("{}".to_owned());
    }
    let doc = Doc::parse(text.as_bytes()).map_err(|_| Unreadable::Arguments)?;
    Ok(if doc.root().is_object() { text.to_owned() } else { wrapped(text) })
}

/// Arguments that the form gives as a value.
pub(super) fn of_value(value: View<'_>) -> String {
    let mut text = String::new();
    write(value, &mut text);
    if value.is_object() { text } else { wrapped(&text) }
}

/// The free text that a custom tool takes.
pub(super) fn of_custom(input: &str) -> String {
    let mut out = String::from("{");
    compose::text(&mut out, "input", input);
    out.push('}');
    out
}

/// The members of `value` but those named.
pub(super) fn of_members(value: View<'_>, but: &[&str]) -> String {
    let mut out = String::from("{");
    for member in value.members().filter(|member| !but.contains(&member.key())) {
        compose::member(&mut out, member);
    }
    out.push('}');
    out
}

fn wrapped(value: &str) -> String {
    format!("{{\"value\":{value}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_stays_as_it_was_sent() {
        assert_eq!(of_text(" {\"b\": 1e2,\"a\":[ ]}\n").unwrap(), "{\"b\": 1e2,\"a\":[ ]}");
    }

    #[test]
    fn no_text_means_no_arguments_and_other_values_are_wrapped() {
        assert_eq!(of_text("").unwrap(), "{}");
        assert_eq!(of_text(" \n").unwrap(), "{}");
        assert_eq!(of_text("[1,\"x\"]").unwrap(), "{\"value\":[1,\"x\"]}");
        assert_eq!(of_text("null").unwrap(), "{\"value\":null}");
        assert_eq!(of_custom("rm \"-rf\""), "{\"input\":\"rm \\\"-rf\\\"\"}");
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        for bad in
            ["{not json", "{\"a\":1,\"a\":2}", "{} {}", "{\"a\":NaN}", "{'a':1}", "{\"a\":1,}", &deep, "\u{a0}{}"]
        {
            assert_eq!(of_text(bad), Err(Unreadable::Arguments), "{bad}");
        }
    }
}
