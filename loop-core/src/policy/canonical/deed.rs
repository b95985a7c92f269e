//! What is done and what it is done to, in words of the lexicon and others in quotes. Each is written and read side by
//! side.

use super::{
    CanonicalError,
    lexeme::{Kind, Space, quote, unquote},
    parse::Parser,
    render::list,
    vocabulary::{self, Place},
};
use crate::policy::{
    condition::{Condition, Deed},
    lexicon::{Concept, Concepts},
};

/// A concept in its place; one whose word is another's goes by its name.
fn concept((concept, alone): (Concept, bool), place: Place) -> String {
    let just = if alone { "just " } else { "" };
    let does = match place {
        Place::Does => "does ",
        Place::Do => "do ",
        Place::Things => "",
    };
    match (vocabulary::spelling(concept, place), vocabulary::spelling(concept, Place::Things)) {
        (Some(word), _) => format!("{just}{word}"),
        (None, Some(noun)) => format!("{does}{just}{noun}"),
        (None, None) => format!("{does}{just}kind {}", quote(concept.name(), Space::Joins)),
    }
}

pub(super) fn concepts_in(set: Concepts, place: Place) -> impl Iterator<Item = String> {
    let all = match place {
        Place::Does => "does anything at all",
        Place::Do => "do anything at all",
        Place::Things => "anything at all",
    };
    let all = (set == Concepts::ALL).then(|| all.to_owned());
    let set = if all.is_some() { Concepts::NONE } else { set };
    all.into_iter().chain(vocabulary::cover(set).into_iter().map(move |one| concept(one, place)))
}

pub(super) fn doing(deed: &Deed, holds: bool) -> String {
    let things = (!deed.is_to_anything()).then(|| {
        let nouns = deed.nouns.iter().map(|noun| match vocabulary::inflected(noun) {
            Some(many) => quote(&many, Space::Joins),
            None => format!("the word {}", quote(noun, Space::Joins)),
        });
        list(concepts_in(deed.things, Place::Things).chain(nouns))
    });
    if deed.is_any_doing() {
        let what = if holds { "anything" } else { "nothing" };
        return match things {
            Some(things) => format!("does {what} to {things} but look at them"),
            None => format!("does {what} but look"),
        };
    }
    let place = if holds { Place::Does } else { Place::Do };
    let verbs = deed.verbs.iter().map(|verb| match (place, vocabulary::inflected(verb)) {
        (Place::Does, Some(does)) => quote(&does, Space::Joins),
        (Place::Does, None) => format!("does {}", quote(verb, Space::Joins)),
        _ => quote(verb, Space::Joins),
    });
    let done: Vec<String> = concepts_in(deed.does, place).chain(verbs).collect();
    let does = done.last().is_some_and(|last| last.starts_with("does ") || last.starts_with("do "));
    let mut out = if holds { String::new() } else { "does not ".to_owned() };
    out += &list(done.into_iter());
    if let Some(things) = things {
        out += if does { " to " } else { " " };
        out += &things;
    }
    out
}

/// One item of what is done or of what it is done to.
pub(super) enum Item {
    All,
    Kinds(Concepts),
    Word(String),
}

pub(super) fn gathered(items: Vec<Item>) -> (Concepts, Vec<String>) {
    items.into_iter().fold((Concepts::NONE, Vec::new()), |(set, mut words), item| match item {
        Item::All => (Concepts::ALL, words),
        Item::Kinds(kinds) => (set.with(kinds), words),
        Item::Word(word) => {
            words.push(word);
            (set, words)
        }
    })
}

impl Parser<'_> {
    pub(super) fn deed(&mut self, place: Place) -> Result<Condition, CanonicalError> {
        let does = if place == Place::Does { "does" } else { "do" };
        if self.words(&format!("{does} anything but look")) {
            return Ok(Condition::Deed(Deed::default()));
        }
        if self.words(&format!("{does} anything to")) {
            return self.but_look();
        }
        let done = self.list(&mut |parser| parser.deed_item(place))?;
        let (does, verbs) = gathered(done);
        if does.is_empty() && verbs.is_empty() {
            return Err(self.failure());
        }
        let (things, nouns) = if self.words("to") || self.thing_ahead() { self.things()? } else { Default::default() };
        Ok(Condition::Deed(Deed { does, verbs, things, nouns }))
    }

    /// `files but look at them`
    pub(super) fn but_look(&mut self) -> Result<Condition, CanonicalError> {
        let (things, nouns) = self.things()?;
        self.expect("but look at them")?;
        Ok(Condition::Deed(Deed { things, nouns, ..Deed::default() }))
    }

    fn things(&mut self) -> Result<(Concepts, Vec<String>), CanonicalError> {
        let (things, nouns) = gathered(self.list(&mut Self::thing)?);
        if things.is_empty() && nouns.is_empty() { Err(self.failure()) } else { Ok((things, nouns)) }
    }

    pub(super) fn deed_item(&mut self, place: Place) -> Option<Item> {
        if let Some(kinds) = self.kinds(place) {
            return Some(Item::Kinds(kinds));
        }
        if let Some(Kind::Quoted(_)) = self.peek() {
            let word = |inner: &str| {
                let word = unquote(inner, Space::Joins)?;
                if place == Place::Does { vocabulary::uninflected(&word) } else { Some(word) }
            };
            return self.quote(word).map(Item::Word);
        }
        if !self.words(if place == Place::Does { "does" } else { "do" }) {
            return None;
        }
        if self.words("anything at all") {
            return Some(Item::All);
        }
        self.kinds(Place::Things).map(Item::Kinds).or_else(|| self.quoted(Space::Joins).map(Item::Word))
    }

    fn thing_ahead(&mut self) -> bool {
        let before = self.at();
        let found = self.thing().is_some();
        self.back_to(before);
        found
    }

    fn thing(&mut self) -> Option<Item> {
        if self.words("anything at all") {
            return Some(Item::All);
        }
        if self.words("the word") {
            return self.quoted(Space::Joins).map(Item::Word);
        }
        if let Some(Kind::Quoted(_)) = self.peek() {
            return self.quote(|inner| vocabulary::uninflected(&unquote(inner, Space::Joins)?)).map(Item::Word);
        }
        self.kinds(Place::Things).map(Item::Kinds)
    }

    /// A concept with all below it, or `just` that.
    fn kinds(&mut self, place: Place) -> Option<Concepts> {
        let before = self.at();
        let just = self.words("just");
        let found = if place == Place::Things && self.words("kind") {
            self.quoted(Space::Joins).and_then(|name| Concept::named(&name))
        } else {
            let found = vocabulary::longest(place, self.words_ahead());
            found.map(|(concept, count)| {
                self.skip(count);
                concept
            })
        };
        if found.is_none() {
            self.back_to(before);
        }
        found.map(|concept| if just { concept.alone() } else { vocabulary::whole(concept) })
    }
}
