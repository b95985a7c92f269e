//! `POST /api/v1/policy/evaluate`.

use serde_json::{Value, json};

use crate::support::{Answer, Fixture};

async fn evaluate(fixture: &Fixture, step: serde_json::Value) -> Answer {
    let body = json!({ "step": step }).to_string();
    fixture.call("POST", "/api/v1/policy/evaluate", &fixture.key, &body).await
}

#[tokio::test]
async fn a_name_of_more_than_256_bytes_is_refused() {
    let fixture = Fixture::start().await;
    let (longest, longer) = ("x".repeat(256), "x".repeat(257));
    // Bytes, not characters.
    let wide = "é".repeat(129);
    for step in [
        json!({ "action": longer }),
        json!({ "action": wide }),
        json!({ "action": "read_file", "tool": longer }),
        json!({ "action": longer, "tool": "read_file" }),
    ] {
        let answer = evaluate(&fixture, step).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "INVALID_REQUEST", "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("256 bytes")), "{error}");
    }
    assert_eq!(evaluate(&fixture, json!({ "action": longest, "tool": longest })).await.status, 200);
}

const PATH: &str = "/api/v1/policy/evaluate";

async fn ok(fixture: &Fixture, method: &str, path: &str, key: &str, body: Value) -> Value {
    let answer = fixture.call(method, path, key, &body.to_string()).await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// A loop and a key of its own.
async fn make(fixture: &Fixture, body: Value) -> (String, String) {
    let made = ok(fixture, "POST", "/api/v1/loops", &fixture.key, body).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let key = key_of(fixture, &id, "live").await;
    (id, key)
}

async fn key_of(fixture: &Fixture, id: &str, mode: &str) -> String {
    let body = json!({ "name": "k", "loopId": id, "scopes": ["policy:evaluate"], "mode": mode });
    let made = ok(fixture, "POST", "/api/v1/keys", &fixture.key, body).await;
    made["key"].as_str().unwrap().to_owned()
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

fn proposed(mode: &str, risk: &str) -> Value {
    json!({
        "executionMode": mode,
        "domain": "sales_revenue_ops",
        "step": { "action": "find_leads", "riskLevel": risk },
    })
}

#[tokio::test]
async fn a_loops_step_is_answered_in_full() {
    let fixture = Fixture::start().await;
    let (_, key) = make(&fixture, json!({ "tag": "acme", "kind": "developer", "plan": "pro" })).await;
    let answer = ok(&fixture, "POST", PATH, &key, proposed("guided", "low")).await;
    let mut members: Vec<&String> = answer.as_object().unwrap().keys().collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "allowed",
            "decision",
            "effectiveRiskLevel",
            "evaluatedAt",
            "evaluationId",
            "executionMode",
            "policyVersion",
            "reasons",
            "requiresApproval",
            "trustScore",
        ]
    );
    assert_eq!(
        (&answer["decision"], &answer["allowed"], &answer["trustScore"]),
        (&"allow".into(), &true.into(), &50.into())
    );
    let answer = ok(&fixture, "POST", PATH, &key, proposed("autopilot", "medium")).await;
    assert_eq!((&answer["decision"], codes(&answer)), (&"require_approval".into(), vec!["TRUST_TOO_LOW"]));
    assert!(answer["reasons"][0]["message"].as_str().is_some_and(|message| message.contains("trust")), "{answer}");
    let mut credits = proposed("guided", "low");
    credits["step"]["estimatedCredits"] = 7.into();
    assert_eq!(ok(&fixture, "POST", PATH, &key, credits).await["estimatedCredits"], 7);
    // An administrator without a loop has no trust and no plan.
    let answer = ok(&fixture, "POST", PATH, &fixture.key, proposed("autopilot", "low")).await;
    assert_eq!((&answer["trustScore"], &answer["executionMode"]), (&Value::Null, &"guided".into()));
    assert_eq!(codes(&answer), ["PLAN_RESTRICTED"]);
}

