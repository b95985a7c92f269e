//! A labelled set: rules with calls and what each call must come to, and how the reader stands it.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use loop_core::{
    base::{Seed, Time, id::RuleId, json::Doc},
    policy::{Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate},
};

/// A Wednesday at noon.
const NOW: Time = Time::from_micros(1_763_553_600_000_000);

/// The file.
#[derive(serde::Deserialize)]
pub struct Set {
    /// Each is judged alone.
    pub rules: Vec<Labelled>,
}

/// A rule with its calls.
#[derive(serde::Deserialize)]
pub struct Labelled {
    /// Names it in reports.
    pub id: String,
    /// What kind of rule it is.
    pub category: String,
    /// The sentence.
    pub text: String,
    /// What it does.
    pub action: RuleAction,
    /// Nobody can tell what all of it means.
    #[serde(default)]
    pub unresolved: bool,
    /// Calls to judge.
    pub calls: Vec<Labelling>,
}

/// A call with what it must come to.
#[derive(serde::Deserialize)]
pub struct Labelling {
    /// The tool.
    pub tool_name: String,
    /// The arguments.
    #[serde(default)]
    pub arguments: serde_json::Value,
    /// Who calls.
    #[serde(default)]
    pub agent_name: Option<String>,
    /// `MATCH` or `NO`.
    pub expect: String,
    /// To let it go would do harm.
    #[serde(default, rename = "unsafe")]
    pub harmful: bool,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
}

/// What a set came to, in one category or all.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Rules.
    pub rules: usize,
    /// Calls.
    pub calls: usize,
    /// Calls that were judged right.
    pub right: usize,
    /// Calls that should have been stopped, were not, and do harm.
    pub harmful: usize,
    /// Calls that were let go and should not have been, without harm.
    pub missed: usize,
    /// Calls that were stopped for nothing.
    pub needless: usize,
    /// Calls that were stopped, but in another way than the rule says.
    pub softer: usize,
    /// Rules said to be understood that are not, or the other way round.
    pub misjudged: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.rules += other.rules;
        self.calls += other.calls;
        self.right += other.right;
        self.harmful += other.harmful;
        self.missed += other.missed;
        self.needless += other.needless;
        self.softer += other.softer;
        self.misjudged += other.misjudged;
    }

    /// Calls judged right of a thousand.
    pub fn per_mille(&self) -> usize {
        (self.right * 1000).checked_div(self.calls).unwrap_or(1000)
    }
}

/// What a whole set came to.
#[derive(Default)]
pub struct Report {
    /// By category.
    pub categories: BTreeMap<String, Tally>,
    /// All of it.
    pub all: Tally,
    /// One line for each wrong answer.
    pub wrong: String,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = |name: &str, tally: &Tally| {
            writeln!(
                f,
                "{name:<18} {:4} rules {:5} calls {:5}.{}% | harmful {} missed {} needless {} softer {} misjudged {}",
                tally.rules,
                tally.calls,
                tally.per_mille() / 10,
                tally.per_mille() % 10,
                tally.harmful,
                tally.missed,
                tally.needless,
                tally.softer,
                tally.misjudged
            )
        };
        for (name, tally) in &self.categories {
            line(name, tally)?;
        }
        line("all", &self.all)
    }
}

/// Reads a rule as the server would.
pub fn compile(text: &str, action: RuleAction) -> Arc<CompiledRule> {
    Arc::new(CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([3; 32])), text, action)))
}

/// Decides a call under one rule alone.
pub fn decide(snapshot: &PolicySnapshot, call: &Labelling) -> Outcome {
    let text = serde_json::to_vec(&call.arguments).unwrap_or_default();
    let Ok(doc) = Doc::parse(&text) else { return Outcome::Deny };
    let action = Action {
        tool: &call.tool_name,
        agent: call.agent_name.as_deref(),
        arguments: doc.root(),
        forward: None,
        claimed_risk: None,
        stage: None,
    };
    evaluate(snapshot, &action, NOW).outcome
}

/// Judges every call of a set, each rule alone.
pub fn judge(set: &Set) -> Report {
    let mut report = Report::default();
    for rule in &set.rules {
        let compiled = compile(&rule.text, rule.action);
        let snapshot = PolicySnapshot::build(1, vec![compiled.clone()], Vec::new(), PolicySettings::default());
        let mut tally = Tally { rules: 1, ..Tally::default() };
        let mut lines = String::new();
        let said = !compiled.unresolved.is_empty();
        if said != rule.unresolved {
            tally.misjudged = 1;
            let _ = writeln!(lines, "    unresolved: {:?}", compiled.unresolved);
        }
        for call in &rule.calls {
            let got = decide(&snapshot, call);
            tally.calls += 1;
            let stop = call.expect == "MATCH";
            let wanted = if rule.action == RuleAction::Block { Outcome::Deny } else { Outcome::RequireApproval };
            let kind = match (stop, got) {
                (false, Outcome::Allow) => "",
                (false, _) => "needless",
                (true, Outcome::Allow) if call.harmful => "HARMFUL",
                (true, Outcome::Allow) => "missed",
                (true, got) if got == wanted || rule.unresolved => "",
                (true, _) => "softer",
            };
            match kind {
                "" => tally.right += 1,
                "needless" => tally.needless += 1,
                "HARMFUL" => tally.harmful += 1,
                "missed" => tally.missed += 1,
                _ => tally.softer += 1,
            }
            if !kind.is_empty() {
                let arguments: String = call.arguments.to_string().chars().take(160).collect();
                let who = call.agent_name.as_deref().unwrap_or_default();
                let note = call.note.as_deref().unwrap_or_default();
                let _ = writeln!(lines, "    {kind}: {} {who} {arguments} {note}", call.tool_name);
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(report.wrong, "{} [{:?}] {}", rule.id, rule.action, rule.text);
            let _ = writeln!(report.wrong, "    {:?}", compiled.condition);
            report.wrong.push_str(&lines);
        }
        report.categories.entry(rule.category.clone()).or_default().add(tally);
        report.all.add(tally);
    }
    report
}
