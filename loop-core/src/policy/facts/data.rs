//! Personal data and secrets of a call, by the names of arguments and columns and by their form.

use super::{
    Fact,
    fact::DataKind,
    keys::{self, Roles},
    leaf::Leaf,
};
use crate::{
    base::json::Kind,
    tool::{
        name::tokens,
        sensitive::{DataClass, Finding, scan},
    },
};

pub(super) fn data(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let filled = match leaf.value.kind() {
        Kind::String(text) => !text.is_empty(),
        Kind::Number(_) => true,
        _ => false,
    };
    if !filled {
        return;
    }
    if leaf.roles.any(Roles::PERSONAL) && !leaf.roles.any(Roles::RECIPIENT) {
        each(Fact::Data(DataKind::Personal));
        named_data(leaf.key, each);
    }
    if leaf.roles.any(Roles::SECRET_TEXT.with(Roles::NAMES_SECRET)) {
        each(Fact::Data(DataKind::Secret));
    }
    let Some(text) = leaf.value.as_str().or_else(|| leaf.value.as_number()) else { return };
    if leaf.roles.any(Roles::COLUMN) {
        for column in text.split([',', ' ']) {
            let roles = keys::roles(column);
            if roles.any(Roles::PERSONAL) {
                each(Fact::Data(DataKind::Personal));
            }
            named_data(column, each);
        }
    }
    if leaf.roles.any(Roles::RECIPIENT) {
        return;
    }
    let mut found: Vec<Finding> = Vec::new();
    scan(text, &mut found);
    for finding in found {
        each(Fact::Data(kind_of(finding.class)));
    }
    if discloses(text) {
        each(Fact::Data(DataKind::Secret));
    }
}

/// What the name of a column or argument says of its data.
fn named_data(name: &str, each: &mut dyn FnMut(Fact<'_>)) {
    for word in tokens(name).iter() {
        let kind = match word.strip_suffix('s').unwrap_or(word) {
            "email" | "mail" => DataKind::Email,
            "phone" | "mobile" | "telephone" | "cell" => DataKind::Phone,
            "card" | "pan" => DataKind::Card,
            "iban" => DataKind::BankAccount,
            "ssn" => DataKind::SocialSecurity,
            "nino" => DataKind::NationalInsurance,
            _ => continue,
        };
        each(Fact::Data(kind));
    }
}

/// `password: hunter2`: a word for a secret, a colon or equals sign, and something with a digit.
fn discloses(text: &str) -> bool {
    if text.contains("PRIVATE KEY-----") {
        return true;
    }
    memchr::memchr2_iter(b':', b'=', text.as_bytes()).any(|at| {
        let quotes = |c: char| matches!(c, '"' | '\'' | '`');
        let before = text.get(..at).unwrap_or_default();
        let named = before
            .split_whitespace()
            .rev()
            .take(2)
            .any(|word| keys::roles(word.trim_matches(quotes)).any(Roles::SECRET_TEXT));
        let after = text.get(at + 1..).and_then(|after| after.split_whitespace().next()).unwrap_or_default();
        let after = after.trim_matches(quotes);
        named && after.len() >= 4 && after.bytes().any(|byte| byte.is_ascii_digit())
    })
}

const fn kind_of(class: DataClass) -> DataKind {
    match class {
        DataClass::Email => DataKind::Email,
        DataClass::Phone => DataKind::Phone,
        DataClass::Card => DataKind::Card,
        DataClass::Iban => DataKind::BankAccount,
        DataClass::UsSsn => DataKind::SocialSecurity,
        DataClass::UkNino => DataKind::NationalInsurance,
        DataClass::ApiKey => DataKind::ApiKey,
        DataClass::Secret => DataKind::Secret,
    }
}
