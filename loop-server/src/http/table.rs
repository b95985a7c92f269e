//! The route table: one row says all there is to say about a route.
//!
//! A row is a plain struct literal without defaults, so a route that forgets to say who may call it does not
//! compile. From the rows come the router, the check of key and scope, body limits, the OpenAPI document,
//! metric labels, and a set of tests for every row.

use std::{future::Future, pin::Pin};

use http::Method;
use loop_core::access::Scope;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{Call, Failure, Reply};
use crate::surface::Surface;

/// The largest body of an ordinary route, in bytes.
pub const BODY_LIMIT: usize = 1 << 20;

/// What a handler ends with.
pub type Outcome = Result<Reply, Failure>;

/// A handler's work under way.
pub type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The schema of a type, drawn when the document is made.
pub type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub struct Row {
    /// The method. A `GET` row also answers `HEAD`.
    pub method: Method,
    /// The path; `{id}` stands for one segment and a last `{*rest}` for all that follows. Both reach the
    /// handler percent-decoded once.
    pub path: &'static str,
    /// The operation's name, such as `approval.decide`: its metric label and its id in the OpenAPI document.
    pub operation: &'static str,
    /// Whose dialect it speaks.
    pub surface: Surface,
    /// Who may call it.
    pub access: Access,
    /// One line for people.
    pub summary: &'static str,
    /// Parameters of the query that it reads.
    pub query: &'static [Param],
    /// The body it reads, if any; `POST`, `PUT` and `PATCH` only.
    pub input: Option<SchemaFn>,
    /// What it answers when it succeeds.
    pub output: Output,
    /// Statuses of success, the usual one first.
    pub success: &'static [u16],
    /// The largest body it accepts, in bytes; beyond it the answer is 413.
    pub body_limit: usize,
    /// What runs.
    pub handler: Handler,
    /// A call that succeeds, for the tests of every row; `None` when it takes more than a call.
    pub example: Option<Example>,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone. The answer must not depend on any tenant's data.
    Public,
    /// A key that holds the scope.
    Scope(Scope),
    /// A key that holds one of these scopes at least; the handler asks for what else it needs.
    AnyOf(&'static [Scope]),
    /// Any valid key.
    Key,
    /// Whoever holds the single-use token in the path. The handler looks it up; `HEAD` never reaches it.
    Token,
    /// A provider whose signature the handler checks over the raw body.
    Webhook(&'static str),
    /// Whoever holds a short-lived code in the body or the query. The handler looks it up.
    Code,
}

impl Access {
    /// Whether a key is asked for.
    #[must_use]
    pub const fn guarded(self) -> bool {
        matches!(self, Self::Scope(_) | Self::AnyOf(_) | Self::Key)
    }

    /// The scopes of which a key must hold one; none when any key will do.
    #[must_use]
    pub const fn scopes(&self) -> &[Scope] {
        match self {
            Self::Scope(scope) => std::slice::from_ref(scope),
            Self::AnyOf(scopes) => scopes,
            Self::Key | Self::Public | Self::Token | Self::Webhook(_) | Self::Code => &[],
        }
    }
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type: `string`, `integer` or `boolean`.
    pub kind: &'static str,
    /// What it does, with its default and bounds.
    pub about: &'static str,
}

/// What a route answers.
#[derive(Clone, Copy)]
pub enum Output {
    /// JSON of this type.
    Json(SchemaFn),
    /// Nothing: the status says it all.
    Nothing,
    /// Anything else, by its media type.
    Media(&'static str),
}

/// What runs for a row. Plain functions: `Handler::Later(|call| Box::pin(decide(call)))`.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Answers without waiting for anything. The hot path takes this way: nothing is boxed.
    Now(fn(&Call) -> Outcome),
    /// Waits for the store or the network.
    Later(fn(Call) -> Work),
    /// Answers at once when all it needs is at hand (`Some`), else waits.
    NowOrLater(fn(&Call) -> Option<Outcome>, fn(Call) -> Work),
}

/// A call that succeeds.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What runs first, in this order: operations by their examples, or request lines with a body behind them,
    /// such as `POST /api/intercept {…}`.
    pub before: &'static [&'static str],
    /// Where the last of their answers holds what `{id}` stands for in [`Self::path`], as a JSON pointer.
    pub id: &'static str,
    /// The path, query included.
    pub path: &'static str,
    /// The body; empty for none.
    pub body: &'static str,
}

/// The schema of `T`, for [`Row::input`] and [`Output::Json`].
pub fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Row {
    /// The parameters of the path, in order.
    pub fn path_params(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            Some(name.strip_prefix('*').unwrap_or(name))
        })
    }

    /// Whether calling it may change anything.
    #[must_use]
    pub fn mutates(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether its method carries a body that is read.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        matches!(self.method, Method::POST | Method::PUT | Method::PATCH)
    }

    /// Whether its bodies may be compressed, which its handler reads, and large, which all of them share a bound for.
    #[must_use]
    pub fn takes_coded(&self) -> bool {
        matches!(self.access, Access::Scope(Scope::TelemetryWrite))
    }

    /// Whether it is called too often for a line in the log at level `info`.
    #[must_use]
    pub fn quiet(&self) -> bool {
        matches!(self.access, Access::Scope(Scope::PolicyEvaluate | Scope::TelemetryWrite))
            || self.surface == Surface::System
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.operation)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::Method;

    use crate::surface;

    #[test]
    fn operations_are_named_once_and_in_one_form() {
        let mut seen = HashSet::new();
        for row in surface::rows() {
            assert!(seen.insert(row.operation), "{row:?} is named twice");
            let plain = row.operation.bytes().all(|b| matches!(b, b'a'..=b'z' | b'.' | b'_'));
            assert!(plain && row.operation.contains('.'), "{row:?}");
            assert!(!row.summary.is_empty() && !row.summary.ends_with('.'), "{row:?}");
        }
    }

    #[test]
    fn rows_make_sense() {
        for row in surface::rows() {
            assert!(row.input.is_none() || row.reads_body(), "{row:?} has an input that is never read");
            assert!(row.method != Method::HEAD && row.method != Method::OPTIONS, "{row:?} is answered by the router");
            assert!(!row.success.is_empty() && row.success.iter().all(|s| matches!(s, 200..=299 | 501)), "{row:?}");
            assert!(row.path.starts_with('/') && row.body_limit > 0, "{row:?}");
        }
    }
}
