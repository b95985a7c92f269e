//! A message as it is sent: which members it may have, and what each must look like.

use sha2::{Digest, Sha256};

use super::{Kind, MessageError};
use crate::{
    base::{
        Time,
        json::{self, Kind as JsonKind, View},
        signature::is_signature,
    },
    tool::redact,
};

/// The largest body of a message, in bytes.
pub const MAX_BODY: usize = 64 << 10;
/// The longest id, nonce, thread name and reference, in characters.
pub const MAX_ID: usize = 100;
/// How long a message lasts unless it says so itself, in seconds.
pub const DEFAULT_SECONDS: i64 = 7 * 86_400;
/// The longest that a message may last, in seconds.
pub const MAX_SECONDS: i64 = 30 * 86_400;
/// The longest name of a task, in characters.
const MAX_TASK: usize = 200;
/// The longest free text, in characters.
const MAX_TEXT: usize = 4_000;
/// The greatest amount, in minor units: what every JSON reader keeps exactly.
const MAX_CENTS: u64 = 1 << 53;

/// What a member must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Text of 1 to so many characters.
    Text(usize),
    /// An object.
    Object,
    /// Text or an object.
    Terms,
    /// A number.
    Number,
    /// A whole number of minor units.
    Cents,
    /// Three capital letters.
    Currency,
    /// An RFC 3339 time.
    Time,
}

/// The members that a message carries to its receiver. Whatever else is sent is left out.
const CONTENT: &[(&str, Shape)] = &[
    ("task", Shape::Text(MAX_TASK)),
    ("inputs", Shape::Object),
    ("context", Shape::Terms),
    ("budget", Shape::Number),
    ("deadline", Shape::Time),
    ("proposedValue", Shape::Number),
    ("rewardAmountCents", Shape::Cents),
    ("terms", Shape::Terms),
    ("acceptedOfferId", Shape::Text(MAX_ID)),
    ("action", Shape::Text(MAX_TASK)),
    ("payload", Shape::Object),
    ("outcome", Shape::Terms),
    ("proof", Shape::Text(MAX_TEXT)),
    ("proofId", Shape::Text(MAX_ID)),
    ("amountCents", Shape::Cents),
    ("currency", Shape::Currency),
    ("transactionId", Shape::Text(MAX_ID)),
    ("referenceId", Shape::Text(MAX_ID)),
    ("reason", Shape::Text(MAX_TEXT)),
];

/// Members that say nothing about what is sent: the same message may be sent again with others.
const ASIDE: [&str; 3] = ["id", "timestamp", SIGNATURE];
/// The member that signs all others.
const SIGNATURE: &str = "signature";

/// A message as sent, checked for its form. Who sends it is never read from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its type.
    pub kind: Kind,
    /// Whom it is for: an id or a tag.
    pub to: String,
    /// The sender's own id for it: the same one again is the same message.
    pub client_id: Option<String>,
    /// The thread.
    pub correlation_id: Option<String>,
    /// The message that it answers.
    pub in_reply_to: Option<String>,
    /// The contract.
    pub contract_id: Option<String>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// A word that the sender uses once.
    pub nonce: Option<String>,
    /// The name of the task.
    pub task: Option<String>,
    /// The amount asked for or paid, in minor units.
    pub amount_cents: Option<u64>,
    /// The amount's currency.
    pub currency: Option<String>,
    /// The members for the receiver, as one JSON object with every digit as it was sent.
    pub content: String,
    /// SHA-256 over the canonical form of all that was said, the sender's id and time apart.
    pub digest: [u8; 32],
    /// The proof that an `ACK` acknowledges.
    pub proof_id: Option<String>,
    /// What the sender signed, when it did.
    pub signed: Option<Signed>,
    /// The persons that it speaks of, in the normal form of [`redact::Redacted::subjects`]. Never stored.
    pub subjects: Vec<String>,
}

/// A signature and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Ed25519, in base64 or hexadecimal.
    pub signature: String,
    /// The canonical form (RFC 8785) of all members but the signature.
    pub canonical: String,
}

impl Signed {
    fn read(body: View<'_>) -> Result<Option<Self>, MessageError> {
        let Some(given) = given(body, SIGNATURE) else { return Ok(None) };
        let signature = given
            .as_str()
            .filter(|text| is_signature(text))
            .ok_or_else(|| invalid(format!("`{SIGNATURE}` must be an Ed25519 signature in base64 or hexadecimal")))?;
        let canonical = json::jcs_without(body, SIGNATURE);
        let canonical = canonical.ok_or_else(|| {
            invalid("a signed message may only hold numbers that a double keeps: write others as text".to_owned())
        })?;
        Ok(Some(Self { signature: signature.to_owned(), canonical }))
    }
}

