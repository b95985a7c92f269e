//! Which words of a name are verbs, and what they say is done.

use std::sync::LazyLock;

use smallvec::SmallVec;

use super::{known, pure_deeds};
use crate::policy::{
    lexicon::{Concepts, Form, Reading, lexicon},
    name::{self, Part, Token},
};

/// Reading nouns that may as well be what is sent.
const CONTENT: &[&str] = &["summary", "overview", "preview", "info"];

/// Doings that are done when they are given to somebody: a discount, a refund.
const GIVING: &[&str] = &["grant", "give", "award", "offer", "extend"];

fn is_read(reading: Reading) -> bool {
    let read = known().read;
    (reading.entry.does.meets(read) && reading.form == Form::Base) || reading.entry.names.meets(read)
}

fn drafts(reading: Reading) -> bool {
    reading.form == Form::Base && reading.entry.does.meets(known().draft)
}

/// Words that are verb and noun in one; the head of the file says when they are nouns.
static BOTH: &str = include_str!("../lexicon/both.txt");

fn is_both(word: &str) -> bool {
    static WORDS: LazyLock<Vec<&str>> =
        LazyLock::new(|| BOTH.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect());
    WORDS.contains(&word)
}

/// Whether a word that is verb and noun in one is a noun where it stands: a word for looking leads its piece of the
/// name, or ends the name in a piece of its own, and nothing joins two doings.
fn is_shown(tokens: &[Token], at: usize) -> bool {
    if !tokens.get(at).is_some_and(|token| is_both(token.word())) || tokens.iter().any(Token::joins) {
        return false;
    }
    let base = |token: &Token| {
        token.reading.is_some_and(|reading| reading.form == Form::Base && reading.entry.does.meets(known().read))
    };
    let starts = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        before.is_none_or(|before| tokens.get(at).is_some_and(|token| token.segment != before.segment))
    };
    let leads = (0..at).rev().find(|at| starts(*at)).and_then(|at| tokens.get(at)).is_some_and(base) && !starts(at);
    let last = tokens.len().saturating_sub(1);
    let named = |token: &Token| token.reading.is_some_and(|reading| reading.entry.names.meets(known().read));
    let ends = last > 0 && starts(last) && tokens.get(last).is_some_and(named);
    leads || ends
}

/// Where the verbs of a name are that name nothing but themselves; behind a reading verb they are nouns
/// (`get_export`), and so they are between two others (`send_password_reset_email`).
pub(super) fn strong_verbs(tokens: &[Token]) -> SmallVec<[usize; 4]> {
    let looks = tokens.iter().filter_map(|token| token.reading).any(is_read);
    let mut verbs: SmallVec<[usize; 4]> = SmallVec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(reading) = token.reading else { continue };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let named = before.and_then(|token| token.reading).is_some_and(is_read) && !reading.entry.names.is_empty();
        // `draft_grant_letter`: what is drafted.
        let drafted = is_both(token.word()) && before.and_then(|token| token.reading).is_some_and(drafts);
        // `restore_from_trash`: where, not what is done.
        let behind = before.map(Token::word).unwrap_or_default();
        let named = named || drafted || matches!(behind, "from" | "in" | "of" | "by" | "with" | "on" | "for");
        let pure = !reading.entry.does.is_empty() && reading.entry.names.without(pure_deeds()).is_empty() && !named;
        let plural = !looks && verbs.is_empty() && reading.form == Form::Plural;
        let base = reading.form == Form::Base || plural || (!looks && reading.form == Form::Gerund);
        if !pure || !base || is_read(reading) || is_shown(tokens, at) {
            continue;
        }
        let stands = |at: usize| tokens.get(at).is_some_and(|token| !token.is_small());
        let enclosed = verbs.last().is_some_and(|verb| (verb + 1..at).any(stands) && !verbs.contains(&(at - 1)))
            && stands(at + 1)
            && !tokens
                .get(verbs.last().map_or(0, |verb| *verb)..at)
                .is_some_and(|between| between.iter().any(Token::joins));
        if !enclosed {
            verbs.push(at);
        }
    }
    verbs
}

