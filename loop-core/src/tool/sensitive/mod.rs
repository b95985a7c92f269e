//! Finding personal data and secrets in text.

/// A kind of sensitive data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DataClass {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A payment card number.
    Card,
    /// An IBAN.
    Iban,
    /// A US social security number.
    UsSsn,
    /// A UK national insurance number.
    UkNino,
    /// An API key, token or private key with a known shape.
    ApiKey,
    /// The value of a member named like a password, secret or token.
    Secret,
}

/// Where sensitive data stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub class: DataClass,
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// Finds sensitive data in `text`, in order, without overlaps.
pub fn scan(_text: &str, _found: &mut Vec<Finding>) {}

/// Whether a member of this name holds a secret whatever its value looks like.
#[must_use]
pub fn names_secret(_key: &str) -> bool {
    false
}
