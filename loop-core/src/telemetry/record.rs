//! A span as the API shows it.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{
    dialect::Class,
    part::Body,
    row::{Field, Row, SpanKey},
};
use crate::base::{
    TenantId,
    json::Object,
    secret::{hex, unhex},
};

const PREFIX: &str = "rec_";

/// The id of a record: which span of which trace, and of which project. It leads back to the span, and the same span in two
/// projects has two.
#[must_use]
pub fn record_id(tenant: &TenantId, project: &str, key: SpanKey) -> String {
    format!("{PREFIX}{}{}{}", hex(&key.trace), hex(&key.span), of_project(tenant, project))
}

/// The span of a record's id; `None` for a text that is no id of this project.
#[must_use]
pub fn span_of(tenant: &TenantId, project: &str, id: &str) -> Option<SpanKey> {
    let rest = id.strip_prefix(PREFIX)?;
    let (trace, rest) = rest.split_at_checked(32)?;
    let (span, of) = rest.split_at_checked(16)?;
    (of == of_project(tenant, project)).then_some(())?;
    Some(SpanKey { trace: unhex(trace)?, span: unhex(span)? })
}

fn of_project(tenant: &TenantId, project: &str) -> String {
    let digest = Sha256::digest(format!("{tenant}\n{project}"));
    hex(digest.get(..4).unwrap_or_default())
}

/// Writes a record as JSON.
pub(super) fn write<T: AsRef<str>>(id: &str, session: &str, row: &Row<T>, body: Option<Body<'_>>, out: &mut String) {
    let mut object = Object::open(out);
    object.text("record_id", id);
    object.text("session_id", session);
    object.text("trace_id", &hex(&row.key.trace));
    object.text("span_id", &hex(&row.key.span));
    object.some_text("parent_span_id", row.parent.map(|parent| hex(&parent)).as_deref());
    object.text("name", row.name());
    object.text("kind", row.class.as_str());
    object.some_text("agent", row.text(Field::Agent));
    object.some_text("tool", row.text(Field::Tool));
    object.some_text("model", row.text(Field::Model));
    object.some_text("provider", row.text(Field::Provider));
    object.some_text("environment", row.text(Field::Environment));
    object.text("status", row.status.as_str());
    object.some_text("error_type", row.text(Field::ErrorType));
    object.some_text("message", row.text(Field::Message));
    object.text("started_at", &row.start.to_string());
    object.text("ended_at", &row.end.to_string());
    let _ = write!(object.name("duration_us"), "{}", row.end.micros_since(row.start));
    if row.class == Class::Model {
        let _ = write!(object.name("input_tokens"), "{}", row.input_tokens);
        let _ = write!(object.name("output_tokens"), "{}", row.output_tokens);
    }
    if let Some(Body { resource, json }) = body {
        // `{"attributes":{…},"events":[…]}` without its braces goes on where this object stands.
        let members = json.strip_prefix('{').and_then(|json| json.strip_suffix('}')).unwrap_or("\"attributes\":{}");
        object.members(members);
        object.json("resource", resource);
    }
    object.close();
}
