//! The decision: typed and from JSON bytes, from 10 to 100,000 rules, beside other engines with `--features peers`.
//!
//! The workload: 95 % of the rules name a tool and an amount, 5 % name a kind of doing, ten rules for each tool; a
//! request of about 255 bytes that every engine allows. Last lines print how the cost grows with the rules.
//!
//! English (`english/…`): 95 % of the rules name a kind of doing beside amounts, environments, recipients, other sides,
//! agents, counts, percentages, times or tools; 5 % name none of it, but an amount, a recipient, an environment, an
//! agent, or one word. Requests to tools of those kinds that no rule stops, since nothing is left unsaid in them.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use loop_benches::report::{Watch, bounded, checking, wanted};
use loop_core::{
    base::{
        Seed, Time,
        id::RuleId,
        json::{Doc, Limits},
    },
    policy::{Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);
/// How many different requests are made in turn.
const REQUESTS: usize = 64;
/// Kinds of doing that the remaining rules name.
const KINDS: [&str; 5] = ["refund", "wire transfer", "purchase", "discount", "invoice"];

fn tools(rules: usize) -> usize {
    (rules / 10).max(1)
}

fn text(at: usize, rules: usize) -> String {
    if at % 20 == 19 {
        let kind = KINDS.get(at / 20 % KINDS.len()).copied().unwrap_or_default();
        format!("Any {kind} over £{} needs approval", 100_000 + at)
    } else {
        format!("calls to pay_vendor_{} over £{} need approval", at % tools(rules), 10_000 + at)
    }
}

fn policy(rules: usize, text: impl Fn(usize) -> String) -> PolicySnapshot {
    let mut seed = Seed::new([7; 32]);
    let compiled = (0..rules).map(|at| {
        let rule = Rule::new(RuleId::draw(NOW, &mut seed), text(at), RuleAction::Approve);
        Arc::new(CompiledRule::compile(rule))
    });
    let settings = PolicySettings::default();
    PolicySnapshot::build(1, compiled.collect(), vec!["drop_everything".into()], settings)
}

fn requests(rules: usize) -> Vec<String> {
    let request = |at: usize| {
        format!(
            r#"{{"tool_name":"pay_vendor_{}","agent_name":"billing-agent","arguments":{{"amount":{},"currency":"GBP","payee":"Northwind Traders Ltd","account":"****1199","reference":"INV-99210000","memo":"invoice for october, second part","due":"2025-11-30","urgent":false}}}}"#,
            at * 7919 % tools(rules),
            500 + at
        )
    };
    (0..REQUESTS).map(request).collect()
}

fn action<'a>(doc: &'a Doc<'a>) -> Option<Action<'a>> {
    let root = doc.root();
    let tool = root.get("tool_name")?.as_str()?;
    let agent = root.get("agent_name").and_then(|agent| agent.as_str());
    Some(Action { tool, agent, arguments: root.get("arguments")?, forward: None, claimed_risk: None, stage: None })
}

/// Reads and decides one request; answers the outcome and the document whose memory the next one uses.
fn from_json(policy: &PolicySnapshot, text: &str, old: Doc<'_>) -> Option<(Outcome, Doc<'static>)> {
    let doc = Doc::parse_reusing(text.as_bytes(), Limits::default(), old).ok()?;
    let outcome = evaluate(policy, &action(&doc)?, NOW).outcome;
    Some((outcome, Doc::parse_reusing(b"0", Limits::default(), doc).ok()?))
}

fn ours(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(3)).sample_size(60);
    for rules in [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|rules| wanted(*rules)) {
        let policy = policy(rules, |at| text(at, rules));
        let texts = requests(rules);
        let docs: Vec<Doc<'_>> = texts.iter().filter_map(|text| Doc::parse(text.as_bytes()).ok()).collect();
        let actions: Vec<Action<'_>> = docs.iter().filter_map(action).collect();
        assert!(actions.len() == REQUESTS, "a request is not readable");
        assert!(
            actions.iter().all(|action| evaluate(&policy, action, NOW).outcome == Outcome::Allow),
            "a request is not allowed"
        );
        group.bench_with_input(BenchmarkId::new("typed", rules), &actions, |bencher, actions| {
            let mut turn = actions.iter().cycle();
            bencher.iter(|| turn.next().map(|action| evaluate(&policy, black_box(action), NOW)));
        });
        group.bench_with_input(BenchmarkId::new("json", rules), &texts, |bencher, texts| {
            let mut turn = texts.iter().cycle();
            let mut kept = Doc::default();
            bencher.iter(|| {
                let (outcome, doc) = from_json(&policy, black_box(turn.next()?), std::mem::take(&mut kept))?;
                kept = doc;
                Some(outcome)
            });
        });
    }
    group.finish();
}

