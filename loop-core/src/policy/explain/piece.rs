//! A call reduced to one of its arguments, and that argument shown.

use super::{Explainer, Seen, VALUE_MAX, cut, part::Looks};
use crate::{
    base::json::{Doc, Kind, View, write, write_string},
    policy::{
        Forward,
        action::Action,
        condition::Condition,
        facts::{self, Counted, Fact, FactKind, Roles},
        truth::Truth,
    },
    tool::redact,
};

/// How many arguments of one object, or items of one list, are looked at.
const WIDTH_MAX: usize = 64;
/// What one reduced call counts as work, at least and at most: a long text may hide no other argument for good.
const WORK_LEAST: usize = 128;
const WORK_MOST: usize = 16 * 1024;
/// How many facts of one argument are told.
const FACTS_MAX: usize = 4;
/// The longest way to an argument that is told, in characters.
const WAY_MAX: usize = 160;
/// Members that say more of the amount beside them.
const BESIDE: Roles = Roles::CURRENCY.with(Roles::QUANTITY);

/// One of the documents of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Arguments,
    Body,
    Address,
}

/// Where something stands in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    place: Place,
    /// The places of members and items, from the outermost on.
    way: Vec<usize>,
}

/// What is looked for in a call.
pub(super) struct Search<'s> {
    pub seen: &'s Seen<'s>,
    pub part: &'s Condition,
    pub looks: Looks,
    /// How true the part is of a call without arguments.
    pub bare: Truth,
    /// How many facts of its kind such a call has.
    pub bare_facts: usize,
}

impl Search<'_> {
    /// Whether a reduced call says anything about the question.
    fn speaks(&self, action: &Action<'_>, truth: Truth) -> bool {
        match self.looks.kind() {
            Some(kind) => count(action, kind) > self.bare_facts,
            None => truth != self.bare,
        }
    }

    /// Members beside an amount belong to it.
    const fn keeps_beside(&self) -> bool {
        matches!(self.looks.kind(), Some(FactKind::Amounts))
    }
}

