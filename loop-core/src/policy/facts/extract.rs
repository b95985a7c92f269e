//! Reading facts out of arguments. Names of arguments tell what their values are; nothing is guessed from values.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::{
    Environment, Fact, FactKind, Facts,
    carrier::{SPEAKS, Said, said},
    fact::{ARGUMENTS_MAX, Counted, DataKind},
    keys::{self, Roles},
    sql,
};
use crate::{
    base::{
        Decimal, Time,
        json::{Kind, View},
    },
    policy::{
        action::Action,
        deed::Class,
        money::{self, Currency, Written},
    },
    tool::{
        name::tokens,
        sensitive::{DataClass, Finding, scan},
    },
};

/// One value with what its name says. Items of an array have the roles of the array.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a, 's> {
    /// The name that gave the roles.
    pub key: &'a str,
    /// Its roles.
    pub roles: Roles,
    /// The value: scalars, and containers before what is in them.
    pub value: View<'a>,
    /// What stands beside the value in its object.
    pub beside: Option<&'s Beside<'a>>,
    /// The value is a member of that object itself, not an item of an array in it.
    pub member: bool,
}

/// The members of an object that say more of the others; each is looked for once, when it is first needed.
#[derive(Debug)]
pub struct Beside<'a> {
    object: View<'a>,
    currency: OnceCell<Option<View<'a>>>,
    quantity: OnceCell<Option<View<'a>>>,
}

impl<'a> Beside<'a> {
    const fn new(object: View<'a>) -> Self {
        Self { object, currency: OnceCell::new(), quantity: OnceCell::new() }
    }

    fn find(&self, roles: Roles) -> Option<View<'a>> {
        self.object.members().find(|member| keys::roles(member.key()).any(roles))
    }

    fn currency(&self) -> Option<View<'a>> {
        *self.currency.get_or_init(|| self.find(Roles::CURRENCY))
    }

    fn quantity(&self) -> Option<View<'a>> {
        *self.quantity.get_or_init(|| self.find(Roles::QUANTITY))
    }
}

/// Calls `each` with every value.
#[inline]
pub fn leaves<'a, F: FnMut(Leaf<'a, '_>)>(view: View<'a>, each: &mut F) {
    leaves_of(view, |_| true, each);
}

/// Calls `each` with every value whose roles are wanted.
#[inline]
fn leaves_of<'a, W: Fn(Roles) -> bool + Copy, F: FnMut(Leaf<'a, '_>)>(view: View<'a>, wanted: W, each: &mut F) {
    descend(Leaf { key: "", roles: Roles::default(), value: view, beside: None, member: false }, wanted, each);
}

// The reader bounds the depth of documents, and so of this.
fn descend<'a, W: Fn(Roles) -> bool + Copy, F: FnMut(Leaf<'a, '_>)>(leaf: Leaf<'a, '_>, wanted: W, each: &mut F) {
    if wanted(leaf.roles) {
        each(leaf);
    }
    match leaf.value.kind() {
        Kind::Object => {
            let beside = Beside::new(leaf.value);
            for member in leaf.value.members() {
                let key = member.key();
                let roles = keys::roles(key);
                let below = || Leaf { key, roles, value: member, beside: Some(&beside), member: true };
                if member.is_container() {
                    descend(below(), wanted, each);
                } else if wanted(roles) {
                    each(below());
                }
            }
        }
        Kind::Array => {
            for item in leaf.value.items() {
                let below = || Leaf { value: item, member: false, ..leaf };
                if item.is_container() {
                    descend(below(), wanted, each);
                } else if wanted(leaf.roles) {
                    each(below());
                }
            }
        }
        _ => {}
    }
}

/// Amounts of one call, as many as matter.
pub type Amounts = SmallVec<[(Option<Decimal>, Option<Currency>); 2]>;

/// Roles of arguments that every decision reads.
const SURVEYED: Roles = MONEY.with(SPEAKS);
/// Roles of arguments that may be amounts of money.
const MONEY: Roles = Roles::AMOUNT.with(Roles::WORTH);

/// The most paths that are read of one command.
const PATHS_MAX: usize = 64;