/// The same policy in engines that others made. What one cannot say is said for it: agentmesh compares no numbers,
/// so its request states whether the limit is passed.
#[cfg(feature = "peers")]
mod peers {
    use std::{collections::HashMap, fmt::Write as _, hint::black_box};

    use criterion::{BenchmarkId, Criterion};

    use super::{KINDS, REQUESTS, tools};

    const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

    pub fn agentmesh(criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group("decide_agentmesh");
        group.sample_size(20);
        for rules in SIZES {
            let mut yaml = String::from("version: \"1\"\nagent: billing\npolicies:\n");
            for at in 0..rules {
                let tool = if at % 20 == 19 {
                    KINDS[at / 20 % KINDS.len()].to_owned()
                } else {
                    format!("pay_vendor_{}", at % tools(rules))
                };
                let _ = write!(
                    yaml,
                    "  - name: r{at}\n    type: approval\n    actions: [\"{tool}\"]\n    min_approvals: 1\n    conditions: {{currency: GBP, over: true}}\n"
                );
            }
            let engine = agentmesh::PolicyEngine::new();
            engine.load_from_yaml(&yaml).expect("the policy loads");
            let context: HashMap<String, _> =
                serde_json::from_str(r#"{"currency":"GBP","over":false,"payee":"Northwind Traders Ltd"}"#)
                    .expect("a context");
            let names: Vec<String> =
                (0..REQUESTS).map(|at| format!("pay_vendor_{}", at * 7919 % tools(rules))).collect();
            group.bench_with_input(BenchmarkId::new("prebuilt", rules), &names, |bencher, names| {
                let mut turn = names.iter().cycle();
                bencher.iter(|| turn.next().map(|name| engine.evaluate(black_box(name), Some(&context))));
            });
        }
        group.finish();
    }

    pub fn cedar(criterion: &mut Criterion) {
        use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request};
        let mut group = criterion.benchmark_group("decide_cedar");
        group.sample_size(20);
        for rules in SIZES {
            let mut text = String::from("permit(principal, action, resource);\n");
            for at in 0..rules {
                let tool = if at % 20 == 19 {
                    KINDS[at / 20 % KINDS.len()].to_owned()
                } else {
                    format!("pay_vendor_{}", at % tools(rules))
                };
                let _ = writeln!(
                    text,
                    "forbid(principal, action == Action::\"{tool}\", resource) when {{ context.currency == \"GBP\" && context.amount > {} }};",
                    10_000 + at
                );
            }
            let policies: PolicySet = text.parse().expect("the policies parse");
            let uid = |text: &str| text.parse::<EntityUid>().expect("an id");
            let requests: Vec<Request> = (0..REQUESTS)
                .map(|at| {
                    let context =
                        serde_json::json!({"amount": 500 + at, "currency": "GBP", "payee": "Northwind Traders Ltd"});
                    let context = Context::from_json_value(context, None).expect("a context");
                    let action = uid(&format!("Action::\"pay_vendor_{}\"", at * 7919 % tools(rules)));
                    Request::new(uid("Agent::\"billing\""), action, uid("Tool::\"pay\""), context, None)
                        .expect("a request")
                })
                .collect();
            let (authorizer, entities) = (Authorizer::new(), Entities::empty());
            group.bench_with_input(BenchmarkId::new("prebuilt", rules), &requests, |bencher, requests| {
                let mut turn = requests.iter().cycle();
                bencher.iter(|| {
                    turn.next().map(|request| authorizer.is_authorized(black_box(request), &policies, &entities))
                });
            });
        }
        group.finish();
    }
}

