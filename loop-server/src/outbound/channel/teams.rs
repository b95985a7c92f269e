//! Teams Workflows webhooks: an Adaptive Card. Values stand in text runs, which read no Markdown; a mention
//! would need an entity list, which is never sent.

use serde_json::{Value, json};

use super::Words;
use crate::outbound::show;

/// The most characters of one value.
const VALUE_MAX: usize = 250;
/// The most characters of the arguments; a message takes 28 KB in all, and a character up to four bytes.
const ARGUMENTS_MAX: usize = 1_800;

/// The webhook's body.
#[must_use]
pub fn render(words: &Words<'_>) -> Value {
    let mut body = vec![json!({"type": "TextBlock", "text": words.headline, "weight": "Bolder", "size": "Large"})];
    for (label, value) in &words.facts {
        let value = show::visible(value, VALUE_MAX);
        body.push(line(&[run(&format!("{label}: "), "Bolder", "Default"), run(&value, "Default", "Default")]));
    }
    body.push(line(&[run("Arguments:", "Bolder", "Default")]));
    for text in show::block(&words.arguments, ARGUMENTS_MAX, |char, out| out.push(char)) {
        body.push(line(&[run(&text, "Default", "Monospace")]));
    }
    body.push(line(&[run(&words.closing, "Default", "Default")]));
    let actions: Vec<Value> = words.urls.as_ref().map_or_else(Vec::new, |urls| {
        [("Approve", &urls.approve), ("Deny", &urls.deny)]
            .map(|(title, url)| json!({"type": "Action.OpenUrl", "title": title, "url": url}))
            .into()
    });
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "actions": actions, "msteams": {"width": "Full"},
    });
    let kind = "application/vnd.microsoft.card.adaptive";
    json!({"type": "message", "attachments": [{"contentType": kind, "contentUrl": null, "content": card}]})
}

fn line(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "spacing": "Small", "inlines": runs})
}

fn run(text: &str, weight: &str, font: &str) -> Value {
    json!({"type": "TextRun", "text": text, "weight": weight, "fontType": font})
}
