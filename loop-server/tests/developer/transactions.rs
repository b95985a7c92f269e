//! `/api/v1/transactions`.

use serde_json::{Value, json};

use super::{ask, get, loop_with_key, refused, text};
use crate::support::Fixture;

const TRANSACTIONS: &str = "/api/v1/transactions";
const SCOPES: &str = r#"["contracts:read","contracts:write","tasks:write","proof:create","trust:read"]"#;

struct Pair {
    buyer: String,
    seller: String,
}

async fn pair(fixture: &Fixture) -> Pair {
    let (_, buyer) = loop_with_key(fixture, r#"{"kind":"business","tag":"ann","ownerId":"ann"}"#, SCOPES).await;
    let (_, seller) = loop_with_key(fixture, r#"{"kind":"business","tag":"bob","ownerId":"bob"}"#, SCOPES).await;
    Pair { buyer, seller }
}

async fn hold(fixture: &Fixture, key: &str, kind: &str) -> Value {
    let body = json!({"sellerLoopId": "@bob", "amountCents": 4200, "currency": "USD", "kind": kind});
    get(fixture, "POST", TRANSACTIONS, key, &body.to_string()).await
}

async fn score(fixture: &Fixture, tag: &str) -> Value {
    get(fixture, "GET", &format!("/api/v1/loops/@{tag}"), &fixture.key, "").await["trustScore"].clone()
}

#[tokio::test]
async fn a_paid_sellers_proof_is_settled_whether_it_came_before_the_payment_or_after() {
    let fixture = Fixture::start().await;
    let pair = pair(&fixture).await;
    for (early, trust) in [(true, 58), (false, 66)] {
        let deal = text(&hold(&fixture, &pair.buyer, "real").await["id"]);
        let task = text(&get(&fixture, "POST", "/api/v1/tasks", &pair.seller, r#"{"title":"roof"}"#).await["id"]);
        let claim = json!({"taskId": task, "type": "payment_reference", "data": {}, "transactionId": deal}).to_string();
        let release = format!("{TRANSACTIONS}/{deal}/release");
        if early {
            assert_eq!(get(&fixture, "POST", "/api/v1/proof", &pair.seller, &claim).await["level"], "V0");
            get(&fixture, "POST", &release, &pair.buyer, "").await;
        } else {
            get(&fixture, "POST", &release, &pair.buyer, "").await;
            assert_eq!(get(&fixture, "POST", "/api/v1/proof", &pair.seller, &claim).await["level"], "V5");
        }
        let shown = get(&fixture, "GET", &format!("{TRANSACTIONS}/{deal}"), &pair.seller, "").await;
        assert_eq!((&shown["proofLevel"], &shown["escrowStatus"]), (&json!("V5"), &json!("released")));
        assert_eq!((score(&fixture, "bob").await, score(&fixture, "ann").await), (json!(trust), json!(50)));
    }
}

#[tokio::test]
async fn play_settles_nothing() {
    let fixture = Fixture::start().await;
    let pair = pair(&fixture).await;
    let deal = text(&hold(&fixture, &pair.buyer, "sandbox").await["id"]);
    get(&fixture, "POST", &format!("{TRANSACTIONS}/{deal}/release"), &pair.buyer, "").await;
    let task = text(&get(&fixture, "POST", "/api/v1/tasks", &pair.seller, r#"{"title":"roof"}"#).await["id"]);
    let claim = json!({"taskId": task, "type": "payment_reference", "data": {}, "transactionId": deal}).to_string();
    assert_eq!(get(&fixture, "POST", "/api/v1/proof", &pair.seller, &claim).await["level"], "V0");
    assert_eq!(score(&fixture, "bob").await, 50);
}

#[tokio::test]
async fn each_side_can_only_give_the_amount_away() {
    let fixture = Fixture::start().await;
    let pair = pair(&fixture).await;
    let (_, stranger) = loop_with_key(&fixture, r#"{"kind":"developer"}"#, SCOPES).await;
    let path = format!("{TRANSACTIONS}/{}", text(&hold(&fixture, &pair.buyer, "real").await["id"]));
    for (key, act, status, code) in [
        (&pair.seller, "release", 403, "POLICY_DENIED"),
        (&pair.buyer, "refund", 403, "POLICY_DENIED"),
        (&stranger, "release", 404, "NOT_FOUND"),
        (&stranger, "refund", 404, "NOT_FOUND"),
    ] {
        let answer = ask(&fixture, "POST", &format!("{path}/{act}"), key, "").await;
        assert_eq!(refused(&answer), (status, code.into()), "{act}");
    }
    assert_eq!(refused(&ask(&fixture, "GET", &path, &stranger, "").await), (404, "NOT_FOUND".into()));
    let back = get(&fixture, "POST", &format!("{path}/refund"), &pair.seller, "").await;
    assert_eq!((&back["status"], &back["escrowStatus"]), (&json!("cancelled"), &json!("refunded")));
    assert!(back["refundedAt"].is_string() && back["completedAt"].is_null(), "{back}");
    let late = ask(&fixture, "POST", &format!("{path}/release"), &pair.buyer, "").await;
    assert_eq!(refused(&late), (409, "INVALID_TRANSITION".into()));
}

#[tokio::test]
async fn only_the_administrator_ends_a_dispute_against_somebodys_will_and_the_loser_pays_in_trust() {
    let fixture = Fixture::start().await;
    let pair = pair(&fixture).await;
    let path = format!("{TRANSACTIONS}/{}", text(&hold(&fixture, &pair.buyer, "real").await["id"]));
    let body = r#"{"reason":"poor_quality","note":"it leaks"}"#;
    let open = get(&fixture, "POST", &format!("{path}/dispute"), &pair.buyer, body).await;
    assert_eq!((&open["status"], &open["escrowStatus"]), (&json!("disputed"), &json!("pending")));
    assert_eq!((&open["dispute"]["openedBy"], &open["dispute"]["note"]), (&json!("buyer"), &json!("it leaks")));
    assert_eq!(ask(&fixture, "POST", &format!("{path}/refund"), &pair.buyer, "").await.status, 403);
    get(&fixture, "POST", &format!("{path}/refund"), &fixture.key, "").await;
    assert_eq!((score(&fixture, "bob").await, score(&fixture, "ann").await), (json!(45), json!(50)));
}
