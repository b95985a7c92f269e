//! Reading facts out of arguments. Names of arguments tell what their values are; nothing is guessed from values.

use smallvec::SmallVec;

use super::{
    Environment, Fact, FactKind, Facts,
    carrier::{SPEAKS, Said, said},
    data::data,
    fact::ARGUMENTS_MAX,
    keys::Roles,
    leaf::{Leaf, leaves, leaves_of},
    number::{MONEY, amount, count, percent},
    sql,
};
use crate::{
    base::{
        Decimal, Time,
        json::{Kind, View},
    },
    policy::{action::Action, deed::Class, money::Currency},
    tool::name::tokens,
};

/// Amounts of one call, as many as matter.
pub type Amounts = SmallVec<[(Option<Decimal>, Option<Currency>); 2]>;

/// Roles of arguments that every decision reads.
const SURVEYED: Roles = MONEY.with(SPEAKS);

/// The most paths that are read of one command.
const PATHS_MAX: usize = 64;

/// What every decision needs of a call, read in one go: its amounts, and, as the answer, what it says beyond the
/// tool's name.
#[must_use]
pub fn survey(action: &Action<'_>, class: &Class, amounts: &mut Amounts) -> Said {
    survey_and(action, class, amounts, |_, _| false, &mut |_| ())
}

/// As [`survey`], calling `each` in the same walk with every value that is wanted by its roles and what it is.
#[inline]
pub fn survey_and(
    action: &Action<'_>,
    class: &Class,
    amounts: &mut Amounts,
    wanted: impl Fn(Roles, View<'_>) -> bool + Copy,
    each: &mut impl FnMut(Leaf<'_, '_>),
) -> Said {
    let mut said = Said::default();
    let mut read = |document: View<'_>| {
        leaves_of(document, |roles, value| roles.any(SURVEYED) || wanted(roles, value), &mut |leaf| {
            amount(leaf, &mut |fact| {
                if let Fact::Amount(value, currency) = fact {
                    amounts.push((value, currency));
                }
            });
            said.add(leaf, class);
            if wanted(leaf.roles, leaf.value) {
                each(leaf);
            }
        });
    };
    read(action.arguments);
    if let Some(body) = action.forward.and_then(|forward| forward.body) {
        read(body);
    }
    said
}

/// Calls `each` with every fact of a kind in a live call: its arguments and the body it is forwarded with.
pub fn each(action: &Action<'_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
    for document in documents(action) {
        leaves(document, &mut |leaf| of_leaf(leaf, kind, each));
    }
    of_address(action, kind, each);
}

/// Calls `each` with every value of a live call and what its name says.
#[inline]
pub fn each_leaf<'a>(action: &Action<'a>, each: &mut impl FnMut(Leaf<'a, '_>)) {
    documents(action).for_each(|document| leaves(document, each));
}

fn documents<'a>(action: &Action<'a>) -> impl Iterator<Item = View<'a>> + use<'a> {
    std::iter::once(action.arguments).chain(action.forward.and_then(|forward| forward.body))
}

/// The facts of a kind in one value.
#[inline]
pub fn of_leaf(leaf: Leaf<'_, '_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
    match kind {
        FactKind::Amounts => amount(leaf, &mut |fact| each(fact)),
        FactKind::Percents => percent(leaf, each),
        FactKind::Counts => count(leaf, each),
        FactKind::Recipients => recipient(leaf, each),
        FactKind::Data => data(leaf, each),
        FactKind::Paths => path(leaf, each),
        FactKind::Environments => environment(leaf, each),
        FactKind::Places => place(leaf, each),
        FactKind::Attachments => attachment(leaf, each),
        FactKind::Times => time(leaf, each),
        FactKind::Statements => statement(leaf, each),
    }
}

/// The facts of a kind in the tool's name and the address that the call is forwarded to.
pub fn of_address(action: &Action<'_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
    if kind == FactKind::Environments {
        environments_in(action.tool, each);
    }
    if let Some(forward) = action.forward {
        match kind {
            FactKind::Recipients if forward.url.contains("mailto:") => {
                addresses(forward.url.split_once("mailto:").map_or("", |(_, to)| to), each);
            }
            FactKind::Environments => environments_in(forward.url, each),
            _ => {}
        }
    }
}

/// Everything rules can read of a call, for storage, in one walk.
#[must_use]
pub fn extract(action: &Action<'_>, class: &Class) -> Facts {
    let mut facts = Facts::default();
    let mut said = Said::default();
    for document in documents(action) {
        leaves(document, &mut |leaf| {
            said.add(leaf, class);
            // Most names give no role; then only the value itself may say something.
            let nameless = leaf.roles.is_plain();
            let kinds: &[_] = if nameless { &[FactKind::Counts, FactKind::Data] } else { &FactKind::ALL };
            for kind in kinds {
                of_leaf(leaf, *kind, &mut |fact| {
                    if leaf.secret && !leaf.value.is_container() { facts.add_secret(fact) } else { facts.add(fact) }
                });
            }
        });
    }
    for kind in FactKind::ALL {
        of_address(action, kind, &mut |fact| facts.add(fact));
    }
    facts.does = said.does;
    facts.things = said.things;
    let length = |value: View<'_>| {
        let text = value.as_str().or_else(|| value.as_number()).unwrap_or_default();
        value.key().len() + text.len() + 4
    };
    let length: usize = action.arguments.walk().map(length).sum();
    facts.partial = length > ARGUMENTS_MAX || action.forward.is_some_and(|forward| forward.body.is_some());
    facts
}

