//! Calls on either side of a condition. They are put together from its parts and kept only if it judges them so.

use serde_json::{Map, Value, json};

use crate::{
    base::{Decimal, Time, json::Doc},
    policy::{
        Action,
        condition::{ArgumentTest, Condition, Deed, Measured, PathTest, Range, Whom},
        deed::{classify, combined},
        facts::{Counted, DataKind, Environment, Said, said_by},
        lexicon::{Concept, Concepts},
        truth::{Call, Source, Truth},
    },
    tool::{Risk, risk},
};

/// One part of a condition that an argument can make true or false.
struct Part {
    key: String,
    good: Value,
    bad: Value,
    /// Another part that sets the same argument goes first.
    weak: bool,
}

/// How many ways of putting a call together are tried.
const WAYS: usize = 24;

/// Tools that have little in common, for a call far from what a rule is about.
const ELSEWHERE: [&str; 9] = [
    "get_status",
    "list_items",
    "list_invoices",
    "get_product",
    "create_ticket",
    "send_email",
    "delete_file",
    "update_calendar",
    "book_travel",
];

/// Names of arguments that say what something is about; each is used once.
const ABOUT: [&str; 5] = ["kind", "topic", "category", "label", "item"];

/// Which one is taken wherever there are several: one way of many.
struct Way(usize);

impl Way {
    /// The next choice among so many.
    fn choose(&mut self, among: usize) -> usize {
        let among = among.max(1);
        let chosen = self.0 % among;
        self.0 /= among;
        chosen
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.choose(items.len()))
    }
}

/// What a call is put together from.
#[derive(Default)]
struct Draft {
    tool: Option<String>,
    verb: Option<String>,
    /// To what it is done.
    noun: Option<String>,
    /// The noun of what is done, such as `refund`.
    doing: Option<String>,
    name: Option<String>,
    agent: Option<(Option<String>, String)>,
    parts: Vec<Part>,
}

impl Draft {
    /// A name for a tool that does it, each word once: `create_refund`, not `refund_refund`.
    fn tool_name(&self) -> String {
        let verb = self.verb.as_deref().unwrap_or("update");
        let on_files = self.parts.iter().any(|part| part.key == "path").then_some("file");
        let (verb, noun) = match (self.noun.as_deref().or(on_files), self.doing.as_deref()) {
            (None, Some(doing)) if one_stem(verb, doing) => ("create", Some(doing)),
            (noun, doing) => (verb, noun.or(doing)),
        };
        let mut words: Vec<&str> = Vec::new();
        for word in [self.name.as_deref(), Some(verb), noun].into_iter().flatten().flat_map(|part| part.split('_')) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join("_")
    }
}

/// Whether two words are so alike that side by side they sound like one said twice: `deploy` and `deployment`.
fn one_stem(one: &str, other: &str) -> bool {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count() >= 3
}

impl Draft {
    /// One way of meeting a condition.
    fn of(condition: &Condition, way: usize) -> Self {
        let mut draft = Self::default();
        gather(condition, true, &mut Way(way), &mut draft);
        draft.parts.sort_by_key(|part| part.weak);
        draft
    }

    fn own_tool(&self) -> String {
        self.tool.clone().unwrap_or_else(|| self.tool_name())
    }

    /// The call with all parts good, but for one that is bad; by the right agent or another one.
    fn call(&self, tool: &str, wrong: Option<usize>, right_agent: bool) -> Value {
        let mut arguments = Map::new();
        let wrong = wrong.and_then(|at| self.parts.get(at)).map(|part| (&part.key, &part.bad));
        for (key, value) in wrong.into_iter().chain(self.parts.iter().map(|part| (&part.key, &part.good))) {
            arguments.entry(key.clone()).or_insert_with(|| value.clone());
        }
        arguments.retain(|_, value| !value.is_null());
        let mut call = json!({ "tool_name": tool, "arguments": arguments });
        let agent = self.agent.as_ref().and_then(|(yes, no)| if right_agent { yes.clone() } else { Some(no.clone()) });
        if let (Some(agent), Some(object)) = (agent, call.as_object_mut()) {
            object.insert("agent_name".to_owned(), Value::String(agent));
        }
        call
    }

