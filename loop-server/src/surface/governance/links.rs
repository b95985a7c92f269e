//! `/api/approve/:token` and `/api/deny/:token`: one click from a notice.
//!
//! A look never decides: `HEAD` does not get here, and a browser, a mail scanner or a link preview gets a page
//! with one button. Only a client that asks for JSON, or names nothing, decides with `GET`; and nobody
//! approves the changed definition of a tool so, of which a notice may have shown a part only.

use http::{HeaderMap, Method, header};
use loop_core::{
    access::{Caller, Ctx},
    approval::{self, Answer, Approval, ApprovalError, Decided, Via, definition},
    base::{Time, secret::TokenHash},
    outbox::links::{self, Link, Verb},
    store::{Lane, StoreExt},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    approvals::{late, refusal},
    intercept::no_entropy,
};
use crate::{
    config::Links,
    http::{Access, BODY_LIMIT, Call, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    outbound::show,
    surface::Surface,
};

/// The longest text that is looked up as a token.
const MAX_TOKEN: usize = 256;

macro_rules! row {
    ($method:ident, $path:literal, $operation:literal, $summary:literal) => {
        Row {
            method: Method::$method,
            path: $path,
            operation: $operation,
            surface: Surface::Governance,
            access: Access::Token,
            summary: $summary,
            query: &[],
            input: None,
            output: Output::Json(schema_of::<Settled>),
            success: &[200],
            body_limit: BODY_LIMIT,
            handler: Handler::Later(|call| Box::pin(follow(call))),
            example: None,
        }
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(GET, "/api/approve/{token}", "link.approve", "Approve by a notice's link; browsers get a page with a button"),
    row!(POST, "/api/approve/{token}", "link.approve_button", "Approve by the page's button"),
    row!(GET, "/api/deny/{token}", "link.deny", "Deny by a notice's link; browsers get a page with a button"),
    row!(POST, "/api/deny/{token}", "link.deny_button", "Deny by the page's button"),
];

/// What a followed link answers to clients that read JSON.
#[derive(Debug, Serialize, JsonSchema)]
struct Settled {
    /// `approved` or `denied`.
    status: &'static str,
    /// The approval.
    approval_id: String,
    /// The tool.
    tool_name: String,
}

async fn follow(call: Call) -> Outcome {
    let token = call.param("token");
    if token.is_empty() || token.len() > MAX_TOKEN {
        return Err(unknown());
    }
    let verb = if call.row.path.starts_with("/api/approve/") { Verb::Approve } else { Verb::Deny };
    let hash = TokenHash::of(token);
    let (link, approval) = look(&call, hash, verb).await?;
    let page = wants_page(&call.headers);
    let unseen = verb == Verb::Approve && definition::is_change(&approval);
    if call.method == Method::POST || (decides_on_get(&call, page) && !unseen) {
        return decide(&call, hash, verb, link, page).await;
    }
    Ok(Reply::page(confirm_page(&approval, verb, call.now)))
}

fn unknown() -> Failure {
    Failure::not_found("this link is not valid, was used, or is over")
}

/// Whether a plain `GET` decides.
fn decides_on_get(call: &Call, page: bool) -> bool {
    match call.app.config.links {
        Links::Strict => false,
        Links::Direct => true,
        Links::Page => !page,
    }
}

/// Whether the client is one that shows pages: it names what it takes, and that is not JSON.
fn wants_page(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(header::ACCEPT).iter().peekable();
    named.peek().is_some()
        && !named.any(|value| value.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("application/json")))
}

async fn look(call: &Call, hash: TokenHash, verb: Verb) -> Result<(Link, Approval), Failure> {
    let now = call.now;
    let found = call.app.engine.store().read("link.look", move |tx| {
        let Some(link) = links::find(tx, hash)? else { return Err(ApprovalError::NotFound) };
        let approval = approval::get(tx, &link.tenant, &link.approval.to_string())?;
        Ok((link, approval))
    });
    match found.await {
        Ok((link, approval)) if link.verb == verb && link.expires_at > now => Ok((link, approval)),
        Ok(_) | Err(ApprovalError::NotFound) => Err(unknown()),
        Err(error) => Err(refusal(&error)),
    }
}

async fn decide(call: &Call, hash: TokenHash, verb: Verb, link: Link, page: bool) -> Outcome {
    let (now, seed) = (call.app.engine.now(), call.app.engine.seed().map_err(no_entropy)?);
    let tenant = link.tenant.clone();
    let work = move |tx: &mut dyn loop_core::store::Tx| {
        // The link may have died between the look and now: in this transaction it is alive or it is nothing.
        if links::find(tx, hash)?.is_none() {
            return Err(ApprovalError::NotFound);
        }
        let cx = Ctx::new(Caller::system(link.tenant.clone(), "link"), now, seed.clone());
        let answer = if verb == Verb::Approve { Answer::Approve } else { Answer::Deny };
        approval::decide(tx, &cx, &link.approval.to_string(), answer, None, Via::Link)
    };
    let decided = call.app.engine.write_as_system(&tenant, "approval.decide", Lane::Decision, work).await;
    let approval = match decided {
        Ok(Decided::Now(approval)) => approval,
        Ok(Decided::Late(approval)) => {
            call.app.wake.ring();
            return Err(late(&approval));
        }
        Err(ApprovalError::NotFound) => return Err(unknown()),
        Err(error) => return Err(refusal(&error)),
    };
    let status = if verb == Verb::Approve { "approved" } else { "denied" };
    if page {
        let text = format!("The call of <code>{}</code> was {status}.", html(&approval.tool_name));
        return Ok(Reply::page(whole_page("Done", &format!("<p>{text}</p>"))));
    }
    Reply::json(&Settled { status, approval_id: approval.id.to_string(), tool_name: approval.tool_name })
}

/// The page that shows the call and one button.
fn confirm_page(approval: &Approval, verb: Verb, now: Time) -> String {
    let (title, button) = match verb {
        Verb::Approve => ("Approve this call?", "Approve once"),
        Verb::Deny => ("Deny this call?", "Deny"),
    };
    let mut rows = String::new();
    let mut row = |name: &str, value: &str, max: usize| {
        rows.push_str(&format!("<dt>{name}</dt><dd><pre>{}</pre></dd>", cut_html(value, max)));
    };
    row("Tool", &approval.tool_name, SHOWN_MAX);
    if let Some(agent) = &approval.agent_name {
        row("Agent", agent, SHOWN_MAX);
    }
    if definition::is_change(approval) {
        // What is approved is what was seen, so nothing of it is left out; its size is bounded where it is asked for.
        row("Definition, now and before", &approval.arguments, usize::MAX);
    } else {
        row("Arguments (masked)", &approval.arguments, SHOWN_MAX);
    }
    if let Some(reason) = &approval.reason {
        row("Reason given", reason, SHOWN_MAX);
    }
    if let Some(forward) = &approval.forward {
        row("Forwarded to", forward, SHOWN_MAX);
    }
    row("Risk", super::intercept::risk_label(approval.risk), SHOWN_MAX);
    for asking in &approval.asking {
        row("Rule", &asking.rule_text, SHOWN_MAX);
        // One by one: a line break within one is shown, so none can pass for another.
        asking.grounds.iter().for_each(|ground| row("Why it asks", &ground.to_string(), SHOWN_MAX));
    }
    row("Ends", &approval.expires_at.to_string(), SHOWN_MAX);
    let state = approval.state_at(now);
    let form = if state == approval::State::Pending {
        format!(r#"<form method="post"><button>{button}</button></form>"#)
    } else {
        format!("<p>This approval was settled before: {}.</p>", state.as_str())
    };
    whole_page(title, &format!("<dl>{rows}</dl>{form}"))
}

/// How much of a text the page shows, in characters.
const SHOWN_MAX: usize = 8_000;

/// Text made visible and harmless in HTML.
fn html(text: &str) -> String {
    cut_html(text, SHOWN_MAX)
}

/// As [`html`], with another bound.
fn cut_html(text: &str, max: usize) -> String {
    show::escaped(text, max, |char, out| match char {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        other => out.push(other),
    })
}

fn whole_page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;\
         max-width:44rem;margin:3rem auto;padding:0 1rem}}pre{{white-space:pre-wrap;word-break:break-word;margin:0}}\
         dt{{font-weight:600;margin-top:.8rem}}dd{{margin:0}}button{{font:inherit;padding:.6rem 1.4rem;margin-top:1.5rem}}\
         </style></head><body><h1>{title}</h1>{body}</body></html>"
    )
}
