//! The same request after a yes gets the very answer that the yes was given to.

use serde_json::{Value, json};

use super::{
    CHAT, REQUEST, STREAMED, TRANSFERS, ask, before, block, decide, fake::Fake, listen, logs, pending, rule, say,
};
use crate::support::Fixture;

/// The same request as [`REQUEST`], written in another way.
const REWRITTEN: &str = r#"{"messages":[{"content":"do it","role":"user"}],  "model":"m"}"#;

fn transfer() -> String {
    say::completion(&[("wire_transfer", json!({ "amount": 5000, "to": "acme" })), ("read_file", json!({}))])
}

/// A turn that waits; the approval's id.
async fn waiting(fixture: &Fixture, fake: &mut Fake) -> Value {
    rule(fixture, TRANSFERS, "approve").await;
    let told = ask(fixture, fake, CHAT, REQUEST, &transfer()).await.json();
    assert_eq!(told["_trustloop"]["status"], "pending_approval", "{told}");
    told["_trustloop"]["approval_id"].clone()
}

fn without_verdict(mut told: Value) -> Value {
    told.as_object_mut().and_then(|told| told.remove("_trustloop")).expect("a verdict");
    told
}

#[tokio::test]
async fn an_approved_answer_is_handed_on_once_without_asking_the_model() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let id = waiting(&fixture, &mut fake).await;
    // While it waits, the model is not asked either.
    let told = fixture.call("POST", CHAT, &fixture.key, REQUEST).await.json();
    assert_eq!((&told["_trustloop"]["approval_id"], pending(&fixture).await.len()), (&id, 1));
    decide(&fixture, &id, "approved").await;
    let told = fixture.call("POST", CHAT, &fixture.key, REWRITTEN).await.json();
    assert_eq!(told["_trustloop"]["status"], "allowed");
    assert_eq!(without_verdict(told), serde_json::from_str::<Value>(&transfer()).expect("JSON"));
    assert!(fake.idle());
    // It was handed on; whoever asks again asks the model, and a human.
    let told = ask(&fixture, &mut fake, CHAT, REQUEST, &transfer()).await.json();
    assert_eq!(told["_trustloop"]["status"], "pending_approval");
    assert_ne!(told["_trustloop"]["approval_id"], id);
}

#[tokio::test]
async fn an_approved_stream_is_handed_on_as_it_came() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, TRANSFERS, "approve").await;
    let said = say::text("I will") + &say::stream("wire_transfer", r#"{"amount":9000}"#);
    let heard = say::heard(&listen(&fixture, &mut fake, &said).await.text());
    decide(&fixture, &heard.verdict["approval_id"], "approved").await;
    let answer = fixture.call("POST", CHAT, &fixture.key, STREAMED).await;
    assert!(fake.idle());
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let again = say::heard(&answer.text());
    assert_eq!(again.verdict["status"], "allowed");
    let first = say::heard(&said);
    assert_eq!(
        (again.text, again.names, again.arguments, again.finish),
        (first.text, first.names, first.arguments, first.finish)
    );
}

#[tokio::test]
async fn an_approved_stream_whose_last_line_has_no_end_is_handed_on_as_well() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, TRANSFERS, "approve").await;
    let said = say::stream("wire_transfer", r#"{"amount":9000}"#);
    let heard = say::heard(&listen(&fixture, &mut fake, said.trim_end()).await.text());
    decide(&fixture, &heard.verdict["approval_id"], "approved").await;
    let answer = tokio::select! {
        answer = fixture.call("POST", CHAT, &fixture.key, STREAMED) => answer,
        _ = fake.asked() => panic!("the model is asked again"),
    };
    let again = say::heard(answer.text().trim_end());
    assert_eq!((again.verdict["status"].as_str(), again.arguments.as_str()), (Some("allowed"), r#"{"amount":9000}"#));
}

#[tokio::test]
async fn a_long_answer_to_a_long_request_is_decided_kept_and_handed_on_as_a_short_one() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    rule(&fixture, TRANSFERS, "approve").await;
    block(&fixture, "kill_me").await;
    let long = "l".repeat(600 << 10);
    let request = json!({ "model": "m", "messages": [{ "role": "user", "content": long }] }).to_string();
    let said = say::completion(&[("wire_transfer", json!({ "amount": 5000, "note": long }))]);
    for (name, verdict) in [("read_file", "allowed"), ("kill_me", "blocked")] {
        let said = say::completion(&[(name, json!({ "note": long }))]);
        let told = ask(&fixture, &mut fake, CHAT, &request, &said).await.json();
        assert_eq!(told["_trustloop"]["decisions"][0]["status"], verdict, "{name}");
    }
    let id = ask(&fixture, &mut fake, CHAT, &request, &said).await.json()["_trustloop"]["approval_id"].clone();
    decide(&fixture, &id, "approved").await;
    let told = fixture.call("POST", CHAT, &fixture.key, &request).await.json();
    assert_eq!(told["_trustloop"]["status"], "allowed");
    assert_eq!(without_verdict(told), serde_json::from_str::<Value>(&said).expect("JSON"));
    assert!(fake.idle());
}

#[tokio::test]
async fn of_many_that_resume_one_gets_the_answer() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let id = waiting(&fixture, &mut fake).await;
    decide(&fixture, &id, "approved").await;
    let resume = || fixture.call("POST", CHAT, &fixture.key, REQUEST);
    let model = async {
        // Whoever comes too late is answered by the model.
        loop {
            fake.asked().await.json(transfer()).await;
        }
    };
    let all = async { tokio::join!(resume(), resume(), resume(), resume()) };
    let answers = tokio::select! { answers = all => answers, () = model => unreachable!("it never ends") };
    let statuses =
        [answers.0, answers.1, answers.2, answers.3].map(|answer| answer.json()["_trustloop"]["status"].clone());
    assert_eq!(statuses.iter().filter(|status| **status == "allowed").count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_switch_thrown_meanwhile_wins() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let id = waiting(&fixture, &mut fake).await;
    decide(&fixture, &id, "approved").await;
    block(&fixture, "read_file").await;
    let told = fixture.call("POST", CHAT, &fixture.key, REQUEST).await.json();
    assert_eq!((&told["_trustloop"]["blocked"], &told["_trustloop"]["tool"]), (&true.into(), &"read_file".into()));
    assert!(fake.idle() && !told.to_string().contains("acme"), "{told}");
}

#[tokio::test]
async fn a_no_stays_a_no() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let id = waiting(&fixture, &mut fake).await;
    decide(&fixture, &id, "denied").await;
    let told = fixture.call("POST", CHAT, &fixture.key, REQUEST).await.json();
    assert_eq!((&told["_trustloop"]["blocked"], &told["_trustloop"]["tool"]), (&true.into(), &"wire_transfer".into()));
    assert!(logs(&fixture, "").await.iter().all(|row| row["status"] != "ALLOWED"));
}

#[tokio::test]
async fn nobody_else_gets_it() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let id = waiting(&fixture, &mut fake).await;
    decide(&fixture, &id, "approved").await;
    let (answer, ()) = tokio::join!(fixture.call("POST", CHAT, &fixture.other, REQUEST), async {
        fake.asked().await.json(say::completion(&[])).await;
    });
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "hello");
    // Nor does another request, another door.
    let other = REQUEST.replace("do it", "do it now");
    let told = ask(&fixture, &mut fake, CHAT, &other, &say::completion(&[])).await.json();
    assert_eq!(told["choices"][0]["message"]["content"], "hello");
}
