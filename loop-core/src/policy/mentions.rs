//! Whether a call speaks of something: words in the tool's name, in names of arguments and in short arguments.

use std::sync::LazyLock;

use super::{
    deed::Class,
    lexicon::{self, cut},
    truth::Truth,
};
use crate::base::json::{Kind, View};

/// How things are, by families; its head documents the format.
static STATES: &str = include_str!("lexicon/states.txt");

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
const FORMAL: &[&str] = &["id", "ids", "key", "name", "type", "kind", "list", "count"];
/// The longest value that names rather than tells, in bytes and words.
const VALUE_MAX: usize = 80;
const WORDS_MAX: usize = 8;

/// One way that something can be.
struct State {
    family: usize,
    words: Vec<Vec<&'static str>>,
}

struct Family {
    keys: Vec<&'static str>,
}

struct States {
    families: Vec<Family>,
    states: Vec<State>,
}

fn states() -> &'static States {
    static ALL: LazyLock<States> = LazyLock::new(|| {
        let mut all = States { families: Vec::new(), states: Vec::new() };
        for line in STATES.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split(':');
            let (Some(_), Some(keys), Some(states)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            let family = all.families.len();
            all.families.push(Family { keys: keys.split_whitespace().collect() });
            all.states.extend(states.split_whitespace().map(|state| State {
                family,
                words: state.split('=').map(|phrase| phrase.split('_').collect()).collect(),
            }));
        }
        all
    });
    &ALL
}

/// The first word for the state that a word of a rule means, if it means one.
#[must_use]
pub fn state(word: &str) -> Option<String> {
    let found = states().states.iter().find(|state| state.words.iter().any(|phrase| phrase.join("_") == word))?;
    found.words.first().map(|phrase| phrase.join("_"))
}

/// Whether `plural` is the plural of a word.
fn is_plural(word: &str, plural: &str) -> bool {
    if plural.len() <= word.len() || word.len() < 2 {
        return false;
    }
    match plural.strip_prefix(word) {
        Some("s") => !word.ends_with('s'),
        Some("es") => ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)),
        Some(_) => false,
        None => word.strip_suffix('y').is_some_and(|stem| plural.strip_prefix(stem) == Some("ies")),
    }
}

/// Whether two words are one in singular and plural (`policy`, `policies`).
fn same(one: &str, other: &str) -> bool {
    one == other || is_plural(one, other) || is_plural(other, one)
}

fn all_in<'w>(mut phrase: impl Iterator<Item = &'w str>, words: &[String]) -> bool {
    phrase.all(|wanted| words.iter().any(|word| same(wanted, word)))
}

fn spoken(phrases: &[String], words: &[String]) -> bool {
    phrases.iter().any(|phrase| !phrase.is_empty() && all_in(phrase.split(['_', ' ', '-']), words))
}

/// Whether the tool's name speaks of one of the phrases.
#[must_use]
pub fn in_name(phrases: &[String], class: &Class) -> bool {
    spoken(phrases, &class.words)
}

/// Whether the tool's name says that one of these is done.
#[must_use]
pub fn is_done(verbs: &[String], class: &Class) -> bool {
    verbs.iter().any(|verb| class.words.iter().any(|word| lexicon::is_form_of(word, verb)))
}

/// The words of a value that names something; none when it is prose.
fn naming(key: &str, value: View<'_>) -> Option<Vec<String>> {
    let text = value.as_str()?;
    let prose = cut(key).iter().any(|word| PROSE.contains(&word.as_str()));
    (!prose && text.len() <= VALUE_MAX).then(|| cut(text).to_vec()).filter(|words| words.len() <= WORDS_MAX)
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

/// Whether an argument speaks of one of the phrases.
#[must_use]
pub fn mentioned(phrases: &[String], key: &str, value: View<'_>) -> bool {
    let own: Vec<String> = own_words(key);
    (is_set(value) && spoken(phrases, &own)) || naming(key, value).is_some_and(|words| spoken(phrases, &words))
}

fn own_words(key: &str) -> Vec<String> {
    cut(key).into_iter().filter(|word| !FORMAL.contains(&word.as_str())).collect()
}

/// Calls `each` with every word that [`mentioned`] looks at.
pub fn each_word(key: &str, value: View<'_>, each: &mut dyn FnMut(&str)) {
    let own = if is_set(value) { own_words(key) } else { Vec::new() };
    own.iter().chain(naming(key, value).iter().flatten()).for_each(|word| each(word));
}

/// The words of which one has to be spoken when one of the phrases is, in all their [`roots`]; an empty one among
/// them when nothing has to be.
#[must_use]
pub fn first_words(phrases: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for phrase in phrases.iter().filter(|phrase| !phrase.is_empty()) {
        roots(phrase.split(['_', ' ', '-']).next().unwrap_or_default(), &mut |root| all.push(root));
    }
    all
}

/// Calls `each` with the forms of a word by which it is found: two words that are the [`same`] share one.
pub fn roots(word: &str, each: &mut dyn FnMut(String)) {
    each(word.to_owned());
    for (end, instead) in [("s", ""), ("es", ""), ("ies", "y")] {
        if let Some(stem) = word.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            each(format!("{stem}{instead}"));
        }
    }
}

