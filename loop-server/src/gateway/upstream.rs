//! The language models behind the proxy: where they are, and asking them over connections that are kept.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, response, uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::Client as Pool,
    rt::{TokioExecutor, TokioTimer},
};
use loop_core::base::Code;
use tokio::time::timeout;

use crate::{
    config::Models,
    http::Failure,
    outbound::{
        Target,
        connect::{Connector, SystemResolver},
    },
};

/// How long an idle connection is kept, and how many to one upstream.
const IDLE: (Duration, usize) = (Duration::from_secs(60), 512);
/// How many headers an answer may have.
const HEADERS_MAX: usize = 128;
/// How much is read ahead of what was handed on, in bytes.
const READ_AHEAD: usize = 256 << 10;

/// What can be asked of a model's provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// Anthropic's messages.
    Messages,
    /// The models that OpenAI has.
    OpenAiModels,
    /// The models that Anthropic has.
    AnthropicModels,
}

/// The language models behind the proxy.
pub struct Upstreams {
    pool: Pool<HttpsConnector<Connector>, Full<Bytes>>,
    chat: Uri,
    responses: Uri,
    messages: Uri,
    openai_models: Uri,
    anthropic_models: Uri,
    patience: Duration,
}

/// Why the upstreams cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A base URL that is none.
    #[error("`{variable}` cannot be used: {problem}")]
    Url {
        /// The variable that holds it.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS cannot be set up: a defect of the build.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Why an upstream's answer cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// The query does not fit into a URL.
    #[error("the query cannot be sent on")]
    Query,
    /// Nobody answers there.
    #[error("the upstream cannot be reached")]
    Unreachable,
    /// It took too long to answer or to go on.
    #[error("the upstream was silent for {seconds} s")]
    Silent {
        /// The limit.
        seconds: u64,
    },
    /// The connection broke before the answer was whole.
    #[error("the upstream broke off")]
    Broken,
    /// The answer is larger than is read.
    #[error("the upstream's answer is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The answer is compressed in a way that is not read.
    #[error("the upstream's answer is compressed in an unknown way")]
    Coding,
    /// The answer is no turn of a model, so what it proposes cannot be known.
    #[error("the upstream's answer cannot be read: {0}")]
    Unreadable(String),
    /// It sends its clients elsewhere, where nothing would be decided.
    #[error("the upstream redirects; its base URL has to be where that leads")]
    Redirect,
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        let (code, status) = match error {
            UpstreamError::Query => (Code::InvalidRequest, StatusCode::BAD_REQUEST),
            UpstreamError::Silent { .. } => (Code::UpstreamFailed, StatusCode::GATEWAY_TIMEOUT),
            _ => (Code::UpstreamFailed, StatusCode::BAD_GATEWAY),
        };
        Self::of(code, &error).with_status(status)
    }
}

impl Upstreams {
    /// The upstreams at the operator's places.
    ///
    /// # Errors
    /// A base URL that is no `http` or `https` URL or has a query.
    pub fn new(models: &Models) -> Result<Self, SetUpError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(Arc::new(SystemResolver), true));
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE.0)
            .pool_max_idle_per_host(IDLE.1)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(READ_AHEAD)
            .build(connector);
        let openai = |path| place("LOOP_OPENAI_BASE_URL", &models.openai, path);
        let anthropic = |path| place("LOOP_ANTHROPIC_BASE_URL", &models.anthropic, path);
        Ok(Self {
            pool,
            chat: openai("/chat/completions")?,
            responses: openai("/responses")?,
            messages: anthropic("/v1/messages")?,
            openai_models: openai("/models")?,
            anthropic_models: anthropic("/v1/models")?,
            patience: models.patience,
        })
    }

    /// Sends a request and waits for the head of its answer. Dropping the answer closes its connection.
    ///
    /// # Errors
    /// An upstream that cannot be reached, breaks off or is silent for too long.
    pub async fn ask(
        &self,
        endpoint: Endpoint,
        method: Method,
        query: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(response::Parts, Pieces), UpstreamError> {
        let uri = match endpoint {
            Endpoint::Chat => &self.chat,
            Endpoint::Responses => &self.responses,
            Endpoint::Messages => &self.messages,
            Endpoint::OpenAiModels => &self.openai_models,
            Endpoint::AnthropicModels => &self.anthropic_models,
        };
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = query.map_or_else(|| Ok(uri.clone()), |query| with_query(uri, query))?;
        *request.headers_mut() = headers;
        match timeout(self.patience, self.pool.request(request)).await {
            Ok(Ok(answer)) => {
                let (head, body) = answer.into_parts();
                Ok((head, Pieces { body, patience: self.patience }))
            }
            Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Unreachable),
            Ok(Err(_)) => Err(UpstreamError::Broken),
            Err(_) => Err(silent(self.patience)),
        }
    }
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstreams(..)")
    }
}

