//! What a rule says, and what it reads.

use crate::policy::{
    canonical::{Head, sentence},
    condition::{ArgumentTest, Condition, Deed, Measured, PathTest, Range, TimeTest, Whom},
    facts::Counted,
    lexicon::{Concept, Concepts},
    money::Currency,
    snapshot::CompiledRule,
    verdict::Outcome,
};

/// One sentence that says what a rule does, in the canonical form.
pub fn summary(rule: &CompiledRule) -> String {
    let head = if rule.outcome() == Outcome::Deny { Head::Block } else { Head::Ask };
    sentence(&rule.condition, head)
}

/// What a condition reads of a call, without repeats.
pub fn reads(condition: &Condition) -> Vec<String> {
    let mut reads: Vec<String> = Vec::new();
    collect(condition, &mut |name| {
        if !reads.iter().any(|known| known == name) {
            reads.push(name.to_owned());
        }
    });
    reads
}

fn collect(condition: &Condition, add: &mut dyn FnMut(&str)) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => inner.iter().for_each(|one| collect(one, add)),
        Condition::Not(one) => collect(one, add),
        Condition::Tool(_) | Condition::ToolLike(_) | Condition::Deed(_) | Condition::Risky | Condition::Agent(_) => {}
        Condition::Named(_) => add("service"),
        Condition::Money => add("amount"),
        Condition::Amount { currency, .. } => {
            add("amount");
            if currency.is_some() {
                add("currency");
            }
        }
        Condition::Percent(_) => add("percent"),
        Condition::Count { of: Counted::Recipients, .. } | Condition::Recipient(_) => add("recipients"),
        Condition::Count { of: Counted::Items, .. } => add("count"),
        Condition::Data(_) => add("any text"),
        Condition::Environment(_) => add("environment"),
        Condition::Path(_) => add("path"),
        Condition::Place(_) => add("channel"),
        Condition::Time(_) => add("scheduled_at"),
        Condition::Attachment => add("attachments"),
        Condition::Unbounded(_) => add("sql"),
        Condition::Command(_) => add("command"),
        Condition::Party(_) => add("payee"),
        Condition::Branch(_) => add("branch"),
        Condition::Mentions(_) | Condition::State(_) => add("any short text"),
        Condition::Text(_) => add("any text"),
        Condition::Measure { of: Measured::Duration, .. } => add("duration"),
        Condition::Measure { of: Measured::Size, .. } => add("size"),
        Condition::Argument { name, .. } => add(name),
    }
}

/// A condition as it stands behind "a call that".
pub fn phrase(condition: &Condition) -> String {
    match condition {
        Condition::All(all) => joined(all, " and "),
        Condition::Any(any) => joined(any, " or "),
        Condition::Not(one) => format!("not ({})", phrase(one)),
        Condition::Tool(name) => format!("uses the tool `{name}`"),
        Condition::ToolLike(pattern) => format!("uses a tool like `{pattern}`"),
        Condition::Deed(deed) => doing(deed),
        Condition::Named(names) => format!("is about {}", list(names)),
        Condition::Risky => "is not of low risk".to_owned(),
        Condition::Money => "is about money".to_owned(),
        Condition::Amount { range, currency } => format!("has an amount of {}", within(range, *currency, "")),
        Condition::Percent(range) => format!("has a percentage of {}", within(range, None, "%")),
        Condition::Count { of: Counted::Recipients, range } => format!("has {} recipients", within(range, None, "")),
        Condition::Count { of: Counted::Items, range } => format!("covers {} items", within(range, None, "")),
        Condition::Recipient(Whom::In(domains)) => format!("goes to someone at {}", list(domains)),
        Condition::Recipient(Whom::Outside(domains)) => format!("goes to someone outside {}", list(domains)),
        Condition::Recipient(Whom::Address(addresses)) => format!("goes to {}", list(addresses)),
        Condition::Data(kinds) => {
            let names: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
            format!("contains {}", list(&names))
        }
        Condition::Environment(wanted) => {
            let names: Vec<String> = wanted.iter().map(|environment| environment.as_str().to_owned()).collect();
            format!("touches {}", list(&names))
        }
        Condition::Path(tests) => {
            let names: Vec<String> = tests.iter().map(path).collect();
            format!("touches {}", list(&names))
        }
        Condition::Place(places) => {
            let names: Vec<String> = places.iter().map(|place| format!("#{place}")).collect();
            format!("goes to {}", list(&names))
        }
        Condition::Agent(names) => format!("comes from {}", list(names)),
        Condition::Time(tests) => {
            let names: Vec<String> = tests.iter().map(time).collect();
            format!("happens {}", list(&names))
        }
        Condition::Attachment => "has an attachment".to_owned(),
        Condition::Unbounded(concepts) => {
            format!("does {} in SQL without a WHERE clause", concept_list(*concepts, Concept::verb))
        }
        Condition::Command(commands) => {
            let names: Vec<String> = commands.iter().map(|command| format!("`{}`", command.join(" "))).collect();
            format!("runs {}", list(&names))
        }
        Condition::Party(names) => format!("has {} on the other side", list(names)),
        Condition::Branch(patterns) => format!("works on a branch like {}", list(patterns)),
        Condition::Mentions(phrases) => format!("mentions {}", list(&spaced(phrases))),
        Condition::State(states) => format!("is {}", list(&spaced(states))),
        Condition::Text(texts) => {
            let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            format!("says {}", list(&quoted))
        }
        Condition::Measure { of: Measured::Duration, range } => {
            format!("lasts {}", within(range, None, " seconds"))
        }
        Condition::Measure { of: Measured::Size, range } => format!("has a size of {}", within(range, None, " bytes")),
        Condition::Argument { name, test } => match test {
            ArgumentTest::Is(texts) => format!("has the argument `{name}` equal to {}", list(texts)),
            ArgumentTest::Like(patterns) => format!("has the argument `{name}` like {}", list(patterns)),
            ArgumentTest::Number(range) => format!("has the argument `{name}` of {}", within(range, None, "")),
            ArgumentTest::Present => format!("has the argument `{name}`"),
        },
    }
}

