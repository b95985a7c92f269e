//! Webhooks of GitHub, Sentry and PostHog: payloads as their documents show them, signed as they sign them.

use hmac::{Hmac, KeyInit, Mac};
use loop_core::base::secret::{Secret, hex};
use loop_server::{config::WebhookSecrets, surface};
use serde_json::Value;
use sha2::Sha256;

use super::{ask, get, refused, whole};
use crate::support::{Answer, Fixture};

const GITHUB: &str = "gh-secret-0123456789";
const SENTRY: &str = "sentry-secret-0123456789";
const POSTHOG: &str = "posthog-secret-0123456789";

async fn configured() -> Fixture {
    let secrets = WebhookSecrets {
        github: Some(Secret::new(GITHUB)),
        sentry: Some(Secret::new(SENTRY)),
        posthog: Some(Secret::new(POSTHOG)),
    };
    Fixture::with(|config| config.webhooks = secrets, surface::rows()).await
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// As GitHub sends it.
async fn github(fixture: &Fixture, path: &str, secret: &str, event: &str, delivery: &str, body: &[u8]) -> Answer {
    let signed = format!("sha256={}", signature(secret, body));
    let headers = [
        ("content-type", "application/json"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("x-github-event", event),
        ("x-github-delivery", delivery),
        ("x-github-hook-id", "292430182"),
        ("x-hub-signature-256", &signed),
    ];
    fixture.send("POST", path, &headers, body).await
}

async fn sentry(fixture: &Fixture, secret: &str, body: &[u8]) -> Answer {
    let signed = signature(secret, body);
    let headers = [
        ("content-type", "application/json"),
        ("request-id", "c1a3e6f0"),
        ("sentry-hook-resource", "issue"),
        ("sentry-hook-timestamp", "1787173575"),
        ("sentry-hook-signature", &signed),
    ];
    fixture.send("POST", "/api/signals/sentry", &headers, body).await
}

async fn signals(fixture: &Fixture) -> u64 {
    whole(fixture, "GET", "/api/signals?limit=1", "").await["total"].as_u64().expect("a number")
}

/// Title of the issue, type, source id and severity of the signal that a webhook made.
fn said(answer: &Answer) -> (String, String, Value, String) {
    let data = &answer.json()["data"];
    let (signal, issue) = (&data["signal"], &data["issue"]);
    assert_eq!(signal["issueId"], issue["id"]);
    assert_eq!((&signal["payload"], &signal["source"]), (&issue["signalPayload"], &issue["signalSource"]));
    assert_eq!(
        (&issue["type"], &issue["status"], &issue["projectId"]),
        (&"signal".into(), &"triage".into(), &Value::Null)
    );
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&issue["title"]), text(&signal["type"]), signal["sourceId"].clone(), text(&signal["severity"]))
}

