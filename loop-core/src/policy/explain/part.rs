//! One part of a condition: where it looks, what it saw, why it is unclear.

use super::{
    Certainty, Explainer, Ground, Seen, VALUE_MAX, cut,
    piece::{Search, count},
    worded,
};
use crate::{
    base::json::Doc,
    policy::{
        action::Action,
        condition::{ArgumentTest, Condition, Measured},
        facts::{Counted, FactKind},
        truth::Truth,
    },
    tool::{name, redact},
};

/// How many words of a tool's name are told apart.
const NAME_WORDS_MAX: usize = 16;

/// Where a part of a condition looks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// At the tool's name, and at arguments that say more than it.
    Tool,
    /// At who asks.
    Agent,
    /// At the risk.
    Risk,
    /// At facts of a kind, which are called so.
    Facts(FactKind, &'static str),
    /// At arguments by their names and values.
    Arguments,
}

impl Looks {
    /// Where a part looks. Every kind stands here, so that a new one is thought of; those with parts of their own are
    /// told part by part.
    const fn of(part: &Condition) -> Self {
        match part {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => Self::Arguments,
            Condition::Tool(_) | Condition::ToolLike(_) | Condition::Deed(_) => Self::Tool,
            Condition::Agent(_) => Self::Agent,
            Condition::Risky => Self::Risk,
            Condition::Money | Condition::Amount { .. } => Self::Facts(FactKind::Amounts, "amount"),
            Condition::Percent(_) => Self::Facts(FactKind::Percents, "percentage"),
            Condition::Count { of: Counted::Recipients, .. } => Self::Facts(FactKind::Counts, "number of recipients"),
            Condition::Count { of: Counted::Items, .. } => Self::Facts(FactKind::Counts, "number of items"),
            Condition::Recipient(_) => Self::Facts(FactKind::Recipients, "recipient"),
            Condition::Data(_) => Self::Facts(FactKind::Data, "such data"),
            Condition::Environment(_) => Self::Facts(FactKind::Environments, "environment"),
            Condition::Path(_) => Self::Facts(FactKind::Paths, "path"),
            Condition::Place(_) => Self::Facts(FactKind::Places, "channel"),
            Condition::Time(_) => Self::Facts(FactKind::Times, "time"),
            Condition::Attachment => Self::Facts(FactKind::Attachments, "attachment"),
            Condition::Unbounded(_) => Self::Facts(FactKind::Statements, "statement"),
            Condition::Named(_)
            | Condition::Command(_)
            | Condition::Party(_)
            | Condition::Branch(_)
            | Condition::Mentions(_)
            | Condition::State(_)
            | Condition::Text(_)
            | Condition::Measure { .. }
            | Condition::Argument { .. } => Self::Arguments,
        }
    }

    /// The kind of facts, if it looks at facts.
    pub(super) const fn kind(self) -> Option<FactKind> {
        match self {
            Self::Facts(kind, _) => Some(kind),
            Self::Tool | Self::Agent | Self::Risk | Self::Arguments => None,
        }
    }
}

/// Where a part looked, and what stood there.
type Sight = (Option<String>, Option<String>);

