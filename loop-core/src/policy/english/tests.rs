use std::sync::Arc;

use crate::{
    base::{Seed, Time, id::RuleId, json::Doc},
    policy::{Action, CompiledRule, Outcome, PolicySettings, PolicySnapshot, Rule, RuleAction, evaluate},
};

const NOW: Time = Time::from_micros(1_763_800_000_000_000);

fn compile(text: &str, action: RuleAction) -> CompiledRule {
    CompiledRule::compile(Rule::new(RuleId::draw(NOW, &mut Seed::new([3; 32])), text, action))
}

fn verdict(rule: CompiledRule, tool: &str, arguments: &serde_json::Value) -> Outcome {
    let settings = PolicySettings::default();
    let snapshot = PolicySnapshot::build(1, vec![Arc::new(rule)], Vec::new(), settings);
    let doc = Doc::from_value(arguments);
    let action = Action { tool, agent: None, arguments: doc.root(), forward: None, claimed_risk: None, stage: None };
    evaluate(&snapshot, &action, NOW).outcome
}

const ASK: Outcome = Outcome::RequireApproval;
const DENY: Outcome = Outcome::Deny;
const ALLOW: Outcome = Outcome::Allow;

fn check(text: &str, action: RuleAction, cases: &[(&str, serde_json::Value, Outcome)]) {
    for (tool, arguments, wanted) in cases {
        let rule = compile(text, action);
        let said = format!("{text}: {tool} {arguments}\n{:?}\nunresolved {:?}", rule.condition, rule.unresolved);
        assert!(rule.unresolved.is_empty(), "{said}");
        assert_eq!(verdict(rule, tool, arguments), *wanted, "{said}");
    }
}

#[test]
fn the_vendors_examples_decide_as_they_read() {
    use RuleAction::{Approve, Block};
    use serde_json::json;
    let to = |n: usize| json!({"to": (0..n).map(|i| format!("u{i}@example.com")).collect::<Vec<_>>()});
    check(
        "Any wire transfer over £1,000 needs approval",
        Approve,
        &[
            ("wire_transfer", json!({"amount": 5000, "nonce": "9d8e77"}), ASK),
            ("wire_transfer", json!({"amount": 1000}), ALLOW),
            ("wire_transfer", json!({"amount": 500}), ALLOW),
            ("wire_transfer", json!({"amount": "£1,000.01"}), ASK),
            ("read_file", json!({"path": "x"}), ALLOW),
        ],
    );
    check(
        "transfers > £10,000 require approval",
        Approve,
        &[
            (
                "approve_wire_transfer",
                json!({"amount": "£142,000", "payee": "unknown recipient", "ref": "INV-9921"}),
                ASK,
            ),
            ("approve_wire_transfer", json!({"amount": "£9,000", "ref": "INV-99210000"}), ALLOW),
        ],
    );
    check(
        "Block wire transfers over $5,000",
        Block,
        &[("wire_transfer", json!({"amount": 9000}), DENY), ("wire_transfer", json!({"amount": "$4,999.99"}), ALLOW)],
    );
    check(
        "Block all file deletions",
        Block,
        &[
            ("delete_file", json!({"path": "/a"}), DENY),
            ("remove_file", json!({"path": "/a"}), DENY),
            ("read_file", json!({"path": "/a"}), ALLOW),
            ("create_file", json!({"path": "/a"}), ALLOW),
        ],
    );
    check(
        "Any file deletion needs approval",
        Approve,
        &[("delete_file", json!({"path": "/a"}), ASK), ("list_files", json!({}), ALLOW)],
    );
    check(
        "Flag any export containing PII data",
        Approve,
        &[
            ("export_customers", json!({"rows": [{"email": "jane@acme.com", "phone": "+44 20 7946 0958"}]}), ASK),
            ("export_report", json!({"rows": [{"region": "north", "units": 12}]}), ALLOW),
        ],
    );
    check(
        "Route all database write operations for review",
        Approve,
        &[
            ("insert_record", json!({"table": "users"}), ASK),
            ("database_write", json!({"sql": "UPDATE t SET a=1"}), ASK),
            ("query_database", json!({"sql": "SELECT 1"}), ALLOW),
        ],
    );
    check(
        "block destructive database operations",
        Block,
        &[
            ("delete_database", json!({"table": "users"}), DENY),
            ("run_sql", json!({"query": "DROP TABLE users"}), DENY),
            ("query_database", json!({"sql": "SELECT * FROM users"}), ALLOW),
        ],
    );
    check(
        "Block any email to more than 10 recipients",
        Block,
        &[("send_email", to(11), DENY), ("send_email", to(2), ALLOW)],
    );
    check(
        "Any refund over £900 needs approval",
        Approve,
        &[("issue_refund", json!({"amount": 901}), ASK), ("issue_refund", json!({"amount": 900}), ALLOW)],
    );
    check(
        "Any wire transfer over £10,000 requires human approval",
        Approve,
        &[
            ("wire_transfer", json!({"amount": 50_000}), ASK),
            ("wire_transfer", json!({"amount": 9000}), ALLOW),
            ("read_file", json!({"path": "/x", "size": 99_999}), ALLOW),
        ],
    );
}

