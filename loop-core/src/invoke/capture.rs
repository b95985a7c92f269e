//! What a provider's answer carries to prove itself. Pure.

use serde_json::{Map, Value};

use crate::{base::Time, proof::ProofKind};

/// The longest captured value, in bytes of its JSON.
const MAX_VALUE: usize = 2_048;
/// How far ahead a provider's clock may be, in seconds.
const AHEAD: i64 = 300;

/// What was captured.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// What kind of proof it makes.
    pub kind: ProofKind,
    /// The expected members, as the provider gave them.
    pub data: Map<String, Value>,
}

/// The expected proofs out of an output: `None` unless every one of them is there and they make a receipt: a source
/// with the time it was read, a receipt, the id of a message, or a payment's reference.
#[must_use]
pub fn capture(expected: &[String], output: &Value, now: Time) -> Option<Captured> {
    let mut data = Map::new();
    for name in expected {
        let value = output.get(name).filter(|value| !value.is_null() && **value != Value::String(String::new()))?;
        if value.to_string().len() > MAX_VALUE {
            return None;
        }
        data.insert(name.clone(), value.clone());
    }
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let source = text("source_url").is_some_and(|url| url.starts_with("https://") || url.starts_with("http://"));
    let read = text("retrieved_at").and_then(Time::parse).is_some_and(|at| at <= now.plus_seconds(AHEAD));
    let kind = if source && read {
        ProofKind::Source
    } else if ["receipt", "receipt_id"].iter().any(|name| data.contains_key(*name)) {
        ProofKind::ConnectorReceipt
    } else if data.contains_key("message_id") {
        ProofKind::MessageId
    } else if data.contains_key("payment_reference") {
        ProofKind::PaymentReference
    } else {
        return None;
    };
    Some(Captured { kind, data })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::capture;
    use crate::{base::Time, proof::ProofKind};

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn of(expected: &[&str], output: &Value) -> Option<ProofKind> {
        let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        capture(&expected, output, NOW).map(|captured| captured.kind)
    }

    #[test]
    fn all_that_is_expected_must_be_there_and_make_a_receipt() {
        let source = json!({"source_url": "https://x.example/a", "retrieved_at": "2025-11-22T08:00:00Z", "n": 1});
        assert_eq!(of(&["source_url", "retrieved_at"], &source), Some(ProofKind::Source));
        assert_eq!(of(&["source_url", "retrieved_at", "n"], &source), Some(ProofKind::Source));
        assert_eq!(of(&["source_url", "retrieved_at", "m"], &source), None);
        assert_eq!(of(&["source_url"], &source), None);
        assert_eq!(of(&["n"], &source), None);
        assert_eq!(of(&[], &source), None);
        assert_eq!(of(&["message_id"], &json!({"message_id": "m-1"})), Some(ProofKind::MessageId));
        assert_eq!(of(&["receipt"], &json!({"receipt": {"id": 1}})), Some(ProofKind::ConnectorReceipt));
        assert_eq!(of(&["receipt"], &json!([])), None);
    }

    #[test]
    fn sources_that_cannot_be_are_none() {
        for (url, at) in [
            ("ftp://x.example", "2025-11-22T08:00:00Z"),
            ("", "2025-11-22T08:00:00Z"),
            ("https://x.example", "yesterday"),
            ("https://x.example", "2030-01-01T00:00:00Z"),
        ] {
            let output = json!({"source_url": url, "retrieved_at": at});
            assert_eq!(of(&["source_url", "retrieved_at"], &output), None, "{url} {at}");
        }
        let long = json!({"message_id": "x".repeat(3_000)});
        assert_eq!(of(&["message_id"], &long), None);
    }
}
