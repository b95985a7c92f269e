//! What is done to what, as phrases: verbs, and runs of nouns with whatever stands before them. The last noun of a run
//! is its head; the word before the run says how it belongs to the doing.

use super::{
    item::{Item, Role},
    tape::Tape,
    token::Kind,
    words::Group,
};
use crate::policy::{
    deed::pure_deeds,
    lexicon::{Concepts, Form, lexicon},
};

/// How a run of nouns belongs to the doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
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
pub struct Run {
    /// How it belongs to the doing.
    pub link: Link,
    /// The head and what counts as much as it.
    pub head: Concepts,
    /// Nouns before the head.
    pub before: Concepts,
    /// A head that the lexicon lacks.
    pub word: Option<String>,
    /// Words before the head that the lexicon lacks, and the nouns as they are written.
    pub also: Vec<String>,
    /// The words of the run, in the singular where the lexicon has them.
    pub words: Vec<String>,
    /// It stands in a list with the run before it.
    pub listed: bool,
}

/// One doing with its objects.
#[derive(Debug, Default, Clone)]
pub struct Event {
    /// Kinds of doing.
    pub verbs: Concepts,
    /// Verbs that the lexicon lacks.
    pub words: Vec<String>,
    /// A verb says it.
    pub said: bool,
    /// The nouns that belong to it.
    pub runs: Vec<Run>,
    /// Where it begins.
    pub first: usize,
    /// Where it ends.
    pub last: usize,
}

impl Event {
    /// Whether no doing is named.
    pub const fn is_silent(&self) -> bool {
        self.verbs.is_empty() && self.words.is_empty()
    }

    fn has_object(&self) -> bool {
        self.runs.iter().any(|run| run.link == Link::Object)
    }
}

/// Cuts items into doings with their runs of nouns.
pub fn events(tape: &Tape, items: &[Item]) -> Vec<Event> {
    let mut events: Vec<Event> = vec![Event::default()];
    let mut run: Option<Run> = None;
    let mut link = Link::Object;
    let mut listed = false;
    let mut at = 0;
    let mut next = items.iter().peekable();
    let mut conjoined = false;
    let mut conjoined_run = false;
    while at < tape.len() {
        while next.peek().is_some_and(|item| item.at < at) {
            next.next();
        }
        if let Some(item) = next.peek().filter(|item| item.at == at).copied() {
            match &item.role {
                Role::Verb(_) if relates(tape, at, &run, &events) => {
                    // `orders that ship to Canada`: which of them.
                    flush(&mut run, &mut events);
                    (link, listed) = (Link::Side, false);
                }
                Role::Verb(_) | Role::Done(_) => {
                    // `factory-resetting`: how it is done.
                    let how = conjoined_run
                        && run
                            .as_ref()
                            .is_some_and(|run| run.word.is_some() && run.head.is_empty() && run.before.is_empty());
                    if how && !tape.is_mark(at.saturating_sub(1)) && is_gerund(&item.role) {
                        run = None;
                    }
                    flush(&mut run, &mut events);
                    begin(&mut events, at, conjoined);
                    if let Some(event) = events.last_mut() {
                        match &item.role {
                            Role::Verb(reading) => event.verbs = event.verbs.with(reading.entry.does),
                            Role::Done(words) => event.words.extend(words.iter().cloned()),
                            Role::Noun(_) | Role::Word(_) => {}
                        }
                        event.said = true;
                        event.last = at + item.length - 1;
                    }
                    (link, listed) = (Link::Object, false);
                }
                Role::Noun(reading) => {
                    let run = run.get_or_insert_with(|| Run::new(link, listed));
                    run.extend(reading.entry.names, item.word.clone());
                    touch(&mut events, at, at + item.length - 1);
                }
                Role::Word(word) => {
                    conjoined_run = run.is_none() && conjoined;
                    run.get_or_insert_with(|| Run::new(link, listed)).extend_word(word.clone());
                    touch(&mut events, at, at + item.length - 1);
                }
            }
            conjoined = false;
            at += item.length;
            continue;
        }
        let had = run.is_some();
        if tape.is_taken(at) {
            conjoined = false;
            flush(&mut run, &mut events);
            at += 1;
            continue;
        }
        match tape.raw_word(at) {
            "a" | "an" | "the" | "any" | "all" | "our" | "my" | "your" | "new" | "each" | "every" | "existing"
            | "other" | "own" | "more" | "some" | "single" | "these" | "their" | "its" => {}
            "and" | "or" | "nor" | "also" | "plus" => {
                flush(&mut run, &mut events);
                listed = listed || had;
                conjoined = true;
            }
            "" if tape.is_gap(at) => {
                conjoined = false;
                flush(&mut run, &mut events);
                (link, listed) = (Link::Object, false);
            }
            "" if tape.is_mark(at) => {
                flush(&mut run, &mut events);
                if !had {
                    link = Link::Object;
                }
                listed = listed || had;
                conjoined = true;
            }
            "of" => {
                flush(&mut run, &mut events);
                (link, listed) = (Link::Of, false);
            }
            // `before a refund goes out`: it begins a clause of its own.
            "before" if tape.begins(at) => {}
            "to" | "for" | "from" | "with" | "by" | "at" | "against" | "than" | "about" | "outside" | "after"
            | "before" | "during" | "until" | "as" | "without" | "per" | "toward" | "towards" => {
                flush(&mut run, &mut events);
                (link, listed) = (Link::Side, false);
            }
            "in" | "on" | "into" | "onto" | "via" | "through" | "within" | "under" | "using" | "inside" => {
                flush(&mut run, &mut events);
                (link, listed) = (Link::Where, false);
            }
            "that" | "which" | "who" if is_modal(tape.raw_word(at + 1)) => {
                // What may come of it is not what it is done to.
                flush(&mut run, &mut events);
                (link, listed) = (Link::Side, false);
            }
            _ => {
                // Anything else ends a run: `refunds that …`.
                flush(&mut run, &mut events);
                if tape.kind(at) != Some(&Kind::Word) {
                    (link, listed) = (Link::Object, false);
                }
            }
        }
        at += 1;
    }
    flush(&mut run, &mut events);
    events.retain(|event| !event.is_silent() || !event.runs.is_empty());
    events
}

