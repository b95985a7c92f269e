//! The words of a part that say what is done and to what: those of the lexicon, and others by where they stand.

use super::{
    tape::Tape,
    token::Kind,
    words::{Group, is, is_known},
};
use crate::policy::{
    deed::pure_deeds,
    lexicon::{Entry, Form, Reading, lexicon, read_word},
    mentions,
};

/// What a word is in its sentence.
#[derive(Debug, Clone)]
pub enum Role {
    /// A doing of the lexicon.
    Verb(Reading),
    /// A thing, or a noun of doing, of the lexicon.
    Noun(Reading),
    /// A doing that the lexicon lacks, in what may be its base form.
    Done(Vec<String>),
    /// A noun that the lexicon lacks, in the singular.
    Word(String),
}

/// A word or phrase.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it begins.
    pub at: usize,
    /// How many tokens it has.
    pub length: usize,
    /// What it is.
    pub role: Role,
    /// The word itself, the words of a phrase joined by `_`.
    pub word: String,
}

impl Item {
    /// Whether it says what is done.
    pub const fn is_verb(&self) -> bool {
        matches!(self.role, Role::Verb(_) | Role::Done(_))
    }
}

/// What the words of a part are.
#[derive(Debug, Default)]
pub struct Items {
    /// What is done and to what.
    pub all: Vec<Item>,
    /// How things are, where systems keep it.
    pub states: Vec<(usize, String)>,
    /// Words that only somebody's judgement could place.
    pub unresolved: Vec<(usize, String)>,
}

/// Finds them, and takes what says nothing by itself.
pub fn items(tape: &mut Tape) -> Items {
    let mut found = Items::default();
    let mut at = 0;
    while at < tape.len() {
        if tape.kind(at) != Some(&Kind::Word) {
            at += 1;
            continue;
        }
        if matches!(tape.word(at), "list" | "lists")
            && found.all.last().is_some_and(|item| !item.is_verb() && item.at + item.length == at)
        {
            // `price lists` are prices.
            tape.take(at);
            at += 1;
            continue;
        }
        if let Some((reading, particle)) = phrasal(tape, at) {
            // `turning alerts off`
            tape.take(particle);
            found.all.push(Item { at, length: 1, role: Role::Verb(reading), word: tape.word(at).to_owned() });
            at += 1;
            continue;
        }
        let whose = tape.raw(at).ends_with("'s") || tape.raw(at).ends_with("s'");
        if whose && at + 1 < tape.len() && tape.is_taken(at + 1) {
            // `a customer's card number`
            tape.take(at);
            at += 1;
            continue;
        }
        if let Some((length, reading)) = of_lexicon(tape, at) {
            let word = singular(tape.phrase(at, length).unwrap_or_default());
            if let Some(done) = gerund(tape, &found.all, at, length, reading) {
                found.all.push(Item { at, length, role: Role::Verb(done), word });
            } else if reading.form == Form::Plural
                && reading.entry.names.is_empty()
                && !object_behind(tape, at)
                && !third_person(tape, at)
            {
                // `top-ups`: doings, as a noun.
                let names = reading.entry.does;
                let noun = Reading { entry: Entry { names, ..reading.entry }, ..reading };
                found.all.push(Item { at, length, role: Role::Noun(noun), word });
            } else if is_verb(tape, &found.all, at, length, reading) {
                found.all.push(Item { at, length, role: Role::Verb(reading), word });
            } else if !reading.entry.names.is_empty() && reading.form != Form::Past {
                found.all.push(Item { at, length, role: Role::Noun(reading), word });
            } else {
                // `deleted items`: which items, not what is done.
                tape.take_all(at..at + length);
            }
            at += length;
            continue;
        }
        if let Some((length, state)) = state(tape, at) {
            tape.take_all(at..at + length);
            found.states.push((at, state));
            at += length;
            continue;
        }
        if tape.is(at, Group::Vague) && !tape.is(at, Group::Small) {
            found.unresolved.push((at, tape.raw(at).to_owned()));
            tape.take(at);
        } else if is_unknown(tape, at) {
            unknown(tape, at, &mut found);
        }
        at += 1;
    }
    found
}