/// Rules in English as a company might write them, many times over.
mod english {
    /// Kinds of doing in the plural, and what of it is counted.
    const KINDS: [&str; 24] = [
        "refunds",
        "payments",
        "wire transfers",
        "purchases",
        "invoices",
        "emails",
        "deployments",
        "file deletions",
        "record deletions",
        "data exports",
        "charges",
        "discounts",
        "credit notes",
        "uploads",
        "downloads",
        "merges",
        "rollbacks",
        "subscriptions",
        "payouts",
        "bookings",
        "cancellations",
        "restarts",
        "migrations",
        "reimbursements",
    ];

    /// The rule at a place; its figures and names follow from the place.
    pub fn text(at: usize) -> String {
        let pound = 10_000 + at;
        if at % 20 == 19 {
            let turn = at / 20;
            return match turn % 6 {
                0 => format!("Anything over £{pound} needs approval"),
                1 => format!("Block anything sent to anyone at rival{turn}.example"),
                2 => format!("Anything over £{pound} in production needs approval"),
                3 => format!("Whatever agent-{turn} does needs approval"),
                4 => format!("Anything sent to sam{turn}@rival.example needs approval"),
                _ => format!("Anything on weekends by agent-{turn} needs approval"),
            };
        }
        let kind = KINDS.get(at * 7 % KINDS.len()).copied().unwrap_or_default();
        match at % 19 {
            0 | 1 => format!("{kind} over £{pound} need approval"),
            2 => format!("{kind} of more than £{pound} in production need approval"),
            3 => format!("Block {kind} above £{pound}"),
            4 => format!("{kind} to Vendor{at} need approval"),
            5 => format!("{kind} to Vendor{at} over £{pound} need approval"),
            6 => format!("{kind} to anyone at rival{at}.example need approval"),
            7 => format!("{kind} to sam{at}@rival.example over £{pound} need approval"),
            8 => format!("{kind} by agent-{at} need approval"),
            9 => format!("{kind} by agent-{at} over £{pound} need approval"),
            10 => format!("{kind} over £{pound} on weekends need approval"),
            11 => format!("{kind} between £{pound} and £{} need approval", pound + 500),
            12 => format!("{kind} over £{pound} to anyone outside acme.org need approval"),
            13 => format!("{kind} in production by agent-{at} need approval"),
            14 => format!("Block {kind} of £{pound} or more unless they are made by agent-{at}"),
            15 => format!("Ask before {kind} of more than {pound} records"),
            16 => format!("{kind} with more than {pound} recipients need approval"),
            17 => format!("calls to vendor_tool_{} over £{pound} need approval", at / 10),
            _ => format!("{kind} over £{pound} in production to anyone outside acme.org need approval"),
        }
    }

    /// A request that says all that those rules ask for.
    pub fn request(at: usize) -> String {
        const TOOLS: [&str; 8] = [
            "create_refund",
            "pay_vendor",
            "wire_transfer",
            "send_email",
            "deploy_service",
            "delete_record",
            "export_data",
            "create_booking",
        ];
        let tool = TOOLS.get(at % TOOLS.len()).copied().unwrap_or_default();
        format!(
            r#"{{"tool_name":"{tool}","agent_name":"billing-agent","arguments":{{"amount":{},"currency":"GBP","payee":"Northwind","environment":"staging","to":["bea@acme.org"],"rows":4,"reference":"INV-99210000","scheduled_at":"2025-11-25T12:00:00Z"}}}}"#,
            500 + at
        )
    }
}

