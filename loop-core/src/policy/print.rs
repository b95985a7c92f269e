//! What names are compared by where only finding hangs on it: two that are equal have equal prints.

/// Odd, with its bits well spread.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number for a text, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print(u64);

impl Print {
    /// That of nothing.
    pub const NONE: Self = Self(FACTOR);

    /// With one byte more.
    #[inline]
    #[must_use]
    pub const fn with(self, byte: u8) -> Self {
        Self((self.0.rotate_left(23) ^ byte as u64).wrapping_mul(FACTOR))
    }

    /// As a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    /// That of some bytes.
    #[must_use]
    pub fn of(bytes: impl Iterator<Item = u8>) -> u64 {
        bytes.fold(Self::NONE, Self::with).number()
    }

    /// That of bytes, in which the case of ASCII letters is nothing.
    #[inline]
    #[must_use]
    pub fn of_any_case_of(bytes: impl Iterator<Item = u8>) -> u64 {
        Self::of(bytes.map(|byte| byte.to_ascii_lowercase()))
    }

    /// That of a text, in which the case of ASCII letters is nothing.
    #[must_use]
    pub fn of_any_case(text: &str) -> u64 {
        Self::of_any_case_of(text.bytes())
    }

    /// That of a domain, in which the case of letters is nothing.
    #[must_use]
    pub fn of_domain(domain: &str) -> u64 {
        Self::of(domain.bytes().rev().map(|byte| byte.to_ascii_lowercase()))
    }

    /// Calls `each` with the prints of a domain and of all that it is below, as [`Print::of_domain`] has them.
    pub fn each_above(domain: &str, each: &mut impl FnMut(u64)) {
        let mut print = Self::NONE;
        for byte in domain.bytes().rev() {
            if byte == b'.' {
                each(print.number());
            }
            print = print.with(byte.to_ascii_lowercase());
        }
        each(print.number());
    }
}

#[cfg(test)]
mod tests {
    use super::Print;

    #[test]
    fn a_domain_is_below_its_ends() {
        let mut all = Vec::new();
        Print::each_above("A.Mail.acme.org", &mut |print| all.push(print));
        let wanted = ["org", "acme.org", "MAIL.acme.org", "a.mail.acme.ORG"].map(Print::of_domain);
        assert_eq!(all, wanted);
        assert!(!all.contains(&Print::of_domain("il.acme.org")));
    }

    #[test]
    fn texts_in_any_case_are_one() {
        assert_eq!(Print::of_any_case("Umbrella Corp"), Print::of_any_case("uMBRELLA cORP"));
        assert_ne!(Print::of_any_case("ab"), Print::of_any_case("ba"));
        assert_ne!(Print::of_any_case("a"), Print::of_any_case("a\0"));
    }
}
