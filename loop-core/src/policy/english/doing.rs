//! What is done to what: words of the lexicon in a piece of a text, as deeds.
//!
//! A piece is read as phrases: verbs, and runs of nouns with whatever stands before them. The last noun of a run is
//! its head; the word before the run says how it belongs to the doing.

use super::{
    clause::{Clause, Words},
    token::Kind,
    words::{is, is_known},
};
use crate::policy::{
    condition::{Condition, Deed},
    deed::pure_deeds,
    lexicon::{Concepts, Form, Reading, lexicon, read_word},
    mentions,
};

/// `with an attachment`, where the words before it say so.
pub fn attachment(words: &mut Words, items: &[Item]) -> Option<Condition> {
    let about = Concepts::named(&["attachment"]);
    let found = items.iter().find(|item| item.reading.entry.names.meets(about))?;
    let before = (1..=3).filter_map(|back| found.at.checked_sub(back)).any(|at| {
        matches!(
            words.raw_word(at),
            "has"
                | "have"
                | "with"
                | "having"
                | "contains"
                | "carry"
                | "carries"
                | "include"
                | "includes"
                | "including"
        )
    });
    before.then_some(Condition::Attachment)
}

/// A word or phrase of the lexicon.
pub struct Item {
    /// Where it begins.
    pub at: usize,
    /// How many tokens it has.
    pub length: usize,
    /// What the lexicon says of it.
    pub reading: Reading,
    /// It is used as a verb.
    pub verb: bool,
}

/// Finds the words of the lexicon, without taking them.
pub fn items(words: &mut Words) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let found = (1..=lexicon().longest).rev().find_map(|length| {
            let phrase = words.phrase(at, length)?;
            if length == 1
                && matches!(phrase.as_str(), "run" | "runs" | "running" | "planned" | "scheduled")
                && (is("over", words.word(at + 1)) || words.word(at + 1) == "to")
            {
                // `runs longer than …`, `planned to last …`
                return None;
            }
            // A lone word without meaning of its own stays one; in a phrase it may have one.
            let small = length == 1
                && (is("filler", &phrase)
                    || is("vague", &phrase)
                    || matches!(phrase.as_str(), "permitted" | "allowed" | "accepted")
                    || (matches!(phrase.as_str(), "leave" | "leaves" | "leaving") && at > 0)
                    || (phrase.starts_with("domain") && words.any_kind(&|kind| matches!(kind, Kind::Domain)))
                    || (is("guard", &phrase) && !done_by_guard(words, at))
                    || product(words, at));
            let reading = if small { None } else { read_word(&phrase) }?;
            Some((length, reading))
        });
        let Some((length, reading)) = found else {
            at += 1;
            continue;
        };
        if is_verb(words, &items, at, length, reading) {
            items.push(Item { at, length, reading, verb: true });
        } else if !reading.entry.names.is_empty() && reading.form != Form::Past {
            items.push(Item { at, length, reading, verb: false });
        } else {
            // `deleted items`: which items, not what is done.
            (at..at + length).for_each(|at| drop(words.take(at)));
        }
        at += length;
    }
    items
}

/// `Teams` is a product where `teams` are groups of people.
fn product(words: &Words, at: usize) -> bool {
    words.proper(at) && is("services", words.word(at))
}

/// Whether a word that mostly asks or refuses is itself what is done: `may not sign contracts`, `approving expenses`.
fn done_by_guard(words: &Words, at: usize) -> bool {
    let Some(reading) = read_word(words.word(at)) else { return false };
    let before = behind(words, at, 1);
    let earlier = behind(words, at, 2);
    let object = object_behind(words, at);
    let led = match reading.form {
        Form::Gerund => true,
        Form::Base => {
            matches!(before, "not" | "never" | "may" | "can" | "cannot")
                || (matches!(before, "or" | "and" | ",")
                    && read_word(earlier).is_some_and(|r| !r.entry.does.is_empty()))
        }
        _ => false,
    };
    !reading.entry.does.is_empty() && led && object && !matches!(words.word(at), "asking" | "requiring" | "check")
}

