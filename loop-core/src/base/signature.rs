//! Signatures of others: Ed25519, checked strictly.

use base64::Engine as _;
use ed25519_dalek::{Signature, VerifyingKey};

use super::secret::unhex;

/// Whether `signature` (base64 or hexadecimal) is that of `message` under a public key in hexadecimal. Weak keys and
/// malleable signatures are refused.
#[must_use]
pub fn verifies(public_key: &str, message: &[u8], signature: &str) -> bool {
    let key = unhex::<32>(public_key).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let signature = read(signature).map(|bytes| Signature::from_bytes(&bytes));
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}

/// Whether a text has the form of a signature: 64 bytes in base64 or hexadecimal.
#[must_use]
pub fn is_signature(text: &str) -> bool {
    read(text).is_some()
}

fn read(text: &str) -> Option<[u8; 64]> {
    if let Some(bytes) = unhex::<64>(text) {
        return Some(bytes);
    }
    // 64 bytes are 88 characters of base64; nothing longer is looked at.
    let text = Some(text).filter(|text| text.len() <= 88)?;
    base64::engine::general_purpose::STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use ed25519_dalek::{Signer, SigningKey};

    use super::verifies;
    use crate::base::secret::hex;

    #[test]
    fn only_the_keys_own_signature_of_this_message_verifies() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = hex(key.verifying_key().as_bytes());
        let bytes = key.sign(b"paid").to_bytes();
        let signature = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(verifies(&public, b"paid", &signature));
        assert!(verifies(&public, b"paid", &hex(&bytes)));
        assert!(!verifies(&public, b"Paid", &signature));
        let other = hex(SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes());
        assert!(!verifies(&other, b"paid", &signature));
        for bad in ["", "AAAA", "not base64 at all", &"A".repeat(200)] {
            assert!(!verifies(&public, b"paid", bad), "{bad}");
        }
        assert!(!verifies("", b"paid", &signature));
        // The neutral point is a key under which anything verifies loosely.
        let weak = format!("01{}", "00".repeat(31));
        assert!(!verifies(&weak, b"paid", &signature));
    }
}
