//! How things are: states by families, and whether an argument says that something is in one.

use std::sync::LazyLock;

use super::{FREE, all_in, naming};
use crate::{
    base::json::{Kind, View},
    policy::{
        lexicon::cut,
        truth::{Truth, yes},
    },
};

/// How things are, by families; its head documents the format.
static STATES: &str = include_str!("../lexicon/states.txt");

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

/// Whether an argument says that it is in one of the states, or in another of the kind; unclear when it holds such a
/// state and nobody lists what it says. `None` when it says nothing of the kind.
#[must_use]
pub fn stated(wanted: &[String], key: &str, value: View<'_>) -> Option<Truth> {
    let all = states();
    let own = cut(key).to_vec();
    let said = naming(key, value).unwrap_or_default();
    let mut found = None;
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
        let held = all.families.get(state.family).is_some_and(|family| {
            family.keys.iter().any(|holds| holds.split('_').all(|word| own.iter().any(|own| own == word)))
        });
        // A title or an id may hold any word (`bucket: public-assets`), so there the state must be all of it.
        let kind = own.iter().any(|word| matches!(word.as_str(), "type" | "kind" | "role" | "mode" | "items"));
        let free = !held && (!kind || own.iter().any(|word| FREE.contains(&word.as_str())));
        let whole = |phrase: &Vec<&str>| phrase.len() == said.len() && all_in(phrase.iter().copied(), &said);
        if in_words(&said, state) && (!free || state.words.iter().any(whole)) {
            return Some(Truth::Yes);
        }
        if in_words(&own, state) {
            match value.kind() {
                Kind::Bool(set) => return Some(yes(set)),
                Kind::Null => return None,
                _ => {}
            }
        }
        if !held {
            continue;
        }
        let sibling = all.states.iter().any(|one| one.family == state.family && in_words(&said, one));
        let more = match value.kind() {
            Kind::String(_) if sibling => Truth::No,
            Kind::String(text) if !text.trim().is_empty() => Truth::Unclear,
            Kind::Number(_) => Truth::Unclear,
            Kind::Bool(_) if own.len() > 1 => continue,
            Kind::Bool(_) => Truth::Unclear,
            _ => continue,
        };
        found = found.max(Some(more));
    }
    found
}

/// Whether a name says another state of the kind and none of these: `make_bucket_private` makes none public.
#[must_use]
pub fn other_in_name(wanted: &[String], words: &[String]) -> bool {
    let all = states();
    let spoken = |state: &State| state.words.iter().any(|phrase| all_in(phrase.iter().copied(), words));
    let named = |state: &State, name: &String| {
        state.words.first().is_some_and(|first| first.iter().copied().eq(name.split('_')))
    };
    !wanted.is_empty()
        && wanted.iter().all(|name| {
            let Some(state) = all.states.iter().find(|state| named(state, name)) else { return false };
            !spoken(state) && all.states.iter().any(|other| other.family == state.family && spoken(other))
        })
}

#[cfg(test)]
mod tests {
    use super::{state, stated};
    use crate::{base::json::Doc, policy::truth::Truth};

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
        // Another field that holds a word of the kind says nothing, an unknown one in its own field may mean it.
        assert_eq!(of(r#"{"title":"low tide"}"#), None);
        assert_eq!(of(r#"{"priority":"sev-blocker"}"#), Some(Truth::Unclear));
        assert_eq!(of(r#"{"priority":"  Urgent "}"#), Some(Truth::Yes));
        assert_eq!(of(r#"{"priority":1}"#), Some(Truth::Unclear));
        assert_eq!(state("publicly").as_deref(), Some("public"));
    }
}