impl Draft {
    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError::Invalid`] for a member that is missing or malformed.
    pub fn read(body: View<'_>) -> Result<Self, MessageError> {
        let kind = text(body, "type", MAX_ID)?.ok_or_else(|| missing("type"))?;
        let kind = Kind::parse(kind).ok_or_else(|| invalid(format!("`type` is not valid: `{}`", shown(kind))))?;
        let to = text(body, "to", MAX_ID)?.ok_or_else(|| missing("to"))?.to_owned();
        let mut content = String::from("{");
        for (name, shape) in CONTENT {
            if let Some(value) = given(body, name) {
                shape.check(name, value)?;
                if content.len() > 1 {
                    content.push(',');
                }
                json::write_string(name, &mut content);
                content.push(':');
                json::write(value, &mut content);
            }
        }
        content.push('}');
        let expires_at = text(body, "expiresAt", MAX_ID)?.map(|text| time("expiresAt", text)).transpose()?;
        let draft = Self {
            kind,
            to,
            client_id: name(body, "id")?,
            correlation_id: name(body, "correlationId")?,
            in_reply_to: name(body, "inReplyTo")?,
            contract_id: name(body, "contractId")?,
            expires_at,
            nonce: name(body, "nonce")?,
            task: text(body, "task", MAX_TASK)?.map(str::to_owned),
            amount_cents: given(body, "amountCents").and_then(cents),
            currency: text(body, "currency", 3)?.map(str::to_owned),
            content,
            digest: digest(body),
            proof_id: text(body, "proofId", MAX_ID)?.map(str::to_owned),
            signed: Signed::read(body)?,
            subjects: redact::json(body).subjects,
        };
        draft.complete()?;
        Ok(draft)
    }

    /// Refuses a message that lacks what its type needs.
    fn complete(&self) -> Result<(), MessageError> {
        match self.kind {
            Kind::TaskRequest if self.task.is_none() => Err(missing("task")),
            Kind::TaskRequest if self.contract_id.is_some() => {
                Err(invalid("a `TASK_REQUEST` opens a contract of its own: leave `contractId` out".to_owned()))
            }
            Kind::TaskRequest => Ok(()),
            _ if self.contract_id.is_none() => Err(missing("contractId")),
            Kind::PaymentRequest | Kind::PaymentConfirm if self.amount_cents.is_none() => Err(missing("amountCents")),
            _ => Ok(()),
        }
    }
}

impl Shape {
    fn check(self, name: &str, value: View<'_>) -> Result<(), MessageError> {
        let fits = |text: &str, max| (1..=max).contains(&text.chars().count());
        let good = match self {
            Self::Text(max) => value.as_str().is_some_and(|text| fits(text, max)),
            Self::Object => value.is_object(),
            Self::Terms => value.is_object() || value.as_str().is_some_and(|text| fits(text, MAX_TEXT)),
            Self::Number => value.as_number().is_some(),
            Self::Cents => cents(value).is_some(),
            Self::Currency => value.as_str().is_some_and(is_currency),
            Self::Time => value.as_str().and_then(Time::parse).is_some(),
        };
        let wanted = match self {
            _ if good => return Ok(()),
            Self::Text(max) => format!("text of 1 to {max} characters"),
            Self::Object => "an object".to_owned(),
            Self::Terms => format!("an object, or text of 1 to {MAX_TEXT} characters"),
            Self::Number => "a number".to_owned(),
            Self::Cents => format!("a whole number from 0 to {MAX_CENTS}"),
            Self::Currency => "three capital letters".to_owned(),
            Self::Time => "an RFC 3339 time".to_owned(),
        };
        Err(invalid(format!("`{name}` must be {wanted}")))
    }
}

/// Whether a text has the form of an ISO 4217 code.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

const fn invalid(what: String) -> MessageError {
    MessageError::Invalid(what)
}

fn missing(name: &str) -> MessageError {
    invalid(format!("`{name}` is missing"))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A member that is there and not null.
fn given<'d>(body: View<'d>, name: &str) -> Option<View<'d>> {
    body.get(name).filter(|value| !value.is_null())
}

fn text<'d>(body: View<'d>, name: &str, max: usize) -> Result<Option<&'d str>, MessageError> {
    match given(body, name) {
        None => Ok(None),
        Some(value) => {
            Shape::Text(max).check(name, value)?;
            Ok(value.as_str())
        }
    }
}

/// A name that becomes part of a storage key.
fn name(body: View<'_>, member: &str) -> Result<Option<String>, MessageError> {
    let Some(text) = text(body, member, MAX_ID)? else { return Ok(None) };
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':')) {
        Ok(Some(text.to_owned()))
    } else {
        Err(invalid(format!("`{member}` must be letters, digits, `_`, `-`, `.` and `:`")))
    }
}

fn time(name: &str, text: &str) -> Result<Time, MessageError> {
    Time::parse(text).ok_or_else(|| invalid(format!("`{name}` must be an RFC 3339 time, not `{}`", shown(text))))
}

fn cents(value: View<'_>) -> Option<u64> {
    value.as_number()?.parse().ok().filter(|cents| *cents <= MAX_CENTS)
}

fn digest(body: View<'_>) -> [u8; 32] {
    let mut members: Vec<View<'_>> = match body.kind() {
        JsonKind::Object => body.members().filter(|member| !ASIDE.contains(&member.key())).collect(),
        _ => Vec::new(),
    };
    members.sort_unstable_by_key(|member| member.key());
    let mut said = String::new();
    for member in members {
        json::write_string(member.key(), &mut said);
        json::canonical_into(member, &mut said);
    }
    Sha256::digest(said.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Draft, Kind};
    use crate::base::json::Doc;

    fn read(text: &str) -> Result<Draft, String> {
        Draft::read(Doc::parse(text.as_bytes()).unwrap().root()).map_err(|error| error.to_string())
    }

    #[test]
    fn content_is_carried_to_the_digit_and_nothing_else_is() {
        let draft = read(
            r#"{"type":"TASK_REQUEST","to":"@acme","from":"loop_x","task":"t","inputs":{"n":1.50,"big":9007199254740993,
                "deep":{"x":[null,true]}},"terms":null,"status":"read","rogue":1}"#,
        );
        let draft = draft.unwrap();
        assert_eq!(draft.kind, Kind::TaskRequest);
        assert_eq!(
            draft.content,
            r#"{"task":"t","inputs":{"n":1.50,"big":9007199254740993,"deep":{"x":[null,true]}}}"#
        );
    }

    #[test]
    fn malformed_members_are_named() {
        for (text, why) in [
            (r#"{"to":"@a","task":"t"}"#, "`type`"),
            (r#"{"type":3,"to":"@a","task":"t"}"#, "`type`"),
            (r#"{"type":"task_request","to":"@a","task":"t"}"#, "`type`"),
            (r#"{"type":"TASK_REQUEST","task":"t"}"#, "`to`"),
            (r#"{"type":"TASK_REQUEST","to":5,"task":"t"}"#, "`to`"),
            (r#"{"type":"TASK_REQUEST","to":"@a"}"#, "`task`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":5}"#, "`task`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":"t","inputs":"x"}"#, "`inputs`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":"t","contractId":"contract_1"}"#, "`contractId`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":"t","expiresAt":"soon"}"#, "`expiresAt`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":"t","nonce":"a/b"}"#, "`nonce`"),
            (r#"{"type":"TASK_REQUEST","to":"@a","task":"t","correlationId":""}"#, "`correlationId`"),
            (r#"{"type":"TASK_OFFER","to":"@a"}"#, "`contractId`"),
            (r#"{"type":"PAYMENT_REQUEST","to":"@a","contractId":"c"}"#, "`amountCents`"),
            (r#"{"type":"PAYMENT_REQUEST","to":"@a","contractId":"c","amountCents":1.5}"#, "`amountCents`"),
            (r#"{"type":"PAYMENT_REQUEST","to":"@a","contractId":"c","amountCents":-1}"#, "`amountCents`"),
            (r#"{"type":"PAYMENT_REQUEST","to":"@a","contractId":"c","amountCents":1,"currency":"usd"}"#, "`currency`"),
            (r#"{"type":"TASK_OFFER","to":"@a","contractId":"c","deadline":"soon"}"#, "`deadline`"),
            (r#"{"type":"TASK_OFFER","to":"@a","contractId":"c","proposedValue":"9"}"#, "`proposedValue`"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn the_same_words_have_the_same_digest_whatever_their_order_and_the_senders_id() {
        let digest = |text: &str| read(text).unwrap().digest;
        let one = digest(r#"{"type":"TASK_REQUEST","to":"@a","task":"t","nonce":"n","inputs":{"a":1,"b":2}}"#);
        let two = r#"{"id":"m1","timestamp":"x","inputs":{"b":2,"a":1.0},"nonce":"n","task":"t","to":"@a","type":"TASK_REQUEST"}"#;
        assert_eq!(one, digest(two));
        assert_ne!(one, digest(&two.replace("\"b\":2", "\"b\":3")));
        assert_ne!(one, digest(&two.replace("@a", "@b")));
    }

    proptest! {
        #[test]
        fn what_a_member_holds_is_carried_or_refused_never_changed(member in 0..super::CONTENT.len(), value in json()) {
            let (name, _) = super::CONTENT[member];
            let body = serde_json::json!({ "type": "TASK_OFFER", "to": "@a", "contractId": "c", name: value });
            if let Ok(draft) = read(&body.to_string()) {
                let carried: serde_json::Value = serde_json::from_str(&draft.content).unwrap();
                let want = if value.is_null() { None } else { Some(&value) };
                prop_assert_eq!(carried.get(name), want);
            }
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[ -~é😀]{0,8}".prop_map(Into::into),
            prop::sample::select(vec!["USD", "2026-01-01T00:00:00Z"]).prop_map(Into::into),
            prop::collection::vec(any::<u8>(), 0..3).prop_map(Into::into),
            Just(serde_json::json!({"a": [1, "\u{0}", {"b": null}]})),
        ]
    }
}
