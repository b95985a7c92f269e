//! Tests on single arguments, by their names.

use super::{
    condition::ArgumentTest,
    facts::{Roles, roles},
    glob,
    lexicon::cut,
    money, network,
    truth::{Truth, yes},
};
use crate::base::{
    Decimal,
    json::{Kind, View},
};

/// Other words that tools use for a product.
const ALIASES: &[(&str, &[&str])] = &[
    ("kubernetes", &["k8s", "kubectl", "kube", "helm"]),
    ("postgres", &["postgresql", "psql", "pg"]),
    ("google", &["gcal", "gmail", "gdrive", "gsuite", "gcp"]),
    ("teams", &["msteams"]),
    ("aws", &["amazon", "s3", "ec2", "iam", "rds", "secretsmanager"]),
    ("twitter", &["x"]),
];

/// A name with the other words that tools use for it.
pub fn aliases(name: &str) -> impl Iterator<Item = &str> {
    let more = ALIASES.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, words)| words);
    std::iter::once(name).chain(more.iter().copied())
}

/// Whether an argument of this name names a system or product.
pub fn names_something(key: &str) -> bool {
    const NAMING: &[&str] = &[
        "network",
        "platform",
        "provider",
        "app",
        "application",
        "service",
        "system",
        "integration",
        "vendor",
        "product",
        "site",
    ];
    cut(key).iter().any(|word| NAMING.contains(&word.as_str()))
}

/// Whether a shell line in the argument runs one of the commands; `None` when it carries none.
pub fn command(commands: &[Vec<String>], key: &str, value: View<'_>) -> Option<Truth> {
    let Kind::String(text) = value.kind() else { return None };
    if !carries_command(key) {
        return None;
    }
    let separators = |c: char| matches!(c, ';' | '|' | '&' | '\n' | '(' | ')' | '`');
    let runs = |wanted: &[String]| {
        text.split(separators).any(|part| {
            let words: Vec<&str> = part.split_whitespace().collect();
            let Some((program, rest)) = wanted.split_first() else { return false };
            let Some(at) = words.iter().position(|word| word.rsplit('/').next() == Some(program)) else { return false };
            let before = words.get(..at).unwrap_or_default();
            let behind = words.get(at + 1..).unwrap_or_default();
            // The program leads its command, but for what only starts another one.
            let leads = before.iter().all(|word| {
                word.contains('=')
                    || word.starts_with('-')
                    || matches!(*word, "sudo" | "env" | "nohup" | "time" | "exec" | "xargs")
            }) || before.iter().any(|word| matches!(*word, "-exec" | "-execdir" | "xargs" | "sudo"));
            let mut left = behind.iter();
            let flags: Vec<char> = behind.iter().filter_map(|word| short_flags(word)).flat_map(str::chars).collect();
            leads
                && rest.iter().all(|wanted| match short_flags(wanted) {
                    // `-rf` is `-fr` and `-r -f`.
                    Some(own) => own.chars().all(|flag| flags.contains(&flag)),
                    None => left.by_ref().any(|word| word == wanted),
                })
        })
    };
    Some(yes(commands.iter().any(|wanted| runs(wanted))))
}

/// The letters of `-rf`.
fn short_flags(word: &str) -> Option<&str> {
    word.strip_prefix('-').filter(|flags| !flags.is_empty() && flags.chars().all(|c| c.is_ascii_alphabetic()))
}

/// Whether an argument of this name carries a command or code.
pub fn carries_command(key: &str) -> bool {
    cut(key).iter().any(|word| matches!(word.as_str(), "command" | "cmd" | "script" | "shell" | "args" | "code"))
}

/// Whether the argument is a branch that fits a pattern; `None` when it is no branch.
pub fn branch(patterns: &[String], key: &str, value: View<'_>) -> Option<Truth> {
    let Kind::String(text) = value.kind() else { return None };
    let words = cut(key);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    let is = has(&["branch", "base", "ref"]) && !has(&["head", "source", "from", "id"]);
    let short = text.strip_prefix("refs/heads/").unwrap_or(text);
    is.then(|| yes(patterns.iter().any(|pattern| glob::fits(pattern, short))))
}

