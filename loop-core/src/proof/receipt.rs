//! Receipts that a connector made with the secret it shares with Loop.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::{json::View, json::canonical, secret::Secret};

/// What a signing secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// The receipt's authentication code: HMAC-SHA256, in base64, over `<subject>.<canonical receipt>` under the bytes of a
/// connector's signing secret. `None` for a secret in another form.
#[must_use]
pub fn receipt_mac(secret: &Secret, subject: &str, receipt: View<'_>) -> Option<String> {
    let key = base64::engine::general_purpose::STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(subject.as_bytes());
    mac.update(b".");
    mac.update(canonical(receipt).as_bytes());
    Some(base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::receipt_mac;
    use crate::base::{json::Doc, secret::Secret};

    #[test]
    fn a_receipt_is_bound_to_its_subject_its_content_and_the_secret() {
        let secret = Secret::new("whsec_AAECAwQFBgcICQoLDA0ODw==");
        let of = |secret: &Secret, subject: &str, receipt: &str| {
            receipt_mac(secret, subject, Doc::parse(receipt.as_bytes()).unwrap().root())
        };
        let mac = of(&secret, "inv_1", r#"{"a":1,"b":2}"#);
        assert!(mac.is_some());
        assert_eq!(mac, of(&secret, "inv_1", r#"{"b":2,"a":1.0}"#));
        assert_ne!(mac, of(&secret, "inv_2", r#"{"a":1,"b":2}"#));
        assert_ne!(mac, of(&secret, "inv_1", r#"{"a":1,"b":3}"#));
        assert_ne!(mac, of(&Secret::new("whsec_AQECAwQFBgcICQoLDA0ODw=="), "inv_1", r#"{"a":1,"b":2}"#));
        assert_eq!(of(&Secret::new("AAEC"), "inv_1", "{}"), None);
    }
}