/// What a name says is done; its tokens learn what they stand for.
pub(super) fn doing(tokens: &mut [Token]) -> Concepts {
    let known = known();
    let mut verbs = strong_verbs(tokens);
    let readings = || tokens.iter().filter_map(|token| token.reading);
    let deed = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let strong = verbs.iter().map(deed).fold(Concepts::NONE, Concepts::with);
    // A draft of something is not that thing done, unless it is sent.
    let drafts = readings().any(|reading| reading.entry.names.meets(known.draft));
    if drafts && !strong.meets(known.send) && strong.without(known.making).is_empty() {
        name::part(tokens, &verbs);
        return known.draft;
    }
    if !strong.is_empty() {
        name::part(tokens, &verbs);
        // `grant_discount`: to give one is to make one.
        let gives = verbs.iter().filter_map(|at| tokens.get(*at)).any(|token| GIVING.contains(&token.word()));
        let performs = gives || strong.meets(lexicon().perform);
        let performed = if performs { performed(tokens, strong) } else { Concepts::NONE };
        return strong.with(performed.without(known.read.with(known.draft)));
    }
    let looks = readings().any(is_read);
    // `email_summary` sends one, `email_history` shows it.
    let content = |token: &Token| CONTENT.contains(&token.word());
    let opens = tokens.first().and_then(|token| token.reading).filter(|reading| reading.form == Form::Base);
    let told = opens.is_some_and(|reading| reading.entry.does.meets(known.send)) && tokens.last().is_some_and(content);
    if looks && !told {
        let reads =
            |token: &Token| token.reading.is_some_and(|r| r.entry.does.meets(known.read) && r.form == Form::Base);
        let first: SmallVec<[usize; 4]> = tokens.iter().position(reads).into_iter().collect();
        name::part(tokens, &first);
        return known.read;
    }
    // Words that are verb and noun in one do something when nothing else does: `refund_payment`, `email_customer`.
    let dual: SmallVec<[usize; 4]> = (0..tokens.len())
        .filter(|at| {
            tokens
                .get(*at)
                .and_then(|token| token.reading)
                .is_some_and(|reading| reading.form == Form::Base && !reading.entry.does.is_empty())
        })
        .collect();
    verbs.extend(leading(&dual, tokens));
    let deed = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let done = verbs.iter().map(deed).fold(Concepts::NONE, Concepts::with);
    if !done.is_empty() && done.without(known.business).is_empty() && about(tokens) {
        // `refund_policy` refunds nothing.
        name::part(tokens, &[]);
        return Concepts::NONE;
    }
    name::part(tokens, &verbs);
    let names = || tokens.iter().filter_map(|token| token.reading).map(|reading| reading.entry.names);
    let told = names().fold(Concepts::NONE, Concepts::with).common(lexicon().deeds);
    let told = told.without(known.read.with(known.draft));
    match () {
        () if done.is_empty() || done.meets(lexicon().perform) => done.with(told),
        // `reply_to_email`
        () if done.meets(known.send) => done.with(told.common(known.send)),
        () => done,
    }
}

/// Whether a name ends in a thing that is about others: a policy, a template, a report.
fn about(tokens: &[Token]) -> bool {
    tokens.len() > 1 && tokens.last().is_some_and(|token| token.things().meets(known().about))
}

/// Of words that are verb and noun in one, those that are verbs: the first, but in `order_refund` a refund is made of
/// an order.
fn leading(dual: &[usize], tokens: &[Token]) -> SmallVec<[usize; 4]> {
    let does = |at: &usize| tokens.get(*at).and_then(|token| token.reading).map_or(Concepts::NONE, |r| r.entry.does);
    let refund = dual.iter().find(|at| does(at).meets(known().refund));
    let first = dual.first().copied();
    let papers = first.is_some_and(|at| does(&at).meets(known().papers));
    match (refund, first) {
        (Some(at), _) => SmallVec::from_slice(&[*at]),
        (None, Some(_)) if papers => {
            let sent = dual.iter().rev().find(|at| does(at).meets(known().send));
            sent.map_or_else(|| SmallVec::from_slice(dual), |at| SmallVec::from_slice(&[*at]))
        }
        (None, Some(first)) => {
            // `charge_and_email`: each of them.
            let joined = |at: usize| at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(Token::joins);
            dual.iter().copied().filter(|at| *at == first || joined(*at)).collect()
        }
        (None, None) => SmallVec::new(),
    }
}

/// What a verb like *make* or *send* comes to by its object: to make a payment is to pay. It hangs on the head
/// (`create_order_note` orders nothing), but that a word which nobody lists stands for what is before it.
fn performed(tokens: &[Token], strong: Concepts) -> Concepts {
    let known = known();
    let names = |token: &Token| token.reading.map_or(Concepts::NONE, |reading| reading.entry.names);
    let head = tokens.iter().rev().find(|token| token.part == Part::Head);
    let deeds = |part: Part| {
        let own = tokens.iter().filter(|token| token.part == part).map(names);
        own.fold(Concepts::NONE, Concepts::with).common(lexicon().deeds)
    };
    let of_head = deeds(Part::Head).with(deeds(Part::Verb));
    let Some(head) = head else { return of_head.with(deeds(Part::Whole)) };
    let listed = !names(head).is_empty();
    let sends = strong.meets(known.send) || names(head).meets(known.campaign);
    match () {
        () if !listed => of_head.with(deeds(Part::Modifier)).with(deeds(Part::Whole)),
        // `send_sms_message`, `launch_email_campaign`; but `send_refund_email` refunds nothing.
        () if sends => of_head.with(deeds(Part::Modifier).common(known.send)),
        // `create_payment_order`
        () if names(head).meets(known.papers) => of_head.with(deeds(Part::Modifier)),
        () => of_head,
    }
}