fn is_verb(words: &Words, items: &[Item], at: usize, length: usize, reading: Reading) -> bool {
    let before = behind(words, at, 1);
    let earlier = behind(words, at, 2);
    let after_noun = items.last().is_some_and(|item| !item.verb && item.at + item.length == at);
    let after_verb = items.last().is_some_and(|item| item.verb && item.at + item.length + 2 >= at);
    let passive = |word: &str| {
        matches!(word, "be" | "been" | "being" | "is" | "are" | "was" | "were" | "get" | "gets" | "getting")
    };
    if reading.entry.does.is_empty() {
        return false;
    }
    let only_does = reading.entry.names.is_empty();
    let led = matches!(
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
            | "that"
            | "which"
            | "who"
            | "you"
            | "we"
            | "i"
            | "they"
            | "it"
    ) || (after_verb && matches!(before, "and" | "or" | ","));
    // `to refunds`: a noun behind a preposition is no verb.
    let opens = at == 0 && words.len() > 1;
    let object_follows = object_behind(words, at + length - 1);
    match reading.form {
        Form::Gerund => true,
        Form::Base if only_does => true,
        // `hiring, firing and …`
        Form::Base
            if at == 0
                && words.raw_word(at).ends_with("ing")
                && matches!(behind(words, at + 2, 1), "," | "and" | "or") =>
        {
            true
        }
        Form::Base => led || (opens && object_follows && reading.form == Form::Base && !is("short", words.word(at))),
        Form::Plural => only_does || (words.raw_word(at.wrapping_sub(1)) != "of" && third_person(words, at)),
        Form::Past => {
            passive(before) || passive(earlier) || after_noun || (after_verb && matches!(before, "and" | "or"))
        }
    }
}

/// Whether a thing stands right behind, so that the word before it may be its verb.
fn object_behind(words: &Words, at: usize) -> bool {
    let stops = |word: &str| {
        matches!(
            word,
            "" | "to" | "over" | "above" | "of" | "for" | "from" | "with" | "in" | "on" | "and" | "or" | "by"
        ) || is("asking", word)
            || is("guard", word)
    };
    for place in at + 1..at + 5 {
        if stops(words.raw_word(place)) {
            return false;
        }
        let found = (1..=3).rev().find_map(|length| words.phrase(place, length).and_then(|phrase| read_word(&phrase)));
        if let Some(reading) = found.filter(|reading| !reading.entry.names.is_empty()) {
            // `file deletions`: the doing comes last.
            return !reading.entry.names.without(pure_deeds()).is_empty();
        }
    }
    false
}

/// The word so many places before; a comma for every mark.
fn behind(words: &Words, at: usize, back: usize) -> &str {
    let Some(at) = at.checked_sub(back) else { return "" };
    if matches!(words.raw_kind(at), Some(Kind::Mark(_))) { "," } else { words.raw_word(at) }
}

/// `when the agent deletes files`, `the bot emails customers`.
fn third_person(words: &Words, at: usize) -> bool {
    let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
    matches!(before, "agent" | "bot" | "assistant" | "it" | "someone" | "anyone" | "model" | "ai" | "who" | "that")
        || before.ends_with("-agent")
        || before.ends_with("-bot")
}

/// How a run of nouns belongs to the doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It is what it is done to.
    Object,
    /// `of`: it says more of the noun before.
    Of,
    /// `to`, `for`, `from`, `with`: the other side.
    Side,
    /// `in`, `on`, `via`: where.
    Where,
}

/// A run of nouns.
#[derive(Debug, Clone)]
struct Run {
    link: Link,
    /// The head and what counts as much as it.
    head: Concepts,
    /// Nouns before the head.
    before: Concepts,
    /// A head that the lexicon lacks.
    word: Option<String>,
    /// Nouns before the head that the lexicon lacks.
    also: Vec<String>,
    /// It stands in a list with the run before it.
    listed: bool,
}

/// One doing with its objects.
#[derive(Debug, Default, Clone)]
struct Segment {
    verbs: Concepts,
    said: bool,
    /// `… may not be made`
    made: bool,
    runs: Vec<Run>,
}

