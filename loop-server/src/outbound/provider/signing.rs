//! The signature of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use loop_core::{
    base::secret::Secret,
    invoke::{Fault, Job},
};
use sha2::Sha256;

/// The headers that prove that `body` comes from Loop and is sent now.
pub(super) fn headers(job: &Job, body: &[u8]) -> Result<HeaderMap, Fault> {
    let id = job.invocation.to_string();
    let at = (job.now.as_micros() / 1_000_000).to_string();
    let signature = sign(&job.secret, &id, &at, body).ok_or_else(unsigned)?;
    let mut headers = HeaderMap::new();
    for (name, value) in [("webhook-id", &id), ("webhook-timestamp", &at), ("webhook-signature", &signature)] {
        let value = HeaderValue::from_str(value).map_err(|_| unsigned())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

fn unsigned() -> Fault {
    Fault::new("secret", "the call cannot be signed")
}

fn sign(secret: &Secret, id: &str, at: &str, body: &[u8]) -> Option<String> {
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", engine.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use loop_core::base::secret::Secret;

    use super::sign;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign(&Secret::new("plain"), "a", "1", b""), None);
    }
}