/// What a call says beyond the tool's name: its arguments and the body it is forwarded with.
#[must_use]
pub fn said_by(action: &Action<'_>, class: &Class) -> Said {
    let mut all = said(action.arguments, class);
    if let Some(body) = action.forward.and_then(|forward| forward.body) {
        let more = said(body, class);
        all = Said { does: all.does.with(more.does), things: all.things.with(more.things) };
    }
    all
}

fn recipient(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let Kind::String(text) = leaf.value.kind() else { return };
    let within = leaf.roles.any(Roles::RECIPIENT);
    // `recipients: [{email}]`: the address stands under a name of its own.
    let nested = leaf.roles.any(Roles::PERSONAL) && text.contains('@');
    if within || nested {
        addresses(text, each);
    }
}

/// Addresses of a list: `a@x.org, Bea <b@y.org>; c`.
fn addresses(text: &str, each: &mut dyn FnMut(Fact<'_>)) {
    // Most texts are one address and nothing else.
    if !text.bytes().any(|byte| matches!(byte, b',' | b';' | b'<')) {
        let address = text.trim();
        if !address.is_empty() {
            one_address(address, each);
        }
        return;
    }
    for part in text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
        one_address(part.rsplit_once('<').map_or(part, |(_, rest)| rest.trim_end_matches('>')).trim(), each);
    }
}

fn one_address(address: &str, each: &mut dyn FnMut(Fact<'_>)) {
    let at = address.bytes().rposition(|byte| byte == b'@');
    let domain = at.and_then(|at| address.get(at + 1..)).map(|domain| domain.trim_end_matches('.'));
    each(Fact::Recipient { text: Some(address), domain: domain.filter(|domain| !domain.is_empty()) });
}

fn path(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let Kind::String(text) = leaf.value.kind() else { return };
    if leaf.roles.any(Roles::SHELL) && text.contains(' ') {
        // Paths among the words of a command.
        let words =
            text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '>' | '<' | '=' | '(' | ')'));
        let bare = words.map(|word| word.trim_matches(|c| matches!(c, '"' | '\'')));
        let paths =
            bare.filter(|word| !word.contains("://") && word.starts_with(['/', '~', '.']) || word.contains('/'));
        paths.filter(|word| word.len() > 1).take(PATHS_MAX).for_each(|word| each(Fact::Path(word)));
    } else if leaf.roles.any(Roles::PATH) || (leaf.roles.any(Roles::PLACE_PATH) && is_path_like(text)) {
        each(Fact::Path(text));
    }
}

/// Whether a place is written like a path: `target: "staff"` is none.
fn is_path_like(text: &str) -> bool {
    text.contains(['/', '\\', '.', '~'])
}

fn environment(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let Kind::String(text) = leaf.value.kind() else { return };
    if leaf.roles.any(Roles::ENVIRONMENT) {
        environments(text, Environment::of_name, each);
    } else if leaf.roles.any(Roles::PLACE_ENVIRONMENT)
        || (leaf.roles.any(Roles::WHOLE_ENVIRONMENT) && is_environment(text))
    {
        environments_in(text, each);
    }
}

/// Whether a text names one environment and nothing else: `sandbox`, no `production-line` or `sandbox-live`.
fn is_environment(text: &str) -> bool {
    let words = tokens(text);
    let mut named =
        words.iter().filter(|word| !is_negation(word)).map(|word| Environment::of_word(without_digits(word)));
    let first = named.next().flatten();
    first.is_some() && named.all(|other| other == first)
}

fn without_digits(word: &str) -> &str {
    word.trim_end_matches(|c: char| c.is_ascii_digit())
}

fn is_negation(word: &str) -> bool {
    matches!(word, "pre" | "non" | "not" | "no")
}

/// Environments among the words of a text; `non-prod` and `pre-production` are staging.
fn environments_in(text: &str, each: &mut dyn FnMut(Fact<'_>)) {
    environments(text, Environment::of_word, each);
}

fn environments(text: &str, of: fn(&str) -> Option<Environment>, each: &mut dyn FnMut(Fact<'_>)) {
    let mut before = "";
    for word in tokens(text).iter() {
        if let Some(found) = of(without_digits(word)) {
            let lesser = found == Environment::Production && is_negation(before);
            each(Fact::Environment(if lesser { Environment::Staging } else { found }));
        }
        before = word;
    }
}

fn place(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if let Kind::String(text) = leaf.value.kind()
        && leaf.roles.any(Roles::PLACE)
    {
        each(Fact::Place(text.trim().trim_start_matches('#')));
    }
}

fn attachment(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if !leaf.roles.any(Roles::ATTACHMENT) || !leaf.member {
        return;
    }
    let present = match leaf.value.kind() {
        Kind::Null | Kind::Bool(false) => false,
        Kind::Array | Kind::Object => !leaf.value.is_empty(),
        Kind::String(text) => !text.is_empty(),
        Kind::Bool(true) | Kind::Number(_) => true,
    };
    each(Fact::Attachment(present));
}

fn time(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if let Kind::String(text) = leaf.value.kind()
        && leaf.roles.any(Roles::WHEN)
        && text.starts_with(|c: char| c.is_ascii_digit())
    {
        let date = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
        if date && Time::parse(text).is_none() {
            // A day without an hour: its beginning, middle and end.
            for hour in ["00:00:00", "12:00:00", "23:59:59"] {
                each(Fact::Time(Time::parse(&format!("{text}T{hour}Z"))));
            }
        } else {
            each(Fact::Time(Time::parse(text)));
        }
    }
}

fn statement(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if let Kind::String(text) = leaf.value.kind()
        && leaf.roles.any(Roles::SQL.with(Roles::SHELL))
        && sql::looks_like(text)
    {
        sql::statements(text, &mut |statement| {
            each(Fact::Statement { does: statement.does, bounded: statement.bounded });
        });
    }
}