/// What is done to what.
#[derive(Debug, Default)]
pub struct Doing {
    /// One of these is done.
    pub deeds: Vec<Deed>,
    /// One of these is done, where the lexicon lacks a word for the thing.
    pub spoken: Vec<Condition>,
    /// Conditions from words that say more of a thing: `gift card`, `urgent`.
    pub more: Vec<Condition>,
    /// Words that may be things of any kind: what is done does not tell.
    pub unplaced: Vec<String>,
    /// Whether several things stand beside each other.
    pub coordinated: bool,
}

/// Concepts that this module speaks of.
struct Known {
    told: Concepts,
    money: Concepts,
    ware: Concepts,
    persons: Concepts,
    admin: Concepts,
    granting: Concepts,
    containers: Concepts,
    naming: Concepts,
    changing: Concepts,
    void: Concepts,
    delete: Concepts,
    thinglike: Concepts,
    sharing: Concepts,
    files: Concepts,
    moving: Concepts,
    funds: Concepts,
    transfer: Concepts,
}

fn known() -> &'static Known {
    static KNOWN: std::sync::LazyLock<Known> = std::sync::LazyLock::new(|| Known {
        told: Concepts::named(&["send", "message", "post", "email", "sms", "share", "call", "comment"]).with_children(),
        money: Concepts::named(&["pay", "transfer", "refund", "charge"]),
        ware: Concepts::named(&["buy", "booking", "sell", "trade", "invest", "spend"]),
        persons: Concepts::named(&[
            "customer",
            "user",
            "employee",
            "patient",
            "contact",
            "supplier",
            "candidate",
            "student",
            "bank_account",
            "payment_method",
            "funds",
            "account",
            "invoice",
            "buy",
            "team",
            "product",
            "record",
        ]),
        admin: Concepts::named(&["admin", "role"]),
        granting: Concepts::named(&["grant", "create", "update", "assign", "invite"]),
        containers: Concepts::named(&[
            "ticket",
            "channel",
            "page",
            "project",
            "pull_request",
            "todo",
            "deal",
            "document",
            "event",
            "message",
            "repository",
        ]),
        naming: Concepts::named(&["write"]).with_children().with(Concepts::named(&[
            "read", "export", "download", "upload", "archive", "share", "merge", "close", "approve", "reject",
        ])),
        changing: Concepts::named(&["write"]).with_children().with(Concepts::named(&["read", "export", "upload"])),
        void: Concepts::named(&["void"]),
        delete: Concepts::named(&["delete"]),
        sharing: Concepts::named(&["share"]),
        files: Concepts::named(&["file"]).with_children(),
        moving: Concepts::named(&["move"]),
        funds: Concepts::named(&["funds"]),
        transfer: Concepts::named(&["transfer"]),
        thinglike: Concepts::named(&["invoice", "subscription", "claim", "prescription", "booking", "credit_note"]),
    });
    &KNOWN
}

/// What is done to what, whether several things stand beside each other. Takes words it places.
pub fn deeds(words: &mut Words, items: &[Item], before: Option<&Clause>) -> Doing {
    let mut more = Vec::new();
    let (mut segments, coordinated) = segments(words, items, &mut more);
    let mut doing = Doing { coordinated, more, ..Doing::default() };
    if words.any_raw(|word| is("destructive", word)) {
        match segments.first_mut() {
            Some(first) => first.verbs = first.verbs.with(known().delete),
            None => segments.push(Segment { verbs: known().delete, ..Segment::default() }),
        }
    }
    let refers = words.any_raw(|word| matches!(word, "them" | "it" | "they" | "those" | "these" | "one" | "ones"));
    for at in 0..segments.len() {
        let Some(mut segment) = segments.get(at).cloned() else { continue };
        segment.made = words.any_raw(|word| matches!(word, "made" | "issued" | "given" | "placed" | "done" | "make"));
        let earlier = at.checked_sub(1).and_then(|at| segments.get(at));
        if segment.runs.is_empty()
            && let Some(earlier) = earlier
        {
            segment.runs.clone_from(&earlier.runs);
        }
        let inherited = before.filter(|_| segment.runs.is_empty() && (refers || !segment.verbs.is_empty()));
        read_segment(&segment, inherited, coordinated, &mut doing);
    }
    let mut unique: Vec<Deed> = Vec::new();
    for deed in std::mem::take(&mut doing.deeds) {
        if !unique.contains(&deed) {
            unique.push(deed);
        }
    }
    doing.deeds = unique;
    doing
}