/// Whether an argument says that it is in one of the states, or in another of the kind; `None` when it says neither.
#[must_use]
pub fn stated(wanted: &[String], key: &str, value: View<'_>) -> Option<Truth> {
    let all = states();
    let own = cut(key).to_vec();
    let said = naming(key, value).unwrap_or_default();
    let mut other = false;
    for name in wanted {
        let Some(state) = all
            .states
            .iter()
            .find(|state| state.words.first().is_some_and(|first| first.iter().copied().eq(name.split('_'))))
        else {
            continue;
        };
        let in_words =
            |words: &[String], state: &State| state.words.iter().any(|phrase| all_in(phrase.iter().copied(), words));
        if in_words(&said, state) {
            return Some(Truth::Yes);
        }
        if in_words(&own, state) {
            match value.kind() {
                Kind::Bool(set) => return Some(if set { Truth::Yes } else { Truth::No }),
                Kind::Null => return None,
                _ => {}
            }
        }
        let held = all.families.get(state.family).is_some_and(|family| {
            family.keys.iter().any(|holds| holds.split('_').all(|word| own.iter().any(|own| own == word)))
        });
        let sibling =
            !said.is_empty() && all.states.iter().any(|one| one.family == state.family && in_words(&said, one));
        other |= (held && value.as_str().is_some_and(|text| !text.is_empty())) || sibling;
    }
    other.then_some(Truth::No)
}

/// Whether one of the texts stands in an argument as whole words.
#[must_use]
pub fn says(texts: &[String], value: View<'_>) -> bool {
    let Kind::String(text) = value.kind() else { return false };
    let lower = text.to_lowercase();
    texts.iter().any(|wanted| {
        let wanted = wanted.to_lowercase();
        let mut rest = lower.as_str();
        let mut before = ' ';
        while let Some(at) = rest.find(&wanted).filter(|_| !wanted.is_empty()) {
            let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            before = head.chars().next_back().unwrap_or(before);
            let after = tail.strip_prefix(wanted.as_str()).unwrap_or_default();
            if !before.is_alphanumeric() && !after.starts_with(char::is_alphanumeric) {
                return true;
            }
            before = wanted.chars().next_back().unwrap_or(' ');
            rest = after;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::{in_name, mentioned, same, says, state, stated};
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
            assert!(any(arguments, |key, value| mentioned(&wanted, key, value)), "{arguments}");
        }
        for arguments in [r#"{"note":"my playlist"}"#, r#"{"playlist":null}"#, r#"{"playlist":false}"#] {
            assert!(!any(arguments, |key, value| mentioned(&wanted, key, value)), "{arguments}");
        }
    }

    #[test]
    fn a_state_is_told_from_others_of_its_kind() {
        let urgent = ["urgent".to_owned()];
        let of = |arguments: &str| {
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            doc.root().members().find_map(|member| stated(&urgent, member.key(), member))
        };
        assert_eq!(of(r#"{"priority":"URGENT"}"#), Some(Truth::Yes));
        assert_eq!(of(r#"{"priority":"low"}"#), Some(Truth::No));
        assert_eq!(of(r#"{"urgent":false}"#), Some(Truth::No));
        assert_eq!(of(r#"{"id":"7"}"#), None);
        assert_eq!(state("publicly").as_deref(), Some("public"));
    }

    #[test]
    fn singular_and_plural_are_one() {
        for (one, other) in [("box", "boxes"), ("policy", "policies"), ("flight", "flights"), ("branch", "branches")] {
            assert!(same(one, other) && same(other, one), "{one}");
        }
        assert!(!same("address", "addres") && !same("glass", "glasss") && !same("cat", "cast"));
    }

    #[test]
    fn texts_are_found_as_whole_words() {
        let wanted = ["project falcon".to_owned()];
        assert!(any(r#"{"body":"About Project Falcon."}"#, |_, value| says(&wanted, value)));
        assert!(!any(r#"{"body":"project falconry"}"#, |_, value| says(&wanted, value)));
    }
}
