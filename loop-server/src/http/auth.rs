//! Whose request it is. Runs before a byte of the body is read.

use std::borrow::Cow;

use http::{HeaderMap, Method, header};
use loop_core::{
    access::{AccessError, Caller, Scope, Scopes},
    base::{Code, Time},
};

use super::{Dialect, Failure, Row, dialect::KeyPlace};
use crate::{state::App, surface::Surface};

/// What most surfaces say of a key that is absent or not valid.
pub const REFUSED: &str = "missing or invalid API key";
/// The longest text that is looked up as a key, in bytes.
const KEY_MAX: usize = 256;

/// The caller behind a request. What it may do is [`admit`]'s to say.
///
/// # Errors
/// [`Code::Unauthenticated`] without a valid key, and the store's own failure when the key cannot be looked up.
pub async fn caller(
    app: &App,
    row: &Row,
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
    now: Time,
) -> Result<Caller, Failure> {
    let dialect = row.surface.dialect();
    match told(dialect, method, headers, query) {
        Some(token) => holder(app, dialect, &token, now).await,
        None => Err(Failure::new(Code::Unauthenticated, dialect.no_key)),
    }
}

/// The caller behind a key.
///
/// # Errors
/// As [`caller`].
pub async fn holder(app: &App, dialect: &Dialect, token: &str, now: Time) -> Result<Caller, Failure> {
    let refused = || Failure::new(Code::Unauthenticated, dialect.bad_key);
    if !sane(token) {
        return Err(refused());
    }
    let known = app.engine.known_caller(token);
    let caller = match known {
        Some(caller) => caller,
        None => match app.engine.authenticate(token).await {
            Ok(caller) => caller,
            Err(error) if error.code() == Code::Unauthenticated => return Err(refused()),
            Err(error) => return Err(Failure::of(error.code(), &error)),
        },
    };
    if caller.expires_at.is_some_and(|end| end <= now) {
        return Err(refused());
    }
    Ok(caller)
}

/// Whether the caller's key may call the row.
///
/// # Errors
/// [`Code::InsufficientScope`], and [`Code::LoopSuspended`] for a suspended loop that would change something.
pub fn admit(row: &Row, caller: &Caller) -> Result<(), Failure> {
    let needed = row.access.scopes();
    if !needed.is_empty() && !needed.iter().any(|scope| caller.scopes.has(*scope)) {
        return Err(lacking(row.surface, needed, caller.scopes));
    }
    // What any valid key may call is not for the key in a claim's prompt.
    if caller.claimed.is_some() && !needed.contains(&Scope::IssuesClaimed) {
        return Err(Failure::new(Code::InsufficientScope, "the key of a claim works on its issue only"));
    }
    // A key of a project is a stranger's: nothing else of its tenant is its business.
    if caller.project.is_some() && row.surface != Surface::Telemetry {
        return Err(Failure::new(Code::InsufficientScope, "the key of a project works on its telemetry only"));
    }
    // Only the developer surface knows how to simulate.
    if caller.sandboxed && row.mutates() && row.surface != Surface::Developer {
        let error = AccessError::Sandboxed;
        return Err(Failure::of(error.code(), &error));
    }
    // Deciding rows of the developer surface answer for a suspended loop themselves, with a verdict.
    let decides = row.surface == Surface::Developer
        && needed.iter().any(|scope| matches!(scope, Scope::PolicyEvaluate | Scope::ToolsInvoke));
    if caller.suspended && row.mutates() && !decides {
        caller.awake().map_err(|error| Failure::of(error.code(), &error))?;
    }
    Ok(())
}

/// The refusal of a key that holds none of the scopes of which it needs one.
#[must_use]
pub fn lacking(surface: Surface, needed: &[Scope], granted: Scopes) -> Failure {
    let names: Vec<&str> = needed.iter().map(|scope| scope.as_str()).collect();
    let message = format!("this key lacks the scope `{}`", names.join("` or `"));
    let failure = Failure::new(Code::InsufficientScope, message);
    if surface == Surface::Developer {
        let granted: Vec<&str> = granted.iter().map(Scope::as_str).collect();
        failure.with("required", names).with("granted", granted)
    } else {
        failure.with("required_scope", names.first().copied().unwrap_or_default())
    }
}

/// The key in the first place that holds one; `None` when that text cannot be a key.
pub(super) fn presented<'r>(
    dialect: &Dialect,
    method: &Method,
    headers: &'r HeaderMap,
    query: Option<&'r str>,
) -> Option<Cow<'r, str>> {
    told(dialect, method, headers, query).filter(|key| sane(key))
}