#[tokio::test]
async fn documented_payloads_of_github_make_the_right_issue_once() {
    let fixture = configured().await;
    for (event, delivery, body, title, source_id, severity) in [
        (
            "issues",
            "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            include_bytes!("fixtures/github_issues_opened.json").as_slice(),
            "GitHub: issues on octo-org/example by mona",
            "issues.opened",
            "medium",
        ),
        (
            "push",
            "8a6c4b10-2b5c-11ee-9f4e-0242ac120002",
            include_bytes!("fixtures/github_push.json"),
            "GitHub: push on octo-org/example by mona",
            "push",
            "low",
        ),
        (
            "dependabot_alert",
            "9d6e1b2c-2b5c-11ee-9f4e-0242ac120002",
            include_bytes!("fixtures/github_dependabot_alert.json"),
            "GitHub: dependabot_alert on octo-org/example by dependabot[bot]",
            "dependabot_alert.created",
            "high",
        ),
    ] {
        let before = signals(&fixture).await;
        let path = "/api/signals/github";
        let first = github(&fixture, path, GITHUB, event, delivery, body).await;
        assert_eq!(first.status, 201, "{}", first.text());
        assert_eq!(said(&first), (title.to_owned(), event.to_owned(), source_id.into(), severity.to_owned()));
        let sent: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(first.json()["data"]["signal"]["payload"], sent);
        // Whatever becomes of the issue, a repetition is told what came of it the first time.
        let id = first.json()["data"]["issue"]["id"].as_str().expect("an id").to_owned();
        get(&fixture, "PATCH", &format!("/api/issues/{id}"), r#"{"status":"done","title":"Seen"}"#).await;
        for _ in 0..3 {
            let again = github(&fixture, path, GITHUB, event, delivery, body).await;
            assert_eq!((again.status, again.json()), (200, first.json()));
        }
        assert_eq!(signals(&fixture).await, before + 1);
        let issue = get(&fixture, "GET", &format!("/api/issues/{id}"), "").await;
        assert_eq!((&issue["title"], &issue["status"]), (&"Seen".into(), &"done".into()));
    }
}

#[tokio::test]
async fn documented_payloads_of_sentry_and_posthog_make_the_right_issue_once() {
    let fixture = configured().await;
    let issue = include_bytes!("fixtures/sentry_issue_created.json").trim_ascii_end();
    let error = include_bytes!("fixtures/sentry_error_created.json").trim_ascii_end();
    let first = sentry(&fixture, SENTRY, issue).await;
    let title = "Sentry: ReferenceError: blooopy is not defined (1 events)";
    assert_eq!(said(&first), (title.to_owned(), "created".to_owned(), "1170820242".into(), "high".to_owned()));
    let second = sentry(&fixture, SENTRY, error).await;
    let title = "Sentry: ReferenceError: heck is not defined (1 events)";
    assert_eq!(said(&second), (title.to_owned(), "created".to_owned(), Value::Null, "high".to_owned()));

    let body = include_bytes!("fixtures/posthog_destination.json");
    let secret = [("content-type", "application/json"), ("x-posthog-secret", POSTHOG)];
    let third = fixture.send("POST", "/api/signals/posthog", &secret, body).await;
    let title = "PostHog: Weekly sign-ups -31.25% (7d)";
    assert_eq!(said(&third), (title.to_owned(), "metric_change".to_owned(), Value::Null, "high".to_owned()));
    assert_eq!((first.status, second.status, third.status), (201, 201, 201));

    for (answer, before) in [
        (sentry(&fixture, SENTRY, issue).await, first),
        (sentry(&fixture, SENTRY, error).await, second),
        (fixture.send("POST", "/api/signals/posthog", &secret, body).await, third),
    ] {
        assert_eq!((answer.status, answer.json()), (200, before.json()));
    }
    assert_eq!(signals(&fixture).await, 3);
}

#[tokio::test]
async fn what_is_not_proven_makes_nothing() {
    let fixture = configured().await;
    let body = include_bytes!("fixtures/github_push.json").as_slice();
    let event = ("x-github-event", "push");
    let refusal = |answer: &Answer| {
        let (status, text, _) = refused(answer);
        (status, text)
    };
    let wrong = (401, "Invalid webhook signature".to_owned());
    let good = signature(GITHUB, body);
    let cases = [
        format!("sha256={}", signature("another", body)),
        format!("sha256={}", signature(GITHUB, b"{}")),
        format!("sha256={}", good.split_at(40).0),
        format!("sha256={good}00"),
        format!("sha1={good}"),
        format!("sha256={}", "zz".repeat(32)),
        good.clone(),
        "sha256=".to_owned(),
    ];
    for case in &cases {
        let headers = [event, ("x-hub-signature-256", case.as_str())];
        let answer = fixture.send("POST", "/api/signals/github", &headers, body).await;
        assert_eq!(refusal(&answer), wrong, "{case}");
        assert!(!answer.text().contains(&good) && !answer.text().contains(GITHUB));
    }
    // A key is no signature, nor is another provider's secret.
    let key = format!("Bearer {}", fixture.key);
    let keyed = fixture.send("POST", "/api/signals/github", &[event, ("authorization", &key)], body).await;
    assert_eq!(refusal(&keyed), (401, "Missing X-Hub-Signature-256 header".to_owned()));
    assert_eq!(refusal(&sentry(&fixture, GITHUB, body).await), wrong);
    let told = [("x-posthog-secret", "posthog-secret-012345678")];
    let answer = fixture.send("POST", "/api/signals/posthog", &told, body).await;
    assert_eq!(refusal(&answer), (401, "Invalid webhook secret".to_owned()));
    let answer = fixture.send("POST", "/api/signals/posthog", &[], body).await;
    assert_eq!(refusal(&answer), (401, "Missing X-PostHog-Secret header".to_owned()));
    let broken = github(&fixture, "/api/signals/github", GITHUB, "push", "d-1", b"{nope").await;
    assert_eq!(refusal(&broken), (400, "Malformed JSON in request body".to_owned()));
    assert_eq!(signals(&fixture).await, 0);
}

#[tokio::test]
async fn a_delivery_replayed_with_another_body_makes_nothing() {
    let fixture = configured().await;
    let body = include_bytes!("fixtures/github_push.json").as_slice();
    let first = github(&fixture, "/api/signals/github", GITHUB, "push", "d-1", body).await;
    assert_eq!(first.status, 201);
    // Signed by GitHub: told of the first. Not signed: refused before anything is looked up.
    let other = github(&fixture, "/api/signals/github", GITHUB, "push", "d-1", br#"{"ref":"other"}"#).await;
    assert_eq!((other.status, other.json()), (200, first.json()));
    let forged = github(&fixture, "/api/signals/github", "guessed", "push", "d-1", br#"{"ref":"other"}"#).await;
    assert_eq!(forged.status, 401);
    assert_eq!(signals(&fixture).await, 1);
}

#[tokio::test]
async fn twenty_deliveries_at_once_make_one_issue() {
    let fixture = configured().await;
    let body = include_bytes!("fixtures/github_issues_opened.json").as_slice();
    let send = || github(&fixture, "/api/signals/github", GITHUB, "issues", "d-2", body);
    let answers = futures_of(20, send).await;
    let statuses = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((statuses(201), statuses(200), signals(&fixture).await), (1, 19, 1));
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
}

async fn futures_of<'f, F: Future<Output = Answer> + 'f>(count: usize, of: impl Fn() -> F) -> Vec<Answer> {
    let mut waiting: Vec<_> = (0..count).map(|_| Box::pin(of())).collect();
    let mut answers: Vec<Option<Answer>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (answer, work) in answers.iter_mut().zip(&mut waiting) {
            if answer.is_none()
                && let std::task::Poll::Ready(ready) = work.as_mut().poll(cx)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_unconfigured_secret_refuses_everything_and_is_not_told_from_no_tenant() {
    let fixture = Fixture::start().await;
    let body = include_bytes!("fixtures/github_push.json").as_slice();
    for path in ["/api/signals/github", "/api/signals/github?tenant=nobody", "/api/signals/github?tenant=%2F"] {
        for secret in ["", GITHUB] {
            let answer = github(&fixture, path, secret, "push", "d-1", body).await;
            assert_eq!(
                refused(&answer),
                (500, "GITHUB_WEBHOOK_SECRET not configured".to_owned(), String::new()),
                "{path}"
            );
        }
    }
    let answer = sentry(&fixture, "", body).await;
    assert_eq!(refused(&answer).1, "SENTRY_CLIENT_SECRET not configured");
    let answer = fixture.send("POST", "/api/signals/posthog", &[("x-posthog-secret", "")], body).await;
    assert_eq!(refused(&answer).1, "POSTHOG_WEBHOOK_SECRET not configured");
    assert_eq!(signals(&fixture).await, 0);
}

#[tokio::test]
async fn a_tenant_sets_secrets_of_its_own_which_nobody_is_shown() {
    let fixture = configured().await;
    let path = "/api/webhook-settings";
    let own =
        r#"{"github_secret":"own-github-secret","posthog_secret":"own-posthog-secret","posthog_header":"X-Hook-Key"}"#;
    let set = ask(&fixture, "PUT", path, &fixture.other, own).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let shown = ask(&fixture, "GET", path, &fixture.other, "").await;
    assert!(!shown.text().contains("own-github") && set.text() == shown.text());
    let data = &shown.json()["data"];
    assert_eq!((&data["github"]["configured"], &data["sentry"]["configured"]), (&true.into(), &false.into()));
    assert_eq!(data["posthog"]["header"], "X-Hook-Key");
    let tenant = fixture.server.app.engine.authenticate(&fixture.other).await.expect("a caller").tenant;

    let body = include_bytes!("fixtures/github_push.json").as_slice();
    let path = format!("/api/signals/github?tenant={tenant}");
    assert_eq!(github(&fixture, &path, GITHUB, "push", "d-1", body).await.status, 401);
    assert_eq!(github(&fixture, &path, "own-github-secret", "push", "d-1", body).await.status, 201);
    assert_eq!(github(&fixture, "/api/signals/github", "own-github-secret", "push", "d-1", body).await.status, 401);
    let path = format!("/api/signals/posthog?tenant={tenant}");
    let told = |name: &'static str| [(name, "own-posthog-secret")];
    assert_eq!(fixture.send("POST", &path, &told("x-posthog-secret"), b"{}").await.status, 401);
    assert_eq!(fixture.send("POST", &path, &told("x-hook-key"), b"{}").await.status, 201);
    // The signals are that tenant's alone.
    assert_eq!(signals(&fixture).await, 0);
    let listed = ask(&fixture, "GET", "/api/signals", &fixture.other, "").await.json();
    assert_eq!(listed["total"], 2);

    // A file that is read without the key tells nothing.
    for file in std::fs::read_dir(fixture._folder.path()).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        for secret in ["own-github-secret", "own-posthog-secret"] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
    let cleared = ask(&fixture, "PUT", "/api/webhook-settings", &fixture.other, r#"{"github_secret":null}"#).await;
    assert_eq!(cleared.json()["data"]["github"]["configured"], false);
    for (bad, field) in [
        (r#"{"github_secret":"short"}"#, "github_secret"),
        (r#"{"github_secret":""}"#, "github_secret"),
        (r#"{"posthog_header":"Authorization"}"#, "posthog_header"),
        (r#"{"posthog_header":"two words"}"#, "posthog_header"),
        ("{}", ""),
    ] {
        let answer = ask(&fixture, "PUT", "/api/webhook-settings", &fixture.other, bad).await;
        let (status, _, at) = refused(&answer);
        assert_eq!((status, at.as_str()), (400, field), "{bad}");
    }
}
