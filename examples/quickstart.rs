//! Embeds Loop in a program: a call is decided, asked about, approved, made once, and found in the log.
//!
//! ```text
//! cargo run -p loop-examples --bin quickstart
//! ```

use std::{error::Error, sync::Arc};

use loop_core::{
    approval::{self, Answer, ApprovalError, Via},
    audit::{self, Status},
    base::{host::SystemHost, json::Doc, secret::MasterKey},
    engine::{Call, Decision, Engine, bootstrap},
    policy::{
        RuleAction,
        rulebook::{self, NewRule},
    },
    store::wait,
};
use loop_store_sqlite::{Options, SqliteStore};

fn main() -> Result<(), Box<dyn Error>> {
    // One file, one engine. Everything below is plain calls: no runtime is needed, `wait` waits for the file.
    let directory = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(directory.path().join("loop.db"), Options::default())?);
    let engine = Engine::new(store, Arc::new(SystemHost), MasterKey::from_text("keep this one well"));

    // A fresh file gets a tenant and a key.
    let key = wait(bootstrap(&engine, None))?.minted.ok_or("the file was not fresh")?;
    let caller = wait(engine.authenticate(key.expose()))?;

    // What an agent wants to do is decided in one place.
    let propose = |tool: &str, arguments: &str| -> Result<Decision, Box<dyn Error>> {
        let arguments = Doc::parse(arguments.as_bytes())?;
        let call = Call::new(tool, arguments.root()).by("billing-bot");
        let decision = wait(engine.intercept(&caller, &call))?;
        println!("{tool} {:?}: {:?} ({})", arguments.root(), decision.status, decision.message);
        Ok(decision)
    };
    propose("wire_transfer", r#"{"amount":5000,"to":"acme"}"#)?;

    // A rule is a sentence.
    let rule = NewRule::new("Any wire transfer over £1,000 needs approval", RuleAction::Approve);
    let cx = engine.context(caller.clone())?;
    wait(engine.write(cx, "rule.create", move |tx, cx| Ok::<_, ApprovalError>(rulebook::create(tx, cx, &rule)?)))?;

    propose("wire_transfer", r#"{"amount":400,"to":"acme"}"#)?;
    let asked = propose("wire_transfer", r#"{"amount":5000,"to":"acme"}"#)?;

    // A human says yes; the same call goes through, once. Another amount asks again.
    let id = asked.approval.ok_or("nothing to approve")?.to_string();
    let cx = engine.context(caller.clone())?;
    wait(engine.write(cx, "approval.decide", move |tx, cx| {
        approval::decide(tx, cx, &id, Answer::Approve, Some("known supplier"), Via::Key)
    }))?;
    propose("wire_transfer", r#"{"amount":9000,"to":"acme"}"#)?;
    let allowed = propose("wire_transfer", r#"{"to":"acme","amount":5000}"#)?;
    let again = propose("wire_transfer", r#"{"amount":5000,"to":"acme"}"#)?;

    // Every step stands in a log that proves it was not changed.
    let cx = engine.context(caller.clone())?;
    let log =
        wait(engine.read(cx, "audit.verify", |tx, cx| {
            audit::verify(tx, cx.tenant(), Vec::new()).map_err(ApprovalError::from)
        }))?;
    println!("the log holds {} entries and is {}", log.entries, if log.valid { "intact" } else { "broken" });

    let as_promised = asked.status == Status::Pending && allowed.allowed() && !again.allowed() && log.valid;
    if as_promised { Ok(()) } else { Err("the example did not go as it says".into()) }
}
