//! What an argument's name says about its value.

use std::{
    hash::BuildHasher as _,
    sync::{LazyLock, OnceLock},
};

use hashbrown::HashMap;

use super::number::is_plural;
use crate::{
    policy::{
        arguments::{carries_command, names_party, names_something},
        mentions::is_prose,
        money::Currency,
    },
    tool::sensitive::names_secret,
};

/// The data file; its head documents the format.
static TEXT: &str = include_str!("keys.txt");

/// The longest word of a name that is looked up, in bytes.
const WORD_MAX: usize = 24;

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u64);

macro_rules! roles {
    ($($constant:ident = $bit:literal, $name:literal;)*) => {
        impl Roles {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self(1 << $bit);)*

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$constant),)*
                    _ => None,
                }
            }
        }
    };
}

roles! {
    AMOUNT = 0, "amount";
    WORTH = 1, "worth";
    MINOR = 2, "minor";
    CURRENCY = 3, "currency";
    PERCENT = 4, "percent";
    COUNT = 5, "count";
    QUANTITY = 6, "quantity";
    RECIPIENT = 7, "recipient";
    PATH = 8, "path";
    ENVIRONMENT = 9, "environment";
    PLACE_ENVIRONMENT = 10, "place_environment";
    PLACE = 11, "place";
    SQL = 12, "sql";
    SHELL = 13, "shell";
    TABLE = 14, "table";
    COLLECTION = 15, "collection";
    KIND = 16, "kind";
    ATTACHMENT = 17, "attachment";
    WHEN = 18, "when";
    PARTY = 19, "party";
    COLUMN = 20, "column";
    PERSONAL = 21, "personal";
    MODE = 22, "mode";
    BRANCH = 23, "branch";
    SECRET_TEXT = 24, "secret_text";
    NOT_AMOUNT = 25, "not_amount";
    NOT_PERCENT = 26, "not_percent";
    NOT_COUNT = 27, "not_count";
    NOT_RECIPIENT = 28, "not_recipient";
    UNIT = 29, "unit";
    WHOLE = 30, "whole";
    ADMIN = 31, "admin";
    HOLDS_CURRENCY = 32, "holds_currency";
    NAMES_SECRET = 33, "names_secret";
    SWITCH = 34, "switch";
    PLACE_PATH = 35, "place_path";
    WHOLE_ENVIRONMENT = 36, "whole_environment";
    RANK = 37, "rank";
    LESSER = 38, "lesser";
    SPOKEN = 39, "spoken";
    URL = 40, "url";
    NAMES_PARTY = 60, "names_party";
    NAMES_PRODUCT = 61, "names_product";
    NAMES_MANY = 62, "names_many";
    PROSE = 63, "prose";
}

impl Roles {
    /// Whether the sets share a role.
    #[must_use]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no fact is read by these: no role at all, or only such as stand for words of a name.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.without(Self::NAMES_PARTY.with(Self::NAMES_PRODUCT).with(Self::NAMES_MANY).with(Self::PROSE))
            == Self::default()
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn settled(self) -> Self {
        let mut roles = self;
        if roles.any(Self::NOT_AMOUNT) && !roles.any(Self::MINOR) {
            roles = roles.without(Self::AMOUNT).without(Self::WORTH);
        }
        if roles.any(Self::NOT_PERCENT) {
            roles = roles.without(Self::PERCENT);
        }
        if roles.any(Self::NOT_COUNT) {
            roles = roles.without(Self::COUNT);
        }
        if roles.any(Self::NOT_RECIPIENT) {
            roles = roles.without(Self::RECIPIENT);
        }
        roles
    }
}

type Table = HashMap<&'static str, Roles, foldhash::fast::FixedState>;

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table::default();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, words)) = line.split_once(':') else { continue };
            let Some(role) = Roles::named(name.trim()) else { continue };
            for word in words.split_whitespace() {
                let roles = table.entry(word).or_default();
                *roles = roles.with(role);
            }
        }
        table
    });
    &TABLE
}

/// How many short names, and how many others, are remembered.
const MEMO: usize = 4096;
/// The longest name that is remembered, in bytes.
const MEMO_NAME_MAX: usize = 64;

