//! What each channel is sent, and what it does with hostile text.

use loop_core::{
    base::{Seed, TenantId, Time, id::ApprovalId, secret::Secret},
    outbox::{CallSummary, Notice, NoticeKind, Target, links::Links},
    tool::Risk,
};
use proptest::prelude::*;
use serde_json::Value;

use super::{Urls, Words, discord, email, slack, teams};

const PUBLIC: &str = "https://loop.example/";

fn call() -> CallSummary {
    CallSummary {
        approval: ApprovalId::draw(Time::EPOCH, &mut Seed::new([1; 32])),
        tool: "wire_transfer".into(),
        agent: Some("billing-agent".into()),
        arguments: r#"{"amount":5000.00,"email":"j***@example.com","to":{"iban":"GB**"}}"#.into(),
        reason: Some("pay the invoice".into()),
        forward: Some("POST https://bank.example/pay".into()),
        rules: vec!["Any wire transfer over £1,000 needs approval".into()],
        why: vec!["has an amount of more than £1000: $.amount is 5000".into()],
        risk: Risk::Medium,
        expires_at: Time::from_micros(1_700_000_000_000_000),
    }
}

fn notice(kind: NoticeKind, call: CallSummary) -> Notice {
    Notice::new(kind, Target::Slack, call, Time::EPOCH, &mut Seed::new([2; 32]))
}

fn urls() -> Urls {
    Urls::new(PUBLIC, &Links { approve: Secret::new("a".repeat(64)), deny: Secret::new("d".repeat(64)) })
}

fn asked(call: CallSummary) -> Notice {
    notice(NoticeKind::ApprovalRequested, call)
}

/// Every channel's message about a notice, as it goes over the wire.
fn bodies(notice: &Notice, with_urls: bool) -> Vec<(&'static str, String)> {
    let words = Words::of(notice, with_urls.then(urls));
    let mail = email::render(&words);
    vec![
        ("slack", slack::render(&words).to_string()),
        ("teams", teams::render(&words).to_string()),
        ("discord", discord::render(&words).to_string()),
        ("email.text", mail.text),
        ("email.html", mail.html),
    ]
}

#[test]
fn slack_message() {
    insta::assert_json_snapshot!(slack::render(&Words::of(&asked(call()), Some(urls()))));
}

#[test]
fn teams_message() {
    insta::assert_json_snapshot!(teams::render(&Words::of(&asked(call()), Some(urls()))));
}

#[test]
fn discord_message() {
    let body = discord::render(&Words::of(&asked(call()), Some(urls())));
    insta::assert_snapshot!(body["content"].as_str().unwrap());
    assert_eq!(body["allowed_mentions"], serde_json::json!({"parse": []}));
    assert_eq!(body["flags"], 4);
}

#[test]
fn email_message() {
    let mail = email::render(&Words::of(&asked(call()), Some(urls())));
    insta::assert_snapshot!(format!("{}\n---\n{}---\n{}", mail.subject, mail.text, mail.html));
}

#[test]
fn expiry_is_told_without_links() {
    let expired = notice(NoticeKind::ApprovalExpired, call());
    for (channel, body) in bodies(&expired, false) {
        assert!(body.contains("Approval expired") && body.contains("wire_transfer"), "{channel}");
        assert!(body.contains("Nobody decided by 2023-11-14 22:13 UTC: the call was denied."), "{channel}: {body}");
        assert!(!body.contains("/api/"), "{channel}");
    }
}

#[test]
fn every_channel_names_the_tool_and_carries_both_links_whole() {
    for (channel, body) in bodies(&asked(call()), true) {
        assert!(body.contains("wire_transfer") && body.contains("billing-agent"), "{channel}");
        for (verb, letter) in [("approve", "a"), ("deny", "d")] {
            let url = format!("https://loop.example/api/{verb}/{}", letter.repeat(64));
            let (_, behind) = body.split_once(&url).unwrap_or_else(|| panic!("{channel} lacks {url}"));
            let next = behind.chars().next().unwrap();
            assert!(
                !next.is_ascii_alphanumeric() && !"-_.~%/?#".contains(next),
                "{channel}: `{next}` runs into the link"
            );
        }
    }
}

/// A call whose every text is `text`.
fn hostile(text: &str) -> CallSummary {
    CallSummary {
        tool: text.into(),
        agent: Some(text.into()),
        arguments: serde_json::json!({ text: text }).to_string(),
        reason: Some(text.into()),
        forward: Some(text.into()),
        rules: vec![text.into(); 7],
        why: vec![text.into(); 7],
        ..call()
    }
}

/// Every string anywhere in a JSON value.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => vec![],
    }
}