    /// The call, when it is as true as that.
    fn hit(&self, condition: &Condition, covered: Option<&str>, least: Truth) -> Option<Value> {
        let own = self.own_tool();
        let tools = covered.into_iter().chain([own.as_str(), "unknown_action"]);
        tools.map(|tool| self.call(tool, None, true)).find(|call| judge(condition, call) >= Some(least))
    }

    /// The nearest miss differs in one argument, then in who asks, then in what is done, then in all.
    fn miss(&self, condition: &Condition, tool: &str) -> Option<Value> {
        let missed = |call: &Value| judge(condition, call) == Some(Truth::No);
        let one_wrong = (0..self.parts.len()).map(|at| self.call(tool, Some(at), true));
        let looking = ["get", self.noun.as_deref().or(self.doing.as_deref()).unwrap_or("status")].join("_");
        one_wrong
            .chain([self.call(tool, None, false)])
            .chain(std::iter::once(looking.as_str()).chain(ELSEWHERE).map(|tool| self.call(tool, None, true)))
            .find(missed)
            .or_else(|| {
                let far = ELSEWHERE.iter().map(|tool| json!({ "tool_name": tool, "arguments": {} }));
                far.into_iter().find(missed)
            })
    }
}

/// A call that matches and one that does not, each if one was found.
pub fn examples(condition: &Condition, covered: Option<&str>) -> (Option<Value>, Option<Value>) {
    // A call that surely matches tells more than one that may.
    let found = [Truth::Yes, Truth::Unclear].into_iter().find_map(|least| {
        let mut ways = (0..WAYS).map(|way| Draft::of(condition, way));
        ways.find_map(|draft| draft.hit(condition, covered, least).map(|hit| (draft, Some(hit))))
    });
    let (draft, hit) = found.unwrap_or_else(|| (Draft::of(condition, 0), None));
    let own = draft.own_tool();
    let tool = hit.as_ref().and_then(|call| call.get("tool_name")).and_then(Value::as_str).unwrap_or(&own);
    let miss = draft.miss(condition, tool);
    (hit, miss)
}

/// How true a condition is of a call, judged as a decision does.
fn judge(condition: &Condition, call: &Value) -> Option<Truth> {
    let tool = call.get("tool_name")?.as_str()?;
    let arguments = Doc::from_value(call.get("arguments")?);
    let agent = call.get("agent_name").and_then(Value::as_str);
    let action = Action { tool, agent, arguments: arguments.root(), forward: None, claimed_risk: None, stage: None };
    let named = classify(tool);
    let said = said_by(&action, &named);
    let class = if said == Said::default() { named } else { combined(&named, said) };
    let judged = Call {
        tool,
        class: &class,
        agent,
        risk: risk::classify(tool).max(Risk::Low),
        now: Time::EPOCH,
        zone: Some(&jiff::tz::TimeZone::UTC),
        source: Source::Live(&action),
    };
    Some(judged.judge(condition).most)
}

