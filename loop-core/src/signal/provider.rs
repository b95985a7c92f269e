//! Who sends webhooks, and how each proves that it is them. The proof is checked over the raw body, before anything in
//! it is believed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::SignalError;
use crate::base::{
    json::{Doc, write},
    secret::{Secret, same, unhex},
};

/// Who sends webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// GitHub.
    Github,
    /// Sentry.
    Sentry,
    /// PostHog.
    Posthog,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Github, Self::Sentry, Self::Posthog];

    /// The name, which is the source of its signals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Sentry => "sentry",
            Self::Posthog => "posthog",
        }
    }

    /// What its secret is called where the operator sets it.
    #[must_use]
    pub const fn secret_name(self) -> &'static str {
        match self {
            Self::Github => "GITHUB_WEBHOOK_SECRET",
            Self::Sentry => "SENTRY_CLIENT_SECRET",
            Self::Posthog => "POSTHOG_WEBHOOK_SECRET",
        }
    }

    /// The header that carries its proof, unless a tenant chose another.
    #[must_use]
    pub const fn proof_header(self) -> &'static str {
        match self {
            Self::Github => "X-Hub-Signature-256",
            Self::Sentry => "Sentry-Hook-Signature",
            Self::Posthog => "X-PostHog-Secret",
        }
    }

    /// Checks that whoever sent `body` knows `secret`. `proof` is what the header `header` carries.
    ///
    /// # Errors
    /// [`SignalError::NoProof`], [`SignalError::BadProof`].
    pub fn verify(self, secret: &Secret, header: &str, proof: Option<&str>, body: &[u8]) -> Result<(), SignalError> {
        let proof = proof.filter(|proof| !proof.is_empty()).ok_or_else(|| SignalError::NoProof(header.to_owned()))?;
        let proven = match self {
            Self::Github => proof.strip_prefix("sha256=").is_some_and(|hex| signed(secret, hex, body)),
            Self::Sentry => signed(secret, proof, body) || signed_anew(secret, proof, body),
            Self::Posthog => equal(secret, proof),
        };
        match (proven, self) {
            (true, _) => Ok(()),
            (false, Self::Posthog) => Err(SignalError::BadProof("Invalid webhook secret")),
            (false, Self::Github | Self::Sentry) => Err(SignalError::BadProof("Invalid webhook signature")),
        }
    }
}

/// Whether `signature` is the HMAC-SHA256 of `body` in hexadecimal.
fn signed(secret: &Secret, signature: &str, body: &[u8]) -> bool {
    let Some(told) = unhex::<32>(signature) else { return false };
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&told).is_ok()
}

/// Whether it is that of the body as a program writes it that read it first: compact, members in their order.
fn signed_anew(secret: &Secret, signature: &str, body: &[u8]) -> bool {
    let Ok(doc) = Doc::parse(body) else { return false };
    let mut compact = String::with_capacity(body.len());
    write(doc.root(), &mut compact);
    signed(secret, signature, compact.as_bytes())
}

/// Whether the text is the secret; how much of it is right cannot be told by the time this takes.
fn equal(secret: &Secret, told: &str) -> bool {
    same(&Sha256::digest(secret.expose().as_bytes()), &Sha256::digest(told.as_bytes()))
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::Provider;
    use crate::{
        base::secret::{Secret, hex},
        signal::SignalError,
    };

    fn sign(secret: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    }

    fn passes(provider: Provider, proof: Option<&str>, body: &[u8]) -> bool {
        provider.verify(&Secret::new("It's a Secret to Everybody"), provider.proof_header(), proof, body).is_ok()
    }

    #[test]
    fn githubs_own_example_verifies() {
        // docs.github.com, "Validating webhook deliveries", testing the implementation.
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(passes(Provider::Github, Some(signature), b"Hello, World!"));
        assert!(!passes(Provider::Github, Some(signature), b"Hello, World"));
        assert!(!passes(Provider::Github, Some(&signature.replace("757107", "757108")), b"Hello, World!"));
        for bad in ["", "sha256=", "sha256=zz", "sha1=757107ea", signature.trim_start_matches("sha256=")] {
            assert!(!passes(Provider::Github, Some(bad), b"Hello, World!"), "{bad}");
        }
        assert!(!passes(Provider::Github, None, b"Hello, World!"));
    }

    #[test]
    fn sentry_signs_what_it_sent_or_what_it_means() {
        let secret = "It's a Secret to Everybody";
        let (sent, meant) = (b"{ \"b\": \"\xc5\xbc\",\n \"a\": [1, 2.50] }", b"{\"b\":\"\xc5\xbc\",\"a\":[1,2.50]}");
        assert!(passes(Provider::Sentry, Some(&sign(secret, sent)), sent));
        assert!(passes(Provider::Sentry, Some(&sign(secret, meant)), sent));
        assert!(!passes(Provider::Sentry, Some(&sign(secret, b"{\"a\":[1,2.50],\"b\":\"\xc5\xbc\"}")), sent));
        assert!(!passes(Provider::Sentry, Some(&sign("another", sent)), sent));
        assert!(passes(Provider::Sentry, Some(&sign(secret, b"{nope")), b"{nope"));
        assert!(!passes(Provider::Sentry, Some(&sign(secret, b"{}")), b"{nope"));
    }

    #[test]
    fn posthog_sends_the_secret_itself() {
        assert!(passes(Provider::Posthog, Some("It's a Secret to Everybody"), b"{}"));
        for bad in ["It's a Secret to Everybod", "It's a Secret to Everybody ", "it's a secret to everybody", ""] {
            assert!(!passes(Provider::Posthog, Some(bad), b"{}"), "{bad}");
        }
        let missing = Provider::Posthog.verify(&Secret::new("x"), "X-Mine", None, b"").unwrap_err();
        assert_eq!(missing, SignalError::NoProof("X-Mine".into()));
        assert_eq!(missing.to_string(), "Missing X-Mine header");
    }
}
