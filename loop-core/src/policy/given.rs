//! Conditions that people or programs write themselves, held to bounds.

mod sense;

use super::{
    PolicyError,
    condition::{ArgumentTest, Condition, PathTest, Range, TimeTest, Whom},
};

/// The most parts of a condition.
const PARTS_MAX: usize = 1_000;
/// The most items of one list.
const LIST_MAX: usize = 1_000;
/// The longest text, in bytes.
const TEXT_MAX: usize = 256;
/// The longest condition as JSON, in bytes.
const JSON_MAX: usize = 64 * 1024;
/// How much is told of what is wrong, in characters.
const TOLD_MAX: usize = 400;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Refuses conditions that nest too deep, are too large, hold texts, days or ranges that make no sense, or can never
/// hold because of how texts are compared: who writes one means it to stop something.
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
    PolicyError::Invalid { field, value: value.chars().take(TOLD_MAX).collect() }
}

fn at_depth(condition: &Condition, depth: usize, parts: &mut usize) -> Result<(), PolicyError> {
    *parts += 1;
    let below = depth.checked_sub(1).filter(|_| *parts <= PARTS_MAX);
    let Some(below) = below else { return Err(invalid("condition", "too deep or too many parts")) };
    match condition {
        Condition::All(inner) => {
            list(inner)?;
            inner.iter().try_for_each(|one| at_depth(one, below, parts))
        }
        Condition::Any(inner) => {
            filled(inner)?;
            inner.iter().try_for_each(|one| at_depth(one, below, parts))
        }
        Condition::Not(one) if **one == Condition::ALWAYS => Err(invalid("condition", "`not` of every call")),
        Condition::Not(one) => at_depth(one, below, parts),
        Condition::Tool(name) | Condition::ToolLike(name) => text(name),
        Condition::Named(names) => each(names, sense::name),
        Condition::Place(names) => each(names, sense::place),
        Condition::Agent(names) => each(names, sense::agent),
        Condition::Party(names) => each(names, sense::bare),
        Condition::Branch(names) => each(names, sense::branch),
        Condition::Mentions(names) => each(names, sense::phrase),
        Condition::State(names) => each(names, sense::state),
        Condition::Text(names) => texts(names),
        Condition::Count { noun, range, .. } => {
            if let Some(noun) = noun {
                each(std::slice::from_ref(noun), sense::phrase)?;
            }
            within(range)?;
            sense::positive(range).map_err(|why| invalid("condition", &why))
        }
        Condition::Amount { range, .. } | Condition::Measure { range, .. } => {
            within(range)?;
            sense::positive(range).map_err(|why| invalid("condition", &why))
        }
        Condition::Percent(range) => within(range),
        Condition::Recipient(Whom::In(names) | Whom::Outside(names)) => each(names, sense::domain),
        Condition::Recipient(Whom::Address(names)) => each(names, sense::address),
        Condition::Data(kinds) => filled(kinds),
        Condition::Environment(environments) => filled(environments),
        Condition::Path(tests) => {
            filled(tests)?;
            tests.iter().try_for_each(|test| {
                let (PathTest::Under(path) | PathTest::Folder(path) | PathTest::File(path) | PathTest::Tail(path)) =
                    test;
                text(path)?;
                sense::path(test).map_err(|why| invalid("condition", &why))
            })
        }
        Condition::Time(tests) => {
            filled(tests)?;
            tests.iter().try_for_each(time)
        }
        Condition::Command(commands) => {
            filled(commands)?;
            commands.iter().try_for_each(|words| {
                texts(words)?;
                sense::command(words).map_err(|why| invalid("condition", &why))
            })
        }
        Condition::Argument { name, test } => {
            text(name)?;
            sense::argument(name).map_err(|why| invalid("condition", &why))?;
            match test {
                ArgumentTest::Is(values) | ArgumentTest::Like(values) => texts(values),
                ArgumentTest::Number(range) => within(range),
                ArgumentTest::Present => Ok(()),
            }
        }
        Condition::Deed(deed) => {
            list(&deed.verbs)?;
            list(&deed.nouns)?;
            deed.verbs.iter().chain(&deed.nouns).try_for_each(|word| text(word))?;
            let wrong = deed.verbs.iter().map(|verb| sense::verb(verb));
            let wrong = wrong.chain(deed.nouns.iter().map(|noun| sense::phrase(noun)));
            wrong.collect::<Result<(), String>>().map_err(|why| invalid("condition", &why))
        }
        Condition::Unbounded(concepts) if concepts.is_empty() => Err(invalid("condition", "a list is empty")),
        Condition::Risky | Condition::Money | Condition::Attachment | Condition::Unbounded(_) => Ok(()),
    }
}