impl Explainer<'_> {
    /// The first argument of which alone the part is as true as `wanted`, the deepest that there is.
    pub(super) fn find(&self, search: &Search<'_>, wanted: Truth) -> Option<Spot> {
        let documents = [
            (Place::Arguments, Some(search.seen.action.arguments)),
            (Place::Body, search.seen.action.forward.and_then(|forward| forward.body)),
        ];
        for (place, root) in documents {
            let Some(root) = root else { continue };
            let mut way = Vec::new();
            if self.descend(search, wanted, place, root, root, &mut way) {
                return Some(Spot { place, way });
            }
        }
        let spot = Spot { place: Place::Address, way: Vec::new() };
        (self.truth_at(search, &spot, None) == Some((wanted, true))).then_some(spot)
    }

    fn descend(
        &self,
        search: &Search<'_>,
        wanted: Truth,
        place: Place,
        root: View<'_>,
        node: View<'_>,
        way: &mut Vec<usize>,
    ) -> bool {
        for (at, child) in node.members().chain(node.items()).take(WIDTH_MAX).enumerate() {
            way.push(at);
            let spot = Spot { place, way: std::mem::take(way) };
            let found = self.truth_at(search, &spot, Some(root));
            *way = spot.way;
            let hit = found == Some((wanted, true));
            // Of a list whose items disagree one may still be the one that is looked for.
            let mixed = matches!(found, Some((Truth::Unclear, true)));
            if child.is_container() && (hit || mixed) && self.descend(search, wanted, place, root, child, way) {
                return true;
            }
            if hit {
                return true;
            }
            way.pop();
        }
        false
    }

    /// How true the part is of the call reduced to a spot, and whether that says anything.
    fn truth_at(&self, search: &Search<'_>, spot: &Spot, root: Option<View<'_>>) -> Option<(Truth, bool)> {
        self.with_piece(search, spot, root, |action| {
            let truth = self.reduced(search.seen, action, search.part);
            (truth, search.speaks(action, truth))
        })
    }

    /// Calls `with` with the call reduced to a spot; `None` when there is no such spot, or too much work.
    fn with_piece<T>(
        &self,
        search: &Search<'_>,
        spot: &Spot,
        root: Option<View<'_>>,
        with: impl FnOnce(&Action<'_>) -> T,
    ) -> Option<T> {
        let whole = &search.seen.action;
        let mut text = String::new();
        if let Some(root) = root {
            self.left.get().checked_sub(1)?;
            only(root, &spot.way, search.keeps_beside(), &mut text);
        } else {
            text.push_str("{}");
        }
        self.left.set(self.left.get().saturating_sub(text.len().clamp(WORK_LEAST, WORK_MOST)));
        let doc = Doc::parse(text.as_bytes()).ok()?;
        let nothing = Doc::empty_object();
        let (arguments, forward) = match spot.place {
            Place::Arguments => (doc.root(), None),
            Place::Body => {
                (nothing.root(), Some(Forward { url: "", method: whole.forward?.method, body: Some(doc.root()) }))
            }
            Place::Address => (nothing.root(), Some(Forward { body: None, ..whole.forward? })),
        };
        Some(with(&Action {
            tool: whole.tool,
            agent: whole.agent,
            arguments,
            forward,
            claimed_risk: None,
            stage: None,
        }))
    }

    /// Where a spot is, and what stands there.
    pub(super) fn show(&self, search: &Search<'_>, spot: &Spot) -> (Option<String>, Option<String>) {
        let whole = &search.seen.action;
        let (root, mut name) = match spot.place {
            Place::Address => {
                let url = whole.forward.map(|forward| cut(&redact::url(forward.url), VALUE_MAX));
                return (Some("forward_to.url".to_owned()), url);
            }
            Place::Arguments => (Some(whole.arguments), "$".to_owned()),
            Place::Body => (whole.forward.and_then(|forward| forward.body), "forward_to.body".to_owned()),
        };
        let Some(root) = root else { return (None, None) };
        let mut text = String::new();
        only(root, &spot.way, false, &mut text);
        let Ok(raw) = Doc::parse(text.as_bytes()) else { return (None, None) };
        let masked = redact::json(raw.root());
        let Ok(shown) = Doc::parse(masked.masked.as_bytes()) else { return (None, None) };
        let (mut raw, mut shown) = (raw.root(), shown.root());
        for at in &spot.way {
            let next = |view: View<'_>| view.members().next().is_some() || view.items().next().is_some();
            if !next(shown) {
                break;
            }
            if shown.is_object() {
                let Some(member) = shown.members().next() else { break };
                step(member.key(), &mut name);
                shown = member;
            } else {
                let Some(item) = shown.items().next() else { break };
                name.push_str(&format!("[{at}]"));
                shown = item;
            }
            let Some(below) = raw.members().next().or_else(|| raw.items().next()) else { break };
            raw = below;
        }
        let told = self.told(search, spot, root);
        let value = if spot.place == Place::Body {
            // Of a forwarded body nothing but facts is ever stored.
            told
        } else {
            let as_is = plain(shown) == plain(raw);
            told.filter(|_| as_is || raw.is_container()).or_else(|| Some(plain(shown)))
        };
        self.subjects.borrow_mut().extend(masked.subjects);
        (Some(cut(&name, WAY_MAX)), value.map(|value| cut(&value, VALUE_MAX)))
    }

    /// What the part read at a spot, where that says it better than the text that stands there.
    fn told(&self, search: &Search<'_>, spot: &Spot, root: View<'_>) -> Option<String> {
        let kind = search.looks.kind()?;
        self.with_piece(search, spot, Some(root), |action| {
            joined(search.part, |each| self.facts(action, kind, each)).map(|text| redact::text(&text).masked)
        })?
    }

    /// The facts of a kind that may be told: what they are read from is masked before, since a name around a value may
    /// be what makes a secret of it. What kinds of data there are tells none of them.
    fn facts(&self, action: &Action<'_>, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
        if kind == FactKind::Data {
            return facts::each(action, kind, each);
        }
        let masked = |view: View<'_>| {
            let masked = redact::json(view);
            self.subjects.borrow_mut().extend(masked.subjects);
            masked.masked
        };
        let arguments = masked(action.arguments);
        let body = action.forward.and_then(|forward| forward.body).map(masked);
        let Ok(arguments) = Doc::parse(arguments.as_bytes()) else { return };
        let body = body.as_ref().and_then(|body| Doc::parse(body.as_bytes()).ok());
        let forward = action.forward.map(|forward| Forward { body: body.as_ref().map(Doc::root), ..forward });
        facts::each(&Action { arguments: arguments.root(), forward, ..*action }, kind, each);
    }

    /// What the part read in the whole call.
    pub(super) fn told_by_all(&self, search: &Search<'_>) -> Option<String> {
        let kind = search.looks.kind()?;
        let facts = |each: &mut dyn FnMut(Fact<'_>)| match self.stored {
            Some((facts, _)) => facts.each(kind, each),
            None => self.facts(&search.seen.action, kind, each),
        };
        // Recipients of all kinds are added up.
        let told = if matches!(search.part, Condition::Count { of: Counted::Recipients, .. }) {
            let mut sum: u64 = 0;
            facts(&mut |fact| {
                if let Fact::Count { of: Counted::Recipients, number, .. } = fact {
                    sum = sum.saturating_add(number);
                }
            });
            Some(format!("{sum} recipients"))
        } else {
            joined(search.part, facts)
        };
        told.map(|text| cut(&redact::text(&text).masked, VALUE_MAX))
    }

    /// What is wrong with the facts at a spot.
    pub(super) fn trouble(&self, search: &Search<'_>, spot: &Spot) -> Option<String> {
        let kind = search.looks.kind()?;
        let root = match spot.place {
            Place::Arguments => Some(search.seen.action.arguments),
            Place::Body => search.seen.action.forward.and_then(|forward| forward.body),
            Place::Address => None,
        };
        let mut trouble = None;
        self.with_piece(search, spot, root, |action| {
            facts::each(action, kind, &mut |fact| {
                let found = wrong(search.part, fact);
                if trouble.is_none() {
                    trouble = found;
                }
            });
        });
        trouble
    }
}

