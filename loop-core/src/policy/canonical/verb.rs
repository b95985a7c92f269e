//! Single conditions: what a call does or is, and facts about it. Each is written and read side by side. Deeds, the
//! richest of them, stand in [`deed`](super::deed).

use super::{
    CanonicalError,
    deed::{concepts_in, doing, gathered},
    lexeme::{Space, quote, quote_words, unquote},
    parse::Parser,
    render::list,
    span,
    vocabulary::Place,
};
use crate::{
    base::Decimal,
    policy::{
        condition::{ArgumentTest, Condition, Deed, Measured, PathTest, Range, Whom},
        facts::{Counted, DataKind, Environment},
        money::Currency,
    },
};

/// A condition that is no list and no negation, in words.
pub(super) enum Leaf {
    /// What `it` or `a call that` does: `goes to someone at acme.org`.
    Verb(String),
    /// Something else about the call: `the amount is over 5 GBP`.
    Fact(String),
}

/// How verbs open, behind a subject and behind `does not`.
type Opening = (&'static str, &'static str);

const TOOL: Opening = ("uses the tool", "use the tool");
const TOOL_LIKE: Opening = ("uses a tool named like", "use a tool named like");
const NAMED: Opening = ("involves", "involve");
const IN: Opening = ("goes to someone at", "go to someone at");
const OUTSIDE: Opening = ("goes to someone outside", "go to someone outside");
const ADDRESS: Opening = ("goes to the address", "go to the address");
const PLACE: Opening = ("goes to the channel", "go to the channel");
const DATA: Opening = ("contains", "contain");
const TOUCHES: Opening = ("touches", "touch");
const RUNS_IN: Opening = ("works in", "work in");
const AGENT: Opening = ("comes from the agent", "come from the agent");
const TIME: Opening = ("happens", "happen");
const ATTACHMENT: Opening = ("has an attachment", "have an attachment");
const SQL: Opening = ("runs SQL that", "run SQL that");
const COMMAND: Opening = ("runs the command", "run the command");
const PARTY: Opening = ("deals with", "deal with");
const BRANCH: Opening = ("works on a branch named like", "work on a branch named like");
const MENTIONS: Opening = ("mentions", "mention");
const SAYS: Opening = ("says", "say");

const DATA_KINDS: [DataKind; 9] = [
    DataKind::Email,
    DataKind::Phone,
    DataKind::Card,
    DataKind::BankAccount,
    DataKind::SocialSecurity,
    DataKind::NationalInsurance,
    DataKind::Personal,
    DataKind::ApiKey,
    DataKind::Secret,
];
const ENVIRONMENTS: [Environment; 5] =
    [Environment::Production, Environment::Staging, Environment::Development, Environment::Test, Environment::Preview];