/// A name with its roles.
type Met = (Box<str>, Roles);

/// Names met before with their roles. The first name of a place keeps it, so that reading takes no lock; others
/// are worked out each time.
struct Memo {
    hasher: foldhash::fast::RandomState,
    places: Box<[OnceLock<Met>]>,
}

/// A name of at most sixteen bytes as numbers, so that comparing two is comparing numbers: its length and its first
/// and last bytes, which may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Short {
    length: usize,
    head: u64,
    tail: u64,
}

impl Short {
    #[inline]
    fn of(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        let length = bytes.len();
        let (head, tail) = match length {
            8..=16 => (u64::from_le_bytes(*bytes.first_chunk()?), u64::from_le_bytes(*bytes.last_chunk()?)),
            4..=7 => {
                let (head, tail) = (bytes.first_chunk()?, bytes.last_chunk()?);
                (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
            }
            2..=3 => {
                let (head, tail) = (bytes.first_chunk()?, bytes.last_chunk()?);
                (u64::from(u16::from_le_bytes(*head)), u64::from(u16::from_le_bytes(*tail)))
            }
            _ => (u64::from(*bytes.first().filter(|_| length == 1)?), 0),
        };
        Some(Self { length, head, tail })
    }

    #[inline]
    const fn place(self) -> usize {
        const HEAD: u64 = 0x9e37_79b9_7f4a_7c15;
        const TAIL: u64 = 0xd1b5_4a32_d192_ed03;
        let product = (self.head ^ HEAD) as u128 * (self.tail ^ TAIL ^ self.length as u64) as u128;
        ((product >> 64) as u64 ^ product as u64) as usize % MEMO
    }
}

/// The roles of a name.
#[inline]
#[must_use]
pub fn roles(name: &str) -> Roles {
    static MET: [OnceLock<(Short, Roles)>; MEMO] = [const { OnceLock::new() }; MEMO];
    let Some(short) = Short::of(name) else { return roles_of_long(name) };
    match MET.get(short.place()).map(OnceLock::get) {
        Some(Some((known, roles))) if *known == short => *roles,
        Some(None) => meet(&MET, short, name),
        _ => worked_out(name),
    }
}

#[cold]
fn meet(met: &[OnceLock<(Short, Roles)>], short: Short, name: &str) -> Roles {
    let roles = worked_out(name);
    if let Some(place) = met.get(short.place()) {
        // Someone else may have taken the place meanwhile: nothing is lost.
        let _ = place.set((short, roles));
    }
    roles
}

fn roles_of_long(name: &str) -> Roles {
    static MEMO_OF_NAMES: LazyLock<Memo> = LazyLock::new(|| Memo {
        hasher: foldhash::fast::RandomState::default(),
        places: (0..MEMO).map(|_| OnceLock::new()).collect(),
    });
    let memo = &*MEMO_OF_NAMES;
    let place = memo.places.get(memo.hasher.hash_one(name) as usize % MEMO);
    let Some(place) = place.filter(|_| name.len() <= MEMO_NAME_MAX) else { return worked_out(name) };
    match place.get() {
        Some((known, roles)) if **known == *name => *roles,
        Some(_) => worked_out(name),
        None => {
            let roles = worked_out(name);
            // Someone else may have taken the place meanwhile: nothing is lost.
            let _ = place.set((name.into(), roles));
            roles
        }
    }
}

fn worked_out(name: &str) -> Roles {
    let mut all = table().get(name).copied().unwrap_or_default();
    if all == Roles::default() {
        words(name, |word| all = all.with(role_of(word)));
        if currency(name).is_some() {
            all = all.with(Roles::HOLDS_CURRENCY);
        }
    }
    if is_numbered(name) {
        // `order_number` tells which, not how many.
        all = all.without(Roles::COUNT);
    }
    if names_secret(name) {
        all = all.with(Roles::NAMES_SECRET);
    }
    if names_party(name) {
        all = all.with(Roles::NAMES_PARTY);
    }
    if names_something(name) || carries_command(name) {
        all = all.with(Roles::NAMES_PRODUCT);
    }
    if is_plural(name) {
        all = all.with(Roles::NAMES_MANY);
    }
    if is_prose(name) {
        all = all.with(Roles::PROSE);
    }
    all.settled()
}

/// Whether a name is a thing's number: a thing and, behind it, the word.
fn is_numbered(name: &str) -> bool {
    let mut count = 0;
    let (mut counts, mut last) = (false, false);
    words(name, |word| {
        counts |= last || (role_of(word).any(Roles::COUNT) && !matches!(word, "number" | "no" | "num"));
        last = matches!(word, "number" | "no" | "num");
        count += 1;
    });
    count > 1 && last && !counts
}

/// The currency that a name carries (`amount_usd`).
#[must_use]
pub fn currency(name: &str) -> Option<Currency> {
    let mut found = None;
    words(name, |word| {
        if word.len() == 3 {
            found = found.or(Currency::known(word));
        }
    });
    found
}

/// Whether a name says that its number is a fraction of one.
#[must_use]
pub fn is_rate(name: &str) -> bool {
    let mut rate = false;
    words(name, |word| rate |= word == "rate" || word == "fraction");
    rate
}

fn role_of(word: &str) -> Roles {
    let table = table();
    table.get(word).or_else(|| word.strip_suffix('s').and_then(|word| table.get(word))).copied().unwrap_or_default()
}

/// Calls `each` with the lower-case ASCII words of a name; words with other letters are skipped.
fn words(name: &str, mut each: impl FnMut(&str)) {
    let mut buffer = [0_u8; WORD_MAX];
    let mut length = 0;
    let mut before = b' ';
    let mut bytes = name.bytes().peekable();
    let mut flush = |buffer: &[u8; WORD_MAX], length: &mut usize| {
        if let Some(Ok(word)) = buffer.get(..*length).map(std::str::from_utf8)
            && !word.is_empty()
        {
            each(word);
        }
        *length = 0;
    };
    while let Some(byte) = bytes.next() {
        if !byte.is_ascii_alphabetic() {
            flush(&buffer, &mut length);
        } else {
            let hump = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && bytes.peek().is_some_and(u8::is_ascii_lowercase)));
            if hump {
                flush(&buffer, &mut length);
            }
            if let Some(slot) = buffer.get_mut(length) {
                *slot = byte.to_ascii_lowercase();
                length += 1;
            }
        }
        before = byte;
    }
    flush(&buffer, &mut length);
}

