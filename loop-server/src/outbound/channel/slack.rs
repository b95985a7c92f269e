//! Slack incoming webhooks: Block Kit. Values stand in `plain_text`, where no mark-up is read; `&`, `<` and `>`
//! are escaped everywhere, because that is how mentions and links are written.

use serde_json::{Value, json};

use super::Words;
use crate::outbound::show;

/// The most characters of one value (a field takes 2,000, each entity up to five of them).
const VALUE_MAX: usize = 300;
/// The most characters of the arguments (a section takes 3,000).
const ARGUMENTS_MAX: usize = 2_000;

/// The webhook's body.
#[must_use]
pub fn render(words: &Words<'_>) -> Value {
    let mut blocks = vec![json!({"type": "header", "text": plain(words.headline.to_owned())})];
    for (label, value) in &words.facts {
        let value = show::escaped(value, VALUE_MAX, escape);
        blocks.push(json!({"type": "section", "text": plain(format!("{label}: {value}"))}));
    }
    let arguments = show::block(&words.arguments, ARGUMENTS_MAX, escape).join("\n");
    blocks.push(json!({"type": "section", "text": plain(format!("Arguments:\n{arguments}"))}));
    if let Some(urls) = &words.urls {
        let text = format!("Approve: <{}>\nDeny: <{}>", urls.approve, urls.deny);
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text": text}}));
    }
    blocks.push(json!({"type": "context", "elements": [plain(words.closing.clone())]}));
    // The text of notifications and of clients that show no blocks.
    let tool = show::escaped(words.tool, VALUE_MAX, escape);
    let text = format!("{}: {tool} ({} risk)", words.headline, words.risk);
    json!({
        "text": text, "mrkdwn": false, "parse": "none", "link_names": false,
        "unfurl_links": false, "unfurl_media": false, "blocks": blocks,
    })
}

fn plain(text: String) -> Value {
    json!({"type": "plain_text", "emoji": false, "text": text})
}

fn escape(char: char, out: &mut String) {
    match char {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        _ => out.push(char),
    }
}
