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
    use super::{Form, read_word};

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
}
