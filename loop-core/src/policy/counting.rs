//! What a number counts, by the name of its argument.

use super::{
    deed::{Class, known, pure_deeds},
    lexicon::{Concepts, Form, cut, lexicon, read_word, same},
    mentions::{FORMAL, words_of},
    name::Part,
};
use crate::base::json::{Kind, View};

/// How the name of an argument stands to what a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It counts that.
    It,
    /// It counts whatever is worked on (`limit`, `ids`).
    Plainly,
    /// It counts something else.
    Other,
}

/// Words of names that say that something is counted, not what.
const COUNTING: &[&str] = &[
    "count",
    "counts",
    "number",
    "num",
    "no",
    "total",
    "max",
    "maximum",
    "min",
    "minimum",
    "limit",
    "size",
    "n",
    "qty",
    "quantity",
    "amount",
    "of",
    "new",
    "desired",
    "affected",
    "selected",
    "target",
    "top",
    "all",
    "batch",
    "set",
    "is",
    "has",
    "bulk",
    "estimated",
    "expected",
];

/// What the name of an argument counts.
#[must_use]
pub fn counts(noun: &str, key: &str) -> Counts {
    let words = cut(key);
    let own = words.iter().filter(|word| !COUNTING.contains(&word.as_str()) && !FORMAL.contains(&word.as_str()));
    let own: Vec<&str> = own.map(String::as_str).filter(|word| !says_little(word)).collect();
    let Some(head) = own.last() else { return Counts::Plainly };
    let wanted = words_of(noun).last().unwrap_or_default();
    let joined: String = words_of(noun).collect();
    if same(wanted, head) || same(&joined, &own.concat()) || (alike(noun, &own)) { Counts::It } else { Counts::Other }
}

/// Whether both are of one kind: `customer` and `client`.
fn alike(noun: &str, own: &[&str]) -> bool {
    let names = |word: &str| {
        let reading = read_word(word);
        reading
            .map_or(Concepts::NONE, |reading| reading.entry.names.without(lexicon().deeds).without(lexicon().generic))
    };
    let of_key = own.last().map_or(Concepts::NONE, |head| names(head)).with(names(&own.join("_")));
    let last = words_of(noun).last().unwrap_or_default();
    names(noun).with(names(last)).meets(of_key)
}

/// Whether a word says nothing of what is counted: `records`, `items`.
#[must_use]
pub fn says_little(noun: &str) -> bool {
    matches!(noun, "unit" | "units" | "piece" | "pieces" | "element" | "elements")
        || read_word(noun).is_some_and(|reading| reading.entry.names.meets(lexicon().generic))
}

/// Whether a word names what a call does, not what it does it to: `restarts` of `restart_servers`.
#[must_use]
pub fn is_done(noun: &str, class: &Class) -> bool {
    let names = read_word(noun).map_or(Concepts::NONE, |reading| reading.entry.names);
    !names.is_empty() && names.without(pure_deeds().with(known().acts)).is_empty() && names.meets(class.does)
}

/// Whether a tool by its name works on one of what is counted (`update_row`), not on many or on what holds many.
#[must_use]
pub fn is_single(noun: Option<&str>, class: &Class) -> bool {
    let mut any = false;
    for (word, _) in class.words.iter().zip(&class.parts).filter(|(_, part)| **part == Part::Head) {
        let plural = match read_word(word) {
            Some(reading) => reading.form == Form::Plural,
            None => word.len() > 3 && word.ends_with('s') && !word.ends_with("ss"),
        };
        if plural || noun.is_some_and(|noun| counts(noun, word) != Counts::It) {
            return false;
        }
        any = true;
    }
    let many =
        class.words.iter().any(|word| matches!(word.as_str(), "bulk" | "batch" | "mass" | "all" | "many" | "multi"));
    any && !many && (class.heads.meets(known().row) || !class.heads.meets(known().holders))
}

/// Whether an argument says which single thing is worked on: an id, or one under the thing's own name.
#[must_use]
pub fn identifies(class: &Class, key: &str, value: View<'_>) -> bool {
    let one = match value.kind() {
        Kind::String(text) => {
            !text.trim().is_empty()
                && !text.contains([',', ';', '*', '%', ' '])
                && !matches!(text, "all" | "any" | "everything")
        }
        Kind::Number(_) => true,
        _ => false,
    };
    let words = cut(key);
    let ids = words.iter().any(|word| word == "ids");
    let heads = || class.words.iter().zip(&class.parts).filter(|(_, part)| **part == Part::Head).map(|(word, _)| word);
    let names = |word: &String| {
        matches!(word.as_str(), "id" | "key" | "ref" | "number" | "no") || heads().any(|head| head == word)
    };
    one && !ids && !words.is_empty() && words.iter().all(names)
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts, is_single};
    use crate::policy::deed::classify;

    #[test]
    fn names_say_what_is_counted() {
        for (noun, key, is) in [
            ("page", "page_count", Counts::It),
            ("page", "pages", Counts::It),
            ("page", "count", Counts::Plainly),
            ("page", "copies", Counts::Other),
            ("replica", "maxReplicas", Counts::It),
            ("case", "case_ids", Counts::It),
            ("case", "ids", Counts::Plainly),
            ("customer", "client_count", Counts::It),
            ("reviewer", "tags", Counts::Other),
            ("instance", "MaxSize", Counts::Plainly),
            ("record", "record_count", Counts::Plainly),
        ] {
            assert_eq!(counts(noun, key), is, "{noun} {key}");
        }
    }

    #[test]
    fn one_is_not_many() {
        assert!(is_single(Some("row"), &classify("update_row")));
        assert!(is_single(None, &classify("cases.case.assign")));
        assert!(!is_single(Some("row"), &classify("update_rows")));
        assert!(!is_single(None, &classify("bulk_update_row")));
        assert!(!is_single(None, &classify("purge_queue")));
        assert!(!is_single(Some("message"), &classify("purge_queue")));
    }
}