/// Whether a text can be a key.
fn sane(key: &str) -> bool {
    key.len() <= KEY_MAX && key.bytes().all(|b| b.is_ascii_graphic())
}

/// The text in the first place that holds one; `None` when there is none, or not in the right form.
fn told<'r>(
    dialect: &Dialect,
    method: &Method,
    headers: &'r HeaderMap,
    query: Option<&'r str>,
) -> Option<Cow<'r, str>> {
    let authorization = |read: fn(&'r str) -> &'r str| {
        headers.get(header::AUTHORIZATION).map(|value| read(value.to_str().unwrap_or("")))
    };
    let place = dialect.keys.iter().find_map(|place| match place {
        KeyPlace::Header(name) => headers.get(*name).map(|value| value.to_str().unwrap_or("")),
        KeyPlace::Bearer => authorization(bearer),
        KeyPlace::ExactBearer => authorization(|value| value.strip_prefix("Bearer ").unwrap_or("")),
    });
    let key = match place {
        Some(key) => Cow::Borrowed(key.trim()),
        None if dialect.query_key.allows(method) => {
            url::form_urlencoded::parse(query?.as_bytes()).find(|(name, _)| name == "api_key")?.1
        }
        None => return None,
    };
    (!key.is_empty()).then_some(key)
}

/// What follows `Bearer `, in any case; nothing for another scheme.
fn bearer(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, Method};

    use super::presented;
    use crate::surface::Surface;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"))
            })
            .collect()
    }

    fn key(surface: Surface, method: Method, pairs: &[(&str, &str)], query: Option<&str>) -> Option<String> {
        presented(surface.dialect(), &method, &headers(pairs), query).map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn governance_reads_all_three_places() {
        let of = |method, pairs: &[(&str, &str)], query| key(Surface::Governance, method, pairs, query);
        assert_eq!(of(Method::POST, &[("x-api-key", "tl_a")], None).as_deref(), Some("tl_a"));
        assert_eq!(of(Method::POST, &[("authorization", "bearer tl_b")], None).as_deref(), Some("tl_b"));
        assert_eq!(of(Method::GET, &[], Some("limit=1&api_key=tl_%63")).as_deref(), Some("tl_c"));
        assert_eq!(of(Method::POST, &[], Some("api_key=tl_c")), None);
        assert_eq!(
            of(Method::POST, &[("x-api-key", "tl_a"), ("authorization", "Bearer tl_b")], None).as_deref(),
            Some("tl_a")
        );
    }

    #[test]
    fn an_empty_or_strange_key_is_not_saved_by_another_place() {
        let of = |pairs: &[(&str, &str)]| key(Surface::Governance, Method::GET, pairs, Some("api_key=tl_c"));
        assert_eq!(of(&[("x-api-key", "")]), None);
        assert_eq!(of(&[("authorization", "Basic dGw6eA==")]), None);
        assert_eq!(of(&[("x-api-key", "two words")]), None);
        assert_eq!(of(&[("x-api-key", &"k".repeat(257))]), None);
    }

    #[test]
    fn a_proxy_never_takes_the_upstreams_key_for_ours() {
        for surface in [Surface::OpenAi, Surface::Anthropic] {
            let of = |pairs: &[(&str, &str)]| key(surface, Method::POST, pairs, Some("api_key=tl_c"));
            assert_eq!(of(&[("authorization", "Bearer sk-upstream")]), None);
            assert_eq!(of(&[("authorization", "Bearer sk-upstream"), ("x-api-key", "tl_a")]).as_deref(), Some("tl_a"));
            assert_eq!(of(&[("x-api-key", "sk-ant-upstream"), ("x-loop-key", "tl_b")]).as_deref(), Some("tl_b"));
        }
    }

    #[test]
    fn the_improvement_surface_reads_the_scheme_as_it_is_spelt() {
        let of = |value: &str| key(Surface::Improvement, Method::GET, &[("authorization", value)], None);
        assert_eq!(of("Bearer tl_a").as_deref(), Some("tl_a"));
        for bad in ["bearer tl_a", "BEARER tl_a", "Basic tl_a", "tl_a", "Bearertl_a", "Bearer ", "Bearer"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn mcp_takes_the_key_from_the_query_with_every_method() {
        assert_eq!(key(Surface::Mcp, Method::POST, &[], Some("api_key=tl_c")).as_deref(), Some("tl_c"));
    }
}
