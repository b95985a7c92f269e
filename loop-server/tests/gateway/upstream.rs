//! What becomes of a request when the provider refuses, is not there, or sends its clients away.

use std::time::Duration;

use super::{before, before_with, fake::Fake};
use crate::support::Fixture;

const ERROR: &str = r#"{"error":{"message":"slow down","type":"rate_limit_error","code":null}}"#;

#[tokio::test]
async fn an_error_passes_as_it_is() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let headers = [("x-api-key", fixture.key.as_str())];
    let (answer, ()) = tokio::join!(fixture.send("GET", "/v1/models", &headers, b""), async {
        let headers = [
            ("content-type", "application/json"),
            ("retry-after", "7"),
            ("set-cookie", "a=b"),
            ("access-control-allow-origin", "*"),
        ];
        fake.asked().await.answer(429, &headers, ERROR).await;
    });
    assert_eq!((answer.status, answer.text().as_str()), (429, ERROR));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!((answer.header("set-cookie"), answer.header("access-control-allow-origin")), (None, None));
}

#[tokio::test]
async fn nobody_is_sent_where_nothing_is_decided() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    for status in [301, 302, 303, 307, 308] {
        let headers = [("x-api-key", fixture.key.as_str())];
        let (answer, ()) = tokio::join!(fixture.send("GET", "/v1/models", &headers, b""), async {
            fake.asked().await.answer(status, &[("location", "https://elsewhere.example/v1/models")], "").await;
        });
        assert_eq!((answer.status, answer.header("location")), (502, None), "{status}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_bad_gateway() {
    let fixture = Fixture::start().await;
    let answer = fixture.call("GET", "/v1/models", &fixture.key, "").await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.json()["error"]["message"], "the upstream cannot be reached");
}

#[tokio::test]
async fn a_provider_that_is_silent_is_given_up() {
    let mut fake = Fake::start().await;
    let fixture = before_with(&fake, |config| config.models.patience = Duration::from_millis(50)).await;
    let (answer, ()) = tokio::join!(fixture.call("GET", "/v1/models", &fixture.key, ""), async {
        fake.asked().await.closed().await;
    });
    assert_eq!(answer.status, 504);
}

#[tokio::test]
async fn connections_are_kept_and_a_stale_one_is_replaced() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    for connection in [0, 0] {
        let (answer, ()) = tokio::join!(fixture.call("GET", "/v1/models", &fixture.key, ""), async {
            let asked = fake.asked().await;
            assert_eq!(asked.connection, connection);
            asked.json("{}").await;
        });
        assert_eq!(answer.status, 200);
    }
    let (answer, ()) = tokio::join!(fixture.call("GET", "/v1/models", &fixture.key, ""), async {
        let mut asked = fake.asked().await;
        asked.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        // The provider closes behind its answer without having said so.
        drop(asked);
    });
    assert_eq!(answer.status, 200);
    let (answer, ()) = tokio::join!(fixture.call("GET", "/v1/models", &fixture.key, ""), async {
        let asked = fake.asked().await;
        assert_eq!(asked.connection, 1);
        asked.json("{}").await;
    });
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_takes_its_request_along() {
    let mut fake = Fake::start().await;
    let fixture = before(&fake).await;
    let headers = [("x-api-key", fixture.key.as_str())];
    let mut client = crate::support::client::Client::connect(fixture.address).await;
    client.send(&crate::support::client::request("GET", "/v1/models", &headers, b"")).await;
    let mut asked = fake.asked().await;
    drop(client);
    asked.closed().await;
}
