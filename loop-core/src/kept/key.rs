//! Which request a completion answers: the same door, the same loop, a body that means the same.

use hmac::Mac as _;

use crate::{
    access::Caller,
    base::{
        host::keyed,
        json::{self, Doc},
        secret::{MasterKey, hex, unhex},
    },
};

/// The longest request that has a key, in bytes.
pub const MAX_REQUEST: usize = 32 * 1024 * 1024;

/// What a request and its repetitions share. It tells nothing of the request to whoever lacks the master key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeptKey([u8; 32]);

impl KeptKey {
    /// The key of a request: HMAC-SHA256, under a key of the tenant's own, of the door, the caller's loop and the
    /// canonical form of the body. A body that is no sound JSON, or longer than [`MAX_REQUEST`], has none.
    #[must_use]
    pub fn of(master: &MasterKey, caller: &Caller, door: &str, body: &[u8]) -> Option<Self> {
        if body.len() > MAX_REQUEST {
            return None;
        }
        let doc = Doc::parse(body).ok()?;
        let mut text = String::with_capacity(body.len().saturating_add(128));
        text.push_str("[\"loop.kept.1\",");
        json::write_string(door, &mut text);
        text.push(',');
        match caller.loop_id {
            Some(id) => json::write_string(&id.to_string(), &mut text),
            None => text.push_str("null"),
        }
        text.push(',');
        json::canonical_into(doc.root(), &mut text);
        text.push(']');
        let mut mac = keyed(&master.derive("kept.key", caller.tenant.as_str()));
        mac.update(text.as_bytes());
        Some(Self(mac.finalize().into_bytes().into()))
    }

    /// The lower-case hexadecimal form kept in storage.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

impl std::fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::KeptKey;
    use crate::{
        access::Caller,
        base::{Seed, TenantId, Time, id::LoopId, secret::MasterKey},
    };

    fn of(caller: &Caller, door: &str, body: &str) -> Option<KeptKey> {
        KeptKey::of(&MasterKey::new([5; 32]), caller, door, body.as_bytes())
    }

    #[test]
    fn only_the_same_request_has_the_same_key() {
        let caller = Caller::system(TenantId::default_tenant(), "t");
        let key = of(&caller, "proxy.chat", r#"{"model":"m","n":1}"#);
        assert!(key.is_some());
        assert_eq!(key, of(&caller, "proxy.chat", r#"{ "n": 1.0, "model": "m" }"#));
        assert_ne!(key, of(&caller, "proxy.messages", r#"{"model":"m","n":1}"#));
        assert_ne!(key, of(&caller, "proxy.chat", r#"{"model":"m","n":2}"#));
        assert_ne!(key, of(&caller, "proxy.chat", r#"{"model":"m","n":1,"stream":true}"#));
        let other = Caller::system(TenantId::parse("other").unwrap(), "t");
        assert_ne!(key, of(&other, "proxy.chat", r#"{"model":"m","n":1}"#));
        let looped = Caller { loop_id: Some(LoopId::draw(Time::EPOCH, &mut Seed::new([1; 32]))), ..caller };
        assert_ne!(key, of(&looped, "proxy.chat", r#"{"model":"m","n":1}"#));
    }

    #[test]
    fn a_body_that_two_readers_could_read_differently_has_no_key() {
        let caller = Caller::system(TenantId::default_tenant(), "t");
        for body in ["", "{", r#"{"a":1,"a":2}"#, "{} {}", "\u{1}"] {
            assert_eq!(of(&caller, "proxy.chat", body), None, "{body}");
        }
    }
}