/// A verb whose particle stands behind its object: `turn alerts off`, `take the site down`.
fn phrasal(tape: &Tape, at: usize) -> Option<(Reading, usize)> {
    let word = tape.word(at);
    let starts = matches!(
        word,
        "turn"
            | "turns"
            | "turning"
            | "turned"
            | "switch"
            | "switches"
            | "switching"
            | "switched"
            | "take"
            | "takes"
            | "taking"
            | "shut"
            | "shuts"
            | "shutting"
            | "tear"
            | "tearing"
            | "set"
            | "setting"
            | "roll"
            | "rolling"
            | "write"
            | "writing"
            | "pay"
            | "paying"
            | "send"
            | "sending"
            | "hand"
            | "handing"
            | "throw"
            | "throwing"
    );
    if !starts {
        return None;
    }
    let end = (at + 2..at + 5).find(|at| tape.is_taken(*at) || tape.is_mark(*at)).unwrap_or(at + 5);
    let particle = (at + 2..end)
        .find(|at| matches!(tape.word(*at), "off" | "on" | "down" | "up" | "out" | "back" | "over" | "away"))?;
    if tape.word(particle) == "on" && tape.kind(particle + 1).is_some() && !tape.is_mark(particle + 1) {
        return None;
    }
    let reading = read_word(&format!("{word}_{}", tape.word(particle)))?;
    (!reading.entry.does.is_empty()).then_some((reading, particle))
}

/// The longest phrase here that the lexicon lists.
fn of_lexicon(tape: &Tape, at: usize) -> Option<(usize, Reading)> {
    (1..=lexicon().longest).rev().find_map(|length| {
        let phrase = tape.phrase(at, length)?;
        // A lone word without meaning of its own stays one; in a phrase it may have one.
        let small = length == 1 && says_nothing(tape, at, &phrase);
        let reading = if small { None } else { read_word(&phrase) }?;
        Some((length, reading))
    })
}

fn says_nothing(tape: &Tape, at: usize, word: &str) -> bool {
    let opens = tape.begins(at);
    if tape.raw_is(at, Group::Vague) {
        return true;
    }
    if is_product(tape, at) {
        return true;
    }
    if word.starts_with("domain") && tape.any_kind(|kind| matches!(kind, Kind::Domain)) {
        return true;
    }
    // Actors and ways of calling are things as well: `restart the system`, `case`.
    if tape.raw_is(at, Group::Actors) {
        return true;
    }
    let sql = |at: usize| {
        matches!(
            tape.raw(at),
            "SELECT"
                | "INSERT"
                | "UPDATE"
                | "DELETE"
                | "DROP"
                | "ALTER"
                | "TRUNCATE"
                | "GRANT"
                | "REVOKE"
                | "MERGE"
                | "CREATE"
        )
    };
    if matches!(word, "query" | "queries") && (1..=4).filter_map(|back| at.checked_sub(back)).any(sql) {
        return true;
    }
    if matches!(word, "anything" | "everything" | "whatever" | "something" | "nothing") {
        return false;
    }
    if tape.raw_is(at, Group::Small) {
        let used = matches!(
            word,
            "running"
                | "run"
                | "runs"
                | "make"
                | "making"
                | "set"
                | "setting"
                | "keep"
                | "start"
                | "starting"
                | "end"
                | "ending"
                | "call"
                | "place"
                | "bring"
                | "cost"
                | "amount"
                | "look"
                | "contain"
                | "time"
                | "price"
                | "job"
                | "listed"
                | "include"
                | "touch"
                | "request"
        );
        let verb = opens || matches!(tape.before(at, 1), "to" | "or" | "and" | "not");
        // `ending a lease`, `to run scripts`: with an object behind they do something.
        return !(used && verb && object_behind(tape, at) && !matches!(word, "contain" | "include" | "look" | "cost"));
    }
    if tape.raw_is(at, Group::Calling) && matches!(word, "issue" | "issued") {
        if matches!(tape.before(at, 1), "a" | "an" | "the" | "any" | "each" | "every" | "of") {
            return false;
        }
        return !(opens && object_behind(tape, at));
    }
    if tape.raw_is(at, Group::Calling) {
        return !matches!(
            word,
            "case"
                | "cases"
                | "call"
                | "calls"
                | "calling"
                | "item"
                | "items"
                | "job"
                | "jobs"
                | "issue"
                | "issued"
                | "record"
                | "records"
                | "request"
                | "entry"
                | "entries"
                | "data"
                | "information"
                | "details"
                | "invoke"
                | "action"
                | "actions"
                | "step"
                | "command"
                | "commands"
                | "object"
                | "objects"
        );
    }
    false
}

