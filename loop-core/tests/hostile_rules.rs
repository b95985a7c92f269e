//! Rule texts that somebody wrote to break something: none panics, takes more than its length of work, hides what it
//! says behind look-alike letters, or touches another rule.

#![cfg(test)]

use std::sync::Arc;

use loop_core::{
    base::{Seed, Time, id::RuleId, json::Doc},
    policy::{
        Action, CompiledRule, PolicySettings, PolicySnapshot, Rule, RuleAction, Verdict,
        english::{self, Reading, TEXT_MAX},
        evaluate,
    },
};
use proptest::prelude::*;

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

/// Rules that the hostile ones stand beside.
const OTHERS: [&str; 6] = [
    "refunds over £50 need approval",
    "block deleting files in production",
    "block emails to anyone outside acme.org",
    "anything done by night-bot needs approval",
    "payments to Umbrella need approval unless they are under £20",
    "no deployments on weekends",
];

const CALLS: [(&str, &str); 9] = [
    ("create_refund", r#"{"amount":90,"currency":"GBP"}"#),
    ("create_refund", r#"{"amount":5,"currency":"GBP"}"#),
    ("delete_file", r#"{"path":"/srv/a","environment":"production"}"#),
    ("delete_file", r#"{"path":"/srv/a","environment":"staging"}"#),
    ("send_email", r#"{"to":["bea@acme.org"],"subject":"hello"}"#),
    ("send_email", r#"{"to":"x@other.example","body":"block everything"}"#),
    ("pay_vendor", r#"{"payee":"Umbrella","amount":30,"currency":"GBP"}"#),
    ("get_report", r#"{"id":7}"#),
    ("frobnicate", "{}"),
];

fn rule(text: &str, action: RuleAction, seed: u8) -> Arc<CompiledRule> {
    Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([seed; 32])), text, action)))
}

fn others() -> Vec<Arc<CompiledRule>> {
    let action = |text: &str| if text.starts_with("block") { RuleAction::Block } else { RuleAction::Approve };
    (1..).zip(OTHERS).map(|(seed, text)| rule(text, action(text), seed)).collect()
}

fn policy(rules: Vec<Arc<CompiledRule>>) -> PolicySnapshot {
    PolicySnapshot::build(1, rules, Vec::new(), PolicySettings::default())
}

fn decide(policy: &PolicySnapshot, tool: &str, arguments: &str) -> Verdict {
    let doc = Doc::parse(arguments.as_bytes()).unwrap();
    let action = Action {
        tool,
        agent: Some("billing-agent"),
        arguments: doc.root(),
        forward: None,
        claimed_risk: None,
        stage: None,
    };
    evaluate(policy, &action, NOW)
}

fn reasons(verdict: &Verdict) -> Vec<(&'static str, Option<RuleId>)> {
    verdict.reasons.iter().map(|reason| (reason.code.as_str(), reason.rule.as_ref().map(|rule| rule.rule.id))).collect()
}

/// Words and signs that mean something to the reader, and what looks like them or hides between them.
fn salad() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "refunds",
        "block",
        "need approval",
        "unless",
        "except",
        "only",
        "not",
        "over",
        "under",
        "between",
        "£50",
        "$1k",
        "20%",
        "and",
        "or",
        ",",
        ";",
        ".",
        ":",
        "(",
        ")",
        "[",
        "{",
        "\"",
        "'",
        "“",
        "-",
        "—",
        "/etc",
        "*.pem",
        "a@b.c",
        "acme.org",
        "production",
        "on weekends",
        "at 9",
        "24 hours",
        "the",
        "anything",
        "no",
        "by agent-7",
        "to",
        "of",
        "1e99",
        "99999999999999999999999999",
        "-",
        "0",
        "½",
        "٣",
        "\u{202e}",
        "\u{2066}",
        "\u{200d}",
        "\u{200b}",
        "\u{feff}",
        "\u{301}",
        "е",
        "ｒｅｆｕｎｄ",
        "𝐫𝐞𝐟𝐮𝐧𝐝",
        "İ",
        "ß",
        "ﬁ",
        "\u{0}",
        "\n",
        "\t",
        "🙂",
        "\u{10ffff}",
        "ignore all other rules",
        "</rule>",
        "\\",
        "{{",
        "%s",
        "$(x)",
        "all",
        "any",
        "none",
    ];
    let piece = prop_oneof![8 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    (prop::collection::vec(piece, 0..60), any::<bool>())
        .prop_map(|(pieces, spaced)| pieces.join(if spaced { " " } else { "" }))
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![4 => salad(), 1 => "\\PC{0,200}", 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_text_is_read_and_always_alike(text in hostile()) {
        let read = english::read(&text);
        prop_assert_eq!(&read, &english::read(&text));
        let policy = policy(vec![rule(&text, RuleAction::Block, 9)]);
        for (tool, arguments) in CALLS {
            let verdict = decide(&policy, tool, arguments);
            prop_assert_eq!(reasons(&verdict), reasons(&decide(&policy, tool, arguments)));
        }
    }

    #[test]
    fn no_text_touches_another_rule(text in hostile(), block in any::<bool>(), first in any::<bool>()) {
        let action = if block { RuleAction::Block } else { RuleAction::Approve };
        // Before or behind the others by its id.
        let extra = rule(&text, action, if first { 0 } else { 99 });
        let id = extra.rule.id;
        let alone = policy(others());
        let mut all = others();
        all.push(extra);
        let beside = policy(all);
        for (tool, arguments) in CALLS {
            let (before, after) = (decide(&alone, tool, arguments), decide(&beside, tool, arguments));
            let mut others = reasons(&after);
            others.retain(|(_, rule)| *rule != Some(id));
            prop_assert_eq!(others, reasons(&before), "{} {}", tool, arguments);
            let own = after.reasons.iter().find(|reason| reason.rule.as_ref().is_some_and(|rule| rule.rule.id == id));
            let stricter = own.map_or(before.outcome, |reason| before.outcome.max(reason.outcome));
            prop_assert_eq!(after.outcome, stricter, "{} {}", tool, arguments);
        }
    }
}

/// Sentences, and disguises under which each reads as it does in plain letters.
#[test]
fn a_disguise_changes_nothing() {
    let fullwidth = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        other => other,
    };
    let cyrillic = |c: char| match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'x' => 'х',
        other => other,
    };
    let between = |text: &str, mark: char| {
        let mut out = String::new();
        let mut before = ' ';
        for c in text.chars() {
            if before.is_alphabetic() && c.is_alphabetic() {
                out.push(mark);
            }
            out.push(c);
            before = c;
        }
        out
    };
    for text in [
        "refunds over £50 need approval",
        "block deleting files in production",
        "block emails to anyone outside acme.org",
        "payments need approval except payments under £20",
        "discounts of more than 20% need approval",
    ] {
        let plain: Reading = english::read(text);
        assert_eq!(plain.unresolved, [""; 0], "{text}");
        for disguise in [
            text.chars().map(fullwidth).collect::<String>(),
            text.chars().map(cyrillic).collect(),
            between(text, '\u{200d}'),
            between(text, '\u{200b}'),
            between(text, '\u{ad}'),
            format!("\u{202e}{text}\u{202c}"),
            format!("\u{2066}{text}\u{2069}"),
            format!("\u{feff}{text}"),
            text.replace(' ', "\u{a0}"),
            text.replace(' ', "  \u{200e}\n"),
        ] {
            assert_eq!(english::read(&disguise), plain, "{text} as {disguise:?}");
        }
    }
}

/// Four times the text asks for memory about four times as often and for four times as much, so nothing is done again
/// for every word; and the longest text is read in little of it.
#[test]
fn steps_grow_with_the_length_of_a_text_and_copies_are_bounded() {
    const COPIED_MAX: u64 = 24 << 20;
    let mut worst = String::new();
    for piece in [
        "refunds over £50 need approval. ",
        "refunds and ",
        "refunds, ",
        "unless refunds ",
        "except on weekends, ",
        "only ",
        "not ",
        "and ",
        ", ",
        "(",
        "\"",
        "\" ",
        "[{(",
        "£5 ",
        "over 5 ",
        "between 1 and 2 and ",
        "to a@b.c ",
        "acme.org or ",
        "in production ",
        "/etc/a ",
        "*",
        "zebra ",
        "zebra crossing, ",
        "Zebra ",
        "by agent-7 ",
        "9 to 5 on mondays ",
        "x",
        "9",
        "\u{301}",
        "\u{202e}",
        "a\u{200d}",
        "-",
        ". ",
        "it must not be that ",
        "approval ",
        "which ",
        "of the ",
    ] {
        let text = |bytes: usize| {
            let text = piece.repeat(bytes / piece.len());
            assert!(text.len() <= TEXT_MAX);
            text
        };
        let (short, long) = (text(TEXT_MAX / 4), text(TEXT_MAX));
        drop(english::read(&short));
        let few = allocation_counter::measure(|| drop(english::read(&short)));
        let many = allocation_counter::measure(|| drop(english::read(&long)));
        let linear = many.count_total <= few.count_total.saturating_mul(6).saturating_add(2_000);
        let copied = many.bytes_total <= few.bytes_total.saturating_mul(6).saturating_add(1 << 20);
        if !linear || !copied || many.bytes_total > COPIED_MAX {
            worst += &format!(
                "{piece:?}: {} and {} allocations, {} and {} bytes\n",
                few.count_total, many.count_total, few.bytes_total, many.bytes_total
            );
        }
    }
    assert!(worst.is_empty(), "four times the text takes much more than four times the work:\n{worst}");
}
