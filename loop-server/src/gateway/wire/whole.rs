//! Answers that come whole.

use bytes::Bytes;
use loop_core::base::json::{self, Doc};

use super::{Proposed, Unreadable, Wire, chat, insert, messages, responses};

/// What an answer may at most hold: long answers with the probabilities of every token have many values.
const LIMITS: json::Limits = json::Limits { depth: 64, nodes: 1_000_000 };

/// The tool calls that an answer proposes, in its order.
///
/// # Errors
/// Whatever is not understood: nothing of the answer may be handed on.
pub fn proposed(wire: Wire, body: &[u8]) -> Result<Vec<Proposed>, Unreadable> {
    let doc = Doc::parse_reusing(body, LIMITS, Doc::default()).map_err(|_| Unreadable::Json)?;
    let root = doc.root();
    if !root.is_object() {
        return Err(Unreadable::Json);
    }
    if root.get(super::MARK).is_some() {
        return Err(Unreadable::Marked);
    }
    match wire {
        Wire::Chat => chat::whole::proposed(root),
        Wire::Responses => responses::whole::proposed(root),
        Wire::Messages => messages::whole::proposed(root),
    }
}

/// The answer with the verdict `meta` (a JSON object) as the last member of its outermost object; no other byte is
/// changed. A body that [`proposed`] refuses has nothing to add to, and stays as it is.
#[must_use]
pub fn annotated(body: &Bytes, meta: &str) -> Bytes {
    let Some(place) = insert::Place::last(body) else { return body.clone() };
    let Some((before, behind)) = body.split_at_checked(place.at) else { return body.clone() };
    let mut out = Vec::with_capacity(body.len() + meta.len() + 16);
    out.extend_from_slice(before);
    insert::member(&mut out, place, meta);
    out.extend_from_slice(behind);
    out.into()
}

/// The answer with its turn replaced whole: `message` instead of every text and call, ended as a finished text is,
/// with the verdict `meta`; ids, model and usage are kept. A body that [`proposed`] refuses gives an answer without
/// them.
#[must_use]
pub fn replaced(wire: Wire, body: &[u8], message: &str, meta: &str) -> Bytes {
    let doc = Doc::parse_reusing(body, LIMITS, Doc::default()).unwrap_or_else(|_| Doc::empty_object());
    let text = match wire {
        Wire::Chat => chat::whole::replaced(doc.root(), message, meta),
        Wire::Responses => responses::whole::replaced(doc.root(), message, meta),
        Wire::Messages => messages::whole::replaced(doc.root(), message, meta),
    };
    text.into()
}
