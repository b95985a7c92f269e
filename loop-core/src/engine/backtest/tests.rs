//! A back-test says of each stored call what the rule itself would have said, whatever is remembered on the way.

use std::sync::Arc;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{BackTest, CHUNK, Run, Scope};
use crate::{
    access::Caller,
    audit::{self, Filter, Status},
    base::{
        Host, Risk, Seed, Time,
        id::RuleId,
        json::Doc,
        secret::{MasterKey, Secret},
    },
    engine::{CATALOG, Call, DecideError, Engine, bootstrap, tests::TestHost},
    policy::{
        Action, CompiledRule, Outcome, PolicyError, Rule, RuleAction, RuleMode, StoredCall, Would, facts::Facts,
        settings, stored_class,
    },
    store::{memory::MemoryStore, wait},
};

const TEXTS: &[&str] = &[
    "transfers over £500 need approval",
    "block emails to anyone outside acme.org",
    "block any email to more than 2 recipients",
    "block destructive database operations",
    "ask before running `rm` or git push",
    "payments need approval except payments to Kite",
    "no deployments on weekends",
    "intern-bot may not send emails",
    "block posting in #random",
    "something utterly incomprehensible",
];

struct World {
    engine: Engine,
    host: Arc<TestHost>,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        let host = Arc::new(TestHost::default());
        let store = Arc::new(MemoryStore::new(CATALOG));
        let engine = Engine::new(store, Arc::clone(&host) as Arc<dyn Host>, MasterKey::new([9; 32]));
        wait(bootstrap(&engine, Some(Secret::new("tl_test")))).unwrap();
        let caller = wait(engine.authenticate("tl_test")).unwrap();
        Self { engine, host, caller }
    }

    fn call(&self, tool: &str, agent: Option<&str>, arguments: &serde_json::Value) -> Status {
        let doc = Doc::from_value(arguments);
        let action = Action { tool, agent, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
        let call = Call { action, reason: None, session: None, door: "test" };
        wait(self.engine.intercept(&self.caller, &call)).unwrap().status
    }

    fn read<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn crate::store::Tx, &crate::access::Ctx) -> Result<T, DecideError> + Send + 'static,
    ) -> T {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        wait(self.engine.read(cx, "test", move |tx, cx| work(tx, cx))).unwrap()
    }

    fn run(&self, rules: Vec<Arc<CompiledRule>>, scope: Scope) -> BackTest {
        self.read(move |tx, cx| {
            let mut run = Run::new(rules.clone(), scope)?;
            while run.step(tx, cx.tenant())? {}
            assert_eq!(run.progress().scanned, run.result().scanned);
            Ok(run.result())
        })
    }

    fn settings(&self, patch: settings::SettingsPatch) {
        let cx = self.engine.context(self.caller.clone()).unwrap();
        let changed = self
            .engine
            .write(cx, "settings.update", move |tx, cx| settings::update(tx, cx, &patch).map_err(DecideError::from));
        wait(changed).unwrap();
    }
}

fn rule(text: &str, action: RuleAction, approver: Option<&str>) -> Arc<CompiledRule> {
    Arc::new(CompiledRule::compile(Rule {
        id: RuleId::draw(Time::EPOCH, &mut Seed::new([3; 32])),
        rule_text: text.into(),
        action,
        approver_email: approver.map(str::to_owned),
        mode: RuleMode::Enforce,
        expires_at: None,
        revision: 1,
        epoch: 1,
        deleted_at: None,
        form: Default::default(),
    }))
}

fn everything() -> Scope {
    Scope { since: None, calls: u64::MAX }
}

/// What a rule says of every stored call, each judged by itself from its whole body.
fn one_by_one(world: &World, rule: &Arc<CompiledRule>) -> [u64; 2] {
    #[derive(Deserialize)]
    struct Body<'b> {
        #[serde(borrow)]
        arguments: &'b RawValue,
        facts: Facts,
    }
    let rule = Arc::clone(rule);
    world.read(move |tx, cx| {
        let mut counts = [0, 0];
        for entry in audit::page(tx, cx.tenant(), audit::DECISIONS, &Filter::default(), u32::MAX, 0)? {
            let body: Body<'_> = serde_json::from_str(entry.body.as_deref().unwrap()).unwrap();
            let tool = entry.tool_name.as_deref().unwrap();
            let class = stored_class(tool, &body.facts);
            let arguments = Doc::parse(body.arguments.get().as_bytes()).unwrap();
            let risks = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
            let risk =
                risks.into_iter().find(|risk| risk.as_str().eq_ignore_ascii_case(entry.risk.as_deref().unwrap()));
            let call = StoredCall {
                tool,
                class: &class,
                agent: entry.agent_name.as_deref(),
                risk: risk.unwrap(),
                at: entry.at,
                facts: &body.facts,
                arguments: arguments.root(),
            };
            match rule.would(&call, Some(&jiff::tz::TimeZone::UTC)) {
                Would::Match => counts[0] += 1,
                Would::Undecidable => counts[1] += 1,
                Would::NoMatch => {}
            }
        }
        Ok(counts)
    })
}