/// `would`, `might`: what follows is told, not asked for.
pub fn is_modal(word: &str) -> bool {
    matches!(word, "would" | "could" | "might" | "may" | "can" | "will" | "should")
}

fn is_gerund(role: &Role) -> bool {
    matches!(role, Role::Verb(reading) if reading.form == Form::Gerund)
}

/// Whether a verb only says which of the doings is meant that a noun names.
fn relates(tape: &Tape, at: usize, run: &Option<Run>, events: &[Event]) -> bool {
    let runs = events.last().filter(|event| event.is_silent()).into_iter().flat_map(|event| &event.runs);
    let named = run.iter().chain(runs).any(|run| run.link == Link::Object && run.head.meets(lexicon().deeds));
    named && matches!(tape.before(at, 1), "that" | "which")
}

fn flush(run: &mut Option<Run>, events: &mut Vec<Event>) {
    let (Some(run), Some(event)) = (run.take(), events.last_mut()) else { return };
    // `new referrals and changes to allergies`: each noun of doing has objects of its own.
    if run.listed && run.is_doing() && event.is_silent() && !event.runs.is_empty() {
        let (first, last) = (event.last, event.last);
        events.push(Event { first, last, runs: vec![run], ..Event::default() });
    } else {
        event.runs.push(run);
    }
}

fn touch(events: &mut [Event], first: usize, last: usize) {
    if let Some(event) = events.last_mut() {
        if event.is_silent() && event.runs.is_empty() {
            event.first = first;
        }
        event.last = last;
    }
}

/// Begins a new doing where the one before has its object already.
fn begin(events: &mut Vec<Event>, at: usize, conjoined: bool) {
    let done = events.last().is_some_and(|event| {
        !event.is_silent() && event.has_object() || (conjoined && event.is_silent() && event.has_object())
    });
    if done {
        events.push(Event { first: at, ..Event::default() });
    } else if let Some(event) = events.last_mut().filter(|event| event.is_silent() && event.runs.is_empty()) {
        event.first = at;
    }
}

impl Run {
    const fn new(link: Link, listed: bool) -> Self {
        Self {
            link,
            head: Concepts::NONE,
            before: Concepts::NONE,
            word: None,
            also: Vec::new(),
            words: Vec::new(),
            listed,
        }
    }

    /// One more noun: it is the head now.
    fn extend(&mut self, names: Concepts, word: String) {
        let lexicon = lexicon();
        let role = Concepts::named(&["role"]);
        let begun = !self.head.is_empty() || self.word.is_some();
        if begun && (names.without(lexicon.generic).is_empty() || names == role) {
            // `customer data`, `admin rights`: says less than whose it is.
            return;
        }
        self.words.push(word);
        if begun && names.meets(lexicon.soft) && self.word.is_none() {
            self.head = self.head.with(names);
            return;
        }
        self.also.extend(self.word.take());
        self.before = self.before.with(self.head);
        self.head = names;
    }

    fn extend_word(&mut self, word: String) {
        self.words.push(word.clone());
        self.also.extend(self.word.take());
        self.before = self.before.with(self.head);
        self.head = Concepts::NONE;
        self.word = Some(word);
    }

    /// Whether it names nothing but a doing: `deletion`, `export`.
    pub fn is_doing(&self) -> bool {
        let head = self.head.without(lexicon().generic);
        self.word.is_none() && !head.is_empty() && head.without(pure_deeds()).is_empty()
    }

    /// The run as a phrase of words, its head last.
    pub fn phrase(&self) -> String {
        self.words.join("_")
    }
}

/// Whether several things stand beside each other.
pub fn coordinated(events: &[Event]) -> bool {
    events.iter().any(|event| event.runs.iter().any(|run| run.listed && run.link == Link::Object))
}

/// Whether the text speaks of what it named before: `them`, `one`.
pub fn refers(tape: &Tape) -> bool {
    (0..tape.len()).any(|at| {
        matches!(tape.raw_word(at), "them" | "it" | "they" | "those" | "these" | "ones" | "there")
            || (tape.raw_word(at) == "one" && !tape.raw_is(at + 1, Group::Over))
    })
}
