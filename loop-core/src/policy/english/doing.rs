//! What is done to what: words of the lexicon in a piece of a text, as deeds.

use super::{
    clause::{Clause, Words},
    words::is,
};
use crate::policy::{
    condition::{Condition, Deed},
    deed::pure_deeds,
    lexicon::{Concepts, Form, Reading, lexicon, read_word},
};

/// `with an attachment`, where the words before it say so.
pub fn attachment(words: &mut Words, items: &[Item]) -> Option<Condition> {
    let about = Concepts::named(&["attachment"]);
    let found = items.iter().find(|item| item.reading.entry.names.meets(about))?;
    let before = (1..=3)
        .filter_map(|back| found.at.checked_sub(back))
        .any(|at| matches!(words.raw_word(at), "has" | "have" | "with" | "having" | "contains" | "carry" | "carries"));
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
    verb: bool,
}

/// Finds the words of the lexicon, without taking them.
pub fn items(words: &mut Words) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let found = (1..=lexicon().longest).rev().find_map(|length| {
            let phrase = words.phrase(at, length)?;
            // A lone word without meaning of its own stays one; in a phrase it may have one.
            let small = length == 1 && (is("filler", &phrase) || is("guard", &phrase));
            let reading = if small { None } else { read_word(&phrase) }?;
            Some((length, reading))
        });
        let Some((length, reading)) = found else {
            at += 1;
            continue;
        };
        let before = at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
        let earlier = at.checked_sub(2).map(|at| words.raw_word(at)).unwrap_or_default();
        let after_noun = items.last().is_some_and(|item| !item.verb && item.at + item.length == at);
        let after_verb = items.last().is_some_and(|item| item.verb && item.at + item.length + 2 >= at);
        let passive = |word: &str| {
            matches!(word, "be" | "been" | "being" | "is" | "are" | "was" | "were" | "get" | "gets" | "getting")
        };
        let does = !reading.entry.does.is_empty();
        let only_does = does && reading.entry.names.is_empty();
        let led = matches!(
            before,
            "to" | "not"
                | "never"
                | "before"
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
                | "that"
                | "which"
                | "who"
        ) || (after_verb && matches!(before, "and" | "or" | ","));
        let verb = does
            && match reading.form {
                Form::Gerund => true,
                Form::Base if only_does => true,
                Form::Base => led || at == 0 && words.len() > 1 && reading.entry.names.is_empty(),
                Form::Plural => only_does,
                Form::Past => {
                    passive(before) || passive(earlier) || after_noun || (after_verb && matches!(before, "and" | "or"))
                }
            };
        // `deleted items`: which items, not what is done. `destructive`: which doing.
        let kept = verb || !reading.entry.names.is_empty() && reading.form != Form::Past;
        if kept {
            items.push(Item { at, length, reading, verb });
        } else {
            (at..at + length).for_each(|at| drop(words.take(at)));
        }
        at += length;
    }
    items
}

/// What is done to what, and whether several things stand beside each other.
pub fn deeds(words: &Words, items: &[Item], before: Option<&Clause>) -> (Vec<Deed>, bool) {
    let lexicon = lexicon();
    let pure = pure_deeds();
    let mut verbs = Concepts::NONE;
    let mut nouns: Vec<(usize, Concepts)> = Vec::new();
    let mut coordinated = false;
    let role = Concepts::named(&["role"]);
    let mut said = false;
    for item in items {
        if item.verb {
            verbs = verbs.with(item.reading.entry.does);
            said = true;
            continue;
        }
        let names = item.reading.entry.names.without(lexicon.generic);
        if names.is_empty() {
            continue;
        }
        if names.meets(pure) {
            verbs = verbs.with(names.common(lexicon.deeds));
            continue;
        }
        let before = item.at.checked_sub(1).map(|at| words.raw_word(at)).unwrap_or_default();
        let to_whom = matches!(before, "to" | "any") && verbs.meets(Concepts::named(&["grant"])) && !nouns.is_empty();
        if to_whom {
            continue;
        }
        match nouns.last_mut() {
            // `admin rights`: a right says less than whose it is.
            Some(last) if last.0 == item.at && names == role => last.0 = item.at + item.length,
            // The last of several nouns in a row is the one meant.
            Some(last) if last.0 == item.at => *last = (item.at + item.length, names),
            Some(_) => {
                coordinated = true;
                nouns.push((item.at + item.length, names));
            }
            None => nouns.push((item.at + item.length, names)),
        }
    }
    if words.any_raw(|word| is("destructive", word)) {
        verbs = verbs.with(Concepts::named(&["delete"]));
    }
    let mut things = nouns.iter().fold(Concepts::NONE, |things, (_, names)| things.with(*names));
    let refers = words.any_raw(|word| matches!(word, "them" | "it" | "they" | "those" | "these" | "one" | "ones"));
    if things.is_empty()
        && let Some(before) = before
        && (refers || !verbs.is_empty())
    {
        things = before.deeds.iter().fold(things, |things, deed| things.with(deed.things));
    }
    let acts = things.common(lexicon.deeds);
    let does = |concepts: Concepts| concepts.with_children();
    let mut deeds = Vec::new();
    if verbs.is_empty() {
        // `refunds`, `wire transfers`: the doing itself.
        if !acts.is_empty() {
            deeds.push(Deed { does: does(acts), things: Concepts::NONE });
        }
        // `contracts`: whatever is done to them. A thing beside a doing only says more of it (`customer refunds`),
        // unless both stand in a list.
        let plain = things.without(lexicon.deeds);
        if !plain.is_empty() && (acts.is_empty() || coordinated) {
            deeds.push(Deed { does: Concepts::NONE, things: does(plain) });
        }
        return (deeds, coordinated);
    }
    let mut done = does(verbs);
    // To send, post and message are one where no thing tells which.
    if things.is_empty() && verbs.meets(Concepts::named(&["post", "message"])) {
        done = done.with(does(Concepts::named(&["send"])));
    }
    deeds.push(Deed { does: done, things: does(things) });
    // To issue a refund is to refund.
    if verbs.meets(lexicon.perform) && !acts.is_empty() {
        deeds.push(Deed { does: does(acts), things: Concepts::NONE });
    }
    // `new prescriptions and dosage changes`: a noun of doing beside another one is done itself.
    if !said && coordinated && !acts.is_empty() {
        deeds.push(Deed { does: does(acts), things: Concepts::NONE });
    }
    // To post to a ticket is to write into it.
    let told = Concepts::named(&["post", "send", "message"]);
    let into = things.without(does(Concepts::named(&["message"]))).without(lexicon.deeds);
    if verbs.meets(told) && !into.is_empty() {
        deeds.push(Deed { does: does(Concepts::named(&["create", "update", "comment"])), things: does(into) });
    }
    let process = Concepts::named(&["process"]);
    if verbs.meets(process) && !things.is_empty() {
        deeds.push(Deed { does: does(lexicon.perform), things: does(things) });
    }
    (deeds, coordinated)
}
