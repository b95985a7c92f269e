//! The OpenAPI document as one page for people, with nothing to load.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Access, Row};
use crate::surface::Surface;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}details{border:1px solid #ddd;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f5f5f5;padding:.8rem;overflow:auto}
.m{display:inline-block;min-width:4.2rem;font-weight:700}.s{color:#555}table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}pre{background:#222}details{border-color:#444}.s{color:#aaa}a{color:#8ab4f8}}";

/// The page for these rows and their OpenAPI document.
#[must_use]
pub fn page(rows: &[&'static Row], document: &Value) -> String {
    let mut out = String::with_capacity(32 << 10);
    out.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Loop API</title>");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>");
    out.push_str(STYLE);
    out.push_str("</style></head><body><h1>Loop</h1><p>The governance layer for AI agents, version ");
    escape(&mut out, env!("CARGO_PKG_VERSION"));
    out.push_str(". The same as an <a href=\"/openapi.json\">OpenAPI 3.1 document</a>.</p>");
    for surface in Surface::ALL {
        let mut of_surface = rows.iter().filter(|row| row.surface == surface).peekable();
        if of_surface.peek().is_none() {
            continue;
        }
        out.push_str("<h2>");
        escape(&mut out, surface.dialect().name);
        out.push_str("</h2>");
        of_surface.for_each(|row| entry(&mut out, row, document));
    }
    schemas(&mut out, document);
    out.push_str("</body></html>");
    out
}

fn entry(out: &mut String, row: &Row, document: &Value) {
    out.push_str("<details><summary><span class=\"m\">");
    escape(out, row.method.as_str());
    out.push_str("</span><code>");
    escape(out, row.path);
    out.push_str("</code> <span class=\"s\">");
    escape(out, row.summary);
    out.push_str("</span></summary><p>");
    match row.access {
        Access::Scope(scope) => {
            out.push_str("Needs a key with <code>");
            escape(out, scope.as_str());
            out.push_str("</code>.");
        }
        Access::AnyOf(scopes) => {
            out.push_str("Needs a key with one of");
            for scope in scopes {
                out.push_str(" <code>");
                escape(out, scope.as_str());
                out.push_str("</code>");
            }
            out.push('.');
        }
        Access::Key => out.push_str("Needs a key, whatever its scopes."),
        Access::Public => out.push_str("Needs no key."),
        Access::Token => out.push_str("Needs the single-use token in the path."),
        Access::Webhook(provider) => {
            out.push_str("Needs the signature of ");
            escape(out, provider);
            out.push('.');
        }
        Access::Code => out.push_str("Needs a code in the body."),
    }
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, " Operation <code>{}</code>; body up to {} bytes.</p>", row.operation, row.body_limit);
    if !row.query.is_empty() {
        out.push_str("<table>");
        for param in row.query {
            let _ = write!(out, "<tr><td><code>{}</code></td><td>{}</td><td>", param.name, param.kind);
            escape(out, param.about);
            out.push_str("</td></tr>");
        }
        out.push_str("</table>");
    }
    let path = row.path.replace("{*", "{");
    let method = row.method.as_str().to_ascii_lowercase();
    let operation = document.get("paths").and_then(|paths| paths.get(path)?.get(method));
    let input = operation.and_then(|operation| operation.pointer("/requestBody/content/application~1json/schema"));
    if let Some(schema) = input {
        block(out, "Body", schema);
    }
    for status in row.success {
        let place = format!("/responses/{status}/content/application~1json/schema");
        if let Some(schema) = operation.and_then(|operation| operation.pointer(&place)) {
            block(out, &format!("Answer {status}"), schema);
        }
    }
    out.push_str("</details>");
}

fn schemas(out: &mut String, document: &Value) {
    out.push_str("<h2>types</h2>");
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        let _ = write!(out, "<details id=\"{name}\"><summary><code>{name}</code></summary>");
        block(out, "", schema);
        out.push_str("</details>");
    }
}

fn block(out: &mut String, title: &str, schema: &Value) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.rsplit('/').next()) {
        let _ = write!(out, "<p>{title}: <a href=\"#{name}\"><code>{name}</code></a></p>");
        return;
    }
    if !title.is_empty() {
        let _ = write!(out, "<p>{title}:</p>");
    }
    out.push_str("<pre>");
    escape(out, &serde_json::to_string_pretty(schema).unwrap_or_default());
    out.push_str("</pre>");
}

/// Text that stands for itself in HTML.
pub fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, page};
    use crate::{http::openapi, surface};

    #[test]
    fn the_page_loads_nothing_and_names_every_route() {
        let rows = surface::rows();
        let page = page(&rows, &openapi::document(&rows));
        for outside in ["http://", "https://", "<script", "<link", "<img", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        for row in rows {
            assert!(page.contains(&format!("<code>{}</code>", row.path)), "{row:?}");
        }
    }

    #[test]
    fn mark_up_is_escaped() {
        let mut out = String::new();
        escape(&mut out, "<b a='\"&'>");
        assert_eq!(out, "&lt;b a=&#39;&quot;&amp;&#39;&gt;");
    }
}
