//! `GET /v1/models`: the provider's own list, handed on. Nothing in it can be carried out, so nothing is decided.

use bytes::Bytes;
use http::Method;

use super::{headers, own_keys::OwnKeys, pass, upstream::Endpoint};
use crate::http::{Call, table::Outcome};

/// Which every request of an Anthropic client carries.
const ANTHROPIC_VERSION: &str = "anthropic-version";

/// Hands the list on.
pub(super) async fn list(call: Call) -> Outcome {
    let endpoint =
        if call.headers.contains_key(ANTHROPIC_VERSION) { Endpoint::AnthropicModels } else { Endpoint::OpenAiModels };
    let presented = call.presented_key();
    let keys = OwnKeys::new(presented.as_ref(), &call.app.engine);
    let mut sent = call.headers;
    headers::forward(&mut sent, &keys);
    let query = headers::query(call.uri.query(), &keys);
    // The answer to `HEAD` is that to `GET` without its body, which is left out on the way to the client.
    let asked = call.app.upstreams.ask(endpoint, Method::GET, query.as_deref(), sent, Bytes::new());
    let (head, pieces) = asked.await?;
    Ok(pass::on(head, pieces)?)
}