#[test]
fn wordings_of_many_kinds_decide_as_they_read() {
    use RuleAction::{Approve, Block};
    use serde_json::json;
    check(
        "Disbursements of two hundred and fifty pounds or more must be cleared by the treasurer",
        Approve,
        &[("disburse_funds", json!({"amount": "£250"}), ASK), ("disburse_funds", json!({"amount": "£249.99"}), ALLOW)],
    );
    check(
        "Payouts of $40 or less are fine; anything larger goes to the controller",
        Approve,
        &[("create_payout", json!({"amount": "$41"}), ASK), ("create_payout", json!({"amount": "$40"}), ALLOW)],
    );
    check(
        "No more than 5 invitations per call",
        Block,
        &[("send_invitations", json!({"count": 6}), DENY), ("send_invitations", json!({"count": 5}), ALLOW)],
    );
    check(
        "Block writes outside /workspace",
        Block,
        &[
            ("write_file", json!({"path": "/etc/a"}), DENY),
            ("write_file", json!({"path": "/workspace/a"}), ALLOW),
            ("read_file", json!({"path": "/etc/a"}), ALLOW),
        ],
    );
    check(
        "Nobody may be given owner access",
        Block,
        &[("grant_role", json!({"role": "owner"}), DENY), ("grant_role", json!({"role": "viewer"}), ALLOW)],
    );
    check(
        "Deleting playlists needs approval",
        Approve,
        &[("playlists.remove", json!({"id": 4}), ASK), ("delete_customer", json!({"id": 4}), ALLOW)],
    );
    check(
        "Sharing files publicly is not allowed",
        Block,
        &[
            ("share_file", json!({"visibility": "public"}), DENY),
            ("share_file", json!({"visibility": "private"}), ALLOW),
        ],
    );
    check(
        "Uploads larger than 25 MB need approval",
        Approve,
        &[("upload_file", json!({"size_mb": 26}), ASK), ("upload_file", json!({"size_bytes": 25_000_000}), ALLOW)],
    );
    check(
        "Every payment other than payroll requires approval",
        Approve,
        &[("pay_vendor", json!({"amount": 3}), ASK), ("run_payroll", json!({"amount": 3}), ALLOW)],
    );
    check(
        "Commands that use rm -rf are forbidden",
        Block,
        &[("bash", json!({"command": "sudo rm -r -f x"}), DENY), ("bash", json!({"command": "rm -r x"}), ALLOW)],
    );
}

#[test]
fn a_rule_that_allows_all_it_speaks_of_guards_it() {
    assert_eq!(
        verdict(
            compile("Passwords may be reset by IT staff only", RuleAction::Block),
            "reset_password",
            &serde_json::json!({})
        ),
        DENY
    );
}

#[test]
fn what_cannot_be_placed_widens_a_rule_and_is_reported() {
    let rule = compile("Block suspicious customer updates over $5", RuleAction::Block);
    assert!(!rule.unresolved.is_empty());
    assert_eq!(verdict(rule, "update_customer", &serde_json::json!({"amount": 6})), ASK);
}

proptest::proptest! {
    #[test]
    fn every_text_has_a_reading(text in "(\\PC{0,12}|over|£5|need|refunds|only|except|without|\"|[.,;:(]| ){0,40}") {
        let first = crate::policy::english::read(&text);
        proptest::prop_assert_eq!(first, crate::policy::english::read(&text));
    }
}

#[test]
fn a_text_that_says_nothing_guards_everything_but_low_risk() {
    let rule = compile("x", RuleAction::Block);
    assert_eq!(rule.unresolved, ["x"]);
    assert_eq!(verdict(rule, "frobnicate", &serde_json::json!({})), ASK);
}

#[test]
fn what_is_restricted_and_what_stands_beside_it_are_told_apart() {
    use RuleAction::{Approve, Block};
    use serde_json::json;
    let pays = |amount: i64| json!({"amount": amount, "currency": "USD"});
    check(
        "Only the CFO can approve payments over $10,000",
        Approve,
        &[("create_payment", pays(20_000), ASK), ("create_payment", pays(9_000), ALLOW)],
    );
    check(
        "Refunds over $500 must be blocked and refunds over $100 need approval",
        Approve,
        &[("create_refund", pays(200), ASK), ("create_refund", pays(90), ALLOW)],
    );
    check(
        "Approve all purchases under $50 automatically, everything else needs approval",
        Approve,
        &[("create_purchase", pays(60), ASK), ("create_purchase", pays(20), ALLOW)],
    );
    let at = |time: &str| json!({"service": "api", "scheduled_at": time});
    check(
        "Deployments after 6pm or on Fridays are forbidden",
        Block,
        &[
            ("deploy_service", at("2026-05-15T10:00:00Z"), DENY),
            ("deploy_service", at("2026-05-11T19:00:00Z"), DENY),
            ("deploy_service", at("2026-05-11T10:00:00Z"), ALLOW),
        ],
    );
    check(
        "Invitations may only go to people at ridge.example",
        Block,
        &[
            ("send_invitation", json!({"guests": ["amy@elsewhere.example"]}), DENY),
            ("send_invitation", json!({"guests": ["amy@ridge.example"]}), ALLOW),
        ],
    );
    check(
        "Payments up to $100 are fine without approval",
        Approve,
        &[("create_payment", pays(101), ASK), ("create_payment", pays(99), ALLOW)],
    );
    check(
        "Refunds need approval and must not exceed $500",
        Approve,
        &[("create_refund", pays(600), ASK), ("create_refund", pays(90), ASK)],
    );
    check(
        "Salaries can be viewed only by hr-bot",
        Block,
        &[("get_salary", json!({"employee": "E1"}), DENY), ("get_weather", json!({}), ALLOW)],
    );
}

mod readings;
