//! Words that nobody lists: what they are by where they stand and how they end.

use super::{
    super::{
        tape::Tape,
        token::Kind,
        words::{Group, List, is, is_known},
    },
    Item, Items, Role,
    verb::{goes_on, object_behind},
};

pub(super) fn is_unknown(tape: &Tape, at: usize) -> bool {
    let word = tape.word(at);
    let place = [Group::Testing, Group::Development, Group::Staging, Group::Preview, Group::Products, Group::Rank]
        .iter()
        .any(|group| tape.raw_is(at, *group));
    let place = place && ![Group::Small, Group::Actors, Group::People].iter().any(|group| tape.raw_is(at, *group));
    let asked = [Group::Small, Group::Approval, Group::Approve, Group::Approved, Group::Hold, Group::Fine]
        .iter()
        .any(|group| tape.raw_is(at, *group));
    // `outbound calls`, but not `calls to the tool`.
    let phoned = matches!(word, "call" | "calls")
        && (matches!(tape.before(at, 1), "outbound" | "inbound" | "phone" | "a" | "sales" | "cold") || tape.begins(at))
        && !matches!(tape.raw_word(at + 1), "to" | "that" | "which" | "with" | "from" | "over" | "of");
    !word.is_empty()
        && (phoned || !is_known(word) || (tape.raw_is(at, Group::Nounlike) && !asked) || place)
        && !tape.proper(at)
        && word.chars().any(char::is_alphabetic)
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// A word that nobody lists: a verb or a noun by where it stands, or how something is.
pub(super) fn unknown(tape: &mut Tape, at: usize, found: &mut Items) {
    let word = tape.word(at).to_owned();
    let behind = tape.raw_word(at + 1).to_owned();
    // `our rivals (a.com)`, `journalists at b.org`: where they are says who they are. `the claimant's file`: whose it is
    // says nothing.
    let listed = |at: usize| matches!(tape.raw_kind(at), Some(Kind::Domain | Kind::Email | Kind::Channel | Kind::Path));
    let whose = tape.raw(at).ends_with("'s") || tape.raw(at).ends_with("s'") || tape.raw(at).ends_with("’s");
    let placed = matches!(behind.as_str(), "at" | "from" | "in" | "on" | "of") && listed(at + 2);
    if listed(at + 1) || placed || (whose && tape.raw_kind(at + 1) == Some(&Kind::Word)) {
        tape.take(at);
        return;
    }
    let article = List::UnknownArticle.has(&behind);
    let item_before = found.all.last().filter(|item| item.at + item.length == at);
    let listed_verb = found.all.last().is_some_and(Item::is_verb)
        && (matches!(tape.before(at, 1), "and" | "or" | "nor") || tape.is_mark(at.wrapping_sub(1)));
    let opens = tape.begins(at) || List::UnknownLead.has(tape.before(at, 1));
    let gerund = word.len() > 5 && word.ends_with("ing") && !is(Group::Nounlike, &word);
    let noun_follows = object_behind(tape, at) || is_plain_noun(tape, at + 1);
    let predicate = List::SeemsLead.has(tape.before(at, 1));
    // `off-brand`, `turbulent times`
    let seems =
        matches!(tape.before(at, 2), "is" | "are" | "look" | "looks" | "be") && List::SeemsPart.has(tape.before(at, 1));
    let manner = List::Manner.has(&behind);
    let beside = seems
        || manner
        || matches!(tape.before(at, 1), "or" | "and")
            && found.unresolved.last().is_some_and(|(before, _)| before + 2 == at);
    let passive = matches!(tape.before(at, 1), "be" | "been" | "being" | "get" | "gets");
    // `don't cancel, chase or move a referral`
    let amid = listed_verb && tape.is_mark(at.wrapping_sub(1)) && !word.ends_with('s') && goes_on(tape, at);
    let role = if (predicate || beside) && !is(Group::Nounlike, &word) {
        None
    } else if gerund && item_before.is_none_or(Item::is_verb) && (opens || listed_verb) {
        Some(Role::Done(bases_of(&word, "ing")))
    } else if amid && !gerund && !word.ends_with("ed")
        || (article && opens)
        || (listed_verb
            && (article
                || (noun_follows && matches!(tape.before(at, 1), "or" | "and" | "nor")) && !word.ends_with('s')))
    {
        Some(Role::Done(vec![word.clone()]))
    } else if word.len() > 4
        && word.ends_with("ed")
        && (tape.begins(at) || passive || item_before.is_some_and(|item| !item.is_verb()) || listed_verb)
    {
        Some(Role::Done(bases_of(&word, "ed")))
    } else if is_adverb(&word) || is_adjective(&word) || (word.ends_with("ed") && word.len() > 4) {
        None
    } else {
        Some(Role::Word(singular(word.clone())))
    };
    match role {
        Some(role) => found.all.push(Item { at, length: 1, role, word: singular(word) }),
        None => {
            found.unresolved.push((at, tape.raw(at).to_owned()));
            tape.take(at);
        }
    }
}

fn is_plain_noun(tape: &Tape, at: usize) -> bool {
    is_unknown(tape, at) && !is_adjective(tape.word(at)) && !is_adverb(tape.word(at))
}

fn is_adverb(word: &str) -> bool {
    word.ends_with("ly") && !is(Group::Nounlike, word)
}

/// Whether a word has the ending of one that says how something seems.
pub(super) fn is_adjective(word: &str) -> bool {
    const ENDINGS: &[&str] = &["ous", "ful", "less", "ish", "est", "some", "ibly", "ably"];
    const NOUNS_IN_Y: &[&str] = &["ity", "ety", "ry", "cy", "gy", "phy", "omy", "ay", "ey", "oy", "uy", "ty"];
    if is(Group::Nounlike, word) || word.len() < 4 {
        return false;
    }
    ENDINGS.iter().any(|end| word.ends_with(end))
        || (word.ends_with('y') && !NOUNS_IN_Y.iter().any(|end| word.ends_with(end)))
}

/// What the base of `flushing` or `comped` may be.
pub(super) fn bases_of(word: &str, ending: &str) -> Vec<String> {
    let Some(stem) = word.strip_suffix(ending) else { return vec![word.to_owned()] };
    let mut bases = vec![stem.to_owned(), format!("{stem}e")];
    let mut last = stem.chars().rev();
    if let (Some(a), Some(b)) = (last.next(), last.next())
        && a == b
        && let Some(short) = stem.strip_suffix(a)
    {
        bases.push(short.to_owned());
    }
    if let Some(short) = stem.strip_suffix('i') {
        bases.push(format!("{short}y"));
    }
    bases
}

/// The singular of a word that the lexicon lacks, as far as its ending tells.
#[must_use]
pub fn singular(word: String) -> String {
    if word.len() < 4 || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for end in ["ches", "shes", "xes", "sses", "zes"] {
        if word.ends_with(end) {
            return word.strip_suffix("es").map(str::to_owned).unwrap_or(word);
        }
    }
    if word == "e_mail" || word == "e_mails" {
        return "email".to_owned();
    }
    word.strip_suffix('s').map(str::to_owned).unwrap_or(word)
}