#[cfg(test)]
mod tests {
    use super::{Roles, TEXT, currency, roles, worked_out};

    #[test]
    fn every_role_of_the_file_is_known() {
        for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let name = line.split(':').next().unwrap().trim();
            assert!(Roles::named(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_of_any_length_are_remembered_as_they_are() {
        for length in 0..=40 {
            // Twice, and each name beside one that differs in a single letter.
            for _ in 0..2 {
                for at in 0..length {
                    let mut name = vec![b'x'; length];
                    for letter in *b"xy" {
                        name[at] = letter;
                        let name = std::str::from_utf8(&name).unwrap();
                        assert_eq!(roles(name), worked_out(name), "{name}");
                    }
                }
                for word in ["amount", "to", "cc", "sql", "n", "é", "admin", "orderTotal", "estimated_value"] {
                    let name = format!("{word}{:_<length$}", "");
                    assert_eq!(roles(&name), worked_out(&name), "{name}");
                }
            }
        }
    }

    #[test]
    fn names_give_roles_in_every_style() {
        for name in ["amount", "orderTotal", "total_price", "amountUsd", "AMOUNT", "unit-price", "estimated_value"] {
            assert!(roles(name).any(Roles::AMOUNT.with(Roles::WORTH)), "{name}");
        }
        for name in ["invoice_number", "payment_id", "ref", "total_count", "valuation_date", "city", "quantity", "name"]
        {
            assert!(!roles(name).any(Roles::AMOUNT.with(Roles::WORTH)), "{name}");
        }
        assert!(roles("amount_cents").any(Roles::MINOR) && roles("amount_cents").any(Roles::AMOUNT));
        assert!(roles("recipients").any(Roles::RECIPIENT) && !roles("to_account").any(Roles::RECIPIENT));
        assert_eq!(currency("amount_usd").map(|c| c.prefix()), Some("$".into()));
        assert_eq!(currency("the_sum"), None);
    }
}
