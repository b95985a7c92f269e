//! The log as lists and as CSV, however long it is.

use loop_core::{
    access::Caller,
    audit::{self, Event, Status},
    base::TenantId,
    store::{Lane, StoreError},
    tool::Risk,
};
use serde_json::{Value, json};

use super::intercept;
use crate::support::{
    Answer, Fixture,
    client::{Client, request},
};

/// Writes decisions straight into the log.
async fn fill(fixture: &Fixture, count: u32) {
    const CHUNK: u32 = 1_000;
    let engine = &fixture.server.app.engine;
    let tenant = TenantId::default_tenant();
    for from in (0..count).step_by(CHUNK as usize) {
        let cx = engine.context(Caller::system(tenant.clone(), "test")).expect("a context");
        let filled = engine.write_as_system(&tenant, "test.fill", Lane::Bulk, move |tx| {
            for n in from..count.min(from + CHUNK) {
                let body = json!({ "arguments": { "n": n }, "message": "Allowed" }).to_string();
                let event = Event {
                    stream: audit::DECISIONS,
                    op: "decision",
                    status: Some(Status::Allowed),
                    tool_name: Some("read_file"),
                    agent_name: Some("bot"),
                    risk: Some(Risk::Low),
                    body: &body,
                };
                audit::append(tx, &cx, &event)?;
            }
            Ok::<_, StoreError>(())
        });
        filled.await.expect("filled");
    }
}