/// Collects parts; under `not` good and bad change places.
fn gather(condition: &Condition, positive: bool, way: &mut Way, draft: &mut Draft) {
    let about = draft.parts.iter().filter(|part| ABOUT.contains(&part.key.as_str())).count();
    let about = ABOUT.get(about).copied().unwrap_or("kind");
    let mut part = |key: &str, good: Value, bad: Value| {
        let (good, bad) = if positive { (good, bad) } else { (bad, good) };
        let weak = !positive || matches!(condition, Condition::Money);
        draft.parts.push(Part { key: key.to_owned(), good, bad, weak });
    };
    match condition {
        Condition::All(all) => all.iter().for_each(|one| gather(one, positive, way, draft)),
        // One of several is enough.
        Condition::Any(any) if positive => way.of(any).into_iter().for_each(|one| gather(one, true, way, draft)),
        Condition::Any(any) => any.iter().for_each(|one| gather(one, false, way, draft)),
        Condition::Not(one) => gather(one, !positive, way, draft),
        Condition::Tool(name) if positive => draft.tool = draft.tool.take().or_else(|| Some(name.clone())),
        Condition::ToolLike(pattern) if positive => {
            draft.tool = draft.tool.take().or_else(|| Some(pattern.replace(['*', '?'], "x")));
        }
        Condition::Deed(deed) if positive => deed_words(deed, way, draft),
        Condition::Named(names) if positive => draft.name = names.first().cloned(),
        Condition::Tool(_) | Condition::ToolLike(_) | Condition::Deed(_) | Condition::Named(_) | Condition::Risky => {}
        Condition::Money => part("amount", json!(100), Value::Null),
        Condition::Amount { range, currency } => {
            if let Some(currency) = currency {
                let code = json!(currency.as_str());
                part("currency", code.clone(), code);
            }
            let (good, bad) = numbers(range);
            part("amount", good, bad);
        }
        Condition::Percent(range) => {
            let (good, bad) = numbers(range);
            part("percent", good, bad);
        }
        Condition::Count { of, noun, range } => {
            let (good, bad) = numbers(range);
            let plain = if *of == Counted::Recipients { "recipient_count" } else { "count" };
            let name = noun.as_ref().map_or_else(|| plain.to_owned(), |noun| format!("{noun}_count"));
            part(&name, good, bad);
        }
        Condition::Recipient(whom) => {
            let at = |domains: &[String]| {
                json!(format!("someone@{}", domains.first().map_or("example.org", String::as_str)))
            };
            let other = json!("someone@elsewhere.example");
            match whom {
                Whom::In(domains) => part("to", at(domains), other),
                Whom::Outside(domains) => part("to", other, at(domains)),
                Whom::Address(addresses) => part("to", json!(addresses.first()), other),
            }
        }
        Condition::Data(kinds) => {
            let (key, value) = data(kinds);
            part(key, value, Value::Null);
        }
        Condition::Environment(wanted) => {
            let all = [Environment::Production, Environment::Staging, Environment::Development, Environment::Test];
            let other = all.into_iter().find(|one| !wanted.contains(one)).map(Environment::as_str);
            part("environment", json!(wanted.first().map(|one| one.as_str())), json!(other));
        }
        Condition::Path(tests) => {
            let good = tests.first().map(|test| match test {
                PathTest::Under(folder) => format!("{folder}/example"),
                PathTest::Folder(name) => format!("/data/{name}/example"),
                PathTest::File(pattern) | PathTest::Tail(pattern) => {
                    format!("/data/{}", pattern.replace('*', "example").replace('?', "x"))
                }
            });
            part("path", json!(good), json!("/elsewhere/readme"));
        }
        Condition::Place(places) => part("channel", json!(places.first()), json!("elsewhere")),
        Condition::Agent(names) => {
            let (yes, no) = (names.first().cloned(), "another-agent".to_owned());
            draft.agent = Some(if positive { (yes, no) } else { (Some(no), yes.unwrap_or_default()) });
        }
        Condition::Time(tests) => {
            // Every half hour of one week.
            let monday = Time::from_micros(1_704_067_200_000_000);
            let mut week = (0..7 * 48).map(|step| monday.plus_seconds(step * 1800));
            let holds = |at: &Time| tests.iter().any(|test| test.holds(*at, &jiff::tz::TimeZone::UTC));
            let good = week.clone().find(holds).map(|at| at.to_string());
            let bad = week.find(|at| !holds(at)).map(|at| at.to_string());
            part("scheduled_at", json!(good), json!(bad));
        }
        Condition::Attachment => part("attachments", json!(["report"]), json!([])),
        Condition::Unbounded(concepts) => {
            let verb = if concepts.meets(Concepts::named(&["delete"])) {
                "DELETE FROM example"
            } else {
                "UPDATE example SET a = 1"
            };
            part("sql", json!(verb), json!(format!("{verb} WHERE id = 1")));
        }
        Condition::Command(commands) => {
            let good = commands.first().map(|command| command.join(" "));
            part("command", json!(good), json!("ls"));
        }
        Condition::Branch(patterns) => {
            let good = patterns.first().map(|pattern| pattern.replace(['*', '?'], "x"));
            part("branch", json!(good), json!("some-other-branch"));
        }
        Condition::Party(names) => part("payee", json!(names.first()), json!("Someone Else")),
        Condition::Mentions(phrases) => {
            let said = phrases.first().map(|phrase| phrase.replace('_', " "));
            part(about, json!(said), json!("something else"));
        }
        Condition::State(states) => {
            let key = states.first().map_or("state", String::as_str);
            part(key, json!(true), json!(false));
        }
        Condition::Text(texts) => part("body", json!(texts.first()), json!("something else")),
        Condition::Measure { of, range } => {
            let (good, bad) = numbers(range);
            part(if *of == Measured::Duration { "duration_seconds" } else { "size_bytes" }, good, bad);
        }
        Condition::Argument { name, test } => match test {
            ArgumentTest::Is(texts) => part(name, json!(texts.first()), json!("something else")),
            ArgumentTest::Like(patterns) => {
                part(
                    name,
                    json!(patterns.first().map(|pattern| pattern.replace(['*', '?'], "x"))),
                    json!("something else"),
                );
            }
            ArgumentTest::Number(range) => {
                let (good, bad) = numbers(range);
                part(name, good, bad);
            }
            ArgumentTest::Present => part(name, json!("x"), Value::Null),
        },
    }
}

