//! Why a rule matched: which parts of its condition held, and what they saw.
//!
//! Deciding stays as lean as it is: a call is explained after a rule matched it, by asking the judge of decisions
//! again. Every part is judged over the whole call, and then over the call reduced to one argument at a time
//! ([`piece`]), so that what is told is what the judge itself made of that argument. Values are shown as they are
//! stored, masked.

mod part;
mod piece;

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use smallvec::SmallVec;

use super::{
    PolicySettings, Rule, RuleMode, Verdict,
    action::Action,
    canonical::phrase,
    condition::Condition,
    deed::{Class, classify, combined},
    evaluate::{self, evaluate},
    facts::{self, Facts, Said},
    snapshot::{CompiledRule, PolicySnapshot},
    stored::stored_class,
    trial::Tried,
    truth::{Call, Source, Span, Truth},
};
use crate::{
    base::{
        Time,
        id::RuleId,
        json::{Object, View},
    },
    tool::Risk,
};

/// How many parts of one rule's condition are told.
pub const GROUNDS_MAX: usize = 8;
/// How many rules of one call are explained, those in shadow mode included.
pub const RULES_MAX: usize = 64;
/// The longest value that is told, in characters.
pub const VALUE_MAX: usize = 120;
/// The longest words that a condition is put into, in characters.
const WORDS_MAX: usize = 240;
/// How much work reduced calls may be, about in bytes; what is told after that names no argument.
const WORK_MAX: usize = 512 * 1024;

/// Whether a part of a condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It did.
    Yes,
    /// It could not be told, which is as good: nothing unclear lets a call through.
    Unclear,
}

/// One part of a rule's condition that held, and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Ground {
    /// The part, in words; an exception that did not apply as its denial.
    pub condition: String,
    /// Whether it held.
    pub held: Certainty,
    /// Where it looked: an argument as `$.items[0].amount`, one of the forwarded body as `forward_to.body.amount`, or
    /// `tool_name`, `agent_name`, `risk`, `time`, `forward_to.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// What stood there, masked and at most 120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why it is unclear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Ground {
    /// Writes it as JSON, as `serde_json` would.
    pub(crate) fn write(&self, out: &mut String) {
        let mut object = Object::open(out);
        object.text("condition", &self.condition);
        object.text("held", self.held.as_str());
        object.some_text("argument", self.argument.as_deref());
        object.some_text("value", self.value.as_deref());
        object.some_text("why", self.why.as_deref());
        object.close();
    }
}

/// For people, on one line: `the amount is over 500 USD: $.amount is 750 USD`.
impl std::fmt::Display for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.condition)?;
        match (&self.argument, &self.value) {
            (Some(argument), Some(value)) => write!(f, ": {argument} is {value}")?,
            (Some(argument), None) => write!(f, ": {argument}")?,
            (None, Some(value)) => write!(f, ": {value}")?,
            (None, None) => {}
        }
        match &self.why {
            Some(why) => write!(f, " (unclear: {why})"),
            None => Ok(()),
        }
    }
}

impl Certainty {
    /// The spelling in answers and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Unclear => "unclear",
        }
    }
}

/// Why rules matched a call. A clone shares everything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Explained {
    rules: Arc<[(RuleId, Vec<Ground>)]>,
    subjects: Arc<[String]>,
}

impl Explained {
    /// Why a rule matched; nothing for one that was not explained.
    #[must_use]
    pub fn of(&self, rule: RuleId) -> &[Ground] {
        self.rules.iter().find(|(id, _)| *id == rule).map(|(_, grounds)| grounds.as_slice()).unwrap_or_default()
    }

    /// These grounds, for tests of what is written down.
    #[cfg(test)]
    pub(crate) fn told(rules: Vec<(RuleId, Vec<Ground>)>) -> Self {
        Self { rules: rules.into(), subjects: Arc::default() }
    }

    /// Personal data that was masked in what is told, in the form of [`crate::tool::redact::Redacted::subjects`]; never
    /// to be stored or logged.
    #[must_use]
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }
}

/// Shows everything but the subjects, which must not reach a log.
impl std::fmt::Debug for Explained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explained").field("rules", &self.rules).field("subjects", &self.subjects.len()).finish()
    }
}