/// `Teams` is a product where `teams` are groups of people.
fn is_product(tape: &Tape, at: usize) -> bool {
    tape.proper(at) && (tape.raw_is(at, Group::Services) || tape.raw_is(at, Group::Products))
}

/// A state of a field that systems keep: `urgent`, `publicly`.
fn state(tape: &Tape, at: usize) -> Option<(usize, String)> {
    let small = |at: usize| tape.raw_is(at, Group::Small) || tape.raw_is(at, Group::Calling);
    [2, 1].into_iter().find_map(|length| {
        let phrase = tape.phrase(at, length)?;
        (length > 1 || !small(at)).then(|| mentions::state(&phrase)).flatten().map(|state| (length, state))
    })
}

fn is_unknown(tape: &Tape, at: usize) -> bool {
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
fn unknown(tape: &mut Tape, at: usize, found: &mut Items) {
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
    let article = matches!(
        behind.as_str(),
        "a" | "an" | "the" | "any" | "our" | "all" | "their" | "your" | "its" | "more" | "every" | "each"
    );
    let item_before = found.all.last().filter(|item| item.at + item.length == at);
    let listed_verb = found.all.last().is_some_and(Item::is_verb)
        && (matches!(tape.before(at, 1), "and" | "or" | "nor") || tape.is_mark(at.wrapping_sub(1)));
    let opens = tape.begins(at)
        || matches!(
            tape.before(at, 1),
            "to" | "and" | "or" | "nor" | "before" | "from" | "of" | "for" | "without" | "not" | "by"
        );
    let gerund = word.len() > 5 && word.ends_with("ing") && !is(Group::Nounlike, &word);
    let noun_follows = object_behind(tape, at) || is_plain_noun(tape, at + 1);
    let predicate = matches!(
        tape.before(at, 1),
        "look"
            | "looks"
            | "seem"
            | "seems"
            | "feel"
            | "feels"
            | "sound"
            | "sounds"
            | "appear"
            | "appears"
            | "is"
            | "are"
            | "too"
            | "very"
            | "so"
            | "really"
            | "quite"
    );
    // `off-brand`, `turbulent times`
    let seems = matches!(tape.before(at, 2), "is" | "are" | "look" | "looks" | "be")
        && matches!(tape.before(at, 1), "off" | "on" | "too" | "very" | "not" | "well" | "ill" | "under" | "over");
    let manner = matches!(
        behind.as_str(),
        "times" | "time" | "way" | "ways" | "manner" | "reasons" | "reason" | "nature" | "kind" | "sort"
    );
    let beside = seems
        || manner
        || matches!(tape.before(at, 1), "or" | "and")
            && found.unresolved.last().is_some_and(|(before, _)| before + 2 == at);
    let passive = matches!(tape.before(at, 1), "be" | "been" | "being" | "get" | "gets");
    let role = if (predicate || beside) && !is(Group::Nounlike, &word) {
        None
    } else if gerund && item_before.is_none_or(Item::is_verb) && (opens || listed_verb) {
        Some(Role::Done(bases_of(&word, "ing")))
    } else if (article && opens)
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
    } else if is_adverb(&word) || is_adjective(&word) {
        None
    } else if word.ends_with("ed") && word.len() > 4 {
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

/// `viewing tenancies`, where the lexicon lists `viewing` as a thing.
fn gerund(tape: &Tape, items: &[Item], at: usize, length: usize, reading: Reading) -> Option<Reading> {
    let word = tape.raw_word(at);
    let stem = word.strip_suffix("ing").filter(|_| length == 1 && reading.entry.does.is_empty())?;
    let listed = items.last().is_some_and(Item::is_verb) && matches!(tape.before(at, 1), "and" | "or" | "nor");
    let leads =
        tape.begins(at) || listed || matches!(tape.before(at, 1), "to" | "before" | "from" | "of" | "for" | "without");
    if !leads || !(object_behind(tape, at) || listed) {
        return None;
    }
    let found = read_word(stem).or_else(|| read_word(&format!("{stem}e")))?;
    (!found.entry.does.is_empty()).then_some(Reading { form: Form::Gerund, ..found })
}

fn is_plain_noun(tape: &Tape, at: usize) -> bool {
    is_unknown(tape, at) && !is_adjective(tape.word(at)) && !is_adverb(tape.word(at))
}

fn is_adverb(word: &str) -> bool {
    word.ends_with("ly") && !is(Group::Nounlike, word)
}

/// Whether a word has the ending of one that says how something seems.
fn is_adjective(word: &str) -> bool {
    const ENDINGS: &[&str] = &["ous", "ful", "less", "ish", "est", "some", "ibly", "ably"];
    const NOUNS_IN_Y: &[&str] = &["ity", "ety", "ry", "cy", "gy", "phy", "omy", "ay", "ey", "oy", "uy", "ty"];
    if is(Group::Nounlike, word) || word.len() < 4 {
        return false;
    }
    ENDINGS.iter().any(|end| word.ends_with(end))
        || (word.ends_with('y') && !NOUNS_IN_Y.iter().any(|end| word.ends_with(end)))
}

/// What the base of `flushing` or `comped` may be.
fn bases_of(word: &str, ending: &str) -> Vec<String> {
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
fn singular(word: String) -> String {
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

/// Whether a verb stands behind `or` here: `edit or delete records`.
fn listed_first(tape: &Tape, at: usize) -> bool {
    matches!(tape.raw_word(at), "or" | "and")
        && read_word(tape.raw_word(at + 1)).is_some_and(|other| {
            !other.entry.does.is_empty() && other.entry.names.is_empty() && other.form == Form::Base
        })
}

fn is_verb(tape: &Tape, items: &[Item], at: usize, length: usize, reading: Reading) -> bool {
    let before = behind(tape, at, 1);
    let earlier = behind(tape, at, 2);
    let after_noun = items.last().is_some_and(|item| !item.is_verb() && item.at + item.length == at);
    let after_verb = items.last().is_some_and(|item| item.is_verb() && item.at + item.length + 2 >= at);
    let passive = |word: &str| {
        matches!(word, "be" | "been" | "being" | "is" | "are" | "was" | "were" | "get" | "gets" | "getting")
    };
    if reading.entry.does.is_empty() {
        return false;
    }
    let only_does = reading.entry.names.is_empty();
    let next = tape.raw_word(at + length);
    let article = matches!(
        next,
        "a" | "an"
            | "the"
            | "any"
            | "our"
            | "all"
            | "their"
            | "your"
            | "its"
            | "every"
            | "each"
            | "anyone"
            | "anybody"
            | "someone"
            | "somebody"
            | "everyone"
            | "everybody"
            | "them"
            | "it"
            | "this"
            | "that"
            | "these"
            | "those"
            | "anything"
            | "everything"
            | "something"
            | "people"
            | "new"
            | "more"
    );
    // `claim payouts need …` begins with a noun, `never claim …` with a verb.
    let first = at == 0 && (tape.is_led() || article || listed_first(tape, at + length));
    let led = first
        || matches!(
            before,
            "to" | "not"
                | "never"
                | "before"
                | "without"
                | "must"
                | "may"
                | "can"
                | "could"
                | "should"
                | "shall"
                | "will"
                | "would"
                | "please"
                | "agent"
                | "agents"
                | "assistant"
                | "bot"
                | "bots"
                | "that"
                | "which"
                | "who"
                | "you"
                | "we"
                | "i"
                | "they"
                | "it"
                | "anyone"
                | "someone"
                | "neither"
        )
        || (after_verb && matches!(before, "and" | "or" | "," | "nor"));
    // `to refunds`: a noun behind a preposition is no verb.
    let opens = at == 0 && tape.len() > 1 || (at > 0 && tape.is_mark(at - 1) && !after_noun);
    let object_follows = object_behind(tape, at + length - 1) || article;
    // `change or stop them`
    let listed = matches!(next, "or" | "and" | "nor") || tape.is_mark(at + length) && !tape.is_gap(at + length);
    let verb_listed = listed
        && read_word(tape.raw_word(at + length + 1)).is_some_and(|other| {
            !other.entry.does.is_empty()
                && other.form == Form::Base
                && (other.entry.names.is_empty() || object_behind(tape, at + length + 1))
        });
    match reading.form {
        Form::Gerund => true,
        Form::Base if only_does => true,
        // `hiring, firing and …`
        Form::Base
            if at == 0
                && tape.raw_word(at).ends_with("ing")
                && matches!(behind(tape, at + 2, 1), "," | "and" | "or") =>
        {
            true
        }
        Form::Base => led || (opens && (verb_listed || (object_follows && (at > 0 || !tape.is_asked())))),
        Form::Plural => only_does || (before != "of" && third_person(tape, at)) || (opens && article),
        Form::Past => {
            passive(before)
                || passive(earlier)
                || after_noun
                || done_to(tape, at)
                || (after_verb && matches!(before, "and" | "or" | "nor" | ","))
                || (at == 0 && !object_follows)
        }
    }
}

/// Whether only small words stand between a place and words that refuse: `… can't be | made or withdrawn`.
fn done_to(tape: &Tape, at: usize) -> bool {
    let back = (0..at).rev().take(4).find(|at| !tape.raw_is(*at, Group::Small));
    back.is_some_and(|back| tape.is_gap(back))
}

/// Whether a thing stands right behind, so that the word before it may be its verb.
fn object_behind(tape: &Tape, at: usize) -> bool {
    for place in at + 1..at + 5 {
        let word = tape.raw_word(place);
        if matches!(
            word,
            "" | "to"
                | "over"
                | "above"
                | "of"
                | "for"
                | "from"
                | "with"
                | "in"
                | "on"
                | "and"
                | "or"
                | "by"
                | "if"
                | "when"
                | "is"
                | "are"
        ) {
            return false;
        }
        let found = (1..=3).rev().find_map(|length| tape.phrase(place, length).and_then(|phrase| read_word(&phrase)));
        if let Some(reading) = found.filter(|reading| !reading.entry.names.is_empty()) {
            // `file deletions`: the doing comes last.
            return !reading.entry.names.without(pure_deeds()).is_empty();
        }
        if is_unknown(tape, place) && !is_adjective(word) {
            return true;
        }
    }
    false
}

/// The word so many places before; a comma for every mark.
fn behind(tape: &Tape, at: usize, back: usize) -> &str {
    let Some(at) = at.checked_sub(back) else { return "" };
    if tape.is_mark(at) { "," } else { tape.raw_word(at) }
}

/// `when the agent deletes files`, `the bot emails customers`.
fn third_person(tape: &Tape, at: usize) -> bool {
    let before = tape.before(at, 1);
    matches!(
        before,
        "agent"
            | "bot"
            | "assistant"
            | "it"
            | "someone"
            | "anyone"
            | "model"
            | "ai"
            | "who"
            | "that"
            | "which"
            | "anybody"
            | "somebody"
    ) || before.ends_with("-agent")
        || before.ends_with("-bot")
}
