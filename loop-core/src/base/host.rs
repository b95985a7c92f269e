//! Where time and randomness come from. Rooms never ask for them: the engine draws both once per request
//! and hands them down as values.

use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};

use super::Time;

/// The machine a Loop runs on: its clock and its source of randomness.
///
/// Tests hand in a fixed one; `SystemHost` (feature `system`) reads the real machine.
pub trait Host: Send + Sync {
    /// The current time.
    fn now(&self) -> Time;

    /// Thirty-two unpredictable bytes.
    ///
    /// # Errors
    /// When the machine has no randomness to give; callers refuse the request.
    fn seed(&self) -> Result<Seed, NoEntropy>;
}

/// The machine's source of randomness failed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no randomness available")]
pub struct NoEntropy;

/// Unpredictable bytes for one request, from which any number of ids and tokens is drawn.
///
/// Draws are SHA-256 of the seed, a label and a counter, so a transaction that runs twice with the same seed
/// and counter draws the same ids. All of these have one length and fit one block of the hash: no draw tells
/// anything of another.
#[derive(Clone, zeroize::ZeroizeOnDrop)]
pub struct Seed {
    key: [u8; 32],
    #[zeroize(skip)]
    drawn: u64,
}

impl Seed {
    /// A seed from bytes that nobody else knows.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key, drawn: 0 }
    }

    /// The bytes of draw number `n`.
    #[must_use]
    pub fn at(&self, n: u64) -> [u8; 32] {
        let mut sha = Sha256::new();
        sha.update(self.key);
        sha.update(b"loop.seed");
        sha.update(n.to_be_bytes());
        sha.finalize().into()
    }

    /// The next thirty-two bytes.
    #[must_use]
    pub fn draw(&mut self) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        self.at(self.drawn)
    }

    /// The next sixteen bytes.
    #[must_use]
    pub fn draw16(&mut self) -> [u8; 16] {
        let mut out = [0; 16];
        out.iter_mut().zip(self.draw()).for_each(|(to, from)| *to = from);
        out
    }

    /// A seed of its own for a piece of work done apart.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// HMAC-SHA256 under `key`. SHA-256 takes a key of any length, so this cannot fail.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new(&(*key).into_block())
}

/// Widens a 32-byte key to SHA-256's block, which is what HMAC does with a short key (RFC 2104).
trait IntoBlock {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>>;
}

impl IntoBlock for [u8; 32] {
    fn into_block(self) -> hmac::digest::Key<Hmac<Sha256>> {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block.iter_mut().zip(self).for_each(|(to, from)| *to = from);
        block
    }
}

/// The real machine: its wall clock and its operating system's randomness.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

#[cfg(feature = "system")]
impl Host for SystemHost {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Time {
        jiff::Timestamp::now().into()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's randomness")]
    fn seed(&self) -> Result<Seed, NoEntropy> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| NoEntropy)?;
        Ok(Seed::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::{Seed, keyed};
    use hmac::Mac;

    #[test]
    fn draws_differ_and_repeat_for_the_same_seed() {
        let mut a = Seed::new([7; 32]);
        let mut b = Seed::new([7; 32]);
        let first = a.draw();
        assert_eq!(first, b.draw());
        assert_ne!(first, a.draw());
        assert_ne!(Seed::new([8; 32]).draw(), first);
    }

    #[test]
    fn keyed_is_plain_hmac_sha256() {
        // RFC 4231 has no 32-byte key; this value is from Python's hmac module.
        let mut mac = keyed(&[0x0b; 32]);
        mac.update(b"Hi There");
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
    }
}
