//! What texts, times and ranges of a condition have to be like so that a call can meet them. Each follows how the
//! judge compares ([`crate::policy::truth`]); what is wrong is told with what to write instead.

use crate::base::Decimal;
use crate::policy::{
    condition::{PathTest, Range},
    lexicon::cut,
    mentions,
    truth::agent_key,
};

/// Whether texts of a call that are cut into words can hold this one.
fn is_word(word: &str) -> bool {
    matches!(cut(word).as_slice(), [only] if only == word)
}

/// A proper name is met by words, all of them in lower case.
pub(super) fn name(name: &str) -> Result<(), String> {
    if name.split('_').all(is_word) {
        return Ok(());
    }
    Err(format!("name {name:?}: names are in lower case with `_` between words"))
}

/// So are phrases.
pub(super) fn phrase(phrase: &str) -> Result<(), String> {
    if phrase.split(['_', ' ', '-']).all(is_word) {
        return Ok(());
    }
    Err(format!("words {phrase:?}: words are in lower case with one space or `_` between them"))
}

/// A verb is one word of a tool's name.
pub(super) fn verb(verb: &str) -> Result<(), String> {
    if is_word(verb) { Ok(()) } else { Err(format!("verb {verb:?}: a verb is one word in lower case")) }
}

pub(super) fn state(state: &str) -> Result<(), String> {
    // What is only ever looked for in a tool's name has to be words at least.
    match mentions::state(&state.replace([' ', '-'], "_")) {
        Some(first) if first == state => Ok(()),
        Some(first) => Err(format!("state {state:?}: write {first:?}")),
        None => Err(format!("state {state:?} is not known")),
    }
}

/// A text that is compared with one that was trimmed.
pub(super) fn bare(text: &str) -> Result<(), String> {
    if text.trim() == text { Ok(()) } else { Err(format!("text {text:?}: leave the space around it out")) }
}

pub(super) fn place(place: &str) -> Result<(), String> {
    bare(place)?;
    if place.starts_with('#') { Err(format!("place {place:?}: leave the `#` out")) } else { Ok(()) }
}

pub(super) fn agent(agent: &str) -> Result<(), String> {
    if agent_key(agent).is_empty() { Err(format!("agent {agent:?}: no letter and no digit")) } else { Ok(()) }
}

pub(super) fn branch(branch: &str) -> Result<(), String> {
    match branch.strip_prefix("refs/heads/") {
        Some(short) => Err(format!("branch {branch:?}: write {short:?}")),
        None => Ok(()),
    }
}

pub(super) fn domain(domain: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || matches!(c, '@' | '/' | ':' | ',' | ';' | '<' | '>' | '*');
    if domain.contains(odd) || domain.split('.').any(str::is_empty) {
        return Err(format!("domain {domain:?}: write it like `acme.org`; domains below it are meant too"));
    }
    Ok(())
}

pub(super) fn address(address: &str) -> Result<(), String> {
    bare(address)?;
    if address.contains([',', ';', '<', '>']) {
        return Err(format!("address {address:?}: write each by itself, like `bea@acme.org`"));
    }
    Ok(())
}

pub(super) fn path(test: &PathTest) -> Result<(), String> {
    let (PathTest::Under(path) | PathTest::Folder(path) | PathTest::File(path) | PathTest::Tail(path)) = test;
    let segments = || path.split('/').filter(|segment| !segment.is_empty());
    if path.contains('\\') {
        return Err(format!("path {path:?}: write `/` instead of `\\`"));
    }
    if segments().any(|segment| matches!(segment, "." | "..")) {
        return Err(format!("path {path:?}: write it without `.` and `..`"));
    }
    match test {
        PathTest::File(_) if path.contains('/') => {
            Err(format!("file {path:?}: a file has no `/`; several segments are a `tail`"))
        }
        PathTest::Folder(_) | PathTest::Tail(_) if segments().next().is_none() => {
            Err(format!("path {path:?}: it has no segment"))
        }
        _ => Ok(()),
    }
}

pub(super) fn command(words: &[String]) -> Result<(), String> {
    let parts = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '`');
    if let Some(word) = words.iter().find(|word| word.contains(parts)) {
        return Err(format!("command word {word:?}: each word of a command stands by itself"));
    }
    match words.first().filter(|program| program.contains('/')) {
        Some(program) => Err(format!("program {program:?}: write it without its folder")),
        None => Ok(()),
    }
}

pub(super) fn argument(name: &str) -> Result<(), String> {
    if cut(name).is_empty() { Err(format!("argument {name:?}: no letter and no digit")) } else { Ok(()) }
}

/// Whether a range holds no number.
pub(super) fn is_empty(range: &Range) -> bool {
    range.from.zip(range.to).is_some_and(|(from, to)| {
        from.value > to.value || (from.value == to.value && !(from.inclusive && to.inclusive))
    })
}

/// Amounts, counts and measures are never below zero.
pub(super) fn positive(range: &Range) -> Result<(), String> {
    let least = range.to.filter(|to| to.value < Decimal::ZERO || (to.value == Decimal::ZERO && !to.inclusive));
    least.map_or(Ok(()), |to| Err(format!("a range up to {}: there is nothing below zero", to.value)))
}

/// Whether no month of `months` has one of the days; no month is every month, and 0 is the last day of each.
pub(super) fn is_never(months: &[u8], days: &[u8]) -> bool {
    let length = |month: &u8| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let longest = months.iter().map(length).max().unwrap_or(31);
    !days.is_empty() && days.iter().all(|day| *day > longest)
}
