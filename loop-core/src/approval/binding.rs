//! What an approval is bound to: the exact call.

use hmac::Mac;

use crate::{
    base::{
        TenantId,
        host::keyed,
        id::{LoopId, ToolId},
        json,
        secret::{MasterKey, hex},
    },
    policy::Action,
};

/// HMAC-SHA256, under a key of the tenant's own, of everything that will be executed: agent, tool, the
/// canonical arguments, and the URL, method and canonical body it is forwarded to. In hexadecimal.
///
/// Keyed, because a plain hash of a card number beside its mask could be guessed.
#[must_use]
pub fn binding(master: &MasterKey, tenant: &TenantId, action: &Action<'_>) -> String {
    let mut text = String::with_capacity(256);
    text.push_str("[\"loop.approval.1\",");
    optional(action.agent, &mut text);
    text.push(',');
    json::write_string(action.tool, &mut text);
    text.push(',');
    json::canonical_into(action.arguments, &mut text);
    if let Some(forward) = action.forward {
        text.push(',');
        json::write_string(forward.url, &mut text);
        text.push(',');
        json::write_string(forward.method, &mut text);
        if let Some(body) = forward.body {
            text.push(',');
            json::canonical_into(body, &mut text);
        }
    }
    text.push(']');
    let mut mac = keyed(&master.derive("approval.binding", tenant.as_str()));
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// As [`binding`], for the call of a published tool: bound to the loop, to this version of the tool, and to the input.
#[must_use]
pub fn invocation_binding(
    master: &MasterKey,
    tenant: &TenantId,
    loop_id: LoopId,
    tool: ToolId,
    input: json::View<'_>,
) -> String {
    let mut text = format!("[\"loop.approval.invoke.1\",\"{loop_id}\",\"{tool}\",");
    json::canonical_into(input, &mut text);
    text.push(']');
    let mut mac = keyed(&master.derive("approval.binding", tenant.as_str()));
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// The binding of the `n`-th of several calls in one turn that share `binding`, from 1. The first is bound as a call
/// that comes alone; each further one to a question of its own, because a yes lets one call through.
#[must_use]
pub fn repeat_binding(binding: &str, n: usize) -> String {
    if n <= 1 { binding.to_owned() } else { format!("{binding}.{n}") }
}

fn optional(text: Option<&str>, out: &mut String) {
    match text {
        Some(text) => json::write_string(text, out),
        None => out.push_str("null"),
    }
}

#[cfg(test)]
mod tests {
    use super::binding;
    use crate::{
        base::{TenantId, json::Doc, secret::MasterKey},
        policy::{Action, Forward},
    };

    fn of(agent: Option<&str>, tool: &str, arguments: &str, forward: Option<(&str, &str, Option<&str>)>) -> String {
        let arguments = Doc::parse(arguments.as_bytes()).unwrap();
        let body = forward.and_then(|(_, _, body)| body.map(|body| Doc::parse(body.as_bytes()).unwrap()));
        let forward = forward.map(|(url, method, _)| Forward { url, method, body: body.as_ref().map(Doc::root) });
        let action = Action { tool, agent, arguments: arguments.root(), forward, claimed_risk: None, stage: None };
        binding(&MasterKey::new([5; 32]), &TenantId::default_tenant(), &action)
    }

    #[test]
    fn only_what_means_the_same_call_binds_alike() {
        let a = of(None, "pay", r#"{"amount":5000,"to":"acme"}"#, None);
        assert_eq!(a, of(None, "pay", r#"{ "to":"acme", "amount":5e3 }"#, None));
        for other in [
            of(Some("bot"), "pay", r#"{"amount":5000,"to":"acme"}"#, None),
            of(None, "Pay", r#"{"amount":5000,"to":"acme"}"#, None),
            of(None, "pay", r#"{"amount":5001,"to":"acme"}"#, None),
            of(None, "pay", r#"{"amount":"5000","to":"acme"}"#, None),
            of(None, "pay", r#"{"amount":5000,"to":"acme","x":null}"#, None),
            of(None, "pay", "{\"amount\":5000,\"to\":\"\u{430}cme\"}", None),
            of(None, "pay", r#"{"amount":5000,"to":"acme"}"#, Some(("https://a.example", "POST", None))),
        ] {
            assert_ne!(a, other);
        }
    }

    #[test]
    fn every_part_of_a_forward_counts() {
        let call = |url, method, body| of(None, "t", "{}", Some((url, method, body)));
        let a = call("https://a.example/x", "POST", Some("{}"));
        assert_ne!(a, call("https://a.example/y", "POST", Some("{}")));
        assert_ne!(a, call("https://a.example/x", "PUT", Some("{}")));
        assert_ne!(a, call("https://a.example/x", "POST", Some("{\"a\":1}")));
        assert_ne!(a, call("https://a.example/x", "POST", None));
    }

    #[test]
    fn tenants_do_not_share_bindings() {
        let doc = Doc::empty_object();
        let action =
            Action { tool: "t", agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        let master = MasterKey::new([5; 32]);
        let other = TenantId::parse("other").unwrap();
        assert_ne!(binding(&master, &TenantId::default_tenant(), &action), binding(&master, &other, &action));
    }
}
