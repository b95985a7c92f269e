//! The list of models is the provider's.

use super::{UPSTREAM_KEY, before, fake::Fake};

const LIST: &str = r#"{"object":"list","data":[{"id":"gpt-4o-mini","object":"model"}]}"#;

#[tokio::test]
async fn the_list_is_the_providers_own() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let headers = [("x-api-key", fixture.key.as_str()), ("authorization", UPSTREAM_KEY), ("x-request-id", "mine-1")];
    let ask = fixture.send("GET", "/v1/models?limit=2&api_key=other", &headers, b"");
    let (answer, ()) = tokio::join!(ask, async {
        let asked = fake.asked().await;
        assert_eq!(asked.line, "GET /v1/models?limit=2 HTTP/1.1");
        assert_eq!(asked.header("authorization"), Some(UPSTREAM_KEY));
        assert_eq!(asked.header("x-api-key"), None);
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        assert_eq!(asked.header("host"), fake_host(&fake.url()));
        asked.json(LIST).await;
    });
    assert_eq!((answer.status, answer.text().as_str()), (200, LIST));
    assert_eq!(answer.header("content-length"), Some(LIST.len().to_string().as_str()));
    assert_eq!(answer.header("x-request-id"), Some("req_up_1"));
    assert_eq!(answer.header("x-loop-request-id"), Some("mine-1"));
}

fn fake_host(url: &str) -> Option<&str> {
    url.strip_prefix("http://")
}

#[tokio::test]
async fn an_anthropic_client_gets_anthropics_list() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let headers =
        [("x-loop-key", fixture.key.as_str()), ("x-api-key", "sk-ant-upstream"), ("anthropic-version", "2023-06-01")];
    let (answer, ()) = tokio::join!(fixture.send("GET", "/v1/models", &headers, b""), async {
        let asked = fake.asked().await;
        assert_eq!(asked.line, "GET /v1/models HTTP/1.1");
        assert_eq!(asked.header("x-api-key"), Some("sk-ant-upstream"));
        assert_eq!(asked.header("x-loop-key"), None);
        asked.json(LIST).await;
    });
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn head_is_told_what_get_is_told() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    for method in ["GET", "HEAD"] {
        let headers = [("x-api-key", fixture.key.as_str())];
        let (answer, ()) = tokio::join!(fixture.send(method, "/v1/models", &headers, b""), async {
            fake.asked().await.json(LIST).await;
        });
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("64")), "{method}");
    }
}