fn deed_words(deed: &Deed, way: &mut Way, draft: &mut Draft) {
    let word = |concepts: Concepts, word: fn(Concept) -> Option<&'static str>| {
        concepts.iter().find_map(word).map(str::to_owned)
    };
    // The concepts that are named by the deed, not those below them.
    let chosen = |concepts: Concepts, of: fn(Concept) -> Option<&'static str>, words: &[String], way: &mut Way| {
        let inner = concepts
            .iter()
            .fold(Concepts::NONE, |inner, one| inner.with(one.alone().with_children().without(one.alone())));
        let named = concepts.without(inner).iter().filter_map(of).map(str::to_owned);
        let named: Vec<String> = named.chain(words.iter().cloned()).collect();
        way.of(&named).cloned()
    };
    if draft.verb.is_none() {
        draft.verb = chosen(deed.does, Concept::verb, &deed.verbs, way);
    }
    if draft.noun.is_none() {
        draft.noun = chosen(deed.things, Concept::noun, &deed.nouns, way);
    }
    if draft.doing.is_none() {
        draft.doing = word(deed.does, Concept::noun);
    }
}

/// A number within a range and one just outside.
fn numbers(range: &Range) -> (Value, Value) {
    let one = Decimal::whole(1);
    let plus = |value: Decimal| value.plus(one).unwrap_or(value);
    let minus = |value: Decimal| value.plus(Decimal::whole(-1)).unwrap_or(value);
    let number = |value: Decimal| serde_json::from_str(&value.to_string()).unwrap_or(Value::Null);
    let (good, bad) = match (range.from, range.to) {
        (Some(from), _) if from.inclusive => (from.value, minus(from.value)),
        (Some(from), _) => (plus(from.value), from.value),
        (None, Some(to)) if to.inclusive => (to.value, plus(to.value)),
        (None, Some(to)) => (minus(to.value), to.value),
        (None, None) => (one, one),
    };
    (number(good), number(bad))
}

fn data(kinds: &[DataKind]) -> (&'static str, Value) {
    match kinds.first() {
        Some(DataKind::Card) => ("text", json!("4111 1111 1111 1111")),
        Some(DataKind::BankAccount) => ("text", json!("GB29 NWBK 6016 1331 9268 19")),
        Some(DataKind::SocialSecurity) => ("text", json!("078-05-1120")),
        Some(DataKind::NationalInsurance) => ("text", json!("QQ 12 34 56 C")),
        Some(DataKind::ApiKey | DataKind::Secret) => ("password", json!("correct-horse-7")),
        Some(DataKind::Phone) => ("text", json!("+44 20 7946 0958")),
        Some(DataKind::Email | DataKind::Personal) | None => ("email", json!("jane@example.org")),
    }
}
