//! A rule explained before it does anything: what it means, what it reads, and one call on either side of it.

mod phrase;
mod sample;

use super::{condition::Condition, snapshot::CompiledRule};

/// What a rule means.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Interpretation {
    /// What it was understood to say, in the canonical form: a rule with this text is the same.
    pub summary: String,
    /// What it reads of a call's arguments.
    pub reads: Vec<String>,
    /// Known tools whose calls it can match.
    pub covers: Vec<String>,
    /// A call that it matches: `{tool_name, arguments, agent_name?}`.
    pub example_match: Option<serde_json::Value>,
    /// A similar call that it does not match.
    pub example_miss: Option<serde_json::Value>,
    /// Words that could not be placed. The rule is widened by them.
    pub unresolved: Vec<String>,
    /// What its author should know before turning it on.
    pub warnings: Vec<String>,
}

/// How many tools are listed.
const COVERS_MAX: usize = 200;

/// Words that the lexicon lacks and that calls must therefore name themselves.
fn by_name(condition: &Condition) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    condition.each_part(&mut |part| {
        let Condition::Deed(deed) = part else { return };
        let words = deed.verbs.iter().take(1).chain(&deed.nouns);
        for word in words {
            let name = format!("`{}`", word.replace('_', " "));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    });
    names
}

/// Explains a rule. The examples were judged by the rule itself.
#[must_use]
pub fn interpret(rule: &CompiledRule, known_tools: &[&str]) -> Interpretation {
    let mut covers: Vec<String> =
        known_tools.iter().filter(|tool| rule.covers(tool)).take(COVERS_MAX).map(|tool| (*tool).to_owned()).collect();
    covers.sort_unstable();
    covers.dedup();
    let (example_match, example_miss) = sample::examples(&rule.condition, covers.first().map(String::as_str));
    let mut warnings = Vec::new();
    if rule.condition == Condition::ALWAYS || rule.condition == Condition::Risky {
        warnings.push("it stops every call that is more than reading".to_owned());
    }
    if rule.condition == Condition::NEVER {
        warnings.push("it stops nothing".to_owned());
    } else if example_match.is_none() {
        warnings.push("no call was found that it stops".to_owned());
    }
    let names = by_name(&rule.condition);
    // Who gives a condition, or a text in canonical form, quotes such words knowingly.
    let given = rule.rule.form.condition.is_some() || super::canonical::read(&rule.rule.rule_text).is_some();
    if !given && !names.is_empty() {
        warnings.push(format!("known by name only, so calls must name it alike: {}", names.join(", ")));
    }
    if !rule.unresolved.is_empty() {
        let words = rule.unresolved.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let effect = if rule.rule.action == super::RuleAction::Block {
            "it asks instead of blocking"
        } else {
            "it asks more often"
        };
        warnings.push(format!("not understood: {words}; so {effect}"));
    }
    Interpretation {
        summary: phrase::summary(rule),
        reads: phrase::reads(&rule.condition),
        covers,
        example_match,
        example_miss,
        unresolved: rule.unresolved.clone(),
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::interpret;
    use crate::{
        base::{Seed, Time, id::RuleId, json::Doc},
        policy::{Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate},
    };

    const NOW: Time = Time::from_micros(1_763_800_000_000_000);

    fn compile(text: &str) -> CompiledRule {
        CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([3; 32])), text, RuleAction::Block))
    }

    fn outcome(rule: &Arc<CompiledRule>, call: &serde_json::Value) -> Outcome {
        let settings = PolicySettings::default();
        let snapshot = PolicySnapshot::build(1, vec![rule.clone()], Vec::new(), settings);
        let doc = Doc::from_value(&call["arguments"]);
        let agent = call["agent_name"].as_str();
        let tool = call["tool_name"].as_str().unwrap();
        evaluate(
            &snapshot,
            &Action { tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None },
            NOW,
        )
        .outcome
    }

    #[test]
    fn examples_are_judged_by_the_rule_as_they_are_called() {
        for text in [
            "transfers over £500 need approval",
            "block refunds between £10 and £700",
            "block emails to anyone outside acme.org",
            "block any email to more than 3 recipients",
            "block exports containing personal data",
            "deployments to production need approval, staging is fine",
            "block any write under /srv",
            "block changes to *.lock files",
            "block DELETE statements without a WHERE clause",
            "ask before running git push",
            "payments need approval except payments to Kite",
            "block posting in #random",
            "block destructive database operations",
            "intern-bot may not send emails",
            "emails with an attachment need approval",
            "block `deploy_all`",
            "never give a discount above 20%",
            "something utterly incomprehensible",
        ] {
            let rule = Arc::new(compile(text));
            let told = interpret(&rule, &[]);
            let (hit, miss) = (
                told.example_match.unwrap_or_else(|| panic!("{text}")),
                told.example_miss.unwrap_or_else(|| panic!("{text}")),
            );
            assert_ne!(outcome(&rule, &hit), Outcome::Allow, "{text}: {hit}");
            assert_eq!(outcome(&rule, &miss), Outcome::Allow, "{text}: {miss}");
            assert!(!told.summary.is_empty());
        }
    }

    #[test]
    fn an_example_s_tool_is_named_as_people_name_tools() {
        for (text, tool) in [
            ("transfers over £500 need approval", "create_transfer"),
            ("deployments to production need approval", "create_deployment"),
            ("payments need approval", "create_payment"),
            ("block any write under /srv", "write_file"),
            ("intern-bot may not send emails", "send_email"),
            ("block destructive database operations", "delete_database"),
        ] {
            let told = interpret(&compile(text), &[]);
            assert_eq!(told.example_match.unwrap()["tool_name"], tool, "{text}");
        }
    }

    #[test]
    fn known_tools_are_told_apart() {
        let told = interpret(
            &compile("block refunds over £50"),
            &["list_refunds", "create_refund", "send_email", "refundOrder"],
        );
        assert_eq!(told.covers, ["create_refund", "refundOrder"]);
        assert_eq!(told.reads, ["amount", "currency"]);
        assert_eq!(told.summary, "Block a call that refunds, where the amount is over 50 GBP.");
        assert!(told.warnings.is_empty());
        let example = told.example_match.map(|call| call["tool_name"].clone());
        assert_eq!(example, Some("create_refund".into()));
    }

    #[test]
    fn a_rule_that_contradicts_itself_says_so() {
        let told = interpret(&compile("A call that refunds, unless it refunds."), &[]);
        assert_eq!(told.example_match, None);
        assert_eq!(told.warnings, ["no call was found that it stops"]);
    }

    #[test]
    fn a_call_is_found_where_the_first_way_leads_nowhere() {
        for text in [
            "A call that is about money, where the amount is over 500 GBP.",
            r#"A call that mentions "coursework" and that mentions "grades"."#,
            r#"A call where (it uses the tool "x" and it uses the tool "y") or it deletes files."#,
            r#"A call that reads customers or that deletes customers, unless it reads customers."#,
            r#"A call that has an attachment and that "flushes" "gift boxes"."#,
            "A call that does anything but look, where the number of items is exactly 3 and the percentage is under 5%.",
        ] {
            let told = interpret(&compile(text), &[]);
            assert!(told.unresolved.is_empty() && told.warnings.is_empty(), "{text}: {:?}", told.warnings);
            assert!(told.example_match.is_some() && told.example_miss.is_some(), "{text}: {told:?}");
        }
    }

    #[test]
    fn a_rule_that_stops_everything_says_so() {
        let told = interpret(&compile("x"), &[]);
        assert_eq!(told.warnings.len(), 2);
        assert_eq!(told.unresolved, ["x"]);
    }
}
