//! The HTTP layer that every surface stands on.
//!
//! - [`table`]: what a route declares ([`Row`]); nothing about a route is said anywhere else.
//! - [`dialect`]: how a surface reads keys and wraps failures.
//! - [`call`], [`reply`], [`failure`]: what a handler gets and gives.
//! - [`router`]: from method and path to a row.
//! - [`request`]: the way of one request: route, origin, key, scope, body, handler, answer.
//! - [`idempotency`]: a request sent twice and carried out once.
//! - [`auth`], [`rate`], [`by_address`], [`origin`], [`cors`], [`body`], [`stream`], [`drawn`], [`path`],
//!   [`request_id`]: its steps and parts.
//! - [`room`]: memory for large bodies.
//! - [`rpc_status`]: failures for clients that speak protocol buffers.
//! - [`listen`], [`pulse`], `eager`, [`serve`]: sockets, time limits of a connection, how it is polled, and the accept
//!   loop.
//! - [`openapi`], [`docs_page`]: the table as a document.

pub mod auth;
pub mod body;
pub mod by_address;
pub mod call;
pub mod cors;
pub mod dialect;
pub mod docs_page;
pub mod drawn;
mod eager;
pub mod failure;
pub mod hop_by_hop;
pub mod idempotency;
pub mod listen;
pub mod openapi;
pub mod origin;
pub mod path;
pub mod pulse;
pub mod rate;
pub mod reply;
pub mod request;
pub mod request_id;
pub mod room;
pub mod router;
pub mod rpc_status;
pub mod serve;
pub mod stream;
pub mod table;

pub use call::Call;
pub use dialect::Dialect;
pub use failure::Failure;
pub use listen::{Listen, Listener};
pub use reply::Reply;
pub use router::Router;
pub use table::{Access, BODY_LIMIT, Example, Handler, Output, Param, Row, schema_of};