/// Whether the argument is one of the parties; `None` when it is no party. Rules are found by the same comparison
/// (`index::said`).
pub fn party(names: &[String], key: &str, value: View<'_>) -> Option<Truth> {
    let text = party_of(key, value)?;
    Some(yes(names.iter().any(|name| name.eq_ignore_ascii_case(text))))
}

/// The party that an argument names; `None` when it is no party.
pub fn party_of<'v>(key: &str, value: View<'v>) -> Option<&'v str> {
    value.as_str().filter(|_| roles(key).any(Roles::NAMES_PARTY)).map(str::trim)
}

/// Whether an argument of this name names a party.
pub fn names_party(key: &str) -> bool {
    const PARTIES: &[&str] = &[
        "payee",
        "vendor",
        "supplier",
        "recipient",
        "beneficiary",
        "merchant",
        "customer",
        "counterparty",
        "client",
        "to",
        "company",
    ];
    let words = cut(key);
    words.iter().any(|word| PARTIES.contains(&word.as_str())) && !words.iter().any(|word| word == "id")
}

/// How an argument stands a test; `None` when its name lacks one of the words.
pub fn argument(words: &[String], test: &ArgumentTest, key: &str, value: View<'_>) -> Option<Truth> {
    let own = cut(key);
    if words.is_empty() || !words.iter().all(|word| own.contains(word)) {
        return None;
    }
    let text = value.as_str().or_else(|| value.as_number());
    Some(match test {
        ArgumentTest::Is(texts) => {
            let is = |text: &str, wanted: &String| {
                network::within(wanted, text).unwrap_or(yes(wanted.eq_ignore_ascii_case(text.trim())))
            };
            text.map_or(Truth::Unclear, |text| texts.iter().map(|wanted| is(text, wanted)).max().unwrap_or(Truth::No))
        }
        ArgumentTest::Like(patterns) => {
            text.map_or(Truth::Unclear, |text| yes(patterns.iter().any(|pattern| glob::fits(pattern, text))))
        }
        ArgumentTest::Number(range) => {
            text.and_then(leading_number).map_or(Truth::Unclear, |number| yes(range.holds(number)))
        }
        ArgumentTest::Present => yes(match value.kind() {
            Kind::Null | Kind::Bool(false) => false,
            Kind::Array | Kind::Object => !value.is_empty(),
            Kind::String(text) => !text.is_empty(),
            Kind::Bool(true) | Kind::Number(_) => true,
        }),
    })
}

/// The number at the front of a text, whatever unit stands behind it.
fn leading_number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    // `5k`, `1.2 million`; a small `m` may be metres, so it is neither.
    let power = Some(unit.trim()).filter(|unit| !matches!(*unit, "m" | "b" | "mm")).and_then(money::multiplier);
    if unit.trim() == "m" {
        return None;
    }
    if let Some(power) = power {
        return Decimal::parse(number)?.shifted(power);
    }
    let plain = unit.trim().chars().all(|c| c.is_alphabetic() || matches!(c, '%' | '°' | '/'));
    Decimal::parse(text).or_else(|| Decimal::parse(number).filter(|_| plain))
}

#[cfg(test)]
mod tests {
    use super::{argument, leading_number};
    use crate::{
        base::{Decimal, json::Doc},
        policy::{condition::ArgumentTest, truth::Truth},
    };

    #[test]
    fn numbers_have_thousands_and_units() {
        for (text, number) in [
            ("40 mg", Some("40")),
            ("5k", Some("5000")),
            ("1.2M", Some("1200000")),
            ("3 million", Some("3000000")),
            ("5 m", None),
            ("5 mm", Some("5")),
            ("five", None),
        ] {
            assert_eq!(leading_number(text), number.and_then(Decimal::parse), "{text}");
        }
    }

    #[test]
    fn networks_hold_addresses() {
        let test = ArgumentTest::Is(vec!["10.0.0.0/8".into()]);
        let of = |arguments: &str| {
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            doc.root().members().find_map(|member| argument(&["cidr".into()], &test, member.key(), member))
        };
        assert_eq!(of(r#"{"cidr":"10.4.0.0/16"}"#), Some(Truth::Yes));
        assert_eq!(of(r#"{"cidr":"192.168.0.0/16"}"#), Some(Truth::No));
        assert_eq!(of(r#"{"cidr":"10.0.0.0/8 "}"#), Some(Truth::Yes));
    }
}
