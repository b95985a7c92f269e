//! Judging stored calls, each kind of call once.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    audit::LentDecision,
    base::json::Doc,
    engine::body::{Told, told},
    policy::{Found, Trial, Tried, facts::Facts},
};

/// How many judged kinds of calls are remembered.
const KEPT: usize = 65_536;
/// How many tools are remembered.
const TOOLS: usize = 4_096;
/// The longest facts that are remembered, in bytes.
const FACTS_MAX: usize = 1_024;

/// Judges stored calls.
#[derive(Debug)]
pub(super) struct Judge {
    trial: Trial,
    tools: HashMap<Box<str>, Tool, RandomState>,
    /// How many kinds of calls all tools remember, how many were found again since they were last forgotten, and
    /// whether remembering pays at all.
    kept: usize,
    again: usize,
    pays: bool,
    /// Arguments are left out by facts that say so.
    nothing: Doc<'static>,
    key: Vec<u8>,
}

#[derive(Debug, Default)]
struct Tool {
    /// No rule can match it unless its arguments say something.
    silent: bool,
    /// What was made of its calls, by what the rules read of them.
    known: HashMap<Box<[u8]>, Known, RandomState>,
}

/// What is known of a kind of calls.
#[derive(Debug, Clone)]
enum Known {
    /// What the rules would have said.
    Found(Judged),
    /// It hangs on the arguments, or on the time.
    Open,
}

/// What became of one stored call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// No rule would have matched.
    Nothing,
    /// Rules would have matched, or may have.
    Some(Found),
    /// What the rules need was not stored or was erased.
    Unknown,
}

impl From<Found> for Judged {
    fn from(found: Found) -> Self {
        if found.matched.is_empty() && found.open.is_empty() { Self::Nothing } else { Self::Some(found) }
    }
}

impl Judge {
    pub(super) fn new(trial: Trial) -> Self {
        Self {
            trial,
            tools: HashMap::default(),
            kept: 0,
            again: 0,
            pays: true,
            nothing: Doc::empty_object(),
            key: Vec::new(),
        }
    }

    pub(super) const fn trial(&self) -> &Trial {
        &self.trial
    }

    /// What the rules would have made of a call.
    pub(super) fn judge(&mut self, call: &LentDecision<'_>) -> Judged {
        let (Some(name), Some(risk), Some(body)) = (call.tool_name, call.risk, call.body) else {
            return Judged::Unknown;
        };
        let Some(told) = told(body) else { return self.by_shape(call, body).unwrap_or(Judged::Unknown) };
        if !self.tools.contains_key(name) {
            if self.tools.len() >= TOOLS {
                self.tools.clear();
                self.kept = 0;
            }
            let silent = self.trial.is_silent_on(name);
            self.tools.insert(name.into(), Tool { silent, known: HashMap::default() });
        }
        let Some(tool) = self.tools.get_mut(name) else { return Judged::Unknown };
        if tool.silent && says_nothing(told.facts) {
            return Judged::Nothing;
        }
        let reads = self.trial.reads();
        self.key.clear();
        self.key.push(risk as u8);
        self.key.extend_from_slice(told.facts.as_bytes());
        if reads.agent {
            // Facts are one JSON object, so what stands behind it cannot be taken for a part of it.
            self.key.extend_from_slice(call.agent_name.map_or("-", |_| "+").as_bytes());
            self.key.extend_from_slice(call.agent_name.unwrap_or_default().as_bytes());
        }
        match tool.known.get(self.key.as_slice()) {
            Some(Known::Found(judged)) => {
                self.again += 1;
                return judged.clone();
            }
            Some(Known::Open) => return judge(&self.trial, call, &told).unwrap_or(Judged::Unknown),
            None => {}
        }
        let Ok(facts) = serde_json::from_str::<Facts>(told.facts) else { return Judged::Unknown };
        let hides = !facts.partial;
        // First without the arguments: what the facts settle needs no more.
        let blind = Facts { partial: true, ..facts };
        let tried = Tried {
            tool: name,
            agent: call.agent_name,
            risk,
            at: call.at,
            facts: &blind,
            arguments: self.nothing.root(),
        };
        let found = self.trial.judge(&tried);
        let known =
            if reads.time || (hides && !found.open.is_empty()) { Known::Open } else { Known::Found(found.into()) };
        let judged = match &known {
            Known::Found(judged) => judged.clone(),
            Known::Open => judge(&self.trial, call, &told).unwrap_or(Judged::Unknown),
        };
        if self.pays && self.key.len() <= FACTS_MAX {
            tool.known.insert(self.key.as_slice().into(), known);
            self.kept += 1;
            if self.kept >= KEPT {
                self.forget();
            }
        }
        judged
    }

    /// Makes room. Where hardly any call is like another, nothing more is remembered.
    fn forget(&mut self) {
        self.pays = self.again >= KEPT / 8;
        self.tools.values_mut().for_each(|tool| tool.known = HashMap::default());
        (self.kept, self.again) = (0, 0);
    }

    /// Judges a body that was not written as bodies are now.
    fn by_shape(&self, call: &LentDecision<'_>, body: &str) -> Option<Judged> {
        #[derive(Deserialize)]
        struct Shape<'b> {
            facts: Facts,
            #[serde(borrow)]
            arguments: &'b RawValue,
        }
        let shape: Shape<'_> = serde_json::from_str(body).ok()?;
        with_arguments(&self.trial, call, &shape.facts, shape.arguments.get())
    }
}

/// Whether stored facts name neither a deed nor a thing.
fn says_nothing(facts: &str) -> bool {
    // As names of members: within a text their quotes would be escaped.
    let finds = |name: &str| memchr::memmem::find(facts.as_bytes(), name.as_bytes()).is_some();
    facts.len() < 6 || !(finds("\"v\":") || finds("\"o\":"))
}

/// Judges a call by its facts and arguments.
fn judge(trial: &Trial, call: &LentDecision<'_>, told: &Told<'_>) -> Option<Judged> {
    let facts: Facts = serde_json::from_str(told.facts).ok()?;
    with_arguments(trial, call, &facts, told.arguments()?)
}

fn with_arguments(trial: &Trial, call: &LentDecision<'_>, facts: &Facts, arguments: &str) -> Option<Judged> {
    let arguments = Doc::parse(arguments.as_bytes()).ok()?;
    let tried = Tried {
        tool: call.tool_name?,
        agent: call.agent_name,
        risk: call.risk?,
        at: call.at,
        facts,
        arguments: arguments.root(),
    };
    Some(trial.judge(&tried).into())
}
