//! Notices as messages. Each channel has its own mark-up, its own limits and its own way of being tricked; each
//! file is a pure function from [`Words`] to the body that is sent.

pub mod discord;
pub mod email;
pub mod slack;
pub mod teams;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use loop_core::{
    base::Time,
    outbox::{Notice, NoticeKind, links::Links},
    tool::Risk,
};

use super::show;

/// What a notice says, before any channel's mark-up. Texts are raw: renderers escape them.
pub struct Words<'a> {
    /// Our own headline; needs no escaping.
    pub headline: &'static str,
    /// The tool's name, raw.
    pub tool: &'a str,
    /// The risk's word.
    pub risk: &'static str,
    /// Labels of ours with raw values.
    pub facts: Vec<(&'static str, Cow<'a, str>)>,
    /// The masked arguments, one raw line each.
    pub arguments: Vec<String>,
    /// Our own last sentence; needs no escaping.
    pub closing: String,
    /// The URLs that decide, when the notice asks for a decision.
    pub urls: Option<Urls>,
}

/// The URLs of one delivery attempt.
pub struct Urls {
    /// Approves.
    pub approve: String,
    /// Denies.
    pub deny: String,
}

impl Urls {
    /// The URLs for `links` under the address at which this server is reached from outside.
    #[must_use]
    pub fn new(public_url: &str, links: &Links) -> Self {
        let base = public_url.trim_end_matches('/');
        Self {
            approve: format!("{base}/api/approve/{}", links.approve.expose()),
            deny: format!("{base}/api/deny/{}", links.deny.expose()),
        }
    }
}

/// How many rules are listed.
const RULES_MAX: usize = 5;
/// How many lines tell why they ask.
const WHY_MAX: usize = 4;

impl<'a> Words<'a> {
    /// What `notice` says.
    #[must_use]
    pub fn of(notice: &'a Notice, urls: Option<Urls>) -> Self {
        let call = &notice.call;
        let at = minute(call.expires_at);
        let (headline, closing) = match notice.kind {
            NoticeKind::ApprovalRequested => {
                ("Approval needed", format!("Without a decision the call is denied at {at}."))
            }
            NoticeKind::ApprovalExpired => {
                ("Approval expired", format!("Nobody decided by {at}: the call was denied. The same call asks again."))
            }
        };
        let mut facts = vec![("Tool", Cow::Borrowed(call.tool.as_str()))];
        let mut optional =
            |label, text: &'a Option<String>| facts.extend(text.as_deref().map(|text| (label, text.into())));
        optional("Agent", &call.agent);
        optional("Reason given", &call.reason);
        optional("Forwards to", &call.forward);
        facts.push(("Risk", risk(call.risk).into()));
        facts.extend(call.rules.iter().take(RULES_MAX).map(|text| ("Rule", text.into())));
        let unlisted = call.rules.len().saturating_sub(RULES_MAX);
        if unlisted > 0 {
            facts.push(("Rule", format!("and {unlisted} more").into()));
        }
        facts.extend(call.why.iter().take(WHY_MAX).map(|line| ("Because", line.into())));
        Self {
            headline,
            tool: &call.tool,
            risk: risk(call.risk),
            facts,
            arguments: show::lines(&call.arguments),
            closing,
            urls,
        }
    }
}

const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
        Risk::Critical => "critical",
    }
}

/// `2026-11-22 13:30 UTC`.
fn minute(at: Time) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}
