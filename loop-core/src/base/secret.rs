//! Secrets: tokens, their hashes, derived keys and sealing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{AeadInPlace, Key, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Seed, host::keyed};

/// Text that must not be shown: `Debug` hides it and its memory is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Call it only where the secret leaves for the one place it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a high-entropy token, the only form in which tokens are stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of no token.
    pub const NONE: Self = Self([0; 32]);

    /// Hashes a token. Tokens carry at least 128 random bits, so no slow function is needed.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The lower-case hexadecimal form kept in storage.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// A fresh token: `prefix` and 256 random bits in lower-case hexadecimal.
#[must_use]
pub fn token(prefix: &str, seed: &mut Seed) -> Secret {
    let mut bytes = seed.draw();
    let text = format!("{prefix}{}", hex(&bytes));
    bytes.zeroize();
    Secret(text)
}

/// A fresh token: `prefix` and 192 random bits in 48 lower-case hexadecimal digits.
#[must_use]
pub fn short_token(prefix: &str, seed: &mut Seed) -> Secret {
    let mut bytes = seed.draw();
    let text = format!("{prefix}{}", hex(bytes.first_chunk::<24>().map_or(&[][..], |part| part)));
    bytes.zeroize();
    Secret(text)
}

/// Compares without telling by time where two values differ.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        out.extend([byte >> 4, byte & 15].iter().filter_map(|nibble| DIGITS.get(usize::from(*nibble))));
    }
    out
}

/// Reads hexadecimal of exactly `N` bytes.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    for (to, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        if !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *to = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