/// A condition that is no list and no negation, or that it does not hold.
pub(super) fn leaf(condition: &Condition, holds: bool) -> Option<Leaf> {
    let opens = |(third, base): Opening| if holds { third.to_owned() } else { format!("does not {base}") };
    let texts = |opening, texts: &[String]| {
        let items = list(texts.iter().map(|text| quote(text, Space::Space)));
        Leaf::Verb(format!("{} {items}", opens(opening)))
    };
    let phrases = |opens: String, phrases: &[String]| {
        let items = list(phrases.iter().map(|phrase| quote(phrase, Space::Joins)));
        Leaf::Verb(format!("{opens} {items}"))
    };
    let is = if holds { "is" } else { "is not" };
    let fact = |what: &str, limits: String| Leaf::Fact(format!("the {what} {is} {limits}"));
    Some(match condition {
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => return None,
        Condition::Tool(name) => texts(TOOL, std::slice::from_ref(name)),
        Condition::ToolLike(pattern) => texts(TOOL_LIKE, std::slice::from_ref(pattern)),
        Condition::Deed(deed) => Leaf::Verb(doing(deed, holds)),
        Condition::Named(names) => phrases(opens(NAMED), names),
        Condition::Risky => Leaf::Verb(format!("{is} of more than low risk")),
        Condition::Money => Leaf::Verb(format!("{is} about money")),
        Condition::Amount { range, currency } => {
            let unit = currency.map_or("in any currency".to_owned(), |currency| currency.as_str().to_owned());
            fact("amount", format!("{} {unit}", span::limits(range, &span::number)))
        }
        Condition::Percent(range) => {
            fact("percentage", span::limits(range, &|value| format!("{}%", span::number(value))))
        }
        Condition::Count { of, noun, range } => {
            let of = match of {
                Counted::Recipients => "recipients",
                Counted::Items => "items",
            };
            let what = match noun {
                Some(noun) => format!("number of {of} called {}", quote(noun, Space::Joins)),
                None => format!("number of {of}"),
            };
            fact(&what, span::limits(range, &span::number))
        }
        Condition::Measure { of, range } => {
            let what = match of {
                Measured::Duration => "duration",
                Measured::Size => "size",
            };
            fact(what, span::limits(range, &|value| span::measure(*of, value)))
        }
        Condition::Argument { name, test } => {
            let told = match test {
                ArgumentTest::Is(texts) => list(texts.iter().map(|text| quote(text, Space::Space))),
                ArgumentTest::Like(patterns) => {
                    format!("like {}", list(patterns.iter().map(|pattern| quote(pattern, Space::Space))))
                }
                ArgumentTest::Number(range) => format!("a number {}", span::limits(range, &span::number)),
                ArgumentTest::Present => "given".to_owned(),
            };
            fact(&format!("argument {}", quote(name, Space::Space)), told)
        }
        Condition::Recipient(whom) => {
            let (opening, names) = match whom {
                Whom::In(domains) => (IN, domains),
                Whom::Outside(domains) => (OUTSIDE, domains),
                Whom::Address(addresses) => (ADDRESS, addresses),
            };
            Leaf::Verb(format!("{} {}", opens(opening), list(names.iter().map(|name| address(name)))))
        }
        Condition::Data(kinds) => Leaf::Verb(format!("{} {}", opens(DATA), list(data(kinds).into_iter()))),
        Condition::Environment(wanted) => {
            let names = wanted.iter().map(|environment| environment.as_str().to_owned());
            Leaf::Verb(format!("{} {}", opens(RUNS_IN), list(names)))
        }
        Condition::Path(tests) => Leaf::Verb(format!("{} {}", opens(TOUCHES), list(tests.iter().map(path)))),
        Condition::Place(places) => texts(PLACE, places),
        Condition::Agent(names) => texts(AGENT, names),
        Condition::Time(tests) => {
            let times: Vec<String> = tests.iter().map(span::time).collect();
            let times = if times.is_empty() { "nothing".to_owned() } else { times.join(", or ") };
            Leaf::Verb(format!("{} {times}", opens(TIME)))
        }
        Condition::Attachment => Leaf::Verb(opens(ATTACHMENT)),
        Condition::Unbounded(concepts) => {
            let done = list(concepts_in(*concepts, Place::Does));
            Leaf::Verb(format!("{} {done} without a WHERE clause", opens(SQL)))
        }
        Condition::Command(commands) => {
            let told = commands.iter().map(|words| match words.as_slice() {
                [] => "an empty one".to_owned(),
                words => quote_words(words),
            });
            Leaf::Verb(format!("{} {}", opens(COMMAND), list(told)))
        }
        Condition::Party(names) => texts(PARTY, names),
        Condition::Branch(patterns) => texts(BRANCH, patterns),
        Condition::Mentions(wanted) => phrases(opens(MENTIONS), wanted),
        Condition::State(states) => phrases(format!("{is} marked"), states),
        Condition::Text(said) => texts(SAYS, said),
    })
}

/// A domain or an address as it stands, or in quotes where it could be taken for something else.
fn address(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { quote(name, Space::Space) }
}

fn is_bare(name: &str) -> bool {
    let parts = |text: &str| text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_of_name));
    let domain = |text: &str| text.contains('.') && parts(text);
    match name.split_once('@') {
        Some((local, host)) => parts(local) && domain(host),
        None => domain(name),
    }
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+')
}

