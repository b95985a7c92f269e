//! Whether a call speaks of something: words in the tool's name, in names of arguments and in short arguments.
//!
//! - [`state`](mod@state): how things are, and which arguments say so.
//! - [`root`]: the words by which phrases are found.

mod root;
mod state;

use super::{
    deed::{Class, known},
    facts,
    lexicon::{self, Concepts, cut, read_word, same},
    name::Part,
    network,
    truth::{Truth, yes},
};
use crate::base::json::{Kind, View};
pub use root::{Starts, each_in, each_needed, each_word, roots, words_of_all};
pub use state::{other_in_name, state, stated};

/// Names of arguments that hold prose or programs: what is said there is not what the call is about.
const PROSE: &[&str] = &[
    "body",
    "text",
    "message",
    "content",
    "contents",
    "subject",
    "description",
    "note",
    "notes",
    "comment",
    "comments",
    "reason",
    "memo",
    "summary",
    "query",
    "search",
    "caption",
    "html",
    "markdown",
    "prompt",
    "instructions",
    "sql",
    "code",
    "script",
    "command",
    "cmd",
    "statement",
    "patch",
    "diff",
    "filter",
    "q",
    "keywords",
    "bio",
    "reply",
];
/// Words of names that are about an argument's form, not about what it holds.
pub(super) const FORMAL: &[&str] = &["id", "ids", "key", "name", "type", "kind", "list", "count"];
/// The longest value that names rather than tells, in bytes and words.
const VALUE_MAX: usize = 80;
const WORDS_MAX: usize = 8;

/// Whether all words of a phrase are among others.
pub(super) fn all_in<'w>(mut phrase: impl Iterator<Item = &'w str>, words: &[String]) -> bool {
    phrase.all(|wanted| words.iter().any(|word| same(wanted, word)))
}

/// Whether one of the phrases stands among words, however its words are joined.
fn spoken(phrases: &[String], words: &[String]) -> bool {
    let said = |phrase: &String| !phrase.is_empty() && (all_in(words_of(phrase), words) || joined(phrase, words));
    phrases.iter().any(said)
}

/// The words of a phrase of a rule.
pub(super) fn words_of(phrase: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
    phrase.split(['_', ' ', '-']).filter(|word| !word.is_empty())
}

/// How many neighbours may be one word of a rule.
const JOINED_MAX: usize = 3;

/// Whether neighbours spell the phrase when both are written in one (`time_sheet`, `timesheet`).
fn joined(phrase: &str, words: &[String]) -> bool {
    let wanted: String = words_of(phrase).collect();
    let spells = |count: usize| words.windows(count).any(|window| same(&window.concat(), &wanted));
    (1..=JOINED_MAX.min(words.len())).any(|count| (count > 1 || words_of(phrase).count() > 1) && spells(count))
}

/// Words that say little of what a phrase is about when they stand at its end.
const TRAILING: &[&str] = &["mode", "system", "process", "page", "number", "code", "type", "group", "set", "unit"];

/// The word that says what a phrase is (`paper` of `exam_paper`), and those before it.
fn head_of(phrase: &str) -> (&str, impl Iterator<Item = &str> + Clone) {
    let says_little = |word: &&str| {
        let names = read_word(word).map_or(Concepts::NONE, |reading| reading.entry.names);
        TRAILING.contains(word) || names.meets(lexicon::lexicon().generic.with(lexicon::lexicon().soft))
    };
    let at = words_of(phrase).count().saturating_sub(words_of(phrase).rev().take_while(says_little).count() + 1);
    (words_of(phrase).nth(at).unwrap_or_default(), words_of(phrase).take(at))
}

/// What a tool's name says of a thing that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InName {
    /// It is what is worked on.
    Yes,
    /// Something else is.
    No,
    /// Such a thing is, but the name does not say whether one with all the words before it.
    Head,
    /// It does not say.
    Open,
}

