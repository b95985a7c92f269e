//! From a condition to its sentence.

use super::{
    normal,
    parse::depth,
    verb::{Leaf, leaf},
};
use crate::policy::condition::Condition;

/// What a sentence says to do about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// Nothing: `A call that …`
    Plain,
    /// `Block a call that …`
    Block,
    /// `Ask about a call that …`
    Ask,
}

/// A condition as a sentence: `A call that …`
#[must_use]
pub fn render(condition: &Condition) -> String {
    sentence(condition, Head::Plain)
}

/// A condition and what is done about it, as a sentence. One that nests deeper than [`Condition::DEPTH_MAX`] is not
/// told, and the sentence cannot be read back.
#[must_use]
pub fn sentence(condition: &Condition, head: Head) -> String {
    let mut out = String::from(match head {
        Head::Plain => "A call",
        Head::Block => "Block a call",
        Head::Ask => "Ask about a call",
    });
    let condition = normal(condition);
    if depth(&condition) > Condition::DEPTH_MAX {
        return out + " that nests too deep to be told.";
    }
    what(&condition, &mut out);
    out.push('.');
    out
}

/// A part of a condition in the words that it has in a sentence: `goes to someone at acme.com`, `the amount is over 5
/// GBP`.
#[must_use]
pub fn phrase(part: &Condition) -> String {
    let part = normal(part);
    let mut out = String::new();
    match verb(&part) {
        Some(text) => out = text,
        None if depth(&part) > Condition::DEPTH_MAX => out.push_str("something that nests too deep to be told"),
        None => either(&part, &mut out),
    }
    out
}

fn what(condition: &Condition, out: &mut String) {
    if *condition == Condition::ALWAYS {
        return out.push_str(" under all circumstances");
    }
    if *condition == Condition::NEVER {
        return out.push_str(" under no circumstances");
    }
    let (holds, lifts) = parts(condition);
    let mut rest = holds;
    let verbs: Vec<String> = holds.iter().map_while(verb).collect();
    match holds.first() {
        Some(Condition::Any(any)) if any.iter().all(|one| verb(one).is_some()) => {
            let any: Vec<String> = any.iter().filter_map(verb).collect();
            *out += " that ";
            *out += &any.join(" or that ");
            rest = holds.split_first().map_or(holds, |(_, rest)| rest);
        }
        Some(Condition::Any(any)) if any.iter().any(is_compound) => {
            *out += " where one of these holds: ";
            for (at, one) in any.iter().enumerate() {
                let between = if at == 0 { "" } else { "; " };
                *out += &format!("{between}({}) ", at + 1);
                body(one, out);
            }
            rest = holds.split_first().map_or(holds, |(_, rest)| rest);
            if !(rest.is_empty() && lifts.is_empty()) {
                *out += "; in each case";
            }
            if !rest.is_empty() {
                *out += " where ";
                terms(rest, out);
            }
            return unless(lifts, out);
        }
        _ if !verbs.is_empty() => {
            *out += " that ";
            *out += &verbs.join(" and that ");
            rest = holds.get(verbs.len()..).unwrap_or_default();
        }
        _ => {}
    }
    if !rest.is_empty() {
        *out += if rest.len() == holds.len() { " where " } else { ", where " };
        terms(rest, out);
    }
    unless(lifts, out);
}

/// What must hold, and the exceptions behind it.
fn parts(condition: &Condition) -> (&[Condition], &[Condition]) {
    let items = match condition {
        Condition::All(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let lifts = items.iter().rev().take_while(|one| matches!(one, Condition::Not(_))).count();
    items.split_at_checked(items.len() - lifts).unwrap_or((items, &[]))
}

fn is_compound(condition: &Condition) -> bool {
    match condition {
        Condition::All(_) | Condition::Any(_) => true,
        Condition::Not(one) => is_compound(one),
        _ => false,
    }
}

/// The condition as something that a call does, when it can be said so.
fn verb(condition: &Condition) -> Option<String> {
    let told = match condition {
        Condition::Not(one) => leaf(one, false),
        one => leaf(one, true),
    };
    match told {
        Some(Leaf::Verb(text)) => Some(text),
        Some(Leaf::Fact(_)) | None => None,
    }
}

fn body(condition: &Condition, out: &mut String) {
    let (holds, lifts) = parts(condition);
    if holds.is_empty() {
        return either(condition, out);
    }
    terms(holds, out);
    unless(lifts, out);
}

fn unless(lifts: &[Condition], out: &mut String) {
    for lift in lifts {
        if let Condition::Not(one) = lift {
            *out += ", unless ";
            either(one, out);
        }
    }
}

/// All of them; one alone stands without brackets.
fn terms(all: &[Condition], out: &mut String) {
    match all {
        [one] => either(one, out),
        _ => joined(all, " and ", out),
    }
}

fn joined(all: &[Condition], with: &str, out: &mut String) {
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            *out += with;
        }
        term(one, out);
    }
}

fn either(condition: &Condition, out: &mut String) {
    match condition {
        Condition::All(all) => joined(all, " and ", out),
        Condition::Any(any) => joined(any, " or ", out),
        one => term(one, out),
    }
}

fn term(condition: &Condition, out: &mut String) {
    let (one, holds) = match condition {
        Condition::Not(one) => (&**one, false),
        one => (one, true),
    };
    match leaf(one, holds) {
        Some(Leaf::Verb(text)) => {
            *out += "it ";
            *out += &text;
        }
        Some(Leaf::Fact(text)) => *out += &text,
        None => {
            *out += if holds { "(" } else { "not (" };
            either(one, out);
            out.push(')');
        }
    }
}

/// `x`, `x or x`, `x, x or x`, or `nothing`.
pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}
