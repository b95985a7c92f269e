//! A question as a chat completion, and what counts as its answer.

use loop_core::{
    base::json::{Doc, View},
    policy::judge::{Answer, INSTRUCTIONS, Question, Ruling, Unjudged, schema},
};
use serde_json::json;

/// The largest question, in bytes.
pub const REQUEST_MAX: usize = 32 << 10;
/// The largest answer, in bytes.
pub const ANSWER_MAX: usize = 16 << 10;
/// The most tokens that the model may answer with.
const TOKENS_MAX: u32 = 400;

/// The body that asks a question.
///
/// # Errors
/// [`Unjudged::TooLarge`].
pub fn request(model: &str, question: &Question) -> Result<String, Unjudged> {
    let body = json!({
        "model": model,
        "messages": [
            { "role": "system", "content": INSTRUCTIONS },
            { "role": "user", "content": question.message() },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "finding", "strict": true, "schema": schema() },
        },
        "temperature": 0,
        "seed": 0,
        "max_tokens": TOKENS_MAX,
        "stream": false,
    })
    .to_string();
    if body.len() > REQUEST_MAX { Err(Unjudged::TooLarge) } else { Ok(body) }
}

/// Reads the body of a chat completion: one choice that ended by itself, whose content is an [`Answer`], the whole
/// answer, and nothing but the answer.
///
/// # Errors
/// [`Unjudged::Declined`], and [`Unjudged::Unfit`] for whatever else is no answer.
pub fn read(body: &[u8]) -> Ruling {
    let doc = Doc::parse(body).map_err(|_| Unjudged::Unfit)?;
    let mut choices = doc.root().get("choices").ok_or(Unjudged::Unfit)?.items();
    let (Some(choice), None) = (choices.next(), choices.next()) else { return Err(Unjudged::Unfit) };
    let message = choice.get("message").ok_or(Unjudged::Unfit)?;
    let said =
        |view: View<'_>, name: &str| view.get(name).filter(|member| !member.is_null() && !member.is_empty()).is_some();
    let ended = choice.get("finish_reason").and_then(View::as_str);
    if message.get("refusal").is_some_and(|refusal| !refusal.is_null()) || ended == Some("content_filter") {
        return Err(Unjudged::Declined);
    }
    if ended != Some("stop") || said(message, "tool_calls") || said(message, "function_call") {
        return Err(Unjudged::Unfit);
    }
    Answer::read(message.get("content").and_then(View::as_str).ok_or(Unjudged::Unfit)?)
}

#[cfg(test)]
mod tests {
    use loop_core::{
        base::{Seed, TenantId, Time, id::RuleId, secret::MasterKey},
        policy::{
            CompiledRule, Rule, RuleAction,
            judge::{CallDigest, Finding, Question, Shown, Unjudged},
        },
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{REQUEST_MAX, read, request};

    fn question(text: &str, arguments: &str, body: Option<&str>) -> Question {
        let rule = CompiledRule::compile(Rule::new(
            RuleId::draw(Time::EPOCH, &mut Seed::new([1; 32])),
            text,
            RuleAction::Block,
        ));
        let (master, tenant) = (MasterKey::new([4; 32]), TenantId::default_tenant());
        let shown = Shown { tool: "create_refund", step: None, agent: Some("bot"), arguments, forward: None, body };
        let call = CallDigest::of(&master, &tenant, "b", None);
        Question::of(&master, &tenant, call, &rule, &shown.to_json())
    }

    fn completion(content: &str) -> Value {
        json!({ "id": "c", "choices": [{
            "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": content, "refusal": null }
        }] })
    }

    fn of(value: &Value) -> Result<Finding, Unjudged> {
        read(value.to_string().as_bytes()).map(|answer| answer.finding)
    }

    const COVERED: &str = r#"{"finding":"covered","reason":"it is"}"#;

    #[test]
    fn a_question_is_asked_in_these_words() {
        let body = request("judge-1", &question("block sketchy refunds", r#"{"amount":5}"#, None)).expect("fits");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        insta::assert_json_snapshot!(body);
    }

    #[test]
    fn the_largest_question_fits_and_what_would_not_is_not_asked() {
        let arguments = format!(r#"{{"note":"{}"}}"#, "\\\"".repeat(40_000));
        let text = "block sketchy refunds and flimsy ones ".repeat(50);
        let largest = question(&text, &arguments, Some(&arguments));
        assert!(request("m", &largest).is_ok_and(|body| body.len() <= REQUEST_MAX));
        let grown = Question { case: largest.case.repeat(4), ..largest };
        assert_eq!(request("m", &grown), Err(Unjudged::TooLarge));
    }

    #[test]
    fn one_choice_that_ended_well_is_an_answer() {
        assert_eq!(of(&completion(COVERED)), Ok(Finding::Covered));
        let mut bare = completion(COVERED);
        bare["choices"][0]["message"] = json!({ "content": COVERED, "tool_calls": [], "function_call": null });
        assert_eq!(of(&bare), Ok(Finding::Covered));
    }

    #[test]
    fn anything_else_is_none() {
        let change = |at: &str, to: Value| {
            let mut all = completion(COVERED);
            *all.pointer_mut(at).expect("a place") = to;
            all
        };
        let choice = completion(COVERED)["choices"][0].clone();
        for (bad, why) in [
            (json!({}), Unjudged::Unfit),
            (json!({ "error": { "message": "no" } }), Unjudged::Unfit),
            (change("/choices", json!([])), Unjudged::Unfit),
            (change("/choices", json!([choice, choice])), Unjudged::Unfit),
            (change("/choices", json!({ "0": choice })), Unjudged::Unfit),
            (change("/choices/0/finish_reason", json!("length")), Unjudged::Unfit),
            (change("/choices/0/finish_reason", Value::Null), Unjudged::Unfit),
            (change("/choices/0/finish_reason", json!("content_filter")), Unjudged::Declined),
            (change("/choices/0/message/refusal", json!("I cannot")), Unjudged::Declined),
            (change("/choices/0/message", json!({ "content": COVERED, "tool_calls": [{}] })), Unjudged::Unfit),
            (change("/choices/0/message/content", Value::Null), Unjudged::Unfit),
            (change("/choices/0/message/content", json!([{ "type": "text", "text": COVERED }])), Unjudged::Unfit),
            (completion(&format!("Sure: {COVERED}")), Unjudged::Unfit),
            (completion(&format!("{COVERED}{COVERED}")), Unjudged::Unfit),
        ] {
            assert_eq!(of(&bad), Err(why), "{bad}");
        }
        assert_eq!(read(b"<html>"), Err(Unjudged::Unfit));
        assert_eq!(read(b""), Err(Unjudged::Unfit));
        let twice = completion(COVERED).to_string().replacen("\"content\"", "\"content\":\"\",\"content\"", 1);
        assert_eq!(read(twice.as_bytes()), Err(Unjudged::Unfit));
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..256), text in any::<String>()) {
            let _ = read(&body);
            let _ = of(&completion(&text));
        }
    }
}
