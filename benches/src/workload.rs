//! The call that is decided, the rule it is decided by, the engine that decides.

use std::{path::Path, sync::Arc};

use loop_core::{
    access::Caller,
    approval::ApprovalError,
    base::{
        host::SystemHost,
        json::{Doc, View},
        secret::{MasterKey, Secret},
    },
    engine::{Call, Decision, Engine, bootstrap},
    policy::{Action, RuleAction, RuleMode, rulebook},
    store::wait,
};
use loop_store_sqlite::{Options, SqliteStore};
use serde::Deserialize;

use crate::Outcome;

/// The one rule. Every call of the workload is read for its amount and stays below it.
pub const RULE: &str = "Any wire transfer over £1,000 needs approval";

/// The key of the only caller.
pub const KEY: &str = "tl_5f0c6b1d2e3f4a5b6c7d8e9f00112233445566778899aabbccddeeff00112233";

/// A call of about 250 bytes, as `POST /api/intercept` takes it.
pub const INTERCEPT: &str = r#"{"tool_name":"wire_transfer","agent_name":"treasury-bot","session_id":"month-end-2026-11","arguments":{"amount":412.50,"currency":"GBP","to":"Acme Trading","reference":"invoice 2026-1187","purpose":"office chairs, second delivery","priority":"normal"}}"#;

/// The same step, as `POST /api/v1/policy/evaluate` takes it.
pub const EVALUATE: &str = r#"{"executionMode":"guided","domain":"finance_ops","step":{"action":"pay_invoice","tool":"wire_transfer","riskLevel":"low","inputs":{"amount":412.50,"currency":"GBP","to":"Acme Trading","reference":"invoice 2026-1187","purpose":"office chairs"}}}"#;

/// What a server without Loop reads of [`INTERCEPT`].
#[derive(Debug, Deserialize)]
pub struct Intercept<'a> {
    /// The tool.
    pub tool_name: &'a str,
    /// The agent.
    pub agent_name: &'a str,
    /// The conversation.
    pub session_id: &'a str,
    /// The arguments.
    #[serde(borrow)]
    pub arguments: Arguments<'a>,
}

/// What a server without Loop reads of [`EVALUATE`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluate<'a> {
    /// The mode.
    pub execution_mode: &'a str,
    /// The domain.
    pub domain: &'a str,
    /// The step.
    #[serde(borrow)]
    pub step: Step<'a>,
}

/// The step of [`Evaluate`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step<'a> {
    /// What is to be done.
    pub action: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// The claimed risk.
    pub risk_level: &'a str,
    /// The arguments.
    #[serde(borrow)]
    pub inputs: Arguments<'a>,
}

/// The arguments of either.
#[derive(Debug, Deserialize)]
pub struct Arguments<'a> {
    /// How much.
    pub amount: f64,
    /// Of what.
    pub currency: &'a str,
    /// To whom.
    pub to: &'a str,
    /// For what.
    pub reference: &'a str,
    /// For what, in words.
    pub purpose: &'a str,
}

/// An engine over a file, its rule and its caller.
#[derive(Debug)]
pub struct Loop {
    /// The engine.
    pub engine: Engine,
    /// Who calls.
    pub caller: Caller,
    store: Arc<SqliteStore>,
}

impl Loop {
    /// A fresh file in `folder`, with every write durable before it is acknowledged.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(folder: &Path) -> Outcome<Self> {
        let store = Arc::new(SqliteStore::open(folder.join("loop.db"), Options::default())?);
        let engine = Engine::new(Arc::clone(&store) as _, Arc::new(SystemHost), MasterKey::new([7; 32]));
        wait(bootstrap(&engine, Some(Secret::new(KEY))))?;
        let caller = wait(engine.authenticate(KEY))?;
        let rule = rulebook::NewRule {
            rule_text: RULE.to_owned(),
            action: RuleAction::Approve,
            approver_email: None,
            mode: RuleMode::Enforce,
            expires_at: None,
            form: Default::default(),
        };
        let cx = engine.context(caller)?;
        let added = engine.write(cx, "rule.create", move |tx, cx| {
            rulebook::create(tx, cx, &rule).map(drop).map_err(ApprovalError::from)
        });
        wait(added)?;
        let caller = wait(engine.authenticate(KEY))?;
        Ok(Self { engine, caller, store })
    }

    /// Reads [`INTERCEPT`], decides it and waits until the decision is durable.
    ///
    /// # Errors
    /// A call that cannot be decided, or that is not allowed.
    pub fn intercept(&self) -> Outcome<Decision> {
        let doc = Doc::parse(INTERCEPT.as_bytes())?;
        let root = doc.root();
        let text = |name| root.get(name).and_then(View::as_str);
        let action = Action {
            tool: text("tool_name").ok_or("no tool")?,
            agent: text("agent_name"),
            arguments: root.get("arguments").ok_or("no arguments")?,
            forward: None,
            claimed_risk: None,
            stage: None,
        };
        let call = Call { action, reason: None, session: text("session_id"), door: "intercept" };
        let decision = wait(self.engine.intercept(&self.caller, &call))?;
        if decision.allowed() { Ok(decision) } else { Err(decision.message.into()) }
    }

    /// Closes the file.
    pub fn close(self) {
        self.store.close();
    }
}