#[tokio::test]
async fn the_loop_may_be_named_by_whoever_stands_above_it() {
    let fixture = Fixture::start().await;
    let (root, root_key) = make(&fixture, json!({ "tag": "acme", "kind": "developer" })).await;
    let sub = json!({ "tag": "acme_leads", "kind": "sub", "parentLoopId": root });
    let (sub, sub_key) = make(&fixture, sub).await;
    let named = |id: &str| {
        let mut body = proposed("guided", "low");
        body["loopId"] = id.into();
        body.to_string()
    };
    for (key, id, status, code) in [
        (&fixture.key, &sub, 200, None),
        (&root_key, &sub, 200, None),
        (&sub_key, &sub, 200, None),
        (&sub_key, &root, 403, Some("INSUFFICIENT_SCOPE")),
        (&fixture.other, &root, 404, Some("LOOP_NOT_FOUND")),
        (&root_key, &"loop_none".to_owned(), 404, Some("LOOP_NOT_FOUND")),
    ] {
        let answer = fixture.call("POST", PATH, key, &named(id)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"].as_str(), code);
    }
    ok(&fixture, "PATCH", &format!("/api/v1/loops/{root}"), &fixture.key, json!({ "status": "suspended" })).await;
    let answer = fixture.call("POST", PATH, &fixture.key, &named(&sub)).await.json();
    assert_eq!((&answer["decision"], codes(&answer)), (&"deny".into(), vec!["LOOP_SUSPENDED"]));
}

#[tokio::test]
async fn a_sandbox_key_is_told_that_everything_is_simulated() {
    let fixture = Fixture::start().await;
    let (id, _) = make(&fixture, json!({ "tag": "acme", "kind": "developer", "plan": "business" })).await;
    let key = key_of(&fixture, &id, "test").await;
    for mode in ["sandbox", "guided", "autopilot"] {
        let answer = ok(&fixture, "POST", PATH, &key, proposed(mode, "low")).await;
        assert_eq!((&answer["decision"], &answer["executionMode"]), (&"simulate".into(), &"sandbox".into()));
        assert_eq!(codes(&answer), ["MODE_SANDBOX"]);
    }
}

#[tokio::test]
async fn rules_read_the_amount_beside_the_inputs_too() {
    let fixture = Fixture::start().await;
    let rule = json!({ "rule_text": "Block wire transfers over $5,000", "action": "block" });
    let rule = ok(&fixture, "POST", "/api/approval-rules", &fixture.key, rule).await;
    let wire = async |step: Value| {
        let mut body = json!({ "step": { "action": "wire_transfer", "riskLevel": "low" } });
        body["step"].as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
        ok(&fixture, "POST", PATH, &fixture.key, body).await
    };
    for over in [
        json!({ "inputs": { "amount": 9000 } }),
        json!({ "amountCents": 900_000, "currency": "USD" }),
        json!({ "amountCents": 900_000, "currency": "USD", "inputs": { "amount": 1 } }),
        json!({ "amountCents": 1, "inputs": { "amount": 9000 } }),
    ] {
        let answer = wire(over.clone()).await;
        assert_eq!(answer["decision"], "deny", "{over}: {answer}");
        let reason = &answer["reasons"][0];
        assert_eq!((&reason["code"], &reason["ruleId"]), (&"RULE_DENY".into(), &rule["id"]), "{over}");
        assert_eq!(reason["message"], "Block wire transfers over $5,000");
    }
    for under in [json!({ "inputs": { "amount": 5000 } }), json!({ "amountCents": 500_000, "currency": "USD" })] {
        assert_eq!(wire(under.clone()).await["decision"], "require_approval", "{under}: guided, medium by its name");
    }
}

#[tokio::test]
async fn a_field_can_be_given_a_least_risk_in_the_settings() {
    let fixture = Fixture::start().await;
    let set = |floors: Value| json!({ "domain_floors": floors });
    let settings =
        ok(&fixture, "PUT", "/api/settings", &fixture.key, set(json!({ "sales_revenue_ops": "high" }))).await;
    assert_eq!(settings["domain_floors"]["sales_revenue_ops"], "high");
    let answer = ok(&fixture, "POST", PATH, &fixture.key, proposed("guided", "low")).await;
    assert_eq!((&answer["decision"], &answer["effectiveRiskLevel"]), (&"require_approval".into(), &"high".into()));
    let many: serde_json::Map<String, Value> = (0..257).map(|n| (format!("field_{n}"), "low".into())).collect();
    for bad in [json!({ "Sales": "high" }), json!({ "sales": "severe" }), Value::Object(many)] {
        let answer = fixture.call("PUT", "/api/settings", &fixture.key, &set(bad).to_string()).await;
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    ok(&fixture, "PUT", "/api/settings", &fixture.key, set(json!({}))).await;
    assert_eq!(ok(&fixture, "POST", PATH, &fixture.key, proposed("guided", "low")).await["decision"], "allow");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let fixture = Fixture::start().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = proposed("guided", "low");
        change(&mut body);
        body
    };
    let step = |name: &'static str, value: Value| with(&move |body| body["step"][name] = value.clone());
    let bodies = [
        json!([]),
        json!({}),
        with(&|body| body["executionMode"] = "yolo".into()),
        with(&|body| body["executionMode"] = 3.into()),
        with(&|body| body["domain"] = "Sales Ops".into()),
        with(&|body| body["loopId"] = 3.into()),
        with(&|body| body["step"] = Value::Null),
        step("action", "".into()),
        step("action", Value::Null),
        step("riskLevel", "LOW".into()),
        step("riskLevel", json!({})),
        step("inputs", "x".into()),
        step("tool", 5.into()),
        step("amountCents", "12".into()),
        step("amountCents", json!(0.5)),
        step("amountCents", json!(-1)),
        step("estimatedCredits", json!(-1)),
        step("estimatedCredits", json!(1e30)),
        step("currency", "dollars".into()),
        step("reversible", "no".into()),
        step("external", 1.into()),
    ];
    for body in bodies {
        let answer = fixture.call("POST", PATH, &fixture.key, &body.to_string()).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (400, Some("INVALID_REQUEST")), "{body}");
    }
}