/// Cuts items and unknown nouns into doings with their runs of nouns.
fn segments(words: &mut Words, items: &[Item], more: &mut Vec<Condition>) -> (Vec<Segment>, bool) {
    let mut segments: Vec<Segment> = vec![Segment::default()];
    let mut coordinated = false;
    let mut run: Option<Run> = None;
    let mut next = items.iter().peekable();
    let mut at = 0;
    let mut link = Link::Object;
    let mut listed = false;
    let flush = |run: &mut Option<Run>, segments: &mut Vec<Segment>| {
        if let (Some(run), Some(segment)) = (run.take(), segments.last_mut()) {
            segment.runs.push(run);
        }
    };
    while at < words.len() {
        while next.peek().is_some_and(|item| item.at < at) {
            next.next();
        }
        let item = next.peek().filter(|item| item.at == at).copied();
        if let Some(item) = item {
            let entry = item.reading.entry;
            if item.verb {
                flush(&mut run, &mut segments);
                let new = segments.last().is_some_and(|segment| {
                    !segment.verbs.is_empty() && segment.runs.iter().any(|run| run.link == Link::Object)
                });
                if new {
                    segments.push(Segment::default());
                }
                if let Some(segment) = segments.last_mut() {
                    segment.verbs = segment.verbs.with(entry.does);
                    segment.said = true;
                }
                (link, listed) = (Link::Object, false);
            } else {
                match &mut run {
                    Some(run) => run.extend(entry.names),
                    None => run = Some(Run::new(link, entry.names, listed)),
                }
            }
            at += item.length;
            continue;
        }
        let word = words.raw_word(at).to_owned();
        let free = words.kind(at) == Some(&Kind::Word);
        if free && unknown_noun(words, at) {
            if let Some(state) = mentions::state(&word) {
                words.take(at);
                more.push(Condition::State(vec![state]));
            } else if nounlike(&word) && matches!(link, Link::Object | Link::Of) && noun_place(words, at, items) {
                words.take(at);
                match &mut run {
                    Some(run) => run.extend_word(word),
                    None => run = Some(Run::of_word(link, word, listed)),
                }
            }
            at += 1;
            continue;
        }
        match word.as_str() {
            // `customer's`, articles and the like stand within a run or before it.
            "a" | "an" | "the" | "any" | "all" | "our" | "my" | "your" | "new" | "each" | "every" | "existing"
            | "other" | "own" | "more" | "some" | "single" => {}
            "and" | "or" | "nor" | "," | "also" | "plus" => {
                let had = run.is_some();
                flush(&mut run, &mut segments);
                listed = listed || had;
            }
            "" if matches!(words.raw_kind(at), Some(Kind::Mark(','))) => {
                let had = run.is_some();
                flush(&mut run, &mut segments);
                listed = listed || had;
            }
            "of" => {
                flush(&mut run, &mut segments);
                (link, listed) = (Link::Of, false);
            }
            "to" | "for" | "from" | "with" | "by" | "at" | "against" | "than" | "about" | "outside" | "after"
            | "before" | "during" | "until" => {
                flush(&mut run, &mut segments);
                (link, listed) = (Link::Side, false);
            }
            "in" | "on" | "into" | "onto" | "via" | "through" | "within" | "under" | "using" | "inside" => {
                flush(&mut run, &mut segments);
                (link, listed) = (Link::Where, false);
            }
            "that" | "which" | "who"
                if matches!(
                    words.raw_word(at + 1),
                    "would" | "could" | "might" | "may" | "can" | "will" | "should"
                ) =>
            {
                // What may come of it is not what it is done to.
                flush(&mut run, &mut segments);
                (link, listed) = (Link::Side, false);
            }
            _ => {
                // Anything else ends a run: `refunds that …`.
                flush(&mut run, &mut segments);
                if !matches!(words.raw_kind(at), Some(Kind::Word)) || is("guard", &word) || is("asking", &word) {
                    (link, listed) = (Link::Object, false);
                }
            }
        }
        at += 1;
    }
    flush(&mut run, &mut segments);
    for segment in &segments {
        coordinated |= segment.runs.iter().any(|run| run.listed && run.link == Link::Object);
    }
    segments.retain(|segment| !segment.verbs.is_empty() || !segment.runs.is_empty());
    (segments, coordinated)
}