/// The body of an upstream's answer, as it comes.
#[derive(Debug)]
pub struct Pieces {
    body: Incoming,
    patience: Duration,
}

impl Pieces {
    /// The next piece; `None` once the body has ended well.
    ///
    /// # Errors
    /// A connection that breaks or is silent for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        loop {
            match timeout(self.patience, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
                Ok(Some(Err(_))) => return Err(UpstreamError::Broken),
                Ok(None) => return Ok(None),
                Err(_) => return Err(silent(self.patience)),
            }
        }
    }

    /// How long all of a body that is not streamed may take.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }
}

const fn silent(patience: Duration) -> UpstreamError {
    UpstreamError::Silent { seconds: patience.as_secs() }
}

/// A path behind a base URL.
fn place(variable: &'static str, base: &str, path: &str) -> Result<Uri, SetUpError> {
    let bad = |problem: String| SetUpError::Url { variable, problem };
    if base.contains(['?', '#']) {
        return Err(bad("a base URL has neither query nor fragment".to_owned()));
    }
    let target = Target::parse(&format!("{}{path}", base.trim_end_matches('/')), true);
    target.map(|target| target.uri().clone()).map_err(|error| bad(error.to_string()))
}

fn with_query(uri: &Uri, query: &str) -> Result<Uri, UpstreamError> {
    if query.is_empty() {
        return Ok(uri.clone());
    }
    let mut parts = uri::Parts::from(uri.clone());
    let path = format!("{}?{query}", uri.path());
    parts.path_and_query = Some(path.parse().map_err(|_| UpstreamError::Query)?);
    Uri::from_parts(parts).map_err(|_| UpstreamError::Query)
}

#[cfg(test)]
mod tests {
    use super::{Upstreams, place, with_query};
    use crate::config::Models;

    #[test]
    fn a_base_url_is_checked_at_the_start() {
        for bad in
            ["", "api.openai.com", "ftp://x/v1", "https://", "https://u:p@x/v1", "https://x/v1?a=b", "https://x/#f"]
        {
            let models = Models { openai: bad.to_owned(), ..Models::default() };
            assert!(Upstreams::new(&models).is_err(), "{bad}");
            let models = Models { anthropic: bad.to_owned(), ..Models::default() };
            assert!(Upstreams::new(&models).is_err(), "{bad}");
        }
        for (base, whole) in [
            ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/models"),
            ("https://x.example/v1/", "https://x.example/v1/models"),
            ("https://x.example", "https://x.example/models"),
        ] {
            assert_eq!(place("V", base, "/models").expect("sound").to_string(), whole);
        }
    }

    #[test]
    fn a_query_is_put_behind_the_path() {
        let uri = place("V", "https://x.example/v1", "/models").expect("sound");
        assert_eq!(with_query(&uri, "a=1&b=%20").expect("sound").to_string(), "https://x.example/v1/models?a=1&b=%20");
        assert_eq!(with_query(&uri, "").expect("sound"), uri);
        assert!(with_query(&uri, "a b").is_err());
    }
}