/// Explains the rules of a verdict, those in shadow mode behind the others. Costs nothing where no rule matched.
#[must_use]
pub fn explain(snapshot: &PolicySnapshot, action: &Action<'_>, verdict: &Verdict, now: Time) -> Explained {
    let enforced = verdict.reasons.iter().filter_map(|reason| reason.rule.as_ref());
    let mut rules = enforced.chain(&verdict.shadow).take(RULES_MAX).peekable();
    if rules.peek().is_none() {
        return Explained::default();
    }
    let explainer = Explainer::live(snapshot, action, verdict.risk, now);
    let rules = rules.map(|rule| (rule.rule.id, explainer.rule(rule))).collect();
    let mut subjects = explainer.subjects.into_inner();
    subjects.sort_unstable();
    subjects.dedup();
    Explained { rules, subjects: subjects.into() }
}

/// Why a rule matches a call at `now`, whatever its mode and expiry and with times in UTC; nothing when it does not.
#[must_use]
pub fn explain_alone(rule: &CompiledRule, action: &Action<'_>, now: Time) -> Vec<Ground> {
    let alone = Rule { mode: RuleMode::Enforce, expires_at: None, deleted_at: None, ..rule.rule.clone() };
    let alone = Arc::new(CompiledRule::compile(alone));
    let policy = PolicySnapshot::build(0, vec![alone], Vec::new(), PolicySettings::default());
    let verdict = evaluate(&policy, action, now);
    explain(&policy, action, &verdict, now).of(rule.rule.id).to_vec()
}

/// Explains one rule over a call of the past, by what was stored of it.
#[must_use]
pub fn explain_stored(rule: &CompiledRule, call: &Tried<'_>, zone: Option<&jiff::tz::TimeZone>) -> Vec<Ground> {
    let action = Action {
        tool: call.tool,
        agent: call.agent,
        arguments: call.arguments,
        forward: None,
        claimed_risk: None,
        stage: None,
    };
    let seen = Seen { action, base: classify(call.tool), class: stored_class(call.tool, call.facts) };
    let stored = Some((call.facts, call.arguments));
    Explainer::of(smallvec::smallvec![seen], call.risk, call.at, zone, stored).rule(rule)
}

/// A call under one of its names.
struct Seen<'a> {
    action: Action<'a>,
    /// What the name alone says.
    base: Class,
    /// What the name and the arguments say.
    class: Class,
}

struct Explainer<'a> {
    names: SmallVec<[Seen<'a>; 2]>,
    risk: Risk,
    now: Time,
    zone: Option<&'a jiff::tz::TimeZone>,
    /// What was stored, of a call of the past.
    stored: Option<(&'a Facts, View<'a>)>,
    /// How much work may still be done.
    left: Cell<usize>,
    subjects: RefCell<Vec<String>>,
}

impl<'a> Explainer<'a> {
    fn of(
        names: SmallVec<[Seen<'a>; 2]>,
        risk: Risk,
        now: Time,
        zone: Option<&'a jiff::tz::TimeZone>,
        stored: Option<(&'a Facts, View<'a>)>,
    ) -> Self {
        Self { names, risk, now, zone, stored, left: Cell::new(WORK_MAX), subjects: RefCell::default() }
    }

    fn live(snapshot: &'a PolicySnapshot, action: &Action<'a>, risk: Risk, now: Time) -> Self {
        let agent = evaluate::agent(snapshot, action);
        let first = Action { agent, ..*action };
        let second = action.stage.map(|stage| stage.action).filter(|name| *name != action.tool);
        let seen = |action: Action<'a>| Seen {
            base: snapshot.class(action.tool),
            class: evaluate::class(snapshot, &action),
            action: Action { stage: None, ..action },
        };
        let names = std::iter::once(first).chain(second.map(|tool| Action { tool, ..first })).map(seen).collect();
        Self::of(names, risk, now, snapshot.zone(), None)
    }

    /// Why a rule matched. Never nothing.
    fn rule(&self, rule: &CompiledRule) -> Vec<Ground> {
        let condition = &rule.condition;
        let mut grounds = Vec::new();
        let matched = |seen: &&Seen<'_>| self.whole(seen, condition).most != Truth::No;
        if let Some(seen) = self.names.iter().find(matched) {
            self.part(seen, condition, false, Condition::DEPTH_MAX, &mut grounds);
        }
        if grounds.is_empty() {
            let why = Some("it cannot be told apart which part held".to_owned());
            let (argument, value) = (None, None);
            grounds.push(Ground {
                condition: worded(condition, false),
                held: Certainty::Unclear,
                argument,
                value,
                why,
            });
        }
        grounds
    }