/// What every decision needs of a call, read in one go: its amounts, and, as the answer, what it says beyond the
/// tool's name.
#[must_use]
pub fn survey(action: &Action<'_>, class: &Class, amounts: &mut Amounts) -> Said {
    let mut said = Said::default();
    let mut read = |document: View<'_>| {
        leaves_of(document, |roles| roles.any(SURVEYED), &mut |leaf| {
            amount(leaf, &mut |fact| {
                if let Fact::Amount(value, currency) = fact {
                    amounts.push((value, currency));
                }
            });
            said.add(leaf, class);
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

fn documents<'a>(action: &Action<'a>) -> impl Iterator<Item = View<'a>> + use<'a> {
    std::iter::once(action.arguments).chain(action.forward.and_then(|forward| forward.body))
}

/// The facts of a kind in one value.
#[inline]
fn of_leaf(leaf: Leaf<'_, '_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
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
fn of_address(action: &Action<'_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
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
            let nameless = leaf.roles == Roles::default();
            let kinds: &[_] = if nameless { &[FactKind::Counts, FactKind::Data] } else { &FactKind::ALL };
            for kind in kinds {
                of_leaf(leaf, *kind, &mut |fact| facts.add(fact));
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

/// Money. Something unreadable where money belongs is a fact too.
#[inline]
fn amount(leaf: Leaf<'_, '_>, each: &mut impl FnMut(Fact<'_>)) {
    if !leaf.roles.any(MONEY) {
        return;
    }
    let sure = leaf.roles.any(Roles::AMOUNT);
    let written = match leaf.value.kind() {
        Kind::Number(text) => Decimal::parse(text).map(|value| Written { value, currency: None, percent: false }),
        Kind::String(text) => match money::read(text) {
            Some(written) if written.percent => return,
            written => written,
        },
        Kind::Object | Kind::Array => return,
        Kind::Null | Kind::Bool(_) => None,
    };
    let Some(written) = written else {
        if sure {
            each(Fact::Amount(None, None));
        }
        return;
    };
    let sibling = || leaf.beside.and_then(Beside::currency).and_then(View::as_str).and_then(Currency::parse);
    let own = || if leaf.roles.any(Roles::HOLDS_CURRENCY) { keys::currency(leaf.key) } else { None };
    let currency = written.currency.or_else(own).or_else(sibling);
    let mut value = Some(written.value);
    if leaf.roles.any(Roles::MINOR) {
        value = written.value.shifted(-currency.map_or(2, Currency::minor_digits));
    }
    let each_costs = leaf.roles.any(Roles::UNIT) && !leaf.roles.any(Roles::WHOLE);
    if each_costs
        && let Some(quantity) = leaf.beside.and_then(Beside::quantity)
        && !matches!(quantity.kind(), Kind::Null)
    {
        let quantity = quantity.as_number().or_else(|| quantity.as_str()).and_then(Decimal::parse);
        value = value.zip(quantity).and_then(|(value, quantity)| value.times(quantity));
    }
    // A payment of -5000 is as large as one of 5000.
    each(Fact::Amount(value.map(Decimal::abs), currency));
}

fn percent(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if !leaf.roles.any(Roles::PERCENT) && !leaf.value.as_str().is_some_and(is_percentage) {
        return;
    }
    let value = match leaf.value.kind() {
        Kind::Number(text) => Decimal::parse(text),
        Kind::String(text) => {
            let number = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|part| !part.is_empty());
            number.and_then(Decimal::parse)
        }
        Kind::Object | Kind::Array => return,
        Kind::Null | Kind::Bool(_) => None,
    };
    // A rate of 0.3 is 30 per cent.
    let fraction = keys::is_rate(leaf.key) && value.is_some_and(|value| value.abs() <= Decimal::whole(1));
    each(Fact::Percent(value.and_then(|value| if fraction { value.shifted(2) } else { Some(value) })));
}

/// `25%`, `10% off`: whatever its argument is called.
fn is_percentage(text: &str) -> bool {
    let number = text.split_once('%').map(|(number, rest)| (number.trim(), rest.trim()));
    number.is_some_and(|(number, rest)| Decimal::parse(number).is_some() && matches!(rest, "" | "off" | "discount"))
}

fn count(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let of = if leaf.roles.any(Roles::RECIPIENT) { Counted::Recipients } else { Counted::Items };
    let mut tell = |number, plain| each(Fact::Count { of, number, key: leaf.key, plain });
    let counts = leaf.roles.any(Roles::COUNT);
    // `pages: 400` counts pages, `subscribers: 90000` those who receive it.
    let names = !counts && is_plural(leaf.key);
    let plain = counts || of == Counted::Recipients;
    match leaf.value.kind() {
        Kind::Array => tell(length(leaf.value), true),
        Kind::Number(text) if counts || names => {
            let number = Decimal::parse(text).filter(|number| !number.is_negative());
            tell(number.map_or(u64::MAX, whole), plain);
        }
        Kind::String(text) if (counts || names) && text.starts_with(|c: char| c.is_ascii_digit()) => {
            if let Some(written) = money::read(text).filter(|written| !written.percent && written.currency.is_none()) {
                tell(whole(written.value), plain);
            }
        }
        Kind::String(text) if of == Counted::Recipients && leaf.member => {
            let number = text.split([',', ';']).filter(|part| !part.trim().is_empty()).count();
            tell(number as u64, true);
        }
        Kind::String(text) if leaf.roles.any(Roles::SHELL) => flags(text, each),
        _ => {}
    }
}

/// The most flags of a command that are read.
const FLAGS_MAX: usize = 64;

/// Numbers that flags of a command give: `--replicas=5`, `--max-instances 8`.
fn flags(text: &str, each: &mut dyn FnMut(Fact<'_>)) {
    let mut before = "";
    for word in text.split_whitespace().filter(|word| word.starts_with("--") || is_number(word)).take(FLAGS_MAX) {
        let (flag, value) = word.split_once('=').unwrap_or((before, word));
        let flag = flag.trim_start_matches('-');
        before = word;
        let counts = keys::roles(flag).any(Roles::COUNT);
        if flag.is_empty() || !is_number(value) || !(counts || is_plural(flag)) {
            continue;
        }
        let number = Decimal::parse(value).map_or(u64::MAX, whole);
        each(Fact::Count { of: Counted::Items, number, key: flag, plain: counts });
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name's last word is a plural.
fn is_plural(name: &str) -> bool {
    let word = name.rsplit(['_', '-', '.', ' ']).next().unwrap_or_default();
    let ends = |end: &str| word.ends_with(end);
    word.len() > 3 && ends("s") && !ends("ss") && !ends("us") && !ends("is")
}

fn length(array: View<'_>) -> u64 {
    array.len() as u64
}

/// The whole part, rounded up, at most `u64::MAX`.
fn whole(number: Decimal) -> u64 {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    whole.parse::<u64>().map_or(u64::MAX, |whole| whole.saturating_add(u64::from(!fraction.is_empty())))
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
    for part in text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
        let address = part.rsplit_once('<').map_or(part, |(_, rest)| rest.trim_end_matches('>')).trim();
        let domain = address.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('.'));
        each(Fact::Recipient { text: Some(address), domain: domain.filter(|domain| !domain.is_empty()) });
    }
}

fn data(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
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
    if let Kind::String(text) = leaf.value.kind()
        && leaf.roles.any(Roles::ENVIRONMENT.with(Roles::PLACE_ENVIRONMENT))
    {
        environments_in(text, each);
    }
}

/// Environments among the words of a text; `non-prod` and `pre-production` are staging.
fn environments_in(text: &str, each: &mut dyn FnMut(Fact<'_>)) {
    let mut before = "";
    for word in tokens(text).iter() {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some(found) = Environment::of_word(bare) {
            let lesser = found == Environment::Production && matches!(before, "pre" | "non" | "not" | "no");
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

/// Calls `each` with the name and value of every argument and the object that it stands in, items of arrays under the
/// name of the array.
pub fn each_argument(document: View<'_>, each: &mut dyn FnMut(&str, View<'_>, Option<View<'_>>)) {
    leaves(document, &mut |leaf: Leaf<'_, '_>| {
        if !leaf.key.is_empty() {
            each(leaf.key, leaf.value, leaf.beside.map(|beside| beside.object));
        }
    });
}