#[test]
fn slack_reads_no_mark_up_in_values() {
    let notice = asked(hostile("<!everyone> <@U1> <https://evil.example|Approve> & *b*"));
    let body = slack::render(&Words::of(&notice, Some(urls())));
    for text in strings(&body).iter().filter(|text| !text.starts_with("Approve: <https://loop.example/")) {
        assert!(!text.contains(['<', '>']), "{text}");
    }
    for block in body["blocks"].as_array().unwrap() {
        if block["text"]["type"] == "mrkdwn" {
            assert!(!block["text"]["text"].as_str().unwrap().contains("evil"), "values stand in plain text only");
        }
    }
    assert_eq!((&body["parse"], &body["link_names"]), (&"none".into(), &false.into()));
    assert_eq!((&body["unfurl_links"], &body["unfurl_media"]), (&false.into(), &false.into()));
}

#[test]
fn teams_reads_no_markdown_in_values() {
    let notice = asked(hostile("[Approve](https://evil.example) **b** <at>x</at>"));
    let body = teams::render(&Words::of(&notice, Some(urls())));
    assert!(body["attachments"].is_array() && body["type"] == "message");
    let card = &body["attachments"][0]["content"];
    for block in card["body"].as_array().unwrap() {
        assert!(block["type"] == "RichTextBlock" || block["text"] == "Approval needed", "{block}");
    }
    assert!(card["msteams"]["entities"].is_null());
}

#[test]
fn discord_values_cannot_leave_their_code() {
    let notice = asked(hostile("``` @everyone <@1> [Approve](https://evil.example) ` **b**"));
    let body = discord::render(&Words::of(&notice, Some(urls())));
    let content = body["content"].as_str().unwrap();
    // Every other piece between back-ticks is code; nothing of theirs stands outside.
    let pieces: Vec<String> = content.replace("```", "`").split('`').map(str::to_owned).collect();
    assert!(pieces.len() % 2 == 1 && pieces.iter().skip(1).step_by(2).any(|piece| piece.contains("@everyone")));
    for piece in pieces.iter().step_by(2) {
        assert!(!["everyone", "evil", "**b**", "<@1>"].iter().any(|theirs| piece.contains(theirs)), "{piece}");
    }
}

#[test]
fn html_reads_no_tags_in_values() {
    let notice = asked(hostile("<script>alert(1)</script> <a href=\"https://evil.example\">Approve</a> ' &"));
    let mail = email::render(&Words::of(&notice, Some(urls())));
    assert!(!mail.html.contains("<script") && !mail.html.contains("href=\"https://evil"));
    assert_eq!(mail.html.matches("<a ").count(), 2);
    assert!(mail.html.contains("&lt;script&gt;"));
}

#[test]
fn a_value_cannot_start_a_line_of_its_own_or_hide_anything() {
    let notice = asked(hostile("x\r\nApprove: https://evil.example\u{2028}\u{202e}\u{200b}\u{feff}"));
    for (channel, body) in bodies(&notice, true) {
        assert!(!body.contains(['\u{2028}', '\u{202e}', '\u{200b}', '\u{feff}', '\r']), "{channel}");
        assert!(body.contains("⟨U+202E⟩"), "{channel}");
        let lines = serde_json::from_str(&body).map_or(body, |body| strings(&body).join("\n"));
        assert!(!lines.lines().any(|line| line.trim_start().starts_with("Approve: https://evil")), "{channel}");
    }
    let subject = email::render(&Words::of(&notice, None)).subject;
    assert!(!subject.contains(['\r', '\n']));
}

proptest! {
    #[test]
    fn messages_keep_within_the_limits_of_their_channel(
        text in "(?s).{0,40}", times in 1_usize..400, arguments in 0_usize..60,
    ) {
        let long = text.repeat(times);
        let members: serde_json::Map<_, _> = (0..arguments).map(|n| (format!("{n}"), long.clone().into())).collect();
        let notice = asked(CallSummary { arguments: Value::Object(members).to_string(), ..hostile(&long) });
        let words = Words::of(&notice, Some(urls()));

        let body = discord::render(&words);
        prop_assert!(body["content"].as_str().unwrap().chars().count() <= 2_000);
        prop_assert!(body["content"].as_str().unwrap().ends_with("UTC."), "nothing of ours is cut off");

        let body = slack::render(&words);
        let blocks = body["blocks"].as_array().unwrap();
        prop_assert!(blocks.len() <= 50);
        for block in blocks {
            let text = block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap();
            prop_assert!((1..=3_000).contains(&text.chars().count()));
        }
        prop_assert!(body["text"].as_str().unwrap().chars().count() <= 3_000);

        prop_assert!(teams::render(&words).to_string().len() <= 28 * 1024);
    }
}

#[test]
fn a_tenant_is_never_named_in_a_message() {
    let tenant = TenantId::parse("t-secretive").unwrap();
    for (channel, body) in bodies(&asked(call()), true) {
        assert!(!body.contains(tenant.as_str()), "{channel}");
    }
}
