//! The table as documents.

use std::path::Path;

use loop_server::{http::openapi, surface};

use crate::support::Fixture;

/// Set this to write the document anew.
const UPDATE: &str = "LOOP_UPDATE_OPENAPI";

#[test]
fn the_committed_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let mut fresh = serde_json::to_string_pretty(&openapi::document(&surface::rows())).expect("writes");
    fresh.push('\n');
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, &fresh).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/openapi.json is stale: run `{UPDATE}=1 cargo test -p loop-server --test main documents` and commit it"
    );
}

#[tokio::test]
async fn the_served_documents_are_those_of_the_table() {
    let fixture = Fixture::start().await;
    let document = openapi::document(&surface::rows());
    for path in ["/openapi.json", "/api/openapi.json"] {
        assert_eq!(fixture.send("GET", path, &[], b"").await.json(), document);
    }
    let page = fixture.send("GET", "/docs", &[], b"").await;
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(page.text().contains("/api/approval-rules"));
}