impl Explainer<'_> {
    /// What a part without parts of its own saw; `None` when it did not hold.
    pub(super) fn leaf(&self, seen: &Seen<'_>, part: &Condition, negated: bool) -> Option<Ground> {
        let span = self.whole(seen, part);
        let (wanted, other) = if negated { (Truth::No, Truth::Yes) } else { (Truth::Yes, Truth::No) };
        if span.least == other && span.most == other {
            return None;
        }
        let condition = worded(part, negated);
        let nothing = Doc::empty_object();
        let bare = Action { arguments: nothing.root(), forward: None, ..seen.action };
        let looks = Looks::of(part);
        let search = Search {
            seen,
            part,
            looks,
            bare: self.reduced(seen, &bare, part),
            bare_facts: looks.kind().map_or(0, |kind| count(&bare, kind)),
        };
        if span.least == wanted && span.most == wanted {
            let (argument, value) = self.sight(&search, wanted);
            return Some(Ground { condition, held: Certainty::Yes, argument, value, why: None });
        }
        if span.least != span.most {
            let why = Some("what it reads was not stored".to_owned());
            return Some(Ground { condition, held: Certainty::Unclear, argument: None, value: None, why });
        }
        let ((argument, value), why) = self.unclear(&search, wanted, other);
        Some(Ground { condition, held: Certainty::Unclear, argument, value, why: Some(cut(&why, VALUE_MAX)) })
    }

    /// What made a part as true as `wanted`.
    fn sight(&self, search: &Search<'_>, wanted: Truth) -> Sight {
        let told_bare = search.bare == wanted;
        if (search.looks.kind().is_some() || !told_bare)
            && let Some(spot) = self.find(search, wanted)
        {
            return self.show(search, &spot);
        }
        if !told_bare {
            // Several arguments together, or an argument that is stored masked.
            return (None, self.told_by_all(search));
        }
        match search.looks {
            Looks::Agent => self.agent(search.seen),
            Looks::Risk => (Some("risk".to_owned()), Some(self.risk.as_str().to_owned())),
            Looks::Facts(FactKind::Times, _) => (Some("time".to_owned()), self.clock()),
            Looks::Tool | Looks::Facts(..) | Looks::Arguments if wanted == Truth::Yes => {
                (Some("tool_name".to_owned()), Some(self.telling(search)))
            }
            Looks::Tool => (Some("tool_name".to_owned()), Some(cut(search.seen.action.tool, VALUE_MAX))),
            // Nothing was there to see.
            Looks::Facts(..) | Looks::Arguments => (None, None),
        }
    }

    fn agent(&self, seen: &Seen<'_>) -> Sight {
        let value = seen.action.agent.map(|agent| {
            let masked = redact::text(agent);
            self.subjects.borrow_mut().extend(masked.subjects);
            cut(&masked.masked, VALUE_MAX)
        });
        (Some("agent_name".to_owned()), value)
    }

    /// When the call was decided, in the zone that rules mean.
    fn clock(&self) -> Option<String> {
        let local = self.now.to_timestamp().to_zoned(self.zone?.clone());
        Some(local.strftime("%A %Y-%m-%d %H:%M").to_string())
    }

    /// The words of the tool's name that are enough to say so, none of them needlessly; the whole name where it cannot
    /// be taken apart.
    fn telling(&self, search: &Search<'_>) -> String {
        let tool = search.seen.action.tool;
        let tokens = name::tokens(tool);
        let mut words: Vec<&str> = tokens.iter().take(NAME_WORDS_MAX).collect();
        let says = |words: &[&str]| self.named(search.seen, &words.join("_"), search.part) == Truth::Yes;
        if words.len() < tokens.len() || !says(&words) {
            return cut(tool, VALUE_MAX);
        }
        let mut at = 0;
        while at < words.len() {
            let left = words.remove(at);
            if words.is_empty() || !says(&words) {
                words.insert(at, left);
                at += 1;
            }
        }
        cut(&words.join(" "), VALUE_MAX)
    }

    /// Why a part is unclear.
    fn unclear(&self, search: &Search<'_>, wanted: Truth, other: Truth) -> (Sight, String) {
        match search.looks {
            Looks::Agent => return ((None, None), "the call names no agent".to_owned()),
            Looks::Tool if search.bare == Truth::Unclear => {
                let name = cut(search.seen.action.tool, VALUE_MAX);
                let why = "the tool's name does not say what it works on".to_owned();
                return ((Some("tool_name".to_owned()), Some(name)), why);
            }
            Looks::Facts(FactKind::Times, _) if self.zone.is_none() => {
                return ((None, None), "the time zone is not known".to_owned());
            }
            _ => {}
        }
        if let Looks::Facts(kind, noun) = search.looks
            && count(&search.seen.action, kind) <= search.bare_facts
        {
            return ((None, None), format!("no {noun} in the call"));
        }
        let speaking = self.find(search, wanted);
        let contrary = speaking.as_ref().and_then(|_| self.find(search, other));
        if let (Some(speaking), Some(contrary)) = (&speaking, &contrary) {
            let (otherwise, _) = self.show(search, contrary);
            let why = format!("`{}` says otherwise", otherwise.unwrap_or_default());
            return (self.show(search, speaking), why);
        }
        if let Some(spot) = self.find(search, Truth::Unclear) {
            let why = self.trouble(search, &spot).unwrap_or_else(|| "it cannot be told from this".to_owned());
            return (self.show(search, &spot), why);
        }
        (self.named_argument(search), absent(search.part))
    }

    /// The argument that a test names, where it is there and cannot be compared.
    fn named_argument(&self, search: &Search<'_>) -> Sight {
        let Condition::Argument { name, .. } = search.part else { return (None, None) };
        let present = Condition::Argument { name: name.clone(), test: ArgumentTest::Present };
        let search = Search { part: &present, bare: Truth::No, ..*search };
        self.find(&search, Truth::Yes).map_or((None, None), |spot| self.show(&search, &spot))
    }
}

/// What is missing where nothing in a call answers a part.
fn absent(part: &Condition) -> String {
    match part {
        Condition::Argument { name, .. } => format!("no argument `{name}` in the call that can be compared"),
        Condition::Branch(_) => "no branch in the call".to_owned(),
        Condition::Party(_) => "no other side in the call".to_owned(),
        Condition::Measure { of: Measured::Duration, .. } => "no length of time in the call".to_owned(),
        Condition::Measure { of: Measured::Size, .. } => "no size in the call".to_owned(),
        _ => "the call does not say".to_owned(),
    }
}