fn arguments() -> impl Strategy<Value = serde_json::Value> {
    let keys = ["amount", "to", "command", "sql", "payee", "channel", "note", "email"];
    let values = prop_oneof![
        prop::sample::select(vec![100, 499, 501, 900]).prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "£600",
            "bea@acme.org",
            "x@other.net",
            "DELETE FROM t",
            "SELECT 1",
            "git push",
            "rm -rf x",
            "Kite",
            "random",
        ])
        .prop_map(|text| json!(text)),
        Just(json!(["a@acme.org", "b@acme.org", "c@x.net"])),
        Just(json!("x".repeat(5_000))),
    ];
    prop::collection::vec((prop::sample::select(keys.to_vec()), values), 0..3).prop_map(|members| {
        serde_json::Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn calls_judged_together_are_judged_as_each_by_itself(
        calls in prop::collection::vec(
            (
                prop::sample::select(vec!["send_email", "wire_transfer", "run_sql", "bash", "deploy", "post", "get_x"]),
                prop::option::of(prop::sample::select(vec!["intern-bot", "other"])),
                arguments(),
                0..40_000_i64,
            ),
            1..40,
        ),
    ) {
        let world = World::new();
        for (tool, agent, arguments, after) in &calls {
            world.host.forward(*after);
            world.call(tool, *agent, arguments);
        }
        let all: Vec<_> = TEXTS.iter().map(|text| rule(text, RuleAction::Approve, None)).collect();
        let mut each = Vec::new();
        for rule in &all {
            let [matched, open] = one_by_one(&world, rule);
            let found = world.run(vec![Arc::clone(rule)], everything());
            prop_assert_eq!([found.would_ask, found.undecidable], [matched, open], "{}", rule.rule.rule_text);
            prop_assert_eq!(found.scanned, calls.len() as u64);
            each.push((matched, open));
        }
        let together = world.run(all, everything());
        let told: Vec<_> = together.rules.iter().map(|rule| (rule.matched, rule.undecidable)).collect();
        prop_assert_eq!(told, each, "the rules together");
    }
}

#[test]
fn what_changes_is_told_from_what_was_stopped_anyway() {
    let world = World::new();
    assert_eq!(world.call("create_refund", None, &json!({"amount": 10})), Status::Allowed);
    assert_eq!(world.call("create_refund", None, &json!({"amount": 900})), Status::Allowed);
    assert_eq!(world.call("read_file", None, &json!({})), Status::Allowed);
    let asked = world.run(vec![rule("refunds over £50 need approval", RuleAction::Approve, None)], everything());
    assert_eq!((asked.scanned, asked.would_ask, asked.newly_asked, asked.would_block), (3, 1, 1, 0));
    let sample = asked.samples.first().unwrap();
    assert_eq!((sample.id.as_str(), sample.was.as_str(), sample.would), ("dec-2", "ALLOWED", "PENDING"));
    let saw: Vec<_> =
        sample.grounds.iter().map(|ground| (ground.argument.as_deref(), ground.value.as_deref())).collect();
    assert_eq!(saw, [(Some("tool_name"), Some("refund")), (Some("$.amount"), Some("900"))]);
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let blocked = world.engine.write(cx, "tool.block", move |tx, cx| {
        crate::policy::kill_switch::block(tx, cx, "create_refund", "").map_err(DecideError::from)
    });
    wait(blocked).unwrap();
    assert_eq!(world.call("create_refund", None, &json!({"amount": 901})), Status::Blocked);
    let denied = world.run(vec![rule("block refunds over £50", RuleAction::Block, None)], everything());
    assert_eq!((denied.would_block, denied.newly_blocked, denied.changed), (2, 1, 1));
    assert_eq!(denied.approvals, []);
    let both = world.run(
        vec![
            rule("block refunds over £500", RuleAction::Block, None),
            rule("refunds need approval", RuleAction::Approve, None),
        ],
        everything(),
    );
    assert_eq!((both.would_block, both.would_ask), (2, 1), "the strictest counts");
}

#[test]
fn approvals_are_counted_by_approver_and_day_of_the_tenant() {
    let world = World::new();
    world.settings(settings::SettingsPatch { timezone: Some("America/New_York".into()), ..Default::default() });
    // 2023-11-14 22:13 UTC is 17:13 in New York; seven hours later the day there has changed.
    for after in [0, 60, 7 * 3_600, 86_400] {
        world.host.forward(after);
        world.call("create_refund", None, &json!({"amount": 90 + after}));
    }
    let found = world.run(
        vec![
            rule("refunds over £50 need approval", RuleAction::Approve, Some("fay@acme.org")),
            rule("refunds over £60 need approval", RuleAction::Approve, None),
            rule("refunds over £70 need approval", RuleAction::Approve, Some("fay@acme.org")),
        ],
        everything(),
    );
    let told: Vec<_> = found.approvals.iter().map(|one| (one.approver_email.as_deref(), one.calls, one.new)).collect();
    assert_eq!(told, [(None, 4, 4), (Some("fay@acme.org"), 4, 4)], "one question per approver, not per rule");
    let days: Vec<_> = found.approvals[1].days.iter().map(|day| (day.day.as_str(), day.calls)).collect();
    assert_eq!(days, [("2023-11-16", 1), ("2023-11-15", 1), ("2023-11-14", 2)]);
    assert_eq!(found.approvals[1].busiest.as_ref().map(|day| day.calls), Some(2));
    assert!((found.approvals[1].per_day - 2.0).abs() < 1e-9, "4 calls within 2 days");
}

#[test]
fn only_the_calls_asked_for_are_judged() {
    let world = World::new();
    for _ in 0..5 {
        world.call("create_refund", None, &json!({}));
        world.host.forward(7_200);
    }
    let rules = || vec![rule("refunds need approval", RuleAction::Approve, None)];
    let since = Some(Time::from_micros(1_700_000_000_000_000).plus_seconds(3 * 7_200));
    let found = world.run(rules(), Scope { since, ..Scope::default() });
    assert_eq!((found.scanned, found.would_ask, found.truncated), (2, 2, false));
    let found = world.run(rules(), Scope { since: None, calls: 3 });
    assert_eq!((found.scanned, found.truncated), (3, true));
    let found = world.run(rules(), Scope { since: None, calls: 5 });
    assert_eq!((found.scanned, found.truncated), (5, false));
    assert_eq!(
        (found.from, found.to),
        (Some(Time::from_micros(1_700_000_000_000_000)), since.map(|at| at.plus_seconds(7_200)))
    );
    assert!(matches!(Run::new(Vec::new(), Scope::default()), Err(PolicyError::TooMany { .. })));
}

#[test]
fn a_long_log_is_judged_in_steps_that_can_be_given_up() {
    let world = World::new();
    let calls = u64::from(CHUNK) + 3;
    for n in 0..calls {
        world.call("create_refund", None, &json!({"amount": n % 7}));
    }
    let (first, second) = world.read(move |tx, cx| {
        let mut run = Run::new(vec![rule("refunds over £3 need approval", RuleAction::Approve, None)], everything())?;
        assert!(run.step(tx, cx.tenant())?);
        let first = run.progress();
        assert!(!run.step(tx, cx.tenant())?);
        Ok((first, run.result()))
    });
    assert_eq!((first.scanned, first.left), (u64::from(CHUNK), 3));
    assert_eq!((second.scanned, second.would_ask), (calls, (0..calls).filter(|n| n % 7 > 3).count() as u64));
}

#[test]
fn what_became_of_a_call_is_not_another_call() {
    let world = World::new();
    world.call("create_refund", None, &json!({"amount": 900}));
    let failed = crate::engine::Failed {
        op: "forward.failed",
        tool_name: Some("create_refund".to_owned()),
        agent_name: None,
        risk: Risk::High,
        body: r#"{"arguments":{},"message":"the provider is away"}"#.to_owned(),
    };
    wait(world.engine.note_failed(&world.caller, "t", failed)).unwrap();
    let found = world.run(vec![rule("block refunds", RuleAction::Block, None)], everything());
    assert_eq!((found.scanned, found.would_block, found.undecidable), (1, 1, 0));
}

#[test]
fn an_erased_call_is_not_guessed_at() {
    let world = World::new();
    world.call("create_refund", None, &json!({"amount": 900}));
    world.call("get_x", None, &json!({}));
    let cx = world.engine.context(world.caller.clone()).unwrap();
    let erased = world.engine.write(cx, "erase", move |tx, cx| {
        audit::erase_entries(tx, cx, &[1], "test").map(drop).map_err(DecideError::from)
    });
    wait(erased).unwrap();
    let found = world.run(vec![rule("block refunds", RuleAction::Block, None)], everything());
    assert_eq!((found.scanned, found.undecidable, found.would_block), (2, 1, 0));
    assert_eq!(rule("block refunds", RuleAction::Block, None).outcome(), Outcome::Deny);
}