/// Whether a word that nobody lists may be a noun here.
fn unknown_noun(words: &Words, at: usize) -> bool {
    let word = words.word(at);
    !word.is_empty()
        && (!is_known(word) || (mentions::state(word).is_some() && !is("filler", word) && !is("guard", word)))
        && !words.proper(at)
}

/// Endings of words that say how something is.
const ADJECTIVAL: &[&str] =
    &["ous", "ive", "ful", "less", "able", "ible", "ish", "ly", "ical", "ic", "ed", "ing", "est", "ant", "y", "ual"];
/// Words with such an ending that name things.
const NOUNS: &[&str] = &[
    "inventory",
    "history",
    "story",
    "currency",
    "battery",
    "directory",
    "category",
    "gallery",
    "library",
    "factory",
    "company",
    "property",
    "facility",
    "agency",
    "vacancy",
    "delivery",
    "entity",
    "identity",
    "survey",
    "key",
    "city",
    "country",
    "county",
    "party",
    "story",
    "copy",
    "reply",
    "supply",
    "assembly",
    "laundry",
    "grocery",
    "bakery",
    "jury",
    "melody",
    "playlist",
    "wing",
    "building",
    "listing",
    "ring",
    "drawing",
    "recording",
    "meeting",
    "booking",
    "topic",
    "clinic",
    "metric",
    "fabric",
    "music",
    "plant",
    "tenant",
    "grant",
    "variant",
    "participant",
    "warrant",
    "seed",
    "feed",
    "bed",
    "breed",
    "shed",
    "archive",
    "drive",
    "directive",
    "objective",
    "vegetable",
    "cable",
    "table",
    "variable",
    "vehicle",
    "manual",
    "signal",
    "journal",
    "royalty",
    "warranty",
    "penalty",
    "bounty",
    "loyalty",
    "surgery",
    "biopsy",
    "therapy",
    "pharmacy",
    "pregnancy",
    "allergy",
    "family",
    "baby",
    "body",
    "enemy",
    "ally",
    "dish",
    "fish",
    "polish",
    "anomaly",
    "tally",
    "summary",
    "dictionary",
    "glossary",
    "itinerary",
    "canary",
    "ferry",
    "lorry",
    "trolley",
    "boundary",
    "territory",
    "registry",
    "repository",
    "memory",
    "query",
    "policy",
    "proxy",
    "gateway",
    "essay",
    "holiday",
    "birthday",
    "display",
    "tray",
    "relay",
    "array",
    "toy",
    "lobby",
    "hobby",
    "treaty",
    "monkey",
    "honey",
    "jersey",
    "turkey",
    "chimney",
    "study",
    "remedy",
    "comedy",
    "tragedy",
    "parody",
    "custody",
    "economy",
    "academy",
    "ceremony",
    "testimony",
    "colony",
    "balcony",
    "symphony",
    "warehousing",
    "housing",
    "dwelling",
];

fn nounlike(word: &str) -> bool {
    let single = word
        .strip_suffix("ies")
        .map_or_else(|| word.strip_suffix('s').unwrap_or(word).to_owned(), |stem| format!("{stem}y"));
    let adjectival = ADJECTIVAL.iter().any(|end| single.ends_with(end));
    word.len() > 2
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !is("vague", word)
        && (!adjectival || NOUNS.contains(&single.as_str()))
}

/// Whether a noun would fit here: behind a verb, an article, another noun, in a list, or at the start of the piece.
fn noun_place(words: &Words, at: usize, items: &[Item]) -> bool {
    let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
    let item_before =
        at.checked_sub(1).and_then(|at| items.iter().find(|item| (item.at..item.at + item.length).contains(&at)));
    let item_after = items.iter().any(|item| item.at == at + 1 && !item.verb);
    let opens = at == 0
        || matches!(
            before,
            "a" | "an"
                | "the"
                | "any"
                | "all"
                | "our"
                | "my"
                | "your"
                | "new"
                | "each"
                | "every"
                | "existing"
                | "and"
                | "or"
                | "of"
                | "no"
                | "these"
                | "some"
                | "block"
                | "stop"
                | "forbid"
                | "prevent"
                | "single"
                | "for"
        );
    opens
        || item_before.is_some_and(|item| item.verb || item.at + item.length == at)
        || (item_after && before.is_empty())
}

