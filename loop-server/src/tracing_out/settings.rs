//! Where spans of our own decisions go: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`,
//! `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_SERVICE_NAME`, as OpenTelemetry's specification has them.

use http::{HeaderMap, HeaderName, HeaderValue};
use loop_core::base::secret::Secret;

use crate::outbound::{Error, Target};

/// The service's name where none is given.
const SERVICE: &str = "loop";
/// The most headers.
const HEADERS_MAX: usize = 32;

/// Where to send spans.
#[derive(Clone)]
pub struct Settings {
    /// The URL that spans are posted to.
    pub url: String,
    /// Headers to send, `name=value` with commas between, values percent-encoded. They may hold a key.
    pub headers: Option<Secret>,
    /// What we call ourselves.
    pub service: String,
}

/// Why spans cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum UnfitTarget {
    /// The endpoint is no URL.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT {0}")]
    Url(#[source] Error),
    /// The headers are none. Their text is not shown: it may hold a key.
    #[error("OTEL_EXPORTER_OTLP_HEADERS is not a list of `name=value` with commas between")]
    Headers,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Shows nothing: the URL may hold a key too.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the variables; `None` when no endpoint is named, or OpenTelemetry is switched off.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name| variable(name).filter(|text| !text.trim().is_empty());
        if given("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return None;
        }
        let url = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
            given("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| format!("{}/v1/traces", base.trim_end_matches('/')))
        })?;
        let headers = given("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| given("OTEL_EXPORTER_OTLP_HEADERS"));
        let service = given("OTEL_SERVICE_NAME").unwrap_or_else(|| SERVICE.to_owned());
        Some(Self { url, headers: headers.map(Secret::new), service })
    }

    /// The URL, checked. A collector usually stands next door: private addresses and plain `http` are fine.
    pub(super) fn target(&self) -> Result<Target, UnfitTarget> {
        Target::parse(&self.url, true).map_err(UnfitTarget::Url)
    }

    /// The headers of every request.
    pub(super) fn headers(&self) -> Result<HeaderMap, UnfitTarget> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let pairs = self.headers.as_ref().map_or("", Secret::expose).split(',').filter(|pair| !pair.trim().is_empty());
        for pair in pairs.take(HEADERS_MAX) {
            let (name, value) = pair.split_once('=').ok_or(UnfitTarget::Headers)?;
            let decoded = decoded(value.trim()).ok_or(UnfitTarget::Headers)?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| UnfitTarget::Headers)?;
            let mut value = HeaderValue::from_bytes(&decoded).map_err(|_| UnfitTarget::Headers)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// Percent-decodes; `None` for a `%` without two hexadecimal digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, others) = rest.split_first_chunk::<2>()?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = others;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{Settings, UnfitTarget};

    fn of(pairs: &'static [(&'static str, &'static str)]) -> Option<Settings> {
        Settings::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_sent_unless_an_endpoint_is_named() {
        assert!(of(&[]).is_none());
        assert!(of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).is_none());
        assert!(of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"), ("OTEL_SDK_DISABLED", "true")]).is_none());
        let base = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/")]).unwrap();
        assert_eq!((base.url.as_str(), base.service.as_str()), ("http://a:4318/v1/traces", "loop"));
        let own = of(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/x"), ("OTEL_SERVICE_NAME", "gate")]).unwrap();
        assert_eq!((own.url.as_str(), own.service.as_str()), ("http://a/x", "gate"));
    }

    #[test]
    fn headers_are_decoded_and_never_shown() {
        let settings = of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20s3cret, x-team = a%2Cb,"),
        ])
        .unwrap();
        let headers = settings.headers().unwrap();
        assert_eq!(headers["authorization"], "Bearer s3cret");
        assert_eq!(headers["x-team"], "a,b");
        assert!(!format!("{settings:?} {headers:?}").contains("s3cret"));
        for bad in ["novalue", "a=%zz", "a=%2", "b c=d", "a=x%0Ay"] {
            let settings = Settings { headers: Some(loop_core::base::secret::Secret::new(bad)), ..settings.clone() };
            assert!(matches!(settings.headers(), Err(UnfitTarget::Headers)), "{bad}");
        }
    }
}
