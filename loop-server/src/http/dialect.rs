//! A surface's dialect: where its keys are read and how its failures look. Handlers never know it.

use http::Method;
use loop_core::base::Code;
use serde_json::{Map, Value};

/// How one surface speaks.
pub struct Dialect {
    /// The surface's name, which groups its routes in documents.
    pub name: &'static str,
    /// Where a key may stand, the place that wins first. The first place that holds anything is the one that
    /// counts: a bad key there is not saved by a good one elsewhere.
    pub keys: &'static [KeyPlace],
    /// Whether `?api_key=` may carry the key when no header does.
    pub query_key: QueryKey,
    /// What a request is told that carries no key where and how one is read.
    pub no_key: &'static str,
    /// What a request is told whose key is not, or no longer, valid.
    pub bad_key: &'static str,
    /// Origins of other servers whose pages may call this surface with a key and read its answers.
    pub origins: &'static [&'static str],
    /// The body of a failure.
    pub failure: fn(&Refusal<'_>) -> Value,
}

/// A place where a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// The whole value of this header, named in lower case.
    Header(&'static str),
    /// `Authorization: Bearer …`, the scheme in any case.
    Bearer,
    /// `Authorization: Bearer …`, the scheme spelt so.
    ExactBearer,
}

/// When a key may stand in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKey {
    /// Never.
    Never,
    /// On `GET` and `HEAD`.
    OnGet,
    /// With every method.
    Always,
}

impl QueryKey {
    /// Whether a request of this method may carry its key in the query.
    #[must_use]
    pub fn allows(self, method: &Method) -> bool {
        match self {
            Self::Never => false,
            Self::OnGet => matches!(*method, Method::GET | Method::HEAD),
            Self::Always => true,
        }
    }
}

/// What a failure's body is made of.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The error code.
    pub code: Code,
    /// The HTTP status.
    pub status: u16,
    /// The message for people.
    pub message: &'a str,
    /// The request's id.
    pub request_id: &'a str,
    /// Members that the handler adds, such as the settled outcome beside a 409.
    pub extra: Option<&'a Map<String, Value>>,
}

impl Dialect {
    /// The body of a failure, as bytes.
    #[must_use]
    pub fn wrap(&self, refusal: &Refusal<'_>) -> Vec<u8> {
        // A `Value` always writes; an empty body would still carry the right status.
        serde_json::to_vec(&(self.failure)(refusal)).unwrap_or_default()
    }
}
