//! `/api/v1/proof`: what the server assigns, and what nobody can claim.

use base64::Engine as _;
use ed25519_dalek::{Signer, SigningKey};
use loop_core::base::secret::{Secret, hex};
use loop_core::{
    base::json::{Doc, canonical},
    proof::receipt_mac,
};
use serde_json::{Value, json};

use super::{
    ask, get, loop_with_key,
    provider::{Provider, called, manifest, publish},
    refused, text,
};
use crate::support::{Answer, Fixture};

const PROOF: &str = "/api/v1/proof";
const SCOPES: &str = r#"["tools:publish","tools:invoke","proof:create","proof:audit","trust:read","tasks:write",
    "loops:write","contracts:write"]"#;

/// Two loops of one owner, one under the first, and one of another owner: each its id and its key.
struct World {
    fixture: Fixture,
    provider: Provider,
    ann: (String, String),
    twin: (String, String),
    child: (String, String),
    bob: (String, String),
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::start().await;
        let make = async |tag: &str, owner: &str| {
            let body = json!({"kind": "developer", "tag": tag, "ownerId": owner}).to_string();
            loop_with_key(&fixture, &body, SCOPES).await
        };
        let ann = make("ann", "ann").await;
        let (twin, bob) = (make("twin", "ann").await, make("bob", "bob").await);
        let body = json!({"kind": "sub", "parentLoopId": ann.0, "tag": "child"}).to_string();
        let child = loop_with_key(&fixture, &body, SCOPES).await;
        Self { provider: Provider::start().await, ann, twin, child, bob, fixture }
    }

    async fn tool(&self, by: &str, name: &str, path: &str, changes: Value) -> Value {
        let mut content = manifest(&format!("{}{path}", self.provider.url), &changes);
        content["name"] = name.into();
        publish(&self.fixture, by, &content).await
    }

    async fn score(&self, tag: &str) -> Value {
        get(&self.fixture, "GET", &format!("/api/v1/loops/@{tag}"), &self.fixture.key, "").await["trustScore"].clone()
    }

    async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        ask(&self.fixture, "POST", &format!("{PROOF}{path}"), key, &body.to_string()).await
    }

    async fn shown(&self, proof: &str) -> Value {
        get(&self.fixture, "GET", &format!("{PROOF}/{proof}"), &self.ann.1, "").await
    }

    /// A proof of an invocation that its loop brings itself.
    async fn bring(&self, key: &str, of: &str, kind: &str, data: &Value) -> Value {
        let body = json!({"invocationId": of, "type": kind, "data": data, "claimedLevel": "V5"});
        let answer = self.post(key, "", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }
}

/// What was tried on a proof: the method and whether it succeeded.
fn tried(proof: &Value) -> Vec<(String, bool)> {
    let all = proof["verifications"].as_array().expect("a list");
    all.iter().map(|one| (text(&one["method"]), one["ok"].as_bool().expect("a truth value"))).collect()
}

#[tokio::test]
async fn levels_rise_with_what_the_server_finds_and_an_upgrade_pays_the_difference() {
    let world = World::new().await;
    let key = &world.ann.1;
    world.tool(key, "plain", "/found", json!({})).await;
    let sourced = json!({"expectedProofs": ["source_url", "retrieved_at"]});
    world.tool(key, "sourced", "/sourced", sourced).await;
    let (_, plain) = called(&world.fixture, key, "plain").await;
    assert_eq!((&world.shown(&plain).await["level"], world.score("ann").await), (&json!("V1"), json!(51)));
    let nothing = world.post(key, &format!("/{plain}/verify"), &json!({})).await;
    assert_eq!(refused(&nothing), (400, "INVALID_REQUEST".into()), "no reference was captured");
    let (_, proof) = called(&world.fixture, key, "sourced").await;
    let shown = world.shown(&proof).await;
    assert_eq!(
        (&shown["level"], &shown["type"], world.score("ann").await),
        (&json!("V2"), &json!("source"), json!(53))
    );
    assert_eq!(tried(&shown), [("trace".into(), true), ("capture".into(), true)]);

    let verify = format!("/{proof}/verify");
    let other = world.post(key, &verify, &json!({"reference": "http://127.0.0.1:9/else"})).await;
    assert_eq!(refused(&other), (400, "INVALID_REQUEST".into()));
    let foreign = world.post(&world.bob.1, &verify, &json!({})).await;
    assert_eq!(refused(&foreign), (403, "INSUFFICIENT_SCOPE".into()), "not the other loop's to have fetched");
    for _ in 0..2 {
        let fetched = world.post(key, &verify, &json!({})).await;
        assert_eq!((fetched.status, &fetched.json()["level"]), (200, &json!("V3")), "{}", fetched.text());
        assert_eq!(world.score("ann").await, 55);
    }
    for _ in 0..2 {
        let vouched = world.post(&world.bob.1, &format!("/{proof}/acknowledge"), &json!({})).await;
        assert_eq!((&vouched.json()["level"], world.score("ann").await), (&json!("V4"), json!(57)));
    }
    assert_eq!((world.score("bob").await, world.score("twin").await), (json!(50), json!(50)));
}

