//! Finding personal data and secrets in text.
//!
//! Data is recognised by its shape, not by its validity: an impossible social security number is as good as a real
//! one. Card numbers without separators are the exception: they must pass the Luhn check and begin as cards do, else
//! every long number would be one.
//!
//! One pass from left to right with windows of bounded length, so the time is linear in the text; a short text
//! without digits, `@`, `:`, `=` and long words is given up after a look at each byte.

mod assigned;
mod bytes;
mod email;
mod identity;
mod key;
mod number;
mod scan;
mod secret_name;
#[cfg(test)]
mod tests;

pub(super) use number::is_card;
pub use scan::scan;
pub use secret_name::names_secret;

/// What stands where a secret was removed. It is not found again.
pub(crate) const SECRET_MASK: &str = "[REDACTED]";

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

impl DataClass {
    /// Every class.
    pub const ALL: [Self; 8] =
        [Self::Email, Self::Phone, Self::Card, Self::Iban, Self::UsSsn, Self::UkNino, Self::ApiKey, Self::Secret];

    /// Whether data of this class tells of a person; the other classes are secrets.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        !matches!(self, Self::ApiKey | Self::Secret)
    }

    /// The stable name under which the class is stored and shown, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
            Self::UkNino => "uk_nino",
            Self::ApiKey => "api_key",
            Self::Secret => "secret",
        }
    }
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
