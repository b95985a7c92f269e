//! A loop hands work down to a sub-loop that may do less than it, and takes the permission back.
//!
//! ```text
//! cargo run -p loop-examples --bin sub_agents
//! ```

use std::{error::Error, sync::Arc};

use loop_core::{
    access::{
        AccessError, Caller, Loop, LoopKind, LoopStatus, Mode, Scope, Scopes,
        issue::{self, Wanted},
        loops::{self, NewLoop, Patch},
    },
    base::{
        Risk,
        host::SystemHost,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{Engine, bootstrap},
    message::{self, Draft, InboxQuery},
    policy::{Action, Outcome, Stage},
    store::wait,
    task::exchange,
};
use loop_store_sqlite::{Options, SqliteStore};
use serde_json::json;

type Failure = Box<dyn Error>;

/// Makes a loop as `maker` and a key for it.
fn make(engine: &Engine, maker: &Caller, new: NewLoop) -> Result<(Loop, Secret), Failure> {
    let cx = engine.context(maker.clone())?;
    let made = wait(engine.write(cx, "loop.create", move |tx, cx| {
        let made = loops::create(tx, cx, &new)?;
        let scopes = [Scope::PolicyEvaluate, Scope::AapSend, Scope::AapRead, Scope::LoopsWrite, Scope::KeysManage];
        let wanted = Wanted {
            name: made.tag.clone(),
            // A key may name more than its loop allows: what counts is what every loop above it allows too.
            scopes: scopes.into_iter().collect::<Scopes>(),
            loop_id: Some(made.id),
            expires_at: None,
            sandboxed: false,
        };
        Ok::<_, AccessError>((issue::create(tx, cx, &wanted)?.token, made))
    }))?;
    Ok((made.1, made.0))
}

fn plain(tag: &str, kind: LoopKind) -> NewLoop {
    NewLoop {
        tag: Some(tag.to_owned()),
        kind,
        owner_id: None,
        parent: None,
        skills: Vec::new(),
        permissions: None,
        plan: None,
        risk_ceiling: None,
        spend_limit: None,
    }
}

/// What the policy says when this caller's loop takes a step.
fn ask(engine: &Engine, caller: &Caller, step: &str, risk: Risk) -> Result<Outcome, Failure> {
    let arguments = Doc::empty_object();
    let stage = Stage {
        mode: Mode::Guided,
        loop_id: None,
        action: step,
        domain: Some("sales_revenue_ops"),
        tool: None,
        trust: 0,
        sandboxed: false,
        least_risk: Risk::Low,
        credits: None,
    };
    let action = Action {
        tool: step,
        agent: None,
        arguments: arguments.root(),
        forward: None,
        claimed_risk: Some(risk),
        stage: Some(stage),
    };
    let verdict = wait(engine.evaluate(caller, &action))?.verdict;
    println!("  {step} at {} risk: {}", risk.as_str(), word(verdict.outcome));
    Ok(verdict.outcome)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::Simulate => "simulate",
        Outcome::RequireApproval => "ask a human",
        Outcome::Deny => "deny",
    }
}

fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(directory.path().join("loop.db"), Options::default())?);
    let engine = Engine::new(store, Arc::new(SystemHost), MasterKey::from_text("keep this one well"));
    let key = wait(bootstrap(&engine, None))?.minted.ok_or("the file was not fresh")?;
    let admin = wait(engine.authenticate(key.expose()))?;

    let (head, head_key) = make(&engine, &admin, plain("sales_head", LoopKind::Developer))?;
    let parent = wait(engine.authenticate(head_key.expose()))?;

    // The parent makes a scout that may look things up and answer letters, at low risk, and nothing else.
    let narrow = [Scope::PolicyEvaluate, Scope::AapRead].into_iter().collect();
    let scout = NewLoop {
        parent: Some(head.id),
        permissions: Some(narrow),
        risk_ceiling: Some(Risk::Low),
        ..plain("lead_scout", LoopKind::Sub)
    };
    let (scout, scout_key) = make(&engine, &parent, scout)?;
    let child = wait(engine.authenticate(scout_key.expose()))?;
    println!("@{} may: {:?}", scout.tag, child.scopes);

    // Work is handed down as a message.
    let body =
        json!({"type": "TASK_REQUEST", "to": "@lead_scout", "task": "find_leads", "inputs": {"city": "Atlanta"}});
    let draft = Draft::read(Doc::from_value(&body).root())?;
    wait(engine.write(engine.context(parent.clone())?, "aap.send", move |tx, cx| exchange::send(tx, cx, &draft)))?;
    let inbox = wait(engine.read(engine.context(child.clone())?, "aap.inbox", move |tx, cx| {
        message::inbox(tx, cx.tenant(), scout.id, &InboxQuery { limit: 10, ..InboxQuery::default() })
    }))?;
    let asked = inbox.messages.first().ok_or("nothing arrived")?;
    println!("@{} was asked by @{}: {}", asked.to_tag, asked.from_tag, asked.content.get());

    println!("what each may do:");
    let head_may = ask(&engine, &parent, "enrich_leads", Risk::Medium)?;
    let scout_low = ask(&engine, &child, "find_leads", Risk::Low)?;
    let scout_more = ask(&engine, &child, "enrich_leads", Risk::Medium)?;
    let sends = child.require(Scope::AapSend);
    println!("  @lead_scout sends letters: {}", if sends.is_ok() { "yes" } else { "no" });

    // Suspending the parent stops everything under it, at once.
    let suspend = Patch { status: Some(LoopStatus::Suspended), ..Patch::default() };
    wait(
        engine.write(engine.context(admin.clone())?, "loop.update", move |tx, cx| {
            loops::patch(tx, cx, head.id, &suspend)
        }),
    )?;
    println!("after @sales_head was suspended:");
    let child = wait(engine.authenticate(scout_key.expose()))?;
    let stopped = ask(&engine, &child, "find_leads", Risk::Low)?;

    let as_promised = (head_may, scout_low, scout_more) == (Outcome::RequireApproval, Outcome::Allow, Outcome::Deny)
        && sends.is_err()
        && stopped == Outcome::Deny;
    if as_promised { Ok(()) } else { Err("the example did not go as it says".into()) }
}