fn records(answer: &Answer) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.body.as_slice());
    reader.records().map(|record| record.expect("CSV")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_exported_piece_by_piece() {
    const ROWS: u32 = 20_000;
    let fixture = Fixture::start().await;
    fill(&fixture, ROWS).await;
    let answer = fixture.call("GET", "/api/logs/export", &fixture.key, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert!(answer.header("content-type").is_some_and(|media| media.starts_with("text/csv")));
    assert!(answer.header("content-disposition").is_some_and(|text| text.starts_with("attachment")));
    let records = records(&answer);
    let head: Vec<&str> = records[0].iter().collect();
    assert_eq!(head.join(","), "id,created_at,agent_name,tool_name,arguments,status,risk,rule,message,reason,hash");
    assert_eq!(records.len(), 1 + ROWS as usize);
    for (row, n) in records[1..].iter().zip((0..ROWS).rev()) {
        assert_eq!((&row[0], &row[4]), (format!("dec-{}", n + 1).as_str(), format!(r#"{{"n":{n}}}"#).as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_leaves_the_server_working() {
    let fixture = Fixture::start().await;
    fill(&fixture, 20_000).await;
    let mut client = Client::connect(fixture.address).await;
    client.send(&request("GET", "/api/logs/export", &[("x-api-key", &fixture.key)], b"")).await;
    let mut piece = [0; 1_000];
    tokio::io::AsyncReadExt::read_exact(&mut client.socket, &mut piece).await.expect("a beginning");
    assert!(piece.starts_with(b"HTTP/1.1 200"));
    drop(client);
    assert_eq!(intercept(&fixture, &fixture.key, "read_file", "{}").await.status, 200);
}

#[tokio::test]
async fn no_cell_is_a_formula() {
    let fixture = Fixture::start().await;
    for (agent, tool, reason) in [
        ("=HYPERLINK(\"http://x\")", "@SUM(1)", "+1"),
        ("-2+3", "\ttab", "\rreturn"),
        ("a,\"b\"\nc", "plain", "also plain"),
    ] {
        let body = json!({ "tool_name": tool, "agent_name": agent, "reason": reason }).to_string();
        let answer = fixture.call("POST", "/api/intercept", &fixture.key, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let rows = records(&fixture.call("GET", "/api/logs/export", &fixture.key, "").await);
    let cells = |row: usize| (rows[row][2].to_owned(), rows[row][3].to_owned(), rows[row][9].to_owned());
    let texts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(cells(1), texts("a,\"b\"\nc", "plain", "also plain"));
    assert_eq!(cells(2), texts("'-2+3", "'\ttab", "'\rreturn"));
    assert_eq!(cells(3), texts("'=HYPERLINK(\"http://x\")", "'@SUM(1)", "'+1"));
    for row in &rows[1..] {
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
    }
}

async fn list(fixture: &Fixture, query: &str) -> (Vec<String>, String) {
    let answer = fixture.call("GET", &format!("/api/logs{query}"), &fixture.key, "").await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let rows = answer.json();
    let ids = rows.as_array().expect("a list").iter().map(|row| row["id"].as_str().expect("an id").to_owned());
    (ids.collect(), answer.header("x-total-count").expect("a count").to_owned())
}

#[tokio::test]
async fn lists_are_paged_and_counted() {
    let fixture = Fixture::start().await;
    fill(&fixture, 1_105).await;
    let (ids, total) = list(&fixture, "").await;
    assert_eq!((ids.len(), ids[0].as_str(), total.as_str()), (100, "dec-1105", "1105"));
    let (ids, total) = list(&fixture, "?limit=3&offset=2").await;
    assert_eq!((ids.join(" "), total.as_str()), ("dec-1103 dec-1102 dec-1101".to_owned(), "1105"));
    assert_eq!(list(&fixture, "?limit=5000").await.0.len(), 1_000, "a thousand at most");
    assert_eq!(list(&fixture, "?limit=1000&offset=1000").await.0.len(), 105);
    let (ids, total) = list(&fixture, "?offset=2000").await;
    assert_eq!((ids.len(), total.as_str()), (0, "1105"));
    for query in ["?limit=x", "?limit=-1", "?offset=1e3", "?limit=1.5"] {
        let answer = fixture.call("GET", &format!("/api/logs{query}"), &fixture.key, "").await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn lists_and_exports_are_filtered_alike() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    assert_eq!(fixture.call("POST", "/api/blocked-tools", key, r#"{"tool_name":"drop_table"}"#).await.status, 201);
    for (tool, agent) in [("read_file", "a"), ("drop_table", "a"), ("read_file", "b"), ("read_file", "a")] {
        let body = json!({ "tool_name": tool, "agent_name": agent }).to_string();
        assert_eq!(fixture.call("POST", "/api/intercept", key, &body).await.status, 200);
    }
    let rows = fixture.call("GET", "/api/logs", key, "").await.json();
    let at = |row: usize| rows[row]["created_at"].as_str().expect("a time").replace('+', "%2B");
    let (second, last) = (at(2), at(0));
    for (query, found) in [
        ("?status=BLOCKED".to_owned(), vec!["dec-2"]),
        ("?status=blocked".to_owned(), vec!["dec-2"]),
        ("?tool_name=read_file".to_owned(), vec!["dec-4", "dec-3", "dec-1"]),
        ("?agent_name=a&status=ALLOWED".to_owned(), vec!["dec-4", "dec-1"]),
        ("?agent_name=b".to_owned(), vec!["dec-3"]),
        ("?tool_name=read_fil".to_owned(), vec![]),
        (format!("?since={second}&tool_name=drop_table"), vec!["dec-2"]),
        (format!("?until={last}&agent_name=b"), vec!["dec-3"]),
        (format!("?until={last}&agent_name=a&tool_name=read_file"), vec!["dec-1"]),
        ("?since=2999-01-01T00:00:00Z".to_owned(), vec![]),
        ("?status=&tool_name=&since=".to_owned(), vec!["dec-4", "dec-3", "dec-2", "dec-1"]),
    ] {
        let (ids, total) = list(&fixture, &query).await;
        assert_eq!(
            (&ids, total),
            (&found.iter().map(|id| (*id).to_owned()).collect(), found.len().to_string()),
            "{query}"
        );
        let export = records(&fixture.call("GET", &format!("/api/logs/export{query}"), key, "").await);
        assert_eq!(export[1..].iter().map(|row| row[0].to_owned()).collect::<Vec<_>>(), ids, "{query}");
    }
    for query in ["?status=MAYBE", "?since=yesterday", "?until=1700000000"] {
        for path in ["/api/logs", "/api/logs/export"] {
            let answer = fixture.call("GET", &format!("{path}{query}"), key, "").await;
            assert_eq!(answer.status, 400, "{path}{query}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn counts_are_what_was_decided() {
    let fixture = Fixture::start().await;
    let key = &fixture.key;
    super::rule(&fixture, key, super::TRANSFERS, "approve").await;
    intercept(&fixture, key, "read_file", r#"{"to":"jane@example.com","password":"hunter22"}"#).await;
    intercept(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await;
    intercept(&fixture, key, "wire_transfer", r#"{"amount":5000}"#).await;
    let stats = fixture.call("GET", "/api/stats", key, "").await.json();
    let counted = |name: &str| stats[name].clone();
    assert_eq!((counted("total"), counted("allowed"), counted("pending")), (json!(3), json!(1), json!(2)));
    assert_eq!((counted("blocked"), counted("errors"), counted("pending_now")), (json!(0), json!(0), json!(1)));
    assert_eq!((counted("pii_masked"), counted("secrets_redacted")), (json!(1), json!(1)));
    let risks: i64 = stats["by_risk"].as_object().expect("counts").values().filter_map(Value::as_i64).sum();
    assert_eq!((risks, counted("month_usage")), (3, json!(3)));
}