#[tokio::test]
async fn nobody_acknowledges_or_audits_for_themselves_nor_through_another_loop_of_their_own() {
    let world = World::new().await;
    let key = &world.ann.1;
    world.tool(key, "plain", "/found", json!({})).await;
    let (_, proof) = called(&world.fixture, key, "plain").await;
    let mut before = 1;
    for (who, key) in [
        ("itself", &world.ann.1),
        ("a second loop of the same owner", &world.twin.1),
        ("its own sub-loop", &world.child.1),
    ] {
        for (path, body) in [("acknowledge", json!({})), ("verify", json!({"method": "audit"}))] {
            let own = world.post(key, &format!("/{proof}/{path}"), &body).await;
            assert_eq!(
                (own.status, own.json()["error"]["code"].clone()),
                (403, json!("POLICY_DENIED")),
                "{who} {path}"
            );
            before += 1;
            let shown = world.shown(&proof).await;
            assert_eq!((&shown["level"], world.score("ann").await), (&json!("V1"), json!(51)), "{who} {path}");
            let tried = tried(&shown);
            assert!(tried.len() == before && !tried[before - 1].1, "the attempt is kept: {shown}");
        }
    }
    let play = json!({"name": "play", "loopId": world.bob.0, "scopes": ["proof:create"], "mode": "test"}).to_string();
    let play = text(&get(&world.fixture, "POST", "/api/v1/keys", &world.fixture.key, &play).await["key"]);
    let played = world.post(&play, &format!("/{proof}/acknowledge"), &json!({})).await;
    assert_eq!((refused(&played), world.score("ann").await), ((403, "POLICY_DENIED".into()), json!(51)), "in play");
    // The same words of somebody else count.
    world.post(&world.bob.1, &format!("/{proof}/acknowledge"), &json!({})).await;
    assert_eq!((&world.shown(&proof).await["level"], world.score("ann").await), (&json!("V4"), json!(56)));
    world.post(&world.bob.1, &format!("/{proof}/verify"), &json!({"method": "audit"})).await;
    assert_eq!((&world.shown(&proof).await["level"], world.score("ann").await), (&json!("V5"), json!(58)));
}

