//! A connector or any HTTP endpoint: one signed `POST`, whose JSON answer is the output.

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use loop_core::invoke::{Fault, Job};

use super::{endpoint_of, fault, signing, status};
use crate::outbound::Client;

/// The agent that calls name themselves.
pub(super) const AGENT: HeaderValue = HeaderValue::from_static(concat!("loop/", env!("CARGO_PKG_VERSION")));

pub(super) async fn call(client: &Client, job: &Job) -> Result<Vec<u8>, Fault> {
    let target = client.target(endpoint_of(job)?).map_err(|error| fault(&error))?;
    let body = body(job);
    let mut headers = signing::headers(job, body.as_bytes())?;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, AGENT);
    let answer = client.send(Method::POST, &target, headers, Bytes::from(body)).await.map_err(|error| fault(&error))?;
    // A redirect is no success: it is not followed, because it could lead anywhere.
    if !answer.status.is_success() {
        return Err(status(answer.status));
    }
    if answer.cut {
        return Err(Fault::new("too_large", "the answer is larger than is read"));
    }
    Ok(answer.body.to_vec())
}

/// What is sent. The input stands in it digit for digit; the caller's key never does.
fn body(job: &Job) -> String {
    // Ids, names and versions are plain text of ours; the input is sound JSON.
    let content = &job.manifest.content;
    format!(
        r#"{{"invocationId":"{}","loopId":"{}","tool":"{}","version":"{}","input":{}}}"#,
        job.invocation, job.loop_id, content.name, content.version, job.input
    )
}
