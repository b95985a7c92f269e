//! Conditions that people or programs write themselves, held to bounds.

use super::{
    PolicyError,
    condition::{ArgumentTest, Condition, Limit, PathTest, Range, TimeTest, Whom},
};

/// The most parts of a condition.
const PARTS_MAX: usize = 1_000;
/// The most items of one list.
const LIST_MAX: usize = 1_000;
/// The longest text, in bytes.
const TEXT_MAX: usize = 256;
/// The longest condition as JSON, in bytes.
const JSON_MAX: usize = 64 * 1024;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Refuses conditions that nest too deep, are too large, or hold texts, days or ranges that make no sense.
///
/// # Errors
/// [`PolicyError::Invalid`] with what is wrong.
pub fn check(condition: &Condition) -> Result<(), PolicyError> {
    let mut parts = 0;
    at_depth(condition, Condition::DEPTH_MAX, &mut parts)?;
    let json = serde_json::to_string(condition).map_err(|error| invalid("condition", &error.to_string()))?;
    if json.len() > JSON_MAX {
        return Err(PolicyError::Length { field: "condition", max: JSON_MAX });
    }
    Ok(())
}

fn invalid(field: &'static str, value: &str) -> PolicyError {
    PolicyError::Invalid { field, value: value.chars().take(64).collect() }
}

fn at_depth(condition: &Condition, depth: usize, parts: &mut usize) -> Result<(), PolicyError> {
    *parts += 1;
    let below = depth.checked_sub(1).filter(|_| *parts <= PARTS_MAX);
    let Some(below) = below else { return Err(invalid("condition", "too deep or too many parts")) };
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            list(inner)?;
            inner.iter().try_for_each(|one| at_depth(one, below, parts))
        }
        Condition::Not(one) => at_depth(one, below, parts),
        Condition::Tool(name) | Condition::ToolLike(name) => text(name),
        Condition::Named(names)
        | Condition::Place(names)
        | Condition::Agent(names)
        | Condition::Party(names)
        | Condition::Branch(names)
        | Condition::Mentions(names)
        | Condition::State(names)
        | Condition::Text(names) => texts(names),
        Condition::Amount { range, .. }
        | Condition::Percent(range)
        | Condition::Count { range, .. }
        | Condition::Measure { range, .. } => within(range),
        Condition::Recipient(Whom::In(names) | Whom::Outside(names) | Whom::Address(names)) => texts(names),
        Condition::Data(kinds) => filled(kinds),
        Condition::Environment(environments) => filled(environments),
        Condition::Path(tests) => {
            filled(tests)?;
            tests.iter().try_for_each(
                |(PathTest::Under(path) | PathTest::Folder(path) | PathTest::File(path) | PathTest::Tail(path))| {
                    text(path)
                },
            )
        }
        Condition::Time(tests) => {
            filled(tests)?;
            tests.iter().try_for_each(time)
        }
        Condition::Command(commands) => {
            filled(commands)?;
            commands.iter().try_for_each(|words| texts(words))
        }
        Condition::Argument { name, test } => {
            text(name)?;
            match test {
                ArgumentTest::Is(values) | ArgumentTest::Like(values) => texts(values),
                ArgumentTest::Number(range) => within(range),
                ArgumentTest::Present => Ok(()),
            }
        }
        Condition::Deed(deed) => {
            list(&deed.verbs)?;
            list(&deed.nouns)?;
            deed.verbs.iter().chain(&deed.nouns).try_for_each(|word| text(word))
        }
        Condition::Risky | Condition::Money | Condition::Attachment | Condition::Unbounded(_) => Ok(()),
    }
}

fn text(text: &str) -> Result<(), PolicyError> {
    if text.trim().is_empty() || text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        return Err(invalid("condition", &format!("text {text:?}")));
    }
    Ok(())
}

fn list<T>(list: &[T]) -> Result<(), PolicyError> {
    if list.len() > LIST_MAX { Err(invalid("condition", "a list is too long")) } else { Ok(()) }
}

/// An empty list would be a test that nothing passes.
fn filled<T>(items: &[T]) -> Result<(), PolicyError> {
    if items.is_empty() { Err(invalid("condition", "a list is empty")) } else { list(items) }
}

fn texts(names: &[String]) -> Result<(), PolicyError> {
    filled(names)?;
    names.iter().try_for_each(|name| text(name))
}

/// A range that holds no number would be a test that nothing passes.
fn within(range: &Range) -> Result<(), PolicyError> {
    let empty =
        |from: Limit, to: Limit| from.value > to.value || (from.value == to.value && !(from.inclusive && to.inclusive));
    match (range.from, range.to) {
        (None, None) => Err(invalid("condition", "a range needs `from` or `to`")),
        (Some(from), Some(to)) if empty(from, to) => Err(invalid("condition", "a range holds no number")),
        _ => Ok(()),
    }
}

fn time(test: &TimeTest) -> Result<(), PolicyError> {
    let among = |list: &[u8], least: u8, most: u8| {
        list.len() <= usize::from(most) + 1 && list.iter().all(|one| (least..=most).contains(one))
    };
    let days = among(&test.days, 1, 7) && among(&test.months, 1, 12) && among(&test.month_days, 0, 31);
    let minute = |minute: Option<u16>| minute.is_none_or(|minute| minute <= DAY);
    if days && minute(test.from) && minute(test.to) { Ok(()) } else { Err(invalid("condition", "a time of the week")) }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::policy::condition::Condition;

    fn read(json: &str) -> Condition {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    #[test]
    fn sense_passes_and_nonsense_is_refused() {
        for json in [
            r#"{"all":[{"deed":{"does":["refund"]}},{"amount":{"range":{"from":{"value":"50"}},"currency":"GBP"}}]}"#,
            r#""risky""#,
            r#"{"not":{"agent":["night-bot"]}}"#,
            r#"{"time":[{"days":[6,7]}]}"#,
        ] {
            check(&read(json)).unwrap_or_else(|error| panic!("{json}: {error}"));
        }
        for json in [
            r#"{"tool":""}"#,
            r#"{"tool":"a\nb"}"#,
            r#"{"agent":[]}"#,
            r#"{"data":[]}"#,
            r#"{"percent":{}}"#,
            r#"{"percent":{"from":{"value":"5"},"to":{"value":"5"}}}"#,
            r#"{"time":[{"days":[8]}]}"#,
            r#"{"time":[{"from":1441}]}"#,
        ] {
            assert!(check(&read(json)).is_err(), "{json}");
        }
        let deep = (0..40).fold(Condition::Risky, |inner, _| Condition::Not(Box::new(inner)));
        assert!(check(&deep).is_err());
        assert!(check(&Condition::Any(vec![Condition::Risky; 1_000])).is_err(), "with itself it has 1,001 parts");
        for json in
            [r#"{"amount":{"range":{},"curency":"GBP"}}"#, r#"{"deed":{"doez":[]}}"#, r#"{"deed":{"does":["x"]}}"#]
        {
            assert!(serde_json::from_str::<Condition>(json).is_err(), "{json}");
        }
    }
}