/// Why a fact decides nothing.
fn wrong(part: &Condition, fact: Fact<'_>) -> Option<String> {
    Some(match (part, fact) {
        (_, Fact::Amount(None, _)) => "it cannot be read as an amount".to_owned(),
        (Condition::Amount { currency: Some(wanted), .. }, Fact::Amount(_, Some(found))) if found != *wanted => {
            format!("it is in {}, and the rule in {}", found.as_str(), wanted.as_str())
        }
        (_, Fact::Percent(None)) => "it cannot be read as a percentage".to_owned(),
        (_, Fact::Time(None)) => "it cannot be read as a time".to_owned(),
        (Condition::Recipient(_), Fact::Recipient { domain: None, .. }) => "it has no domain".to_owned(),
        _ => return None,
    })
}

/// How many facts of a kind a call has.
pub(super) fn count(action: &Action<'_>, kind: FactKind) -> usize {
    let mut count: usize = 0;
    facts::each(action, kind, &mut |_| count = count.saturating_add(1));
    count
}

/// Facts in words, where they are short and say what a condition read.
fn joined(part: &Condition, facts: impl FnOnce(&mut dyn FnMut(Fact<'_>))) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    facts(&mut |fact| {
        let Some(word) = shown(part, fact) else { return };
        if words.len() < FACTS_MAX && !words.contains(&word) {
            words.push(word);
        }
    });
    (!words.is_empty()).then(|| words.join(", "))
}

fn shown(part: &Condition, fact: Fact<'_>) -> Option<String> {
    Some(match fact {
        Fact::Amount(value, currency) => match currency {
            Some(currency) => format!("{} {}", value?, currency.as_str()),
            None => value?.to_string(),
        },
        Fact::Percent(value) => format!("{}%", value?),
        Fact::Count { of, number, .. } => {
            if !matches!(part, Condition::Count { of: wanted, .. } if *wanted == of) {
                return None;
            }
            let what = match of {
                Counted::Recipients => "recipients",
                Counted::Items => "items",
            };
            format!("{number} {what}")
        }
        Fact::Recipient { text, domain } => match (text, domain) {
            (Some(text), _) => text.to_owned(),
            (None, domain) => format!("someone at {}", domain?),
        },
        Fact::Data(kind) => {
            if !matches!(part, Condition::Data(wanted) if wanted.contains(&kind)) {
                return None;
            }
            kind.as_str().to_owned()
        }
        Fact::Path(path) => path.to_owned(),
        Fact::Environment(environment) => environment.as_str().to_owned(),
        Fact::Place(place) => format!("#{place}"),
        Fact::Time(at) => at?.to_string(),
        Fact::Attachment(_) | Fact::Statement { .. } => return None,
    })
}

/// Writes a document with nothing in it but one member or item, and the containers around it.
fn only(view: View<'_>, way: &[usize], beside: bool, out: &mut String) {
    let Some((at, below)) = way.split_first() else { return write(view, out) };
    match view.kind() {
        Kind::Object => {
            out.push('{');
            if let Some(child) = view.members().nth(*at) {
                write_string(child.key(), out);
                out.push(':');
                only(child, below, beside, out);
                let siblings = view.members().take(WIDTH_MAX).enumerate().filter(|(other, _)| beside && other != at);
                for (_, sibling) in siblings {
                    if !sibling.is_container() && facts::roles(sibling.key()).any(BESIDE) {
                        out.push(',');
                        write_string(sibling.key(), out);
                        out.push(':');
                        write(sibling, out);
                    }
                }
            }
            out.push('}');
        }
        Kind::Array => {
            out.push('[');
            if let Some(child) = view.items().nth(*at) {
                only(child, below, beside, out);
            }
            out.push(']');
        }
        _ => write(view, out),
    }
}

/// Adds a member's name to a way.
fn step(key: &str, name: &mut String) {
    let simple = !key.is_empty() && key.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-'));
    if simple {
        name.push('.');
        name.push_str(key);
    } else {
        name.push('[');
        write_string(key, name);
        name.push(']');
    }
}

/// A value as people read it: a text without its quotes.
fn plain(view: View<'_>) -> String {
    if let Some(text) = view.as_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    write(view, &mut text);
    text
}