/// Texts of which each has to make sense where it stands.
fn each(names: &[String], sense: fn(&str) -> Result<(), String>) -> Result<(), PolicyError> {
    texts(names)?;
    names.iter().try_for_each(|name| sense(name).map_err(|why| invalid("condition", &why)))
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
    match (range.from, range.to) {
        (None, None) => Err(invalid("condition", "a range needs `from` or `to`")),
        _ if sense::is_empty(range) => Err(invalid("condition", "a range holds no number")),
        _ => Ok(()),
    }
}

fn time(test: &TimeTest) -> Result<(), PolicyError> {
    let among = |list: &[u8], least: u8, most: u8| {
        list.len() <= usize::from(most) + 1 && list.iter().all(|one| (least..=most).contains(one))
    };
    let days = among(&test.days, 1, 7) && among(&test.months, 1, 12) && among(&test.month_days, 0, 31);
    let minute = |minute: Option<u16>| minute.is_none_or(|minute| minute <= DAY);
    if !(days && minute(test.from) && minute(test.to)) {
        return Err(invalid("condition", "a time of the week"));
    }
    if test.from.unwrap_or(0) == test.to.unwrap_or(DAY) {
        return Err(invalid("condition", "a time that is over when it begins"));
    }
    if sense::is_never(&test.months, &test.month_days) {
        return Err(invalid("condition", "days that none of the months has"));
    }
    Ok(())
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
            r#"{"count":{"of":"items","range":{"from":{"value":"5"}}}}"#,
            r#"{"count":{"of":"items","noun":"parking_permit","range":{"from":{"value":"5"}}}}"#,
            r#"{"time":[{"from":1320,"to":360}]}"#,
            r#"{"time":[{"months":[2],"month_days":[29,31]}]}"#,
            r#"{"all":[]}"#,
            r#"{"named":["google_ads","k8s","s3"]}"#,
            r#"{"mentions":["playlist","widget box","lot-size","w3c"]}"#,
            r#"{"deed":{"verbs":["flush"],"nouns":["widget_box"]}}"#,
            r#"{"place":["random","Ops Room"]}"#,
            r#"{"party":["Kite & Sons, Ltd."]}"#,
            r#"{"branch":["main","release/*"]}"#,
            r#"{"recipient":{"outside":["Acme.org","sub.münchen.example"]}}"#,
            r#"{"recipient":{"address":["bea@acme.org"]}}"#,
            r#"{"path":[{"under":"/etc"},{"under":"~/.ssh"},{"folder":"a/b"},{"file":"*.pem"},{"tail":"config/*.yml"}]}"#,
            r#"{"command":[["git","push","--force"],["rm","-rf"]]}"#,
            r#"{"amount":{"range":{"to":{"value":"0","inclusive":true}}}}"#,
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
            r#"{"time":[{"from":600,"to":600}]}"#,
            r#"{"time":[{"from":1440}]}"#,
            r#"{"time":[{"months":[2,4],"month_days":[31]}]}"#,
            r#"{"any":[]}"#,
            r#"{"all":["risky",{"not":{"all":[]}}]}"#,
            r#"{"amount":{"range":{}}}"#,
            r#"{"amount":{"range":{"to":{"value":"0"}}}}"#,
            r#"{"count":{"of":"items","range":{"to":{"value":"-3","inclusive":true}}}}"#,
            r#"{"unbounded":[]}"#,
            r#"{"named":["Google"]}"#,
            r#"{"named":["google ads"]}"#,
            r#"{"named":["google-ads"]}"#,
            r#"{"mentions":["Playlist"]}"#,
            r#"{"mentions":["a  b"]}"#,
            r#"{"deed":{"verbs":["Flush"]}}"#,
            r#"{"deed":{"verbs":["flush_out"]}}"#,
            r#"{"deed":{"nouns":["Widget"]}}"#,
            r#"{"state":["no such state"]}"#,
            r##"{"place":["#random"]}"##,
            r#"{"place":[" random"]}"#,
            r#"{"party":["Kite "]}"#,
            r#"{"agent":["--"]}"#,
            r#"{"branch":["refs/heads/main"]}"#,
            r#"{"recipient":{"in":["@x.com"]}}"#,
            r#"{"recipient":{"outside":["x.com."]}}"#,
            r#"{"recipient":{"in":[".x.com"]}}"#,
            r#"{"recipient":{"in":["https://x.com"]}}"#,
            r#"{"recipient":{"in":["a b"]}}"#,
            r#"{"recipient":{"address":["Bea <bea@x.com>"]}}"#,
            r#"{"recipient":{"address":["a@x.com, b@x.com"]}}"#,
            r#"{"path":[{"file":"a/b"}]}"#,
            r#"{"path":[{"under":"/etc/../srv"}]}"#,
            r#"{"path":[{"under":"C:\\temp"}]}"#,
            r#"{"path":[{"folder":"/"}]}"#,
            r#"{"path":[{"folder":"a/./b"}]}"#,
            r#"{"path":[{"tail":"../x"}]}"#,
            r#"{"command":[["git push"]]}"#,
            r#"{"command":[["/bin/rm"]]}"#,
            r#"{"argument":{"name":"--","test":"present"}}"#,
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
