//! An agent on tokio whose tools are guarded: none of them runs unless Loop allowed the call, and where a rule asks
//! for a human, the human is asked on this terminal.
//!
//! ```text
//! cargo run -p loop-examples --bin guarded_agent
//! ```

use std::{error::Error, sync::Arc};

use loop_core::{
    access::Caller,
    approval::{self, Answer, ApprovalError, Via},
    audit::Status,
    base::{host::SystemHost, id::ApprovalId, json::Doc, secret::MasterKey},
    engine::{Call, Engine, bootstrap},
    policy::{
        RuleAction, kill_switch,
        rulebook::{self, NewRule},
    },
};
use loop_store_sqlite::{Options, SqliteStore};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

type Failure = Box<dyn Error>;

/// A tool as an agent framework would hold it.
struct Tool {
    name: &'static str,
    run: fn(&Value) -> String,
}

const TOOLS: [Tool; 4] = [
    Tool { name: "read_file", run: |arguments| format!("42 lines of {}", arguments["path"]) },
    Tool { name: "send_email", run: |arguments| format!("sent to {}", arguments["to"]) },
    Tool { name: "wire_transfer", run: |arguments| format!("transferred {}", arguments["amount"]) },
    Tool { name: "delete_file", run: |arguments| format!("deleted {}", arguments["path"]) },
];

/// The only way from the agent to its tools.
struct Guard {
    engine: Engine,
    caller: Caller,
    terminal: Lines<BufReader<Stdin>>,
}

impl Guard {
    /// Runs a tool if, and only if, the call is allowed. Every failure on the way means that it does not run.
    async fn call(&mut self, tool: &str, arguments: &Value, reason: &str) -> Result<String, Failure> {
        let tool = TOOLS.iter().find(|known| known.name == tool).ok_or_else(|| format!("no tool `{tool}`"))?;
        loop {
            let doc = Doc::from_value(arguments);
            let call = Call { reason: Some(reason), ..Call::new(tool.name, doc.root()).by("office-bot") };
            let decision = self.engine.intercept(&self.caller, &call).await?;
            match (decision.status, decision.approval) {
                (Status::Allowed, _) => return Ok((tool.run)(arguments)),
                // Once there is an answer the same call is proposed again, and decided again.
                (Status::Pending, Some(id)) => self.ask(id, &decision.message).await?,
                _ => return Ok(format!("refused: {}", decision.message)),
            }
        }
    }

    /// Shows what the approver may see (personal data masked) and takes yes or no; silence is a no.
    async fn ask(&mut self, id: ApprovalId, why: &str) -> Result<(), Failure> {
        let id = id.to_string();
        let wanted = id.clone();
        let cx = self.engine.context(self.caller.clone())?;
        let asked = self.engine.read(cx, "approval.get", move |tx, cx| approval::get(tx, cx.tenant(), &wanted)).await?;
        println!("  {why}\n  {} {}\n  allow this once? [y/N]", asked.tool_name, asked.arguments);
        let said = self.terminal.next_line().await?.unwrap_or_default();
        let answer = if said.trim().eq_ignore_ascii_case("y") { Answer::Approve } else { Answer::Deny };
        let cx = self.engine.context(self.caller.clone())?;
        self.engine
            .write(cx, "approval.decide", move |tx, cx| approval::decide(tx, cx, &id, answer, None, Via::Key))
            .await?;
        Ok(())
    }
}

async fn rule(engine: &Engine, caller: &Caller, text: &str, action: RuleAction) -> Result<(), Failure> {
    let new = NewRule::new(text, action);
    let cx = engine.context(caller.clone())?;
    engine.write(cx, "rule.create", move |tx, cx| Ok::<_, ApprovalError>(rulebook::create(tx, cx, &new)?)).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(directory.path().join("loop.db"), Options::default())?);
    let engine = Engine::new(store, Arc::new(SystemHost), MasterKey::from_text("keep this one well"));
    let key = bootstrap(&engine, None).await?.minted.ok_or("the file was not fresh")?;
    let caller = engine.authenticate(key.expose()).await?;

    rule(&engine, &caller, "Any wire transfer over £1,000 needs approval", RuleAction::Approve).await?;
    rule(&engine, &caller, "Block all file deletions", RuleAction::Block).await?;

    let terminal = BufReader::new(tokio::io::stdin()).lines();
    let mut guard = Guard { engine: engine.clone(), caller: caller.clone(), terminal };
    // What a model would come up with.
    for (tool, arguments, reason) in [
        ("read_file", json!({"path": "invoices/9921.txt"}), "look up what is owed"),
        (
            "wire_transfer",
            json!({"amount": 5000, "to": "GB29 NWBK 6016 1331 9268 19", "contact": "jane.roe@example.com"}),
            "pay invoice 9921",
        ),
        ("delete_file", json!({"path": "invoices/9921.txt"}), "tidy up"),
        ("send_email", json!({"to": "jane.roe@example.com", "body": "paid"}), "tell the supplier"),
    ] {
        println!("{tool}: {reason}");
        println!("  -> {}", guard.call(tool, &arguments, reason).await?);
    }

    // The kill switch needs no restart: the next call is refused.
    let cx = engine.context(caller.clone())?;
    engine
        .write(cx, "tool.block", |tx, cx| {
            Ok::<_, ApprovalError>(kill_switch::block(tx, cx, "send_email", "mail server abused")?)
        })
        .await?;
    println!("send_email, after the kill switch");
    let outcome = guard.call("send_email", &json!({"to": "all@example.com"}), "newsletter").await?;
    println!("  -> {outcome}");
    if outcome.starts_with("refused") { Ok(()) } else { Err("the kill switch did not hold".into()) }
}