/// Nanoseconds per decision, the best of many short runs: on a shared machine the only number that repeats.
fn best(mut decide: impl FnMut()) -> f64 {
    const RUN: u32 = 256;
    let mut best = f64::MAX;
    let begin = Watch::start();
    for _ in 0..if checking() { 1 } else { 2_000 } {
        let start = Watch::start();
        (0..RUN).for_each(|_| decide());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(RUN));
        if begin.elapsed() > Duration::from_secs(5) {
            break;
        }
    }
    best
}

/// Nanoseconds per decision and per decision of JSON.
fn cost(policy: &PolicySnapshot, texts: &[String]) -> (f64, f64) {
    let docs: Vec<Doc<'_>> = texts.iter().filter_map(|text| Doc::parse(text.as_bytes()).ok()).collect();
    let actions: Vec<Action<'_>> = docs.iter().filter_map(action).collect();
    for action in &actions {
        let verdict = evaluate(policy, action, NOW);
        let rule = verdict.reasons.first().and_then(|reason| reason.rule.as_ref());
        let why = rule.map(|rule| (&rule.rule.rule_text, &rule.condition));
        assert!(verdict.outcome == Outcome::Allow, "{} is not allowed: {why:?}", action.tool);
    }
    let mut turn = actions.iter().cycle();
    let typed = best(|| drop(black_box(turn.next().map(|action| evaluate(policy, black_box(action), NOW)))));
    let mut turn = texts.iter().cycle();
    let mut kept = Doc::default();
    let json = best(|| {
        if let Some((outcome, doc)) =
            turn.next().and_then(|text| from_json(policy, black_box(text), std::mem::take(&mut kept)))
        {
            kept = doc;
            black_box(outcome);
        }
    });
    (typed, json)
}

/// The requests that a policy allows: what stops a call has to be written down as well, which is no part of deciding.
fn allowed(policy: &PolicySnapshot, texts: &[String]) -> Vec<String> {
    let allows = |text: &&String| {
        let doc = Doc::parse(text.as_bytes()).ok();
        let action = doc.as_ref().and_then(action);
        action.is_some_and(|action| evaluate(policy, &action, NOW).outcome == Outcome::Allow)
    };
    let allowed: Vec<String> = texts.iter().filter(allows).cloned().collect();
    assert!(allowed.len() * 2 >= texts.len(), "only {} of {} requests are allowed", allowed.len(), texts.len());
    allowed
}

fn growth(name: &str, measure: impl Fn(usize) -> (f64, f64)) {
    let ((typed_few, json_few), (typed_many, json_many)) = (measure(10), measure(100_000));
    for (way, few, many) in [("typed", typed_few, typed_many), ("json", json_few, json_many)] {
        let name = format!("{name}: {way} {few:.0} ns at 10 rules, {many:.0} ns at 100,000: ratio");
        bounded(&name, many / few, "", 1.5);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    ours(&mut criterion);
    #[cfg(feature = "peers")]
    {
        peers::agentmesh(&mut criterion);
        peers::cedar(&mut criterion);
    }
    criterion.final_summary();
    if !checking() {
        growth("decide", |rules| cost(&policy(rules, |at| text(at, rules)), &requests(rules)));
    }
    let requests: Vec<String> = (0..REQUESTS).map(english::request).collect();
    if checking() {
        let policy = policy(1_000, english::text);
        black_box(cost(&policy, &allowed(&policy, &requests)));
    } else {
        // The same requests of both.
        let many = policy(100_000, english::text);
        let requests = allowed(&many, &requests);
        growth("decide, English", |rules| {
            if rules == 100_000 { cost(&many, &requests) } else { cost(&policy(rules, english::text), &requests) }
        });
    }
}
