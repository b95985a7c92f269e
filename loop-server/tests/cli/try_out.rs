//! The lines that a first start prints do what they say.

use loop_core::base::secret::Secret;
use loop_server::welcome;

use crate::support::Fixture;

#[tokio::test]
async fn the_printed_lines_block_ask_approve_and_prove() {
    let fixture = Fixture::start().await;
    let lines = welcome::try_out(fixture.server.bound(), Some(&Secret::new(fixture.key.clone())));
    assert!(lines.contains(&format!("URL=http://{} KEY={}", fixture.address, fixture.key)), "{lines}");
    let mut answers = Vec::new();
    let mut id = String::new();
    for line in lines.lines() {
        if line.starts_with("ID=$(loop pending-approvals ") {
            let pending = fixture.call("GET", "/api/pending-approvals", &fixture.key, "").await.text();
            // What the printed `sed` takes: behind the last `"id":"`.
            id = pending
                .rsplit_once("\"id\":\"")
                .expect("an approval waits")
                .1
                .split('"')
                .next()
                .expect("an id")
                .to_owned();
        }
        let Some(call) = line.strip_prefix("loop ") else { continue };
        let (path, body) = call.split_once(" -d ").unwrap_or((call, ""));
        let body = body.trim_matches('\'');
        let method = if body.is_empty() { "GET" } else { "POST" };
        let path = format!("/api/{}", path.replace("$ID", &id));
        let answer = fixture.call(method, &path, &fixture.key, body).await;
        assert!(answer.status < 300, "{line}: {}", answer.text());
        answers.push(answer.json());
    }
    let statuses: Vec<&str> = answers.iter().filter_map(|answer| answer["status"].as_str()).collect();
    let decisions: Vec<&str> =
        statuses.into_iter().filter(|status| matches!(*status, "ALLOWED" | "BLOCKED" | "PENDING")).collect();
    assert_eq!(decisions, ["BLOCKED", "PENDING", "ALLOWED"]);
    let [.., logs, verified] = answers.as_slice() else { panic!("too few answers") };
    assert_eq!(logs.as_array().map(Vec::len), Some(3));
    assert_eq!(verified["valid"], true);
}
