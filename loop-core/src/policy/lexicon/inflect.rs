//! From a word as it stands to the entry of its base form.

use super::concept::{Entry, lexicon};

/// How a word stands to its base form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As listed.
    Base,
    /// With a plural or third-person `s`.
    Plural,
    /// `-ing`
    Gerund,
    /// `-ed`, and irregular participles.
    Past,
}

/// A word found in the lexicon.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Its entry.
    pub entry: Entry,
    /// Its form.
    pub form: Form,
}

/// Participles and plurals that no ending tells.
const IRREGULAR: &[(&str, &str, Form)] = &[
    ("sent", "send", Form::Past),
    ("paid", "pay", Form::Past),
    ("bought", "buy", Form::Past),
    ("spent", "spend", Form::Past),
    ("written", "write", Form::Past),
    ("wrote", "write", Form::Past),
    ("made", "make", Form::Past),
    ("given", "give", Form::Past),
    ("done", "do", Form::Past),
    ("ran", "run", Form::Past),
    ("overwritten", "overwrite", Form::Past),
    ("rewritten", "rewrite", Form::Past),
    ("sold", "sell", Form::Past),
    ("lent", "lend", Form::Past),
    ("withdrawn", "withdraw", Form::Past),
    ("taken", "take", Form::Past),
    ("shown", "show", Form::Past),
    ("frozen", "freeze", Form::Past),
    ("thrown", "throw", Form::Past),
    ("built", "build", Form::Past),
    ("found", "find", Form::Past),
    ("told", "tell", Form::Past),
    ("brought", "bring", Form::Past),
    ("repaid", "repay", Form::Past),
    ("undone", "undo", Form::Past),
    ("people", "person", Form::Plural),
    ("children", "child", Form::Plural),
    ("indices", "index", Form::Plural),
    ("diagnoses", "diagnosis", Form::Plural),
];

/// Looks a lower-case word up, as it is or by its base form.
#[must_use]
pub fn read_word(word: &str) -> Option<Reading> {
    let lexicon = lexicon();
    let found = |base: &str, form: Form| lexicon.entry(base).map(|entry| Reading { entry, form });
    if let Some(reading) = found(word, Form::Base) {
        return Some(reading);
    }
    if let Some((_, base, form)) = IRREGULAR.iter().find(|(irregular, ..)| *irregular == word) {
        return found(base, *form);
    }
    if let Some(reading) = bases(word).into_iter().flatten().find_map(|(base, form)| found(&base, form)) {
        return Some(reading);
    }
    if let Some((first, rest)) = word.split_once('_') {
        // `rolling back`: the verb of a phrase is inflected, the rest stands.
        return bases(first).into_iter().flatten().find_map(|(base, form)| found(&format!("{base}_{rest}"), form));
    }
    // `reorder`, `repricing`: to do it again is to do it.
    let again = word.strip_prefix("re").filter(|rest| rest.len() >= 4)?;
    let reading = match found(again, Form::Base) {
        Some(reading) => reading,
        None => bases(again).into_iter().flatten().find_map(|(base, form)| found(&base, form))?,
    };
    (!reading.entry.does.is_empty()).then_some(reading)
}