/// Whether a thing is what a tool works on, as far as its name tells. When a part of something counts as that thing
/// (`partly`), every word of the name does; where anything that is done to it counts (`anyhow`), its arguments may name
/// it beside what the name says.
#[must_use]
pub fn thing_in_name(phrase: &str, class: &Class, partly: bool, anyhow: bool) -> InName {
    let (head, mut before) = head_of(phrase);
    let counts = |part: Part| match part {
        Part::Head | Part::Soft => true,
        Part::Modifier | Part::Whole | Part::Aside => partly,
        Part::Verb | Part::Small => false,
    };
    let mut words = class.words.iter().zip(&class.parts);
    let named = words.any(|(word, part)| counts(*part) && (same(word, head) || one_kind(word, head)))
        || joined(phrase, &class.words);
    match () {
        // `permits.parking`: in another order, with the head among them.
        () if named_in_any_order(phrase, class) => InName::Yes,
        () if named && before.all(|wanted| class.words.iter().any(|word| same(word, wanted))) => InName::Yes,
        () if named && joined(phrase, &class.words) => InName::Yes,
        () if named => InName::Head,
        // A file may be any document, and a row one of anything.
        () if class.told && !anyhow && !class.heads.meets(known().files.with(known().stores)) => InName::No,
        () => InName::Open,
    }
}

/// The kinds of things that a word names, but for those that say little.
fn kinds(word: &str) -> Concepts {
    let lexicon = lexicon::lexicon();
    let names = read_word(word).map_or(Concepts::NONE, |reading| reading.entry.names);
    names.without(lexicon.generic.with(lexicon.soft).with(lexicon.deeds))
}

/// Whether two words name one kind of thing (`db`, `database`).
fn one_kind(one: &str, other: &str) -> bool {
    kinds(one).meets(kinds(other))
}

/// Whether a phrase can be met without any of its words, by another word for the kind of its head.
#[must_use]
pub fn has_kind(phrase: &str) -> bool {
    !kinds(head_of(phrase).0).is_empty()
}

fn named_in_any_order(phrase: &str, class: &Class) -> bool {
    let words = || class.words.iter().zip(&class.parts).filter(|(_, part)| !matches!(part, Part::Verb | Part::Small));
    let headed = words().any(|(word, part)| *part == Part::Head && words_of(phrase).any(|wanted| same(word, wanted)));
    headed && words_of(phrase).count() > 1 && words_of(phrase).all(|wanted| words().any(|(word, _)| same(word, wanted)))
}

/// Whether the name says more of what is worked on than its head.
#[must_use]
pub fn is_modified(class: &Class) -> bool {
    class.parts.contains(&Part::Modifier)
}

/// Whether the tool's name speaks of one of the phrases.
#[must_use]
pub fn in_name(phrases: &[String], class: &Class) -> bool {
    spoken(phrases, &class.words)
}

/// Whether the tool's name says that one of these is done: as its verb, or when it has no other.
#[must_use]
pub fn is_done(verbs: &[String], class: &Class) -> bool {
    let led = class.parts.contains(&Part::Verb);
    let mut words = class.words.iter().zip(&class.parts);
    words.any(|(word, part)| {
        let leads = *part == Part::Verb || !led || matches!(part, Part::Whole);
        leads && is_form_of_any(word, verbs)
    })
}

/// Whether a word is a form of one of the verbs.
#[must_use]
pub fn is_form_of_any(word: &str, verbs: &[String]) -> bool {
    verbs.iter().any(|verb| lexicon::is_form_of(word, verb))
}

/// The words of a value that names something; none when it is prose.
fn naming(key: &str, value: View<'_>) -> Option<Vec<String>> {
    let text = value.as_str()?;
    (!facts::roles(key).any(facts::Roles::PROSE) && text.len() <= VALUE_MAX)
        .then(|| cut(text).to_vec())
        .filter(|words| words.len() <= WORDS_MAX)
}