    /// Tells of a part of a condition what held in it. What is asked for is its opposite where `negated`.
    fn part(&self, seen: &Seen<'_>, part: &Condition, negated: bool, depth: usize, grounds: &mut Vec<Ground>) {
        if grounds.len() >= GROUNDS_MAX {
            return;
        }
        let Some(below) = depth.checked_sub(1) else {
            let why = Some("the condition nests too deep".to_owned());
            let (argument, value) = (None, None);
            grounds.push(Ground { condition: worded(part, negated), held: Certainty::Unclear, argument, value, why });
            return;
        };
        let (parts, each) = match part {
            Condition::Not(one) => return self.part(seen, one, !negated, below, grounds),
            Condition::All(parts) => (parts, !negated),
            Condition::Any(parts) => (parts, negated),
            leaf => return grounds.extend(self.leaf(seen, leaf, negated)),
        };
        if parts.is_empty() && each {
            let (argument, value, why) = (None, None, None);
            grounds.push(Ground { condition: "every call".to_owned(), held: Certainty::Yes, argument, value, why });
        }
        if each {
            parts.iter().for_each(|one| self.part(seen, one, negated, below, grounds));
            return;
        }
        // One is enough: those that held count, and what is unclear only where none did.
        let held = |one: &Condition| {
            let span = self.whole(seen, one);
            if negated { opposite(span.least) } else { span.most }
        };
        let held: SmallVec<[Truth; 8]> = parts.iter().map(held).collect();
        let best = held.iter().copied().max().filter(|best| *best != Truth::No);
        let told = parts.iter().zip(&held).filter(|(_, held)| Some(**held) == best);
        told.for_each(|(one, _)| self.part(seen, one, negated, below, grounds));
    }

    /// How true a condition is of the call as it was decided.
    fn whole(&self, seen: &Seen<'_>, condition: &Condition) -> Span {
        let source = match self.stored {
            Some((facts, masked)) => Source::Stored(facts, masked),
            None => Source::Live(&seen.action),
        };
        self.call(seen.action.tool, seen.action.agent, &seen.class, source).judge(condition)
    }

    /// How true it is of a part of the call.
    fn reduced(&self, seen: &Seen<'_>, action: &Action<'_>, condition: &Condition) -> Truth {
        let said = facts::said_by(action, &seen.base);
        let told;
        let class = if said == Said::default() {
            &seen.base
        } else {
            told = combined(&seen.base, said);
            &told
        };
        self.call(action.tool, action.agent, class, Source::Live(action)).judge(condition).least
    }

    /// How true it is of a call without arguments whose tool has another name.
    fn named(&self, seen: &Seen<'_>, tool: &str, condition: &Condition) -> Truth {
        let class = classify(tool);
        let nothing = crate::base::json::Doc::empty_object();
        let action = Action { tool, arguments: nothing.root(), forward: None, ..seen.action };
        self.call(tool, action.agent, &class, Source::Live(&action)).judge(condition).least
    }

    fn call<'c>(&'c self, tool: &'c str, agent: Option<&'c str>, class: &'c Class, source: Source<'c>) -> Call<'c> {
        Call { tool, class, agent, risk: self.risk, now: self.now, zone: self.zone, source }
    }
}

const fn opposite(truth: Truth) -> Truth {
    match truth {
        Truth::No => Truth::Yes,
        Truth::Unclear => Truth::Unclear,
        Truth::Yes => Truth::No,
    }
}

/// A part of a condition in words.
fn worded(part: &Condition, negated: bool) -> String {
    let words = if negated { phrase(&Condition::Not(Box::new(part.clone()))) } else { phrase(part) };
    cut(&words, WORDS_MAX)
}

/// A text of at most so many characters; `…` marks what was cut.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most.saturating_sub(1)) {
        Some((at, last)) if text.len() > at.saturating_add(last.len_utf8()) => {
            let kept = text.split_at_checked(at).map_or("", |(kept, _)| kept);
            format!("{kept}…")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