/// Kinds of data; all that is personal goes by one name.
fn data(mut kinds: &[DataKind]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((first, rest)) = kinds.split_first() {
        if let Some(rest) = kinds.strip_prefix(&DataKind::PERSONAL) {
            names.push("any personal data".to_owned());
            kinds = rest;
        } else {
            names.push(first.as_str().to_owned());
            kinds = rest;
        }
    }
    names
}

fn path(test: &PathTest) -> String {
    let (what, name) = match test {
        PathTest::Under(folder) => ("a path under", folder),
        PathTest::Folder(name) => ("a path in a folder", name),
        PathTest::File(pattern) => ("a file named like", pattern),
        PathTest::Tail(pattern) => ("a path that ends like", pattern),
    };
    format!("{what} {}", quote(name, Space::Space))
}

impl Parser<'_> {
    /// What `it` or `a call that` does.
    pub(super) fn verb(&mut self) -> Result<Condition, CanonicalError> {
        if self.words("is not") {
            return Ok(Condition::negated(self.being()?));
        }
        if self.words("is") {
            return self.being();
        }
        if self.words("does nothing but look") {
            return Ok(Condition::negated(Condition::Deed(Deed::default())));
        }
        if self.words("does nothing to") {
            return Ok(Condition::negated(self.but_look()?));
        }
        if self.words("does not") {
            return Ok(Condition::negated(self.acting(Place::Do)?));
        }
        self.acting(Place::Does)
    }

    fn being(&mut self) -> Result<Condition, CanonicalError> {
        if self.words("about money") {
            return Ok(Condition::Money);
        }
        if self.words("of more than low risk") {
            return Ok(Condition::Risky);
        }
        self.expect("marked")?;
        Ok(Condition::State(self.phrases()?))
    }

    fn acting(&mut self, place: Place) -> Result<Condition, CanonicalError> {
        let opens =
            |parser: &mut Self, (third, base): Opening| parser.words(if place == Place::Does { third } else { base });
        Ok(if opens(self, TOOL) {
            Condition::Tool(self.text()?)
        } else if opens(self, TOOL_LIKE) {
            Condition::ToolLike(self.text()?)
        } else if opens(self, NAMED) {
            Condition::Named(self.phrases()?)
        } else if opens(self, IN) {
            Condition::Recipient(Whom::In(self.addresses()?))
        } else if opens(self, OUTSIDE) {
            Condition::Recipient(Whom::Outside(self.addresses()?))
        } else if opens(self, ADDRESS) {
            Condition::Recipient(Whom::Address(self.addresses()?))
        } else if opens(self, PLACE) {
            Condition::Place(self.texts()?)
        } else if opens(self, DATA) {
            Condition::Data(self.list(&mut Self::data_kinds)?.concat())
        } else if opens(self, TOUCHES) {
            Condition::Path(self.list(&mut Self::path)?)
        } else if opens(self, RUNS_IN) {
            Condition::Environment(self.list(&mut |parser| {
                parser.word(|word| ENVIRONMENTS.into_iter().find(|known| known.as_str() == word))
            })?)
        } else if opens(self, AGENT) {
            Condition::Agent(self.texts()?)
        } else if opens(self, TIME) {
            Condition::Time(self.times()?)
        } else if opens(self, ATTACHMENT) {
            Condition::Attachment
        } else if opens(self, SQL) {
            let done = self.list(&mut |parser| parser.deed_item(Place::Does))?;
            let (does, words) = gathered(done);
            if !words.is_empty() {
                return Err(self.failure());
            }
            self.expect("without a WHERE clause")?;
            Condition::Unbounded(does)
        } else if opens(self, COMMAND) {
            Condition::Command(self.list(&mut Self::command)?)
        } else if opens(self, PARTY) {
            Condition::Party(self.texts()?)
        } else if opens(self, BRANCH) {
            Condition::Branch(self.texts()?)
        } else if opens(self, MENTIONS) {
            Condition::Mentions(self.phrases()?)
        } else if opens(self, SAYS) {
            Condition::Text(self.texts()?)
        } else {
            self.deed(place)?
        })
    }

    fn text(&mut self) -> Result<String, CanonicalError> {
        self.quoted(Space::Space).ok_or_else(|| self.failure())
    }

    fn texts(&mut self) -> Result<Vec<String>, CanonicalError> {
        self.list(&mut |parser| parser.quoted(Space::Space))
    }

    fn phrases(&mut self) -> Result<Vec<String>, CanonicalError> {
        self.list(&mut |parser| parser.quoted(Space::Joins))
    }

    fn addresses(&mut self) -> Result<Vec<String>, CanonicalError> {
        self.list(&mut |parser| {
            parser.word(|word| is_bare(word).then(|| word.to_owned())).or_else(|| parser.quoted(Space::Space))
        })
    }

    fn data_kinds(&mut self) -> Option<Vec<DataKind>> {
        if self.words("any personal data") {
            return Some(DataKind::PERSONAL.to_vec());
        }
        DATA_KINDS.into_iter().find(|kind| self.words(kind.as_str())).map(|kind| vec![kind])
    }

    fn path(&mut self) -> Option<PathTest> {
        let test = if self.words("a path under") {
            PathTest::Under
        } else if self.words("a path in a folder") {
            PathTest::Folder
        } else if self.words("a file named like") {
            PathTest::File
        } else if self.words("a path that ends like") {
            PathTest::Tail
        } else {
            return None;
        };
        self.quoted(Space::Space).map(test)
    }

    fn command(&mut self) -> Option<Vec<String>> {
        if self.words("an empty one") {
            return Some(Vec::new());
        }
        self.quote(|inner| inner.split(' ').map(|word| unquote(word, Space::Space)).collect())
    }

    /// `the amount is over 5 GBP` and other facts.
    pub(super) fn fact(&mut self) -> Result<Condition, CanonicalError> {
        self.expect("the")?;
        let mut holds = true;
        let mut is = |parser: &mut Self| {
            parser.expect("is")?;
            holds = !parser.words("not");
            Ok::<_, CanonicalError>(())
        };
        let condition = if self.words("amount") {
            is(self)?;
            let range = self.numbers()?;
            let currency = |word: &str| {
                (word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
                    .then(|| Currency::parse(word))?
            };
            let currency = if self.words("in any currency") {
                None
            } else {
                Some(self.word(currency).ok_or_else(|| self.failure())?)
            };
            Condition::Amount { range, currency }
        } else if self.words("percentage") {
            is(self)?;
            Condition::Percent(self.limits(&mut Self::percent)?)
        } else if self.words("number of recipients") {
            let noun = self.noun()?;
            is(self)?;
            Condition::Count { of: Counted::Recipients, noun, range: self.numbers()? }
        } else if self.words("number of items") {
            let noun = self.noun()?;
            is(self)?;
            Condition::Count { of: Counted::Items, noun, range: self.numbers()? }
        } else if self.words("duration") {
            is(self)?;
            self.measured(Measured::Duration)?
        } else if self.words("size") {
            is(self)?;
            self.measured(Measured::Size)?
        } else {
            self.expect("argument")?;
            let name = self.text()?;
            is(self)?;
            let test = if self.words("given") {
                ArgumentTest::Present
            } else if self.words("like") {
                ArgumentTest::Like(self.texts()?)
            } else if self.words("a number") {
                ArgumentTest::Number(self.numbers()?)
            } else {
                ArgumentTest::Is(self.texts()?)
            };
            Condition::Argument { name, test }
        };
        Ok(if holds { condition } else { Condition::negated(condition) })
    }

    fn numbers(&mut self) -> Result<Range, CanonicalError> {
        self.limits(&mut |parser: &mut Self| -> Option<Decimal> { parser.number() })
    }

    /// `called "page"`, if it stands there.
    fn noun(&mut self) -> Result<Option<String>, CanonicalError> {
        if !self.words("called") {
            return Ok(None);
        }
        self.quoted(Space::Joins).map(Some).ok_or_else(|| self.failure())
    }

    fn measured(&mut self, of: Measured) -> Result<Condition, CanonicalError> {
        Ok(Condition::Measure { of, range: self.limits(&mut |parser: &mut Self| parser.measure(of))? })
    }
}