/// Whether an argument of this name holds prose or a program.
pub(super) fn is_prose(key: &str) -> bool {
    cut(key).iter().any(|word| PROSE.contains(&word.as_str()))
}

/// Names of arguments whose values people choose freely: what such a value says is not what a thing is.
const FREE: &[&str] =
    &["name", "title", "path", "file", "filename", "url", "uri", "label", "tag", "tags", "slug", "email", "to"];

/// Whether an argument says that the thing is worked on: by its own name, by naming a kind, or by what an SQL
/// statement, a command or a path in it touches.
#[must_use]
pub fn thing_in_argument(phrase: &str, class: &Class, anyhow: bool, key: &str, value: View<'_>) -> Truth {
    let phrases = std::slice::from_ref(&phrase);
    let says = |words: &[String]| {
        let (head, mut before) = head_of(phrase);
        let known = |wanted: &str| words.iter().chain(&class.words).any(|word| same(word, wanted));
        (words.iter().any(|word| same(word, head)) && before.all(known)) || joined(phrase, words)
    };
    let carried = carried(phrases, key, value);
    if carried != Truth::No || (class.told && !anyhow && !class.heads.meets(known().stores)) {
        return carried;
    }
    if is_set(value) && says(&own_words(key)) {
        return Truth::Yes;
    }
    match value.as_str() {
        Some(_) if is_free(key) => Truth::No,
        Some(_) if is_too_long(key, value) => Truth::Unclear,
        Some(_) => yes(naming(key, value).is_some_and(|words| says(&words))),
        None => Truth::No,
    }
}

fn is_free(key: &str) -> bool {
    cut(key).iter().any(|word| FREE.contains(&word.as_str()))
}

/// Whether an argument holds words that a phrase has before its head.
#[must_use]
pub fn modifies(phrase: &str, class: &Class, key: &str, value: View<'_>) -> bool {
    let (_, mut before) = head_of(phrase);
    let words = naming(key, value).unwrap_or_default();
    let own = cut(key);
    before.all(|wanted| words.iter().chain(own.iter()).chain(&class.words).any(|word| same(word, wanted)))
}

/// Whether an argument names a kind of thing in plain words, so that it is not some other kind.
#[must_use]
pub fn tells_kind(key: &str, value: View<'_>) -> bool {
    facts::tells_kind(key) && value.as_str().is_some_and(facts::is_plain_kind)
}

/// Whether an SQL statement, a command or the end of a path in an argument speaks of one of the phrases. Unclear when
/// it is too long to look through.
fn carried<P: AsRef<str>>(phrases: &[P], key: &str, value: View<'_>) -> Truth {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return Truth::No };
    if !facts::carries(key, text) {
        return Truth::No;
    }
    let mut found = false;
    let whole = facts::each_name_within(key, text, &mut |name| {
        let words = bare(name);
        found |= phrases.iter().map(AsRef::as_ref).any(|phrase| {
            // A name of its own: `timesheets_2024`, no `timesheet_ideas`.
            let own = words_of(phrase).count() >= words.len() && all_in(words_of(phrase), &words);
            own || joined_whole(phrase, &words)
        });
    });
    match () {
        () if found => Truth::Yes,
        () if !whole => Truth::Unclear,
        () => Truth::No,
    }
}