#[tokio::test]
async fn a_step_that_cannot_be_undone_or_reaches_outside_is_of_more_risk_and_never_of_less() {
    let fixture = Fixture::start().await;
    for (risk, reversible, external, wanted) in [
        ("low", None, None, "low"),
        ("low", Some(true), Some(false), "low"),
        ("low", None, Some(true), "medium"),
        ("low", Some(false), None, "high"),
        ("low", Some(false), Some(true), "high"),
        ("medium", Some(true), Some(true), "medium"),
        ("critical", Some(true), Some(false), "critical"),
        ("critical", Some(false), Some(true), "critical"),
    ] {
        let step = json!({ "action": "find_leads", "riskLevel": risk, "reversible": reversible, "external": external });
        let answer = evaluate(&fixture, step).await.json();
        assert_eq!(answer["effectiveRiskLevel"], wanted, "{risk} {reversible:?} {external:?}");
        assert_eq!(answer["decision"] == "allow", wanted == "low", "{answer}");
    }
    // Without a claim the risk is high, whatever else is said.
    let silent = evaluate(&fixture, json!({ "action": "find_leads", "external": true, "reversible": true })).await;
    assert_eq!(silent.json()["effectiveRiskLevel"], "high");
    for name in ["reversible", "external"] {
        assert_eq!(evaluate(&fixture, json!({ "action": "find_leads", name: "no" })).await.status, 400);
    }
}

#[tokio::test]
async fn a_rule_that_stops_a_step_says_why() {
    let fixture = Fixture::start().await;
    let rule = json!({ "rule_text": "Block all wire transfers over £1,000", "action": "block" });
    ok(&fixture, "POST", "/api/approval-rules", &fixture.key, rule).await;
    let step = json!({ "action": "wire_transfer", "riskLevel": "low", "amountCents": 500_000, "inputs": {} });
    let answer = evaluate(&fixture, step).await.json();
    let reason = answer["reasons"].as_array().unwrap().iter().find(|reason| reason["code"] == "RULE_DENY").unwrap();
    let saw: Vec<_> =
        reason["grounds"].as_array().unwrap().iter().map(|one| (&one["argument"], &one["value"])).collect();
    assert_eq!(saw[0], (&json!("tool_name"), &json!("transfer")), "{answer}");
    assert_eq!(saw[1], (&json!("$.amountCents"), &json!("5000")), "{answer}");
}
