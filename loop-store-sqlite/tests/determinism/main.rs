//! One rule set and one call give one verdict, byte for byte: its outcome, reasons, their order, why each rule
//! matched, and the policy's hash. Whatever the order that rules came in and calls were made in, the store behind it,
//! and the process with its own seeds of every hash map.
//!
//! Ids of rules order them, and are drawn by time: the same rules have the same ids here.

#![cfg(test)]

mod generate;

use std::{
    fmt::Write as _,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use generate::{Proposed, calls, rules};
use loop_core::{
    access::Caller,
    audit::{self, Filter},
    base::{
        Host, Seed, TenantId, Time,
        host::NoEntropy,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Call, DecideError, Engine, bootstrap},
    policy::{Action, CompiledRule, Explained, PolicySettings, PolicySnapshot, Rule, Verdict, evaluate, explain},
    store::{Lane, Repo, Store, StoreExt, Tx, memory::MemoryStore, wait},
};
use loop_store_sqlite::{Options, SqliteStore};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

/// A machine whose clock stands still.
#[derive(Default)]
struct StillHost(AtomicU64);

impl Host for StillHost {
    fn now(&self) -> Time {
        NOW
    }

    fn seed(&self) -> Result<Seed, NoEntropy> {
        let mut key = [7; 32];
        key[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        Ok(Seed::new(key))
    }
}

/// Everything that a verdict says.
fn said(verdict: &Verdict, explained: &Explained, hash: &str) -> String {
    let mut text = format!("{:?} {} +{} {hash}", verdict.outcome, verdict.risk.as_str(), verdict.unlisted);
    for reason in &verdict.reasons {
        let rule = reason.rule.as_ref().map(|rule| format!("{} r{}", rule.rule.id, rule.rule.revision));
        let grounds = serde_json::to_string(reason.grounds(explained)).unwrap();
        write!(text, "\n{} {:?} {rule:?} {grounds}", reason.code.as_str(), reason.outcome).unwrap();
    }
    for rule in &verdict.shadow {
        let grounds = serde_json::to_string(explained.of(rule.rule.id)).unwrap();
        write!(text, "\nshadow {} {grounds}", rule.rule.id).unwrap();
    }
    text
}

fn action<'a>(proposed: &'a Proposed, doc: &'a Doc<'a>) -> Action<'a> {
    let agent = proposed.agent.as_deref();
    Action { tool: &proposed.tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None }
}

fn snapshot(rules: &[Rule]) -> PolicySnapshot {
    let rules = rules.iter().map(|rule| Arc::new(CompiledRule::compile(rule.clone()))).collect();
    PolicySnapshot::build(1, rules, vec!["drop_everything".to_owned()], PolicySettings::default())
}

fn by_snapshot(policy: &PolicySnapshot, proposed: &Proposed) -> String {
    let doc = Doc::parse(proposed.arguments.as_bytes()).unwrap();
    let action = action(proposed, &doc);
    let verdict = evaluate(policy, &action, NOW);
    said(&verdict, &explain(policy, &action, &verdict, NOW), policy.hash())
}

proptest! {
    #![proptest_config(Config::with_cases(48))]
    #[test]
    fn the_order_of_rules_and_calls_is_nothing(
        (rules, shuffled) in rules(1..24).prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        calls in calls(1..16),
    ) {
        let (one, other) = (snapshot(&rules), snapshot(&shuffled));
        let first: Vec<String> = calls.iter().map(|call| by_snapshot(&one, call)).collect();
        // What was worked out of other tools before, and twice, changes nothing.
        let mut second: Vec<String> = calls.iter().rev().map(|call| by_snapshot(&other, call)).collect();
        second.reverse();
        prop_assert_eq!(&first, &second);
        let again: Vec<String> = calls.iter().map(|call| by_snapshot(&one, call)).collect();
        prop_assert_eq!(&first, &again);
    }
}

/// An engine over a store, and what it says of calls: without a trace, and in its log.
struct World {
    engine: Engine,
    caller: Caller,
}