#[tokio::test]
async fn a_claimed_level_counts_for_nothing_whatever_is_brought() {
    let world = World::new().await;
    let key = &world.ann.1;
    let task = text(&get(&world.fixture, "POST", "/api/v1/tasks", key, r#"{"title":"t"}"#).await["id"]);
    for kind in [
        "execution_trace",
        "connector_receipt",
        "message_id",
        "source",
        "payment_reference",
        "counterparty_ack",
        "signed_record",
        "audit",
        "summary",
    ] {
        let data = json!({"source_url": "https://x.example", "retrieved_at": "2026-01-01T00:00:00Z", "receipt": 1,
            "hmac": "AAAA", "message_id": "m", "by": "@bob", "signer": "@bob", "record": {}, "signature": "AAAA"});
        let body = json!({"taskId": task, "type": kind, "data": data, "claimedLevel": "V5"});
        let made = world.post(key, "", &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        assert_eq!((&made["level"], &made["claimedLevel"]), (&json!("V0"), &json!("V5")), "{kind}");
    }
    assert_eq!(world.score("ann").await, 50);
    let path = format!("/api/v1/tasks/{task}");
    get(&world.fixture, "PATCH", &path, key, r#"{"status":"running"}"#).await;
    let ended = get(&world.fixture, "PATCH", &path, key, r#"{"status":"completed"}"#).await;
    assert_eq!(ended["status"], "completed_unverified");
    // One word of another owner on one of them, and the outcome is worth something.
    let body = json!({"taskId": task, "type": "message_id", "data": {}, "claimedLevel": "V0"});
    let proof = text(&world.post(key, "", &body).await.json()["id"]);
    world.post(&world.bob.1, &format!("/{proof}/acknowledge"), &json!({})).await;
    assert_eq!(world.score("ann").await, 56);
}

#[tokio::test]
async fn a_receipt_counts_under_another_owners_connector_only() {
    let world = World::new().await;
    let (ann, bob) = (&world.ann.1, &world.bob.1);
    let own = world.tool(ann, "own", "/found", json!({})).await;
    let shared = world.tool(bob, "shared", "/found", json!({"visibility": "marketplace"})).await;
    let review = format!("/api/v1/tools/{}/review", text(&shared["toolId"]));
    get(&world.fixture, "POST", &review, &world.fixture.key, r#"{"status":"approved"}"#).await;
    let (own_call, _) = called(&world.fixture, ann, "own").await;
    let (shared_call, _) = called(&world.fixture, ann, "shared").await;
    assert_eq!(world.score("ann").await, 52);
    let received = |of: &str, secret: &Value, receipt: Value, told: Value| {
        let mac = receipt_mac(&Secret::new(text(secret)), of, Doc::from_value(&receipt).root()).expect("a secret");
        json!({"receipt": told, "hmac": mac})
    };
    let (real, fake) = (json!({"id": 1, "n": 2}), json!({"id": 1, "n": 3}));
    let (mine, theirs) = (&own["signingSecret"], &shared["signingSecret"]);
    for (of, data, why) in [
        (&own_call, received(&own_call, mine, real.clone(), real.clone()), "one's own connector"),
        (&shared_call, received(&shared_call, mine, real.clone(), real.clone()), "another secret"),
        (&shared_call, received(&own_call, theirs, real.clone(), real.clone()), "another call's receipt"),
        (&shared_call, received(&shared_call, theirs, real.clone(), fake), "another content"),
    ] {
        assert_eq!(world.bring(ann, of, "connector_receipt", &data).await["level"], "V0", "{why}");
        assert_eq!(world.score("ann").await, 52, "{why}");
    }
    let data = received(&shared_call, theirs, real.clone(), real);
    let made = world.bring(ann, &shared_call, "connector_receipt", &data).await;
    assert_eq!((&made["level"], world.score("ann").await), (&json!("V3"), json!(55)), "{made}");
}

#[tokio::test]
async fn a_record_counts_when_a_registered_key_of_another_owner_signed_it() {
    let world = World::new().await;
    let ann = &world.ann.1;
    world.tool(ann, "plain", "/found", json!({})).await;
    let (call, _) = called(&world.fixture, ann, "plain").await;
    let (mine, theirs) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
    let register = async |of: &(String, String), key: &SigningKey| {
        let body = json!({"publicKey": hex(key.verifying_key().as_bytes())}).to_string();
        ask(&world.fixture, "POST", &format!("/api/v1/loops/{}/keys", of.0), &of.1, &body).await.status
    };
    for (of, key) in [(&world.ann, &mine), (&world.twin, &mine), (&world.bob, &theirs)] {
        assert!(register(of, key).await < 300);
    }
    // Nobody puts a key of their own on another's loop.
    let foreign = (world.bob.0.clone(), ann.clone());
    assert_eq!(register(&foreign, &mine).await, 403);
    let signed = |signer: &str, key: &SigningKey, subject: &str, told: Value| {
        let message = json!({"record": {"paid": true}, "subject": subject});
        let signature = key.sign(canonical(Doc::from_value(&message).root()).as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(signature.to_bytes());
        json!({"record": told, "signer": signer, "signature": signature})
    };
    let paid = json!({"paid": true});
    for (data, why) in [
        (signed("@ann", &mine, &call, paid.clone()), "one's own loop"),
        (signed("@twin", &mine, &call, paid.clone()), "a second loop of the same owner"),
        (signed("@bob", &mine, &call, paid.clone()), "in another's name"),
        (signed("@nobody", &theirs, &call, paid.clone()), "a loop that is not there"),
        (signed("@bob", &theirs, "inv_other", paid.clone()), "another outcome"),
        (signed("@bob", &theirs, &call, json!({"paid": false})), "another record"),
    ] {
        assert_eq!(world.bring(ann, &call, "signed_record", &data).await["level"], "V0", "{why}");
        assert_eq!(world.score("ann").await, 51, "{why}");
    }
    let made = world.bring(ann, &call, "signed_record", &signed("@bob", &theirs, &call, paid)).await;
    assert_eq!((&made["level"], world.score("ann").await), (&json!("V5"), json!(58)), "{made}");
}

#[tokio::test]
async fn proofs_are_of_what_a_loop_did_itself() {
    let world = World::new().await;
    let ann = &world.ann.1;
    world.tool(ann, "plain", "/found", json!({})).await;
    let (call, first) = called(&world.fixture, ann, "plain").await;
    let task = text(&get(&world.fixture, "POST", "/api/v1/tasks", ann, r#"{"title":"t"}"#).await["id"]);
    for key in [&world.bob.1, &world.twin.1, &world.child.1] {
        for of in [json!({"invocationId": call}), json!({"taskId": task})] {
            let mut body = json!({"type": "summary", "data": {}});
            body.as_object_mut().expect("an object").extend(of.as_object().expect("an object").clone());
            assert_eq!(refused(&world.post(key, "", &body).await), (404, "NOT_FOUND".into()));
        }
    }
    let large: Value = (0..400).map(|n| (format!("part {n}"), json!("some words, and some more of them."))).collect();
    for body in [
        json!({"type": "summary", "data": {}}),
        json!({"taskId": task, "invocationId": call, "type": "summary", "data": {}}),
        json!({"taskId": task, "type": "word_of_honour", "data": {}}),
        json!({"taskId": task, "type": "summary", "data": large}),
    ] {
        assert_eq!(refused(&world.post(ann, "", &body).await), (400, "INVALID_REQUEST".into()));
    }
    // What is brought is masked, and stands in the loop's chain behind what the gateway wrote.
    let data = json!({"note": "sk-live-abcdefghijklmnopqrstuvwxyz123456", "password": "hunter2"});
    let made = world.bring(ann, &call, "summary", &data).await;
    assert!(!made.to_string().contains("hunter2"), "{made}");
    assert_eq!(made["prevHash"], world.shown(&first).await["contentHash"]);
    assert_eq!(
        refused(&ask(&world.fixture, "GET", &format!("{PROOF}/{first}"), &world.fixture.other, "").await).0,
        404
    );
}