/// The installation's master key, from which every other key is derived by purpose (HMAC-SHA256 as a KDF).
#[derive(Clone, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from a passphrase of any length, as `LOOP_SECRET_KEY` gives it: 64 hexadecimal digits are taken as
    /// they are, anything else is hashed.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(unhex(text).unwrap_or_else(|| Sha256::digest(text.as_bytes()).into()))
    }

    /// The key for one purpose and subject (a tenant, a table). Different purposes never share a key.
    #[must_use]
    pub fn derive(&self, purpose: &str, subject: &str) -> [u8; 32] {
        let mut mac = keyed(&self.0);
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(subject.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Seals text for storage with XChaCha20-Poly1305, bound to `purpose` and `subject`.
    ///
    /// The form is `v1.` + hexadecimal of nonce, ciphertext and tag.
    #[must_use]
    pub fn seal(&self, purpose: &str, subject: &str, text: &str, seed: &mut Seed) -> String {
        let mut nonce = [0; 24];
        nonce.iter_mut().zip(seed.draw()).for_each(|(to, from)| *to = from);
        let mut buffer = text.as_bytes().to_vec();
        let cipher = XChaCha20Poly1305::new(&Key::from(self.derive(purpose, subject)));
        // Encryption fails only past 2^38 bytes, which a String from a bounded body never is.
        let Ok(tag) = cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), b"", &mut buffer) else {
            return String::new();
        };
        format!("v1.{}{}{}", hex(&nonce), hex(&buffer), hex(&tag))
    }

    /// As [`Self::seal`], for bytes. The form is `b1.` + base64 of nonce, ciphertext and tag; `None` for more bytes than
    /// the cipher takes (2^38).
    #[must_use]
    pub fn seal_bytes(&self, purpose: &str, subject: &str, bytes: &[u8], seed: &mut Seed) -> Option<String> {
        let mut nonce = [0; 24];
        nonce.iter_mut().zip(seed.draw()).for_each(|(to, from)| *to = from);
        let mut buffer = Vec::with_capacity(nonce.len().saturating_add(bytes.len()).saturating_add(16));
        buffer.extend_from_slice(&nonce);
        buffer.extend_from_slice(bytes);
        let (_, body) = buffer.split_at_mut_checked(nonce.len())?;
        let cipher = XChaCha20Poly1305::new(&Key::from(self.derive(purpose, subject)));
        let tag = cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), b"", body).ok()?;
        buffer.extend_from_slice(&tag);
        let mut sealed = String::from("b1.");
        STANDARD.encode_string(&buffer, &mut sealed);
        Some(sealed)
    }

    /// Opens what [`Self::seal_bytes`] made; `None` for anything else, another purpose or another key.
    #[must_use]
    pub fn open_bytes(&self, purpose: &str, subject: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut body = STANDARD.decode(sealed.strip_prefix("b1.")?).ok()?;
        let tag = body.split_off(body.len().checked_sub(16)?);
        let (nonce, rest) = body.split_at_checked(24)?;
        let mut buffer = rest.to_vec();
        let cipher = XChaCha20Poly1305::new(&Key::from(self.derive(purpose, subject)));
        let tag = Tag::from_slice(&tag);
        cipher.decrypt_in_place_detached(XNonce::from_slice(nonce), b"", &mut buffer, tag).ok()?;
        Some(buffer)
    }

    /// Opens what [`Self::seal`] made; `None` for anything else, another purpose or another key.
    #[must_use]
    pub fn open(&self, purpose: &str, subject: &str, sealed: &str) -> Option<Secret> {
        let text = sealed.strip_prefix("v1.")?;
        let (nonce, rest) = text.split_at_checked(48)?;
        let (body, tag) = rest.split_at_checked(rest.len().checked_sub(32)?)?;
        let nonce = unhex::<24>(nonce)?;
        let tag = unhex::<16>(tag)?;
        let mut buffer = Vec::with_capacity(body.len() / 2);
        for pair in body.as_bytes().chunks(2) {
            buffer.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
        }
        let cipher = XChaCha20Poly1305::new(&Key::from(self.derive(purpose, subject)));
        cipher.decrypt_in_place_detached(XNonce::from_slice(&nonce), b"", &mut buffer, Tag::from_slice(&tag)).ok()?;
        String::from_utf8(buffer).ok().map(Secret)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{MasterKey, Secret, hex, unhex};
    use crate::base::Seed;

    #[test]
    fn sealed_text_opens_only_with_its_key_purpose_and_subject() {
        let key = MasterKey::from_text("correct horse");
        let sealed = key.seal("webhook", "default", "https://hooks.example/x", &mut Seed::new([3; 32]));
        assert!(!sealed.contains("hooks"));
        assert_eq!(
            key.open("webhook", "default", &sealed).map(|s| s.expose().to_owned()).as_deref(),
            Some("https://hooks.example/x")
        );
        assert!(key.open("webhook", "other", &sealed).is_none());
        assert!(key.open("smtp", "default", &sealed).is_none());
        assert!(MasterKey::from_text("wrong").open("webhook", "default", &sealed).is_none());
        let mut forged = sealed.clone();
        let last = if forged.pop() == Some('0') { '1' } else { '0' };
        forged.push(last);
        assert!(key.open("webhook", "default", &forged).is_none());
        assert!(key.open("webhook", "default", "v1.00").is_none());
    }

    #[test]
    fn sealed_bytes_open_only_as_they_were_sealed() {
        let key = MasterKey::from_text("correct horse");
        for bytes in [&b""[..], b"\0\xff", b"data: {}\r\n\r\n"] {
            let sealed = key.seal_bytes("kept", "default", bytes, &mut Seed::new([3; 32])).unwrap();
            assert_eq!(key.open_bytes("kept", "default", &sealed).as_deref(), Some(bytes));
            assert_eq!(key.open_bytes("kept", "other", &sealed), None);
            assert_eq!(key.open_bytes("smtp", "default", &sealed), None);
            assert_eq!(MasterKey::from_text("wrong").open_bytes("kept", "default", &sealed), None);
            let flipped: String = sealed.chars().rev().map(|c| if c == 'A' { 'B' } else { c }).rev().collect();
            assert!(flipped == sealed || key.open_bytes("kept", "default", &flipped).is_none());
        }
        for nothing in ["", "b1.", "b1.AAAA", "v1.00", "b1.!"] {
            assert_eq!(key.open_bytes("kept", "default", nothing), None, "{nothing}");
        }
    }

    #[test]
    fn hexadecimal_round_trips_and_refuses_the_rest() {
        assert_eq!(unhex::<3>(&hex(&[0, 171, 255])), Some([0, 171, 255]));
        assert_eq!(unhex::<1>("+1"), None);
        assert_eq!(unhex::<2>("00"), None);
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
        assert_eq!(format!("{:?}", MasterKey::new([1; 32])), "MasterKey(..)");
    }
}