fn spaced(phrases: &[String]) -> Vec<String> {
    phrases.iter().map(|phrase| phrase.replace('_', " ")).collect()
}

fn joined(conditions: &[Condition], with: &str) -> String {
    let inner = |one: &Condition| match one {
        Condition::Any(_) | Condition::All(_) => format!("({})", phrase(one)),
        other => phrase(other),
    };
    conditions.iter().map(inner).collect::<Vec<_>>().join(with)
}

fn doing(deed: &Deed) -> String {
    let words = |concepts: Concepts, name, words: &[String]| match (concepts.is_empty(), words) {
        (_, []) => concept_list(concepts, name),
        (true, _) => list(&spaced(words)),
        (false, _) => format!("{} or {}", concept_list(concepts, name), list(&spaced(words))),
    };
    let does = words(deed.does, Concept::verb, &deed.verbs);
    let things = words(deed.things, Concept::noun, &deed.nouns);
    match (deed.is_any_doing(), deed.is_to_anything()) {
        (true, true) => "does more than look".to_owned(),
        (true, false) => format!("does anything to {things}"),
        (false, true) => format!("does {does}"),
        (false, false) => format!("does {does} to {things}"),
    }
}

/// The concepts of a set that stand below no other of it.
fn concept_list(concepts: Concepts, name: fn(Concept) -> Option<&'static str>) -> String {
    let below = |one: Concept| concepts.iter().any(|other| other != one && other.alone().with_children().has(one));
    let names: Vec<String> = concepts
        .iter()
        .filter(|one| !below(*one))
        .map(|concept| name(concept).unwrap_or(concept.name()).replace('_', " "))
        .collect();
    list(&names)
}

fn list(names: &[String]) -> String {
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

fn within(range: &Range, currency: Option<Currency>, unit: &str) -> String {
    let show = |value| format!("{}{value}{unit}", currency.map(Currency::prefix).unwrap_or_default());
    match (range.from, range.to) {
        (Some(from), Some(to)) => {
            let after = if from.inclusive { "from" } else { "more than" };
            let before = if to.inclusive { "to" } else { "to less than" };
            format!("{after} {} {before} {}", show(from.value), show(to.value))
        }
        (Some(from), None) if from.inclusive => format!("at least {}", show(from.value)),
        (Some(from), None) => format!("more than {}", show(from.value)),
        (None, Some(to)) if to.inclusive => format!("at most {}", show(to.value)),
        (None, Some(to)) => format!("less than {}", show(to.value)),
        (None, None) => "any size".to_owned(),
    }
}

fn path(test: &PathTest) -> String {
    match test {
        PathTest::Under(folder) => format!("anything under `{folder}`"),
        PathTest::Folder(name) => format!("anything in a folder `{name}`"),
        PathTest::File(pattern) | PathTest::Tail(pattern) => format!("files like `{pattern}`"),
    }
}

fn time(test: &TimeTest) -> String {
    const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let days: Vec<String> = test
        .days
        .iter()
        .filter_map(|day| NAMES.get(usize::from(*day).checked_sub(1)?))
        .map(|name| (*name).to_owned())
        .collect();
    let days = if days.is_empty() { "every day".to_owned() } else { format!("on {}", list(&days)) };
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    match (test.from, test.to) {
        (None, None) => days,
        (from, to) => format!("{days} from {} to {}", clock(from.unwrap_or(0)), clock(to.unwrap_or(24 * 60))),
    }
}