/// The words of a name without its numbers.
fn bare(name: &str) -> Vec<String> {
    cut(name).into_iter().filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

fn joined_whole(phrase: &str, words: &[String]) -> bool {
    !words.is_empty() && same(&words.concat(), &words_of(phrase).collect::<String>())
}

fn is_set(value: View<'_>) -> bool {
    match value.kind() {
        Kind::Null | Kind::Bool(false) => false,
        Kind::Array | Kind::Object => !value.is_empty(),
        Kind::String(text) => !text.is_empty() && !matches!(text, "false" | "no" | "none" | "0"),
        Kind::Number(text) => text != "0",
        Kind::Bool(true) => true,
    }
}

/// Whether an argument speaks of one of the phrases; unclear when it names something at too great a length.
#[must_use]
pub fn mentioned(phrases: &[String], key: &str, value: View<'_>) -> Truth {
    let own = own_words(key);
    if (is_set(value) && spoken(phrases, &own)) || naming(key, value).is_some_and(|words| spoken(phrases, &words)) {
        return Truth::Yes;
    }
    match carried(phrases, key, value) {
        Truth::No if is_long(key, value) => Truth::Unclear,
        carried => carried,
    }
}

/// Whether a value is longer than what names, and yet no prose.
fn is_too_long(key: &str, value: View<'_>) -> bool {
    value.as_str().is_some_and(|text| text.len() > VALUE_MAX) && !facts::roles(key).any(facts::Roles::PROSE)
}

/// Whether a value names something at a length that nobody looks through.
fn is_long(key: &str, value: View<'_>) -> bool {
    is_too_long(key, value) && value.as_str().is_some_and(|text| !facts::carries(key, text))
}

fn own_words(key: &str) -> Vec<String> {
    cut(key).into_iter().filter(|word| !FORMAL.contains(&word.as_str())).collect()
}

/// Whether one of the texts stands in an argument as whole words; of a network, whether an address in it does.
#[must_use]
pub fn says(texts: &[String], value: View<'_>) -> Truth {
    let Kind::String(text) = value.kind() else { return Truth::No };
    let lower = text.to_lowercase();
    let one = |wanted: &String| {
        network::spoken(wanted, text).unwrap_or(Truth::No).max(yes(stands(&wanted.to_lowercase(), &lower)))
    };
    texts.iter().map(one).max().unwrap_or(Truth::No)
}

fn stands(wanted: &str, text: &str) -> bool {
    let mut rest = text;
    let mut before = ' ';
    while let Some(at) = rest.find(wanted).filter(|_| !wanted.is_empty()) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        before = head.chars().next_back().unwrap_or(before);
        let after = tail.strip_prefix(wanted).unwrap_or_default();
        if !before.is_alphanumeric() && !after.starts_with(char::is_alphanumeric) {
            return true;
        }
        before = wanted.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{in_name, mentioned, says};
    use crate::{
        base::json::Doc,
        policy::{deed::classify, truth::Truth},
    };

    fn any(arguments: &str, judge: impl Fn(&str, crate::base::json::View<'_>) -> bool) -> bool {
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        doc.root().members().any(|member| judge(member.key(), member))
    }

    #[test]
    fn words_are_found_where_things_are_named() {
        let wanted = ["playlist".to_owned(), "gift_card".to_owned()];
        assert!(in_name(&wanted, &classify("remove_playlists")));
        assert!(in_name(&wanted, &classify("cards.gift.buy")));
        assert!(!in_name(&wanted, &classify("remove_player")));
        for arguments in [r#"{"type":"playlist"}"#, r#"{"playlist_id":5}"#, r#"{"items":"2 gift cards"}"#] {
            assert!(any(arguments, |key, value| mentioned(&wanted, key, value) == Truth::Yes), "{arguments}");
        }
        for arguments in [r#"{"note":"my playlist"}"#, r#"{"playlist":null}"#, r#"{"playlist":false}"#] {
            assert!(any(arguments, |key, value| mentioned(&wanted, key, value) == Truth::No), "{arguments}");
        }
    }

    #[test]
    fn texts_are_found_as_whole_words() {
        let wanted = ["project falcon".to_owned()];
        assert!(any(r#"{"body":"About Project Falcon."}"#, |_, value| says(&wanted, value) == Truth::Yes));
        assert!(!any(r#"{"body":"project falconry"}"#, |_, value| says(&wanted, value) == Truth::Yes));
    }
}