/// Whether a word is another one or a form of it (`flushes`, `flushing` and `flushed` of `flush`).
#[must_use]
pub fn is_form_of(word: &str, base: &str) -> bool {
    word == base || bases(word).into_iter().flatten().any(|(found, _)| found == base)
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

/// Endings that British and American English spell differently.
const SPELLINGS: &[(&str, &str)] = &[
    ("our", "or"),
    ("tre", "ter"),
    ("isation", "ization"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("logue", "log"),
    ("ence", "ense"),
    ("gramme", "gram"),
    ("cheque", "check"),
    ("aeon", "eon"),
    ("lment", "llment"),
    ("grey", "gray"),
    ("mould", "mold"),
    ("tyre", "tire"),
    ("storey", "story"),
];

/// Whether two words are one, in singular and plural (`policy`, `policies`) and in both spellings of English (`centre`,
/// `centers`).
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one == other || is_plural(one, other) || is_plural(other, one) || is_respelled(one, other)
}

/// Calls `each` with a word in American spelling, in two parts, where that differs; of a plural, its singular too.
pub fn american(word: &str, each: &mut impl FnMut(&str, &str)) {
    if !word.ends_with(char::is_alphabetic) {
        return;
    }
    let single = word.strip_suffix('s').filter(|word| !word.ends_with('s'));
    for stem in [Some(word), single].into_iter().flatten() {
        for (british, american) in SPELLINGS {
            if let Some(stem) = stem.strip_suffix(british) {
                each(stem, american);
            }
        }
    }
}

fn is_respelled(one: &str, other: &str) -> bool {
    // Words that begin differently are different; so nearly all are told apart at once.
    if one.len() < 4 || one.as_bytes().first_chunk::<2>() != other.as_bytes().first_chunk::<2>() {
        return false;
    }
    let single = |word: &'_ str| word.strip_suffix('s').filter(|word| !word.ends_with('s')).unwrap_or(word).to_owned();
    let (one, other) = (single(one), single(other));
    let respells = |a: &str, b: &str| {
        SPELLINGS.iter().any(|(british, american)| {
            a.strip_suffix(british).zip(b.strip_suffix(american)).is_some_and(|(a, b)| a == b)
        })
    };
    respells(&one, &other) || respells(&other, &one)
}

/// What a word's base form may be.
fn bases(word: &str) -> [Option<(String, Form)>; 8] {
    let mut bases = [const { None }; 8];
    let mut at = bases.iter_mut();
    let mut offer = |base: String, form| {
        if base.len() >= 2
            && let Some(slot) = at.next()
        {
            *slot = Some((base, form));
        }
    };
    let phrase_end = |suffix: &str| word.strip_suffix(suffix);
    if let Some(stem) = phrase_end("ies") {
        offer(format!("{stem}y"), Form::Plural);
    }
    if let Some(stem) = phrase_end("es") {
        offer(stem.to_owned(), Form::Plural);
    }
    if let Some(stem) = phrase_end("s").filter(|stem| !stem.ends_with('s')) {
        offer(stem.to_owned(), Form::Plural);
    }
    for (suffix, form) in [("ing", Form::Gerund), ("ed", Form::Past)] {
        let Some(stem) = phrase_end(suffix).filter(|stem| stem.len() >= 2) else { continue };
        offer(stem.to_owned(), form);
        offer(format!("{stem}e"), form);
        if let Some(short) = stem.strip_suffix('i') {
            offer(format!("{short}y"), form);
        }
        let mut ends = stem.chars().rev();
        if let (Some(last), Some(other)) = (ends.next(), ends.next())
            && last == other
            && let Some(short) = stem.strip_suffix(last)
        {
            offer(short.to_owned(), form);
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::{Form, read_word, same};

    #[test]
    fn inflected_words_find_their_base() {
        for (word, base, form) in [
            ("deleting", "delete", Form::Gerund),
            ("dropped", "drop", Form::Past),
            ("queries", "query", Form::Plural),
            ("refunds", "refund", Form::Plural),
            ("purchases", "purchase", Form::Plural),
            ("modified", "modify", Form::Past),
            ("truncating", "truncate", Form::Gerund),
            ("sent", "send", Form::Past),
        ] {
            let reading = read_word(word).unwrap_or_else(|| panic!("{word}"));
            assert_eq!(reading.form, form, "{word}");
            assert_eq!(Some(reading.entry), read_word(base).map(|base| base.entry), "{word}");
        }
        assert!(read_word("zzyzx").is_none());
    }

    #[test]
    fn singular_and_plural_are_one() {
        for (one, other) in [("box", "boxes"), ("policy", "policies"), ("flight", "flights"), ("branch", "branches")] {
            assert!(same(one, other) && same(other, one), "{one}");
        }
        for (one, other) in
            [("centre", "center"), ("colours", "color"), ("catalogue", "catalog"), ("licence", "licenses")]
        {
            assert!(same(one, other) && same(other, one), "{one}");
        }
        assert!(!same("address", "addres") && !same("glass", "glasss") && !same("cat", "cast"));
    }
}
