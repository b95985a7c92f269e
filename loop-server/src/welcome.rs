//! What a first start prints: the key, this once, and lines to paste.

use std::fmt::Write as _;

use loop_core::base::secret::Secret;

use crate::http::listen::Bound;

/// The lines. Without a minted key they take the one of `LOOP_API_KEY`.
#[must_use]
pub fn text(bound: &Bound, minted: Option<&Secret>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Loop {} listens on {bound}", env!("CARGO_PKG_VERSION"));
    if let Some(key) = minted {
        let _ = writeln!(out, "\nYour API key, shown this once: {}", key.expose());
    }
    out.push_str("\nTry it out (paste into another terminal):\n\n");
    out.push_str(&try_out(bound, minted));
    out
}

/// The lines to paste, as a shell script.
#[must_use]
pub fn try_out(bound: &Bound, minted: Option<&Secret>) -> String {
    let mut out = String::new();
    let key = minted.map_or("$LOOP_API_KEY", Secret::expose);
    let (curl, url) = match bound {
        Bound::Tcp(_) => ("curl -s".to_owned(), bound.url()),
        Bound::Unix(path) => (format!("curl -s --unix-socket '{}'", path.display()), "http://localhost".to_owned()),
    };
    let _ = writeln!(out, "URL={url} KEY={key}");
    let _ = writeln!(out, r#"loop() {{ {curl} -H "x-api-key: $KEY" "$URL/api/$@"; echo; }}"#);
    out.push_str(
        r#"# Block a tool: no agent can call it any more.
loop blocked-tools -d '{"tool_name": "delete_database", "reason": "never from an agent"}'
loop intercept -d '{"tool_name": "delete_database", "arguments": {}}'
# Ask a human before large payments: the call waits.
loop approval-rules -d '{"rule_text": "Ask before any payment over £1,000", "action": "approve"}'
loop intercept -d '{"tool_name": "send_payment", "arguments": {"amount": 5000, "currency": "GBP"}}'
# Approve it: the identical call goes through, once.
ID=$(loop pending-approvals | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
loop pending-approvals/$ID/decide -d '{"action": "approved"}'
loop intercept -d '{"tool_name": "send_payment", "arguments": {"amount": 5000, "currency": "GBP"}}'
# Everything that was decided, newest first, and the proof that nobody changed it.
loop logs
loop audit/verify
"#,
    );
    out
}