impl Run {
    const fn new(link: Link, head: Concepts, listed: bool) -> Self {
        Self { link, head, before: Concepts::NONE, word: None, also: Vec::new(), listed }
    }

    const fn of_word(link: Link, word: String, listed: bool) -> Self {
        Self { link, head: Concepts::NONE, before: Concepts::NONE, word: Some(word), also: Vec::new(), listed }
    }

    /// One more noun: it is the head now.
    fn extend(&mut self, names: Concepts) {
        let lexicon = lexicon();
        let role = Concepts::named(&["role"]);
        if names.without(lexicon.generic).is_empty() || (names == role && !self.head.is_empty()) {
            // `customer data`, `admin rights`: says less than whose it is.
            return;
        }
        if names.meets(lexicon.soft) {
            self.head = self.head.with(names);
            return;
        }
        self.also.extend(self.word.take());
        self.before = self.before.with(self.head);
        self.head = names;
    }

    fn extend_word(&mut self, word: String) {
        self.also.extend(self.word.take());
        self.before = self.before.with(self.head);
        self.head = Concepts::NONE;
        self.word = Some(word);
    }
}

fn deed(does: Concepts, things: Concepts) -> Deed {
    Deed::of(does.with_children(), things.with_children())
}

fn read_segment(segment: &Segment, inherited: Option<&Clause>, coordinated: bool, doing: &mut Doing) {
    let lexicon = lexicon();
    let known = known();
    let pure = pure_deeds();
    let mut verbs = segment.verbs;
    let mut said = segment.said;
    let mut objects: Vec<&Run> = Vec::new();
    let mut nouns_of_doing = Concepts::NONE;
    // `file deletions`: a noun that names nothing but a doing is the doing; what stands before it is its object.
    for run in &segment.runs {
        if !run.head.is_empty() && run.head.without(lexicon.generic).without(pure).is_empty() {
            nouns_of_doing = nouns_of_doing.with(run.head.common(lexicon.deeds));
        }
    }
    let does_by_noun = |run: &Run| !run.head.is_empty() && run.head.without(lexicon.generic).without(pure).is_empty();
    verbs = verbs.with(nouns_of_doing);
    let mut things = Concepts::NONE;
    let mut literal: Vec<String> = Vec::new();
    let direct = segment.runs.iter().any(|run| run.link == Link::Object && !does_by_noun(run));
    let modified = segment.runs.iter().any(|run| does_by_noun(run) && (!run.before.is_empty() || !run.also.is_empty()));
    let mut admin = Concepts::NONE;
    let mut into = Concepts::NONE;
    for run in &segment.runs {
        if does_by_noun(run) {
            things = things.with(run.before.without(lexicon.generic));
            literal.extend(run.also.iter().cloned());
            continue;
        }
        let first = !direct && !modified;
        let counts = match run.link {
            Link::Object => true,
            // `deletion of files`, but not `price of a product`.
            Link::Of => first || nouns_of_doing != Concepts::NONE && !direct,
            Link::Side | Link::Where => {
                let whole = run.head.with(run.before);
                if verbs.meets(known.granting) && whole.meets(known.admin) {
                    admin = admin.with(whole.common(known.admin));
                }
                if verbs.meets(known.told) {
                    into = into.with(run.head.common(known.containers));
                }
                first
                    && (verbs.is_empty()
                        || verbs.without(known.changing).is_empty()
                        || (run.link == Link::Where && !verbs.meets(known.told)))
            }
        };
        if counts {
            objects.push(run);
        }
    }
    // `price of a product`: the first noun of several that are linked by `of`.
    let mut acts = Concepts::NONE;
    for run in &objects {
        if let Some(word) = &run.word {
            literal.push(word.clone());
            continue;
        }
        let head = run.head.without(lexicon.generic);
        if head.is_empty() {
            things = things.with(run.before.without(lexicon.generic));
            literal.extend(run.also.iter().cloned());
            continue;
        }
        let done = head.common(lexicon.deeds);
        if !done.is_empty() {
            acts = acts.with(done);
            // `gift card purchases`: what is bought says something, `vendor payments` does not.
            let wares = run.before.without(known.persons).without(lexicon.generic).without(lexicon.deeds);
            if verbs.is_empty() && head.meets(known.ware) && !wares.is_empty() {
                doing.more.push(Condition::any(vec![Condition::Deed(Deed::of(Concepts::NONE, wares.with_children()))]));
            }
        }
        things = things.with(head);
    }
    // What is created or deleted, a tool's name says; what is bought, prescribed or written about, it does not.
    if verbs.is_empty() || !verbs.without(known.naming).is_empty() {
        for word in literal.drain(..) {
            if !doing.unplaced.contains(&word) {
                doing.unplaced.push(word);
            }
        }
    }
    if things.is_empty()
        && literal.is_empty()
        && let Some(before) = inherited
    {
        things = before.deeds.iter().fold(things, |things, deed| things.with(deed.things));
        said = true;
    }
    if verbs.is_empty() {
        // `refunds`, `wire transfers`: the doing itself.
        if !acts.is_empty() {
            doing.deeds.push(deed(acts, Concepts::NONE));
        }
        // `invoices over 500`: to write one, and to pay one.
        let both = acts.common(known.thinglike);
        if !both.is_empty() {
            doing.deeds.push(deed(Concepts::NONE, both));
        }
        // `contracts`: whatever is done to them. A thing beside a doing only says more of it (`customer refunds`),
        // unless both stand in a list.
        let plain = things.without(lexicon.deeds);
        if !plain.is_empty() && (acts.is_empty() || coordinated) {
            doing.deeds.push(deed(Concepts::NONE, plain));
        }
        return;
    }
    if !admin.is_empty() {
        doing.deeds.push(deed(Concepts::named(&["grant"]), admin));
        if things.without(known.persons).is_empty() {
            return;
        }
    }
    let mut done = verbs;
    // To send, post and message are one where no thing tells which.
    if things.is_empty() && literal.is_empty() && verbs.meets(Concepts::named(&["post", "message"])) {
        done = done.with(Concepts::named(&["send"]));
    }
    if verbs.meets(known.void) {
        done = done.with(known.delete);
    }
    if verbs.meets(known.moving) && things.meets(known.funds) {
        done = done.with(known.transfer);
        things = things.without(known.persons);
    }
    // To pay, to refund and to tell somebody: whom and which bill is not named by every tool.
    let aside = verbs.without(known.money.with(known.told)).is_empty() && !verbs.meets(Concepts::named(&["send"]));
    let told = things;
    if aside {
        things = things.without(known.persons);
    }
    if verbs.without(known.sharing).is_empty() && things.without(known.files).is_empty() {
        // What is shared is a file, whether or not a tool says so.
        things = Concepts::NONE;
    }
    let unsaid = things.is_empty() && !told.is_empty();
    if !things.is_empty() || literal.is_empty() || unsaid {
        doing.deeds.push(deed(done, things));
    }
    if !literal.is_empty() {
        let any = Condition::Deed(deed(done, Concepts::NONE));
        doing.spoken.push(Condition::all(vec![any, Condition::Mentions(literal)]));
    }
    // To issue a refund is to refund.
    let acts = acts.without(verbs);
    if (verbs.meets(lexicon.perform) || segment.made) && !acts.is_empty() {
        doing.deeds.push(deed(acts, Concepts::NONE));
    }
    // `new prescriptions and dosage changes`: a noun of doing beside another one is done itself.
    if !said && coordinated && !acts.is_empty() {
        doing.deeds.push(deed(acts, Concepts::NONE));
    }
    // To post to a ticket is to write into it.
    let into = into.without(Concepts::named(&["message"]).with_children()).without(lexicon.deeds);
    if verbs.meets(Concepts::named(&["post", "send", "message"])) && !into.is_empty() {
        doing.deeds.push(deed(Concepts::named(&["create", "update", "comment"]), into));
    }
    if verbs.meets(Concepts::named(&["process"])) && !things.is_empty() {
        doing.deeds.push(deed(lexicon.perform, things));
    }
}