impl World {
    fn over(store: Arc<dyn Store>) -> Self {
        let engine = Engine::new(store, Arc::new(StillHost::default()), MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let caller = wait(engine.authenticate("tl_test")).unwrap();
        Self { engine, caller }
    }

    /// Keeps rules as they are, ids and all.
    fn keep(&self, rules: Vec<Rule>) {
        let tenant = TenantId::default_tenant();
        let work = move |tx: &mut dyn Tx| {
            for rule in &rules {
                let epoch = tx.bump_epoch(&TenantId::default_tenant())?;
                Repo::new(tx, &TenantId::default_tenant()).insert(&Rule { epoch, ..rule.clone() }, NOW)?;
            }
            Ok::<_, DecideError>(())
        };
        wait(self.engine.write_as_system(&tenant, "test.rules", Lane::Normal, work)).unwrap();
    }

    fn evaluated(&self, proposed: &Proposed) -> String {
        let doc = Doc::parse(proposed.arguments.as_bytes()).unwrap();
        let evaluated = wait(self.engine.evaluate(&self.caller, &action(proposed, &doc))).unwrap();
        said(&evaluated.verdict, &evaluated.explained, evaluated.policy.hash())
    }

    /// The body of the call's entry in the log, but for the ids that are drawn for it.
    fn recorded(&self, proposed: &Proposed) -> String {
        let doc = Doc::parse(proposed.arguments.as_bytes()).unwrap();
        let call = Call { action: action(proposed, &doc), reason: None, session: None, door: "test" };
        let decided = wait(self.engine.intercept(&self.caller, &call)).unwrap();
        let tenant = TenantId::default_tenant();
        let entries = wait(self.engine.store().read("test.log", move |tx: &mut dyn Tx| {
            Ok::<_, DecideError>(audit::page(tx, &tenant, audit::DECISIONS, &Filter::default(), 1, 0)?)
        }))
        .unwrap();
        assert_eq!(entries[0].id(), decided.audit_id);
        let mut body = entries[0].body.clone().unwrap();
        if let Some(id) = decided.approval {
            body = body.replace(&id.to_string(), "");
        }
        body
    }

    fn says(&self, calls: &[Proposed]) -> Vec<String> {
        calls.iter().flat_map(|call| [self.evaluated(call), self.recorded(call)]).collect()
    }
}

proptest! {
    // Each case makes files.
    #![proptest_config(Config::with_cases(6))]
    #[test]
    fn the_store_behind_it_is_nothing(
        (rules, shuffled) in rules(1..12).prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        calls in calls(1..8),
    ) {
        let memory = World::over(Arc::new(MemoryStore::new(CATALOG)));
        memory.keep(rules.clone());
        let wanted = memory.says(&calls);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loop.db");
        let file = || World::over(Arc::new(SqliteStore::open(&path, Options::new(CATALOG)).unwrap()));
        let first = file();
        // One by one, so that each is compiled into a policy of its own.
        for rule in shuffled {
            first.keep(vec![rule]);
            first.evaluated(&calls[0]);
        }
        prop_assert_eq!(&first.says(&calls), &wanted);
        drop(first);
        // Read from the file anew.
        prop_assert_eq!(&file().says(&calls), &wanted);
    }
}

/// Tells a process of this test to say its verdicts and end.
const SAY: &str = "LOOP_TEST_SAY_VERDICTS";

/// The verdicts on calls and by rules that are the same in every process.
fn fixed() -> String {
    let mut runner = TestRunner::deterministic();
    let rules = rules(40..41).new_tree(&mut runner).unwrap().current();
    let calls = calls(80..81).new_tree(&mut runner).unwrap().current();
    let policy = snapshot(&rules);
    let all: Vec<String> = calls.iter().map(|call| by_snapshot(&policy, call)).collect();
    serde_json::to_string(&all).unwrap()
}

#[test]
fn another_process_says_the_same() {
    let here = fixed();
    if std::env::var_os(SAY).is_some() {
        println!("{SAY}{here}");
        return;
    }
    // Rules match at all, and several at a time.
    assert!(here.contains("RULE_DENY") && here.contains("RULE_ASK") && here.contains("shadow "), "{here}");
    for _ in 0..3 {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--exact", "another_process_says_the_same", "--nocapture"]).env(SAY, "1");
        let said = String::from_utf8(process.output().unwrap().stdout).unwrap();
        let line = said.lines().find_map(|line| line.split_once(SAY)).map(|(_, verdicts)| verdicts);
        assert_eq!(line, Some(here.as_str()));
    }
}
