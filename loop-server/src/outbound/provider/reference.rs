//! Fetching what a proof refers to: the registered verifier that every server has.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::endpoint::AGENT;
use crate::outbound::Client;

/// What a reference held.
#[derive(Debug)]
pub struct Fetched {
    /// Whether something was there.
    pub ok: bool,
    /// The status and the SHA-256 of what was there, or why nothing was.
    pub detail: Map<String, Value>,
}

/// Fetches a reference with one guarded `GET`, without following redirects.
pub async fn fetch(client: &Client, reference: &str) -> Fetched {
    let (ok, detail) = match look(client, reference).await {
        Ok((status, body, whole)) => {
            let ok = whole && (200..300).contains(&status);
            let hash = ok.then(|| loop_core::base::secret::hex(&Sha256::digest(&body)));
            (ok, json!({ "reference": reference, "status": status, "sha256": hash, "bytes": body.len() }))
        }
        Err(error) => (false, json!({ "reference": reference, "error": error.to_string() })),
    };
    let detail = if let Value::Object(detail) = detail { detail } else { Map::new() };
    Fetched { ok, detail }
}

async fn look(client: &Client, reference: &str) -> Result<(u16, Bytes, bool), crate::outbound::Error> {
    let target = client.target(reference)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, AGENT);
    let answer = client.send(Method::GET, &target, headers, Bytes::new()).await?;
    Ok((answer.status.as_u16(), answer.body, !answer.cut))
}
