//! What is told of a rule before it decides: a text that is the same rule, and a call on either side.

use loop_core::policy::{CompiledRule, Outcome, PolicySettings, PolicySnapshot, canonical, interpret};

use crate::set::{Labelled, Labelling, Set, compile, decide};

fn sets() -> impl Iterator<Item = Labelled> {
    [
        include_str!("dev.json"),
        include_str!("wide.json"),
        include_str!("more.json"),
        include_str!("extra.json"),
        include_str!("further.json"),
    ]
    .into_iter()
    .flat_map(|text| serde_json::from_str::<Set>(text).unwrap().rules)
}

#[test]
fn the_summary_of_a_rule_is_the_same_rule() {
    for rule in sets() {
        let compiled = compile(&rule.text, rule.action);
        let summary = interpret(&compiled, &[]).summary;
        let again = compile(&summary, rule.action);
        assert!(again.unresolved.is_empty(), "{summary}");
        assert_eq!(again.condition, canonical::normal(&compiled.condition), "{summary}");
        assert_eq!(canonical::render(&again.condition), canonical::render(&compiled.condition));
    }
}

fn outcome(rule: &std::sync::Arc<CompiledRule>, call: &serde_json::Value) -> Outcome {
    let call = Labelling {
        tool_name: call["tool_name"].as_str().unwrap().to_owned(),
        arguments: call["arguments"].clone(),
        agent_name: call["agent_name"].as_str().map(str::to_owned),
        expect: String::new(),
        harmful: false,
        note: None,
    };
    let snapshot = PolicySnapshot::build(1, vec![rule.clone()], Vec::new(), PolicySettings::default());
    decide(&snapshot, &call)
}

/// Of all rules that are wholly understood so many have a call on either side; the others are listed.
#[test]
fn rules_are_shown_by_a_call_on_either_side() {
    let (mut understood, mut both) = (0, 0);
    for rule in sets() {
        let compiled = compile(&rule.text, rule.action);
        if !compiled.unresolved.is_empty() {
            continue;
        }
        understood += 1;
        let told = interpret(&compiled, &[]);
        let hit = told.example_match.inspect(|call| assert_ne!(outcome(&compiled, call), Outcome::Allow, "{call}"));
        let miss = told.example_miss.inspect(|call| assert_eq!(outcome(&compiled, call), Outcome::Allow, "{call}"));
        if hit.is_some() && miss.is_some() {
            both += 1;
        } else {
            println!("{} {} {}\n    {}", hit.is_some(), miss.is_some(), rule.text, told.summary);
        }
    }
    println!("{both} of {understood}");
    assert!(both * 100 >= understood * 95, "{both} of {understood}");
}
